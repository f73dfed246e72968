/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The stored form is that of each point, as numbers:
 *
 *   sites since the one before << 2 | is a value << 1 | stands for several
 *   ring, ticks since the one before
 *   of several: how many, ticks to the last
 *   of a value: the first, and of several: the last less the first, first - min, max - first
 */
#include "thag_notes.h"

#include <errno.h>
#include <stdlib.h>

#include "thag/shm.h"
#include "thag_varint.h"

#define POINT_NUMBERS 9

enum { IS_MERGED = 1, IS_VALUE = 2, HEAD_BITS = 2 };

void thag_notes_fini(struct thag_notes *notes)
{
	thag_buffer_fini(&notes->points);
	*notes = (struct thag_notes){ 0 };
}

static void add(struct thag_notes *notes, const struct thag_note_point *point)
{
	if (thag_buffer_append(&notes->points, point, sizeof(*point)) != 0)
		notes->error = -ENOMEM;
}

void thag_notes_add(struct thag_notes *notes, uint32_t ring, const struct thag_note *note)
{
	struct thag_note_point point = { .ticks = note->ticks,
					 .last_ticks = note->ticks,
					 .first = note->value,
					 .last = note->value,
					 .min = note->value,
					 .max = note->value,
					 .site = note->site,
					 .ext = note->ext,
					 .count = 1,
					 .ring = ring };

	add(notes, &point);
}

static int compare(const void *a, const void *b)
{
	const struct thag_note_point *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	if (x->ext != y->ext)
		return x->ext < y->ext ? -1 : 1;
	if (x->ticks != y->ticks)
		return x->ticks < y->ticks ? -1 : 1;
	return x->ring < y->ring ? -1 : x->ring > y->ring;
}

static void merge(struct thag_note_point *into, const struct thag_note_point *point)
{
	uint64_t count = (uint64_t)into->count + point->count;

	if (point->last_ticks >= into->last_ticks) {
		into->last_ticks = point->last_ticks;
		into->last = point->last;
	}
	into->min = point->min < into->min ? point->min : into->min;
	into->max = point->max > into->max ? point->max : into->max;
	into->count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

void thag_notes_thin(struct thag_notes *notes, uint32_t shift)
{
	struct thag_note_point *points = thag_notes_points(notes);
	size_t count = thag_notes_count(notes), kept = 0;

	if (count == 0)
		return;
	qsort(points, count, sizeof(*points), compare);
	for (size_t i = 0; i < count; i++) {
		struct thag_note_point *last = kept ? &points[kept - 1] : NULL;

		if (last && last->site == points[i].site && last->ext == points[i].ext &&
		    last->ticks >> shift == points[i].ticks >> shift)
			merge(last, &points[i]);
		else
			points[kept++] = points[i];
	}
	notes->points.bytes = kept * sizeof(*points);
}

static uint8_t *put_point(uint8_t *at, const struct thag_note_point *point,
			  const struct thag_note_point *last)
{
	uint64_t head =
		(point->count > 1 ? IS_MERGED : 0) | (point->ext == THAG_EXT_VALUE ? IS_VALUE : 0);

	at = thag_varint_put(at, (uint64_t)(point->site - last->site) << HEAD_BITS | head);
	at = thag_varint_put(at, point->ring);
	at = thag_varint_put(at, thag_zigzag(point->ticks - last->ticks));
	if (head & IS_MERGED) {
		at = thag_varint_put(at, point->count);
		at = thag_varint_put(at, point->last_ticks - point->ticks);
	}
	if (!(head & IS_VALUE))
		return at;
	at = thag_varint_put(at, thag_zigzag((uint64_t)point->first));
	if (!(head & IS_MERGED))
		return at;
	at = thag_varint_put(at, thag_zigzag((uint64_t)point->last - (uint64_t)point->first));
	at = thag_varint_put(at, (uint64_t)point->first - (uint64_t)point->min);
	return thag_varint_put(at, (uint64_t)point->max - (uint64_t)point->first);
}

/* As few points as a summary may have. */
static void limit(struct thag_notes *notes, uint32_t shift)
{
	size_t count;

	for (; thag_notes_count(notes) > THAG_NOTES_MAX && shift < 63; shift++)
		thag_notes_thin(notes, shift + 1);
	count = thag_notes_count(notes);
	if (count <= THAG_NOTES_MAX)
		return;
	notes->dropped += count - THAG_NOTES_MAX;
	notes->points.bytes = THAG_NOTES_MAX * sizeof(struct thag_note_point);
}

int thag_notes_encode(struct thag_notes *notes, uint32_t shift, struct thag_buffer *out)
{
	struct thag_note_point last = { 0 };
	const struct thag_note_point *points;
	size_t count;
	uint8_t *at;

	thag_notes_thin(notes, shift);
	limit(notes, shift);
	count = thag_notes_count(notes);
	points = thag_notes_points(notes);
	if (count == 0)
		return 0;
	if (thag_buffer_reserve(out, count * POINT_NUMBERS * THAG_VARINT_MAX) != 0)
		return -ENOMEM;
	at = out->data + out->bytes;
	for (size_t i = 0; i < count; i++) {
		at = put_point(at, &points[i], &last);
		last = points[i];
	}
	out->bytes = (size_t)(at - out->data);
	return 0;
}

static void get_values(struct thag_cursor *from, struct thag_note_point *point, uint64_t head)
{
	point->first = (int64_t)thag_unzigzag(thag_varint_get(from));
	point->last = point->min = point->max = point->first;
	if (!(head & IS_MERGED))
		return;
	point->last = (int64_t)((uint64_t)point->first + thag_unzigzag(thag_varint_get(from)));
	point->min = (int64_t)((uint64_t)point->first - thag_varint_get(from));
	point->max = (int64_t)((uint64_t)point->first + thag_varint_get(from));
}

static struct thag_note_point get_point(struct thag_cursor *from,
					const struct thag_note_point *last)
{
	uint64_t head = thag_varint_get(from);
	struct thag_note_point point = { .count = 1 };

	from->bad |= head >> HEAD_BITS >= THAG_SITES_MAX - last->site;
	point.site = last->site + (uint32_t)(head >> HEAD_BITS);
	point.ext = head & IS_VALUE ? THAG_EXT_VALUE : THAG_EXT_MARK;
	point.ring = thag_varint_get32(from);
	point.ticks = point.last_ticks = last->ticks + thag_unzigzag(thag_varint_get(from));
	if (head & IS_MERGED) {
		point.count = thag_varint_get32(from);
		point.last_ticks += thag_varint_get(from);
	}
	if (head & IS_VALUE)
		get_values(from, &point, head);
	return point;
}

int thag_notes_merge(struct thag_notes *notes, const uint8_t *data, size_t bytes)
{
	struct thag_cursor from = { .at = data, .end = data + bytes };
	struct thag_note_point last = { 0 };

	while (from.at < from.end) {
		last = get_point(&from, &last);
		if (from.bad)
			return -EBADMSG;
		add(notes, &last);
		if (notes->error != 0)
			return notes->error;
	}
	return 0;
}
