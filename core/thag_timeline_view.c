/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_slices_visit.h"
#include "thag_timeline_private.h"
#include "thag_view_private.h"

/*
 * Where there is far more than an answer may have, a look at coarser summaries comes first, so many
 * steps coarser: rows that have more than their share even so need no finer one.
 */
#define FIRST_LOOK 2
#define FULL_CHUNKS 2

/* Answering: which of the rows of an answer are of the ring that is being looked at. */
struct looking {
	struct thag_timeline *timeline;
	const struct thag_view_query *query;
	struct thag_view *view;
	struct thag_slice_grid grid;
	const struct thag_view_lane *lanes[THAG_LANE_KINDS]; /* NULL: that one isn't asked for */
	uint32_t first[THAG_LANE_KINDS];		     /* of their rows */
	uint64_t from, to; /* of the window and one column on each side */
	bool begun;	   /* there were slices of this ring */
	bool first_look;
};

void thag_view_fini(struct thag_view *view)
{
	if (view->state) {
		for (uint32_t i = 0; i < view->state->row_capacity; i++)
			free(view->state->rows[i].slices);
		free(view->state->rows);
		free(view->state->shifts);
		free(view->state->spare.slices);
		thag_slices_fini(&view->state->chunk);
		free(view->state);
	}
	free(view->rows);
	free(view->slices);
	*view = (struct thag_view){ 0 };
}

/*
 * What is in the columns beside the window is looked at, too: it may be joined or merged with what
 * goes into it.
 */
static bool is_before(const struct looking *looking, const struct thag_slice *slice)
{
	return slice->end < looking->from;
}

/* The first piece of a ring's time may begin with what began before. */
static void begin_piece(struct looking *looking, const struct thag_chunk_head *head)
{
	if (!looking->begun)
		looking->grid.from = head->base_ticks;
	looking->begun = true;
}

static int add_stored_row(struct looking *looking, const struct thag_slices_reader *reader,
			  uint32_t kind, uint32_t row, uint64_t base)
{
	const struct thag_view_state *state = looking->view->state;
	struct thag_slice_row *into = &state->rows[looking->first[kind] + row];
	struct thag_slice_cursor cursor;
	struct thag_slice slice;
	int error = 0;

	if (state->shifts[looking->first[kind] + row] != looking->grid.shift)
		return 0; /* the first look was enough */
	cursor = thag_slices_row(reader, kind, looking->lanes[kind]->first_row + row, base);
	while (error == 0 && thag_slice_next(&cursor, &slice) && slice.start < looking->to)
		if (!is_before(looking, &slice))
			error = thag_slice_row_merge(into, &looking->grid, &slice);
	return error;
}

/* Adds what a summary has. What makes no sense in it is left out. */
static int add_stored(struct looking *looking, const struct thag_entry *entry,
		      const struct thag_buffer *stored)
{
	struct thag_slices_reader reader;
	int error = 0;

	looking->view->summaries++;
	if (thag_slices_read(&reader, stored->data, stored->bytes) != 0) {
		looking->view->flags |= THAG_VIEW_HOLES;
		return 0;
	}
	begin_piece(looking, &entry->chunk.head);
	for (uint32_t kind = 0; kind < THAG_LANE_KINDS; kind++)
		for (uint32_t i = 0;
		     looking->lanes[kind] && i < looking->lanes[kind]->rows && error == 0; i++)
			error = add_stored_row(looking, &reader, kind, i,
					       entry->chunk.head.base_ticks);
	return error;
}

/* Adds what words say of a row. */
static int add_words_row(struct looking *looking, const struct thag_slice_row *from, uint32_t to)
{
	const struct thag_view_state *state = looking->view->state;
	struct thag_slice_grid grid = { looking->grid.from, state->shifts[to] };
	int error = 0;

	for (uint32_t i = 0; i < from->count && error == 0; i++)
		if (from->slices[i].start < looking->to && !is_before(looking, &from->slices[i]))
			error = thag_slice_row_push(&state->rows[to], &grid, from->slices[i]);
	return error;
}

