/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The stored form of slices:
 *
 *   shift 1 byte, rows of each lane 2 x 2 bytes, bytes of each row 4 bytes each
 *   rows, those of the threads' own frames first
 *
 * A row is its slices, each as numbers:
 *
 *   distance << 3 | has flags << 2 | other site << 1 | MERGED
 *   flags, site                        where the bits above say so
 *   of a MERGED one: calls, bucket of the longest, ticks covered; the distance is columns from the
 *   begin of the one before, if that is MERGED, else from its end
 *   of another: its ticks; the distance is ticks
 */
#include <errno.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_hist.h"
#include "thag_slices.h"

#define SLICE_NUMBERS 6
#define KIND_FLAGS ((uint32_t)THAG_SLICE_MERGED)

enum { IS_MERGED = 1, OTHER_SITE = 2, HAS_FLAGS = 4, HEAD_BITS = 3 };

static uint8_t *put_slice(uint8_t *at, const struct thag_slice *slice,
			  struct thag_slice_cursor *last)
{
	uint32_t flags = slice->flags & ~KIND_FLAGS;
	uint32_t head = (slice->flags & THAG_SLICE_MERGED ? IS_MERGED : 0) |
			(slice->site != last->site ? OTHER_SITE : 0) | (flags ? HAS_FLAGS : 0);
	uint64_t distance = slice->flags & THAG_SLICE_MERGED
				    ? (slice->start >> last->shift) - (last->at >> last->shift)
				    : slice->start - last->at;

	at = thag_varint_put(at, distance << HEAD_BITS | head);
	if (flags)
		at = thag_varint_put(at, flags);
	if (head & OTHER_SITE)
		at = thag_varint_put(at, slice->site);
	last->site = slice->site;
	if (slice->flags & THAG_SLICE_MERGED) {
		at = thag_varint_put(at, slice->count);
		at = thag_varint_put(at, thag_hist_bucket(slice->longest));
		last->at = slice->start;
		return thag_varint_put(at, slice->covered);
	}
	last->at = slice->end;
	return thag_varint_put(at, slice->end - slice->start);
}

static int put_row(const struct thag_slices *slices, const struct thag_slice_row *row,
		   struct thag_buffer *out)
{
	struct thag_slice_cursor last = { .at = slices->grid.from, .shift = slices->grid.shift };
	uint8_t *at;

	if (thag_buffer_reserve(out, row->count * (size_t)SLICE_NUMBERS * THAG_VARINT_MAX) != 0)
		return -ENOMEM;
	at = out->data + out->bytes;
	for (uint32_t i = 0; i < row->count; i++)
		at = put_slice(at, &row->slices[i], &last);
	out->bytes = (size_t)(at - out->data);
	return 0;
}

int thag_slices_encode(const struct thag_slices *slices, struct thag_buffer *out)
{
	uint8_t shift = (uint8_t)slices->grid.shift;
	uint16_t rows[THAG_LANE_KINDS] = { (uint16_t)slices->row_count[0],
					   (uint16_t)slices->row_count[1] };
	size_t sizes = out->bytes + sizeof(shift) + sizeof(rows);
	uint32_t bytes = 0;

	if (thag_buffer_append(out, &shift, sizeof(shift)) != 0 ||
	    thag_buffer_append(out, rows, sizeof(rows)) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < (uint32_t)rows[0] + rows[1]; i++)
		if (thag_buffer_append(out, &bytes, sizeof(bytes)) != 0)
			return -ENOMEM;
	for (uint32_t lane = 0; lane < THAG_LANE_KINDS; lane++)
		for (uint32_t i = 0; i < rows[lane]; i++, sizes += sizeof(bytes)) {
			size_t begin = out->bytes;

			if (put_row(slices, &slices->rows[lane][i], out) != 0)
				return -ENOMEM;
			bytes = (uint32_t)(out->bytes - begin);
			memcpy(out->data + sizes, &bytes, sizeof(bytes));
		}
	return 0;
}

/* Where each row of a lane begins; `*offset`: the first. */
static bool read_lane(struct thag_slices_reader *reader, uint32_t lane, const uint8_t *sizes,
		      uint64_t *offset)
{
	uint32_t *offsets = reader->offsets[lane];

	for (uint32_t i = 0; i < reader->row_count[lane]; i++) {
		uint32_t bytes;

		memcpy(&bytes, sizes + i * sizeof(bytes), sizeof(bytes));
		offsets[i] = (uint32_t)*offset;
		*offset += bytes;
		if (*offset > reader->bytes)
			return false;
	}
	offsets[reader->row_count[lane]] = (uint32_t)*offset;
	return true;
}

