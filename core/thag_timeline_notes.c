/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Marks and values of a range, and how busy a ring was. */
#include <errno.h>
#include <string.h>

#include "thag_notes.h"
#include "thag_span.h"
#include "thag_timeline_private.h"

struct gathering {
	const struct thag_notes_query *query;
	struct thag_notes notes;
	uint32_t shift;
	uint32_t ring; /* of the words that are being looked at */
};

static void noted(void *context, struct thag_span *span, const struct thag_note *note)
{
	struct gathering *gathering = context;

	(void)span;
	thag_notes_add(&gathering->notes, gathering->ring, note);
}

static int add_words(struct gathering *gathering, const struct thag_chunk_raw *raw)
{
	static const struct thag_span_visitor visitor = { .noted = noted };
	struct thag_span span;
	int error;

	gathering->ring = raw->head.ring;
	error = thag_span_begin(&span, raw, &visitor, gathering);
	if (error == 0)
		thag_span_run(&span, &visitor, gathering->query->to);
	thag_span_fini(&span);
	return error ? error : gathering->notes.error;
}

static bool try_words(struct thag_walk *walk, struct thag_entry *entry)
{
	struct thag_chunk_raw raw;

	if (entry->chunk.head.level != 0 || !thag_entry_has(entry, THAG_PART_WORDS) ||
	    thag_timeline_words(walk->timeline, entry, &raw) != 0)
		return false;
	walk->error = add_words(walk->context, &raw);
	thag_openings_fini(&raw.openings);
	return true;
}

static bool take(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	struct gathering *gathering = walk->context;
	struct thag_entry *entry = thag_place_entry(place);
	const struct thag_chunk_head *head = &entry->chunk.head;
	const struct thag_buffer *stored;

	stored = thag_timeline_part(walk->timeline, entry, THAG_PART_NOTES);
	if (stored && stored->bytes == 0)
		return true;
	/* points of a coarser column may lie outside of the range, though some notes are in it */
	if (thag_slices_shift(head->last_ticks - head->base_ticks, THAG_SLICES_COLUMNS) >
		    gathering->shift &&
	    (has_below || try_words(walk, entry)))
		return !has_below;
	if (!stored)
		return false;
	walk->error = thag_notes_merge(&gathering->notes, stored->data, stored->bytes);
	if (walk->error == -EBADMSG)
		walk->error = 0; /* what makes no sense is left out */
	return true;
}

static int gather(struct thag_timeline *timeline, struct gathering *gathering)
{
	const struct thag_notes_query *query = gathering->query;
	struct thag_walk walk = { .timeline = timeline,
				  .from = query->from,
				  .to = query->to,
				  .take = take,
				  .context = gathering };

	for (size_t i = 0; i < timeline->ring_count && walk.error == 0; i++)
		thag_timeline_walk(&walk, timeline->rings[i]);
	for (size_t i = 0; i < query->open.count && walk.error == 0; i++)
		if (thag_head_overlaps(&query->open.chunks[i]->head, query->from, query->to))
			walk.error = add_words(gathering, query->open.chunks[i]);
	return walk.error;
}

/* Points that begin in the range, and are of the site that is wanted. */
static int put_points(const struct gathering *gathering, struct thag_buffer *out)
{
	const struct thag_notes_query *query = gathering->query;
	const struct thag_note_point *points = thag_notes_points(&gathering->notes);

	for (size_t i = 0; i < thag_notes_count(&gathering->notes); i++)
		if (points[i].ticks >= query->from && points[i].ticks < query->to &&
		    (query->site == 0 || points[i].site == query->site) &&
		    thag_buffer_append(out, &points[i], sizeof(points[i])) != 0)
			return -ENOMEM;
	return 0;
}

int thag_timeline_notes(struct thag_timeline *timeline, const struct thag_notes_query *query,
			struct thag_buffer *out)
{
	struct gathering gathering = { .query = query };
	int error;

	if (query->from >= query->to || query->columns == 0 ||
	    query->columns > THAG_TIMELINE_COLUMNS_MAX)
		return -EINVAL;
	gathering.shift = thag_slices_shift(query->to - query->from, query->columns);
	error = gather(timeline, &gathering);
	if (error == 0) {
		thag_notes_thin(&gathering.notes, gathering.shift);
		error = put_points(&gathering, out);
	}
	thag_notes_fini(&gathering.notes);
	thag_timeline_trim(timeline);
	return error;
}

/* Columns of slices are finer than those that what they cover is spread over. */
#define FINER 4
#define MAX THAG_TIMELINE_COLUMNS_MAX

/* Spreads what a slice covers over the columns that it is in. */
static void spread(const struct thag_slice *slice, uint64_t from, double column, uint32_t columns,
		   double *covered)
{
	double length = (double)(slice->end - slice->start);
	double density = length > 0 ? (double)slice->covered / length : 0;
	double begin = slice->start > from ? (double)(slice->start - from) : 0;
	double end = slice->end > from ? (double)(slice->end - from) : 0;

	for (uint32_t i = (uint32_t)(begin / column); i < columns && (double)i * column < end;
	     i++) {
		double low = (double)i * column, high = low + column;

		low = low > begin ? low : begin;
		high = high < end ? high : end;
		covered[i] += high > low ? (high - low) * density : 0;
	}
}

int thag_timeline_activity(struct thag_timeline *timeline, uint32_t ring, uint64_t from,
			   uint64_t to, uint32_t columns, struct thag_timeline_open open,
			   uint8_t *out)
{
	const struct thag_view_lane lanes[] = { { ring, THAG_LANE_OWN, 0, 1 },
						{ ring, THAG_LANE_TASKS, 0, 1 } };
	const struct thag_view_query query = { .from = from,
					       .to = to,
					       .columns = columns < MAX / FINER ? columns * FINER
										: columns,
					       .lanes = lanes,
					       .lane_count = 2,
					       .open = open };
	double covered[THAG_TIMELINE_COLUMNS_MAX] = { 0 }, column;
	struct thag_view view = { 0 };
	int error = thag_timeline_view(timeline, &query, &view);

	if (error == 0) {
		column = (double)(to - from) / columns;
		for (uint32_t i = 0; i < view.slice_count; i++)
			spread(&view.slices[i], from, column, columns, covered);
		for (uint32_t i = 0; i < columns; i++)
			out[i] = (uint8_t)(covered[i] < column
						   ? covered[i] / column * UINT8_MAX + 0.5
						   : UINT8_MAX);
	}
	thag_view_fini(&view);
	return error;
}