/* Adds what words say, to all rows, or to those for which the first look wasn't enough. */
static int add_words(struct looking *looking, const struct thag_chunk_raw *raw, bool to_all)
{
	struct thag_view *view = looking->view;
	struct thag_slices *chunk = &view->state->chunk;
	int error;

	view->words += raw->head.words;
	thag_slices_clear(chunk, raw->head.base_ticks, raw->head.last_ticks);
	chunk->grid.shift = view->shift;
	for (uint32_t kind = 0; kind < THAG_LANE_KINDS; kind++) {
		chunk->first_row[kind] = looking->lanes[kind] ? looking->lanes[kind]->first_row : 0;
		chunk->row_limit[kind] = looking->lanes[kind] ? looking->lanes[kind]->rows : 0;
	}
	error = thag_slices_add_until(chunk, raw, looking->to);
	begin_piece(looking, &raw->head);
	for (uint32_t kind = 0; kind < THAG_LANE_KINDS; kind++)
		for (uint32_t i = 0; i < chunk->row_count[kind] && error == 0; i++) {
			uint32_t row = looking->first[kind] + i;

			if (to_all || view->state->shifts[row] == looking->grid.shift)
				error = add_words_row(looking, &chunk->rows[kind][i], row);
		}
	return error;
}

static bool may_decode(const struct looking *looking, uint64_t words)
{
	return looking->query->words_max == 0 ||
	       looking->view->words + words <= looking->query->words_max;
}

/* Whether the words of an entry were added; false where they are gone, or too many. */
static bool try_words(struct looking *looking, struct thag_entry *entry, int *error)
{
	struct thag_chunk_raw raw;

	if (entry->chunk.head.level != 0 || !thag_entry_has(entry, THAG_PART_WORDS) ||
	    !may_decode(looking, entry->chunk.head.words) ||
	    thag_timeline_words(looking->timeline, entry, &raw) != 0)
		return false;
	*error = add_words(looking, &raw, false);
	thag_openings_fini(&raw.openings);
	return true;
}

static bool take(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	struct thag_entry *entry = thag_place_entry(place);
	struct looking *looking = walk->context;
	const struct thag_chunk_head *head = &entry->chunk.head;
	const struct thag_buffer *stored;
	bool fits = thag_slices_shift(head->last_ticks - head->base_ticks, THAG_SLICES_COLUMNS) <=
		    looking->grid.shift;

	if (!fits && has_below)
		return false;
	if (head->flags & THAG_CHUNK_GAP)
		looking->view->flags |= THAG_VIEW_HOLES;
	if (!fits && !looking->first_look && try_words(looking, entry, &walk->error))
		return true;
	stored = thag_timeline_part(walk->timeline, entry, THAG_PART_SLICES);
	if (!stored) {
		looking->view->flags |= has_below ? 0 : (uint32_t)THAG_VIEW_HOLES;
		return false;
	}
	looking->view->flags |= fits ? 0 : (uint32_t)THAG_VIEW_COARSE;
	walk->error = add_stored(looking, entry, stored);
	return true;
}

static int look_at_open(struct looking *looking, const struct thag_chunk_raw *open)
{
	if (!open || !thag_head_overlaps(&open->head, looking->from, looking->to))
		return 0;
	if (may_decode(looking, open->head.words))
		return add_words(looking, open, true);
	looking->view->flags |= THAG_VIEW_CUT;
	return 0;
}

/*
 * Whether a first look pays: the window is as long as several of the ring's chunks, so that there
 * are summaries that fit it, and no words are decoded for it.
 */
static bool is_full(const struct looking *looking, const struct thag_timeline_lane_ring *ring)
{
	const struct thag_level *chunks = &ring->levels[0];
	double window = (double)(looking->view->to - looking->view->from);
	double all = (double)(ring->last_ticks - ring->first_ticks) + 1;

	return window * (double)(chunks->first + chunks->count) > FULL_CHUNKS * all;
}

static int look_at_ring(struct looking *looking, uint32_t number)
{
	const struct thag_timeline_lane_ring *ring =
		thag_timeline_find_ring(looking->timeline, number);
	struct thag_walk walk = { .timeline = looking->timeline,
				  .from = looking->from,
				  .to = looking->to,
				  .take = take,
				  .context = looking };

	looking->begun = false;
	if (ring && thag_ring_lost(ring, looking->view->from, looking->view->to))
		looking->view->flags |= THAG_VIEW_HOLES;
	if (ring && (!looking->first_look || is_full(looking, ring)))
		thag_timeline_walk(&walk, ring);
	if (walk.error || looking->first_look)
		return walk.error;
	return look_at_open(looking, thag_timeline_find_open(&looking->query->open, number));
}

/* All lanes of the ring that lane `*at` is of; `*at` becomes the next one. */
static int look_at_lanes(struct looking *looking, uint32_t *at, uint32_t *row)
{
	const struct thag_view_query *query = looking->query;
	uint32_t ring = query->lanes[*at].ring;

	for (uint32_t kind = 0; kind < THAG_LANE_KINDS; kind++) {
		looking->lanes[kind] = NULL;
		if (*at == query->lane_count || query->lanes[*at].ring != ring ||
		    query->lanes[*at].kind != kind)
			continue;
		looking->lanes[kind] = &query->lanes[*at];
		looking->first[kind] = *row;
		*row += query->lanes[(*at)++].rows;
	}
	return look_at_ring(looking, ring);
}