int thag_slices_read(struct thag_slices_reader *reader, const uint8_t *data, size_t bytes)
{
	uint16_t rows[THAG_LANE_KINDS];
	uint64_t offset = 1 + sizeof(rows);

	if (bytes < offset || bytes > UINT32_MAX)
		return -EBADMSG;
	memcpy(rows, data + 1, sizeof(rows));
	reader->data = data;
	reader->bytes = bytes;
	reader->shift = data[0];
	reader->row_count[THAG_LANE_OWN] = rows[THAG_LANE_OWN];
	reader->row_count[THAG_LANE_TASKS] = rows[THAG_LANE_TASKS];
	if (reader->shift > 62 || rows[THAG_LANE_OWN] > THAG_CHUNK_ROWS_MAX ||
	    rows[THAG_LANE_TASKS] > THAG_CHUNK_ROWS_MAX)
		return -EBADMSG;
	data += offset;
	offset += ((uint64_t)rows[THAG_LANE_OWN] + rows[THAG_LANE_TASKS]) * sizeof(uint32_t);
	if (offset > bytes || !read_lane(reader, THAG_LANE_OWN, data, &offset) ||
	    !read_lane(reader, THAG_LANE_TASKS, data + rows[THAG_LANE_OWN] * sizeof(uint32_t),
		       &offset) ||
	    offset != bytes)
		return -EBADMSG;
	return 0;
}

struct thag_slice_cursor thag_slices_row(const struct thag_slices_reader *reader,
					 enum thag_lane_kind lane, uint32_t row, uint64_t from)
{
	struct thag_slice_cursor cursor = { .at = from, .shift = reader->shift };

	if (row >= reader->row_count[lane])
		return cursor;
	cursor.from.at = reader->data + reader->offsets[lane][row];
	cursor.from.end = reader->data + reader->offsets[lane][row + 1];
	return cursor;
}

static void get_merged(struct thag_slice_cursor *cursor, struct thag_slice *slice,
		       uint64_t distance)
{
	uint64_t column = (cursor->at >> cursor->shift) + distance;
	uint32_t bucket;

	slice->start = column << cursor->shift;
	slice->end = (column + 1) << cursor->shift;
	slice->count = thag_varint_get32(&cursor->from);
	bucket = thag_varint_get32(&cursor->from);
	slice->covered = thag_varint_get(&cursor->from);
	slice->longest = bucket < THAG_HIST_BUCKETS ? thag_hist_bucket_low(bucket) : 0;
	cursor->at = slice->start;
}

bool thag_slice_next(struct thag_slice_cursor *cursor, struct thag_slice *slice)
{
	struct thag_cursor *from = &cursor->from;
	uint64_t head;

	if (from->at == from->end)
		return false;
	head = thag_varint_get(from);
	slice->flags = head & IS_MERGED ? THAG_SLICE_MERGED : 0;
	if (head & HAS_FLAGS)
		slice->flags |= thag_varint_get32(from) & UINT8_MAX & ~KIND_FLAGS;
	if (head & OTHER_SITE)
		cursor->site = thag_varint_get32(from);
	slice->site = cursor->site;
	if (head & IS_MERGED) {
		get_merged(cursor, slice, head >> HEAD_BITS);
	} else {
		slice->start = cursor->at + (head >> HEAD_BITS);
		slice->covered = slice->longest = thag_varint_get(from);
		slice->count = 1;
		slice->end = cursor->at = slice->start + slice->covered;
	}
	from->bad |= slice->site >= THAG_SITES_MAX || slice->end < slice->start ||
		     cursor->at > THAG_CHUNK_TICKS_MAX;
	return !from->bad;
}

int thag_slices_merge(struct thag_slices *slices, uint64_t from, const uint8_t *data, size_t bytes)
{
	struct thag_slices_reader reader;
	int error = thag_slices_read(&reader, data, bytes);

	for (uint32_t lane = 0; lane < THAG_LANE_KINDS && error == 0; lane++)
		for (uint32_t i = 0; i < reader.row_count[lane] && error == 0; i++) {
			struct thag_slice_cursor cursor = thag_slices_row(&reader, lane, i, from);
			struct thag_slice slice;

			if (i >= slices->row_count[lane])
				slices->row_count[lane] = i + 1;
			while (error == 0 && thag_slice_next(&cursor, &slice))
				error = thag_slice_row_push(&slices->rows[lane][i], &slices->grid,
							    slice);
			if (error == 0 && cursor.from.bad)
				error = -EBADMSG;
		}
	return error;
}
