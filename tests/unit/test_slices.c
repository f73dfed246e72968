/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_slices.h"

#include <errno.h>

#include "naive_slices.h"

/* A summary of a time, stored. */
struct piece {
	uint64_t from, to;
	struct thag_buffer stored;
};

static struct piece pieces[PROGRAM_CHUNKS_MAX];
static uint32_t piece_count;

static void store(struct thag_slices *slices, struct piece *piece)
{
	piece->stored = (struct thag_buffer){ 0 };
	cr_assert_eq(slices->error, 0);
	cr_assert_eq(thag_slices_encode(slices, &piece->stored), 0);
	thag_slices_fini(slices);
}

static void make_pieces(const struct program_ring *ring)
{
	piece_count = 0;
	for (uint32_t i = 0; i < ring->chunk_count; i++) {
		struct thag_chunk_raw raw = ring->chunks[i];
		struct piece *piece = &pieces[piece_count++];
		struct thag_slices slices;

		piece->from = raw.head.base_ticks;
		piece->to = raw.head.last_ticks;
		cr_assert_eq(thag_slices_init(&slices, piece->from, piece->to), 0);
		cr_assert_eq(thag_slices_add(&slices, &raw), 0);
		store(&slices, piece);
	}
}

/* Merges each `count` pieces to one. */
static void merge_pieces(uint32_t count)
{
	uint32_t merged = 0;

	for (uint32_t i = 0; i < piece_count; i += count) {
		uint32_t end = i + count < piece_count ? i + count : piece_count;
		struct piece piece = { .from = pieces[i].from, .to = pieces[end - 1].to };
		struct thag_slices slices;

		cr_assert_eq(thag_slices_init(&slices, piece.from, piece.to), 0);
		for (uint32_t j = i; j < end; j++) {
			cr_assert_eq(thag_slices_merge(&slices, pieces[j].from,
						       pieces[j].stored.data,
						       pieces[j].stored.bytes),
				     0);
			thag_buffer_fini(&pieces[j].stored);
		}
		cr_assert_eq(thag_slices_end(&slices, piece.to), 0);
		store(&slices, &piece);
		pieces[merged++] = piece;
	}
	piece_count = merged;
}

static void check_row(const struct thag_slices_reader *reader, uint32_t lane, uint32_t row,
		      uint64_t from, unsigned round)
{
	struct thag_slice_cursor cursor = thag_slices_row(reader, lane, row, from);
	struct thag_slice slice;

	for (uint32_t i = 0; i < naive_count; i++) {
		cr_assert(thag_slice_next(&cursor, &slice), "round %u, row %u: %u of %u", round,
			  row, i, naive_count);
		check_slice(&slice, &naive[i], round, row, i);
	}
	cr_assert_not(thag_slice_next(&cursor, &slice));
	cr_assert_not(cursor.from.bad);
}

/* The one piece that is left is what the spans make at once. */
static void check_piece(uint32_t ring, unsigned round)
{
	struct thag_slices_reader reader;
	uint32_t count;

	cr_assert_eq(piece_count, 1);
	cr_assert_eq(thag_slices_read(&reader, pieces[0].stored.data, pieces[0].stored.bytes), 0);
	for (uint32_t lane = 0; lane < THAG_LANE_KINDS; lane++)
		for (uint32_t row = 0; row <= reader.row_count[lane]; row++) {
			const struct program_span *spans = row_spans(ring, lane, row, &count);

			naive_row(spans, count, reader.shift);
			check_row(&reader, lane, row, pieces[0].from, round);
		}
	thag_buffer_fini(&pieces[0].stored);
}

static void check_rounds(unsigned rounds, struct program_options options)
{
	for (unsigned round = 1; round <= rounds; round++) {
		options.steps = round % 10 ? 3000 : 30000;
		options.ticks_max = 1 + round * 7;
		program_begin(round, options);
		program_read(50 + round * 10);
		program_add_open();
		for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
			make_pieces(&program.rings[i]);
			while (piece_count > 1)
				merge_pieces(4);
			check_piece(i, round);
		}
		program_end();
	}
}

Test(slices, merged_pieces_are_what_all_calls_make)
{
	check_rounds(60, (struct program_options){ .depth = 12 });
}

Test(slices, merged_pieces_of_tasks_and_threads_are_what_all_calls_make)
{
	check_rounds(100, (struct program_options){
				  .depth = 8, .tasks = true, .threads = true, .other = true });
}

Test(slices, rows_have_at_most_two_slices_a_column)
{
	struct thag_slice_row row = { 0 };
	struct thag_slice_grid grid = { .from = 0, .shift = 4 };

	for (uint64_t at = 0; at < 16000; at += 17) {
		cr_assert_eq(thag_slice_row_add(&row, &grid, at, at + 1, 1, 0), 0);
		cr_assert_eq(thag_slice_row_add(&row, &grid, at + 1, at + 17, 2, 0), 0);
	}
	cr_expect_leq(row.count, 2001);
	free(row.slices);
}