/* Whether the query makes sense; sets how many rows it has. */
static bool check_query(const struct thag_view_query *query, uint32_t *rows)
{
	uint64_t last = 0;

	*rows = 0;
	if (query->from >= query->to || query->to > THAG_CHUNK_TICKS_MAX || query->columns == 0 ||
	    query->columns > THAG_TIMELINE_COLUMNS_MAX ||
	    query->lane_count > THAG_TIMELINE_LANES_MAX)
		return false;
	for (uint32_t i = 0; i < query->lane_count; i++) {
		const struct thag_view_lane *lane = &query->lanes[i];
		uint64_t place = (uint64_t)lane->ring * THAG_LANE_KINDS + lane->kind + 1;

		if (lane->kind >= THAG_LANE_KINDS || lane->rows > THAG_CHUNK_ROWS_MAX ||
		    place <= last)
			return false;
		last = place;
		*rows += lane->rows;
	}
	return *rows <= THAG_TIMELINE_ROWS_MAX;
}

static struct thag_view_state *make_state(void)
{
	struct thag_view_state *state = calloc(1, sizeof(*state));

	if (state && thag_slices_init(&state->chunk, 0, 0) != 0) {
		free(state);
		return NULL;
	}
	return state;
}

/* Rows for an answer, all empty. */
static int begin_rows(struct thag_view *view, uint32_t rows)
{
	struct thag_view_state *state = view->state;
	struct thag_slice_row *grown;
	uint32_t *shifts;

	if (rows > state->row_capacity) {
		shifts = reallocarray(state->shifts, rows, sizeof(*shifts));
		state->shifts = shifts ? shifts : state->shifts;
		grown = shifts ? reallocarray(state->rows, rows, sizeof(*grown)) : NULL;
		if (!grown)
			return -ENOMEM;
		memset(grown + state->row_capacity, 0,
		       (rows - state->row_capacity) * sizeof(*grown));
		state->rows = grown;
		state->row_capacity = rows;
	}
	for (uint32_t i = 0; i < rows; i++) {
		state->rows[i].count = 0;
		state->rows[i].end = 0;
	}
	return 0;
}

static void begin_view(struct thag_view *view, const struct thag_view_query *query)
{
	uint64_t column;

	view->shift = thag_slices_shift(query->to - query->from, query->columns);
	column = UINT64_C(1) << view->shift;
	view->from = query->from & ~(column - 1);
	view->to = (query->to + column - 1) & ~(column - 1);
	view->row_count = view->slice_count = 0;
	view->flags = 0;
	view->summaries = view->words = 0;
}

/* All that was asked for, by columns of 2^shift ticks. */
static int look(struct looking *looking, uint32_t shift)
{
	uint32_t row = 0, lane = 0;
	int error = 0;

	looking->grid.shift = shift;
	while (lane < looking->query->lane_count && error == 0)
		error = look_at_lanes(looking, &lane, &row);
	return error;
}

static int look_first(struct looking *looking, uint32_t rows)
{
	struct thag_view *view = looking->view;
	int error;

	for (uint32_t i = 0; i < rows; i++)
		view->state->shifts[i] = view->shift + FIRST_LOOK;
	looking->first_look = true;
	error = look(looking, view->shift + FIRST_LOOK);
	thag_view_keep_full(view, rows, looking->query->slices_max);
	looking->first_look = false;
	view->flags = 0; /* the second look finds them */
	return error;
}

int thag_timeline_view(struct thag_timeline *timeline, const struct thag_view_query *query,
		       struct thag_view *view)
{
	struct looking looking = { .timeline = timeline, .query = query, .view = view };
	uint32_t rows;
	int error = 0;

	if (!check_query(query, &rows))
		return -EINVAL;
	if (!view->state)
		view->state = make_state();
	if (!view->state || begin_rows(view, rows) != 0)
		return -ENOMEM;
	begin_view(view, query);
	looking.to = view->to + (UINT64_C(1) << view->shift);
	looking.from = view->from ? view->from - (UINT64_C(1) << view->shift) : 0;
	for (uint32_t i = 0; i < rows; i++)
		view->state->shifts[i] = view->shift;
	if (query->slices_max)
		error = look_first(&looking, rows);
	if (error == 0)
		error = look(&looking, view->shift);
	if (error == 0)
		error = thag_view_finish(view, query);
	thag_timeline_trim(timeline);
	if (error != 0)
		view->row_count = view->slice_count = 0;
	return error;
}