Test(slices, a_call_that_is_cut_off_by_a_gap_ends_there)
{
	struct thag_slice_row row = { 0 };
	struct thag_slice_grid grid = { .from = 100, .shift = 4 };

	cr_assert_eq(thag_slice_row_add(&row, &grid, 100, 200, 1, THAG_SLICE_BEFORE), 0);
	cr_assert_eq(thag_slice_row_add(&row, &grid, 220, 300, 2, THAG_SLICE_AFTER), 0);
	cr_assert_eq(thag_slice_row_add(&row, &grid, 400, 500, 2, THAG_SLICE_BEFORE), 0);
	cr_assert_eq(thag_slice_row_add(&row, &grid, 500, 600, 2, THAG_SLICE_AFTER), 0);
	cr_assert_eq(
		thag_slice_row_add(&row, &grid, 600, 700, 2, THAG_SLICE_BEFORE | THAG_SLICE_AFTER),
		0);
	cr_assert_eq(thag_slice_row_end(&row, &grid, 700), 0);
	cr_assert_eq(row.count, 4);
	cr_expect_eq(row.slices[0].flags, THAG_SLICE_BEFORE);
	cr_expect_eq(row.slices[1].flags, 0);
	cr_expect_eq(row.slices[2].flags, 0);
	cr_expect_eq(row.slices[3].flags, THAG_SLICE_AFTER);
	cr_expect_eq(row.slices[3].start, 500);
	cr_expect_eq(row.slices[3].end, 700);
	free(row.slices);
}

static struct thag_buffer make_stored(void)
{
	struct thag_slices slices;
	struct thag_buffer stored = { 0 };

	program_begin(2, (struct program_options){
				 .steps = 3000, .ticks_max = 50, .depth = 8, .tasks = true });
	program_read(1000000);
	cr_assert_eq(thag_slices_init(&slices, program.rings[0].chunks[0].head.base_ticks,
				      program.rings[0].chunks[0].head.last_ticks),
		     0);
	cr_assert_eq(thag_slices_add(&slices, &program.rings[0].chunks[0]), 0);
	cr_assert_eq(thag_slices_encode(&slices, &stored), 0);
	thag_slices_fini(&slices);
	program_end();
	return stored;
}

Test(slices, no_stored_byte_is_trusted)
{
	struct thag_buffer stored = make_stored();
	uint32_t refused = 0;

	for (size_t i = 0; i < stored.bytes * 8; i += 3) {
		struct thag_slices slices;
		int error;

		stored.data[i / 8] ^= (uint8_t)(1 << i % 8);
		cr_assert_eq(thag_slices_init(&slices, 0, 1 << 20), 0);
		error = thag_slices_merge(&slices, 0, stored.data, stored.bytes);
		cr_assert(error == 0 || error == -EBADMSG);
		refused += error != 0;
		cr_assert_eq(thag_slices_end(&slices, 1 << 20), 0);
		thag_slices_fini(&slices);
		stored.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	cr_expect_gt(refused, 0);
	thag_buffer_fini(&stored);
}

/* Merges a stored form with one row of these bytes, of a piece of time that begins at 100. */
static int merge_row(const uint8_t *row, size_t bytes)
{
	uint8_t stored[64] = { 4, 1, 0, 0, 0, (uint8_t)bytes };
	struct thag_slices slices;
	int error;

	memcpy(stored + 9, row, bytes);
	cr_assert_eq(thag_slices_init(&slices, 100, 1 << 20), 0);
	error = thag_slices_merge(&slices, 100, stored, 9 + bytes);
	if (error == 0)
		cr_expect_eq(slices.rows[THAG_LANE_OWN][0].count, 1);
	thag_slices_fini(&slices);
	return error;
}

/* A slice that begins `distance` behind 100 and takes `ticks`. */
static int merge_slice(uint64_t distance, uint32_t site, uint64_t ticks)
{
	uint8_t row[3 * THAG_VARINT_MAX], *end = thag_varint_put(row, distance << 3 | 2);

	end = thag_varint_put(end, site);
	return merge_row(row, (size_t)(thag_varint_put(end, ticks) - row));
}

Test(slices, times_and_sites_that_cannot_be_are_refused)
{
	cr_expect_eq(merge_slice(5, 3, 7), 0);
	cr_expect_eq(merge_slice(5, THAG_SITES_MAX - 1, 7), 0);
	cr_expect_eq(merge_slice(5, THAG_SITES_MAX, 7), -EBADMSG);
	cr_expect_eq(merge_slice(5, 3, THAG_CHUNK_TICKS_MAX - 105), 0);
	cr_expect_eq(merge_slice(5, 3, THAG_CHUNK_TICKS_MAX - 104), -EBADMSG);
	cr_expect_eq(merge_slice(5, 3, UINT64_MAX - 10), -EBADMSG, "ends before it begins");
}

Test(slices, lengths_that_do_not_fit_are_refused)
{
	const uint8_t empty[] = { 4, 0, 0, 0, 0 }, rows[] = { 4, 1, 0, 1, 0, 0, 0, 0, 0 };
	const uint8_t longer[] = { 4, 1, 0, 0, 0, 2, 0, 0, 0, 8 };
	struct thag_slices_reader *reader = malloc(sizeof(*reader));

	cr_expect_eq(thag_slices_read(reader, empty, sizeof(empty)), 0);
	cr_expect_eq(thag_slices_read(reader, empty, sizeof(empty) - 1), -EBADMSG);
	/* so far offsets reach: what lies there isn't looked at */
	cr_expect_eq(thag_slices_read(reader, empty, (size_t)UINT32_MAX + 1), -EBADMSG);
	cr_expect_eq(thag_slices_read(reader, rows, sizeof(rows)), -EBADMSG);
	cr_expect_eq(thag_slices_read(reader, longer, sizeof(longer)), -EBADMSG);
	free(reader);
}
