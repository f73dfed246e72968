/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Timelines of random programs, and views of them, against what the programs did. */
#include "thag_timeline.h"

#include <errno.h>

#include "naive_slices.h"
#include "timeline_program.h"

static struct thag_view view;
static struct thag_view_lane lanes[PROGRAM_RINGS * THAG_LANE_KINDS];

static struct thag_view_query all_lanes(uint64_t from, uint64_t to, uint32_t columns)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS * THAG_LANE_KINDS; i++)
		lanes[i] = (struct thag_view_lane){ .ring = i / THAG_LANE_KINDS,
						    .kind = i % THAG_LANE_KINDS,
						    .first_row = i % 3,
						    .rows = PROGRAM_DEPTH - i % 2 };
	return (struct thag_view_query){ .from = from,
					 .to = to,
					 .columns = columns,
					 .lanes = lanes,
					 .lane_count = PROGRAM_RINGS * THAG_LANE_KINDS };
}

/* What of a naive row is in the window, cut off at its edges. */
static uint32_t clip_naive(void)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < naive_count; i++) {
		struct thag_slice slice = naive[i];

		if (slice.start >= view.to || slice.end < view.from ||
		    (slice.end == view.from && slice.start < slice.end))
			continue;
		if (!(slice.flags & THAG_SLICE_MERGED)) {
			slice.start = slice.start < view.from ? view.from : slice.start;
			slice.end = slice.end > view.to ? view.to : slice.end;
			slice.covered = slice.end - slice.start;
			slice.longest = naive[i].longest;
		}
		naive[kept++] = slice;
	}
	return kept;
}

static const struct thag_view_row *find_row(uint32_t lane, uint32_t row)
{
	for (uint32_t i = 0; i < view.row_count; i++)
		if (view.rows[i].lane == lane && view.rows[i].row == row)
			return &view.rows[i];
	return NULL;
}

static void check_view_row(uint32_t lane, uint32_t row, unsigned round)
{
	const struct thag_view_row *found = find_row(lane, row);
	uint32_t count, expected;
	const struct program_span *spans =
		row_spans(lanes[lane].ring, lanes[lane].kind, row, &count);

	naive_row(spans, count, view.shift);
	expected = clip_naive();
	cr_assert_eq(found ? found->count : 0, expected, "round %u, lane %u, row %u: %u, not %u",
		     round, lane, row, found ? found->count : 0, expected);
	for (uint32_t i = 0; i < expected; i++) {
		struct thag_slice slice = view.slices[found->first + i];

		if (!(slice.flags & THAG_SLICE_MERGED))
			slice.longest = naive[i].longest;
		check_slice(&slice, &naive[i], round, row, i);
	}
}

static void check_view(unsigned round)
{
	uint32_t rows = 0;

	for (uint32_t lane = 0; lane < PROGRAM_RINGS * THAG_LANE_KINDS; lane++)
		for (uint32_t i = 0; i < lanes[lane].rows; i++) {
			check_view_row(lane, lanes[lane].first_row + i, round);
			rows += find_row(lane, lanes[lane].first_row + i) != NULL;
		}
	cr_assert_eq(rows, view.row_count);
}

/* Asks at random; `exact`: no answer may be coarser than it should. */
static uint32_t check_views(unsigned round, bool exact, struct thag_timeline_open open)
{
	uint32_t checked = 0;

	for (int i = 0; i < 20; i++) {
		struct thag_view_query query;
		uint64_t from, to;

		random_window(&from, &to);
		query = all_lanes(from, to, 1 + program_random(300));
		query.open = open;
		cr_assert_eq(thag_timeline_view(timeline, &query, &view), 0);
		cr_assert(!exact || view.flags == 0);
		if (view.flags == 0) {
			check_view(round);
			checked++;
		}
	}
	return checked;
}

Test(timeline, views_are_what_the_program_did)
{
	for (unsigned round = 1; round <= 40; round++) {
		make_program(round, 6000);
		create(0, false);
		add_chunks(0, false);
		check_views(round, true, (struct thag_timeline_open){ 0 });
		destroy();
		program_end();
	}
	thag_view_fini(&view);
}

Test(timeline, chunks_that_are_being_filled_take_part)
{
	for (unsigned round = 1; round <= 20; round++) {
		const struct thag_chunk_raw *open[PROGRAM_RINGS];

		make_program(round, 3000);
		create(0, false);
		add_chunks(1, false);
		for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
			open[i] = &program.rings[i].chunks[program.rings[i].chunk_count - 1];
		check_views(round, true, (struct thag_timeline_open){ open, PROGRAM_RINGS });
		destroy();
		program_end();
	}
	thag_view_fini(&view);
}

/* With too little memory an answer is right, or says that it isn't. */
Test(timeline, views_say_where_memory_was_too_little)
{
	uint64_t exact = 0, asked = 0, dropped = 0;

	for (unsigned round = 1; round <= 40; round++) {
		struct thag_timeline_facts facts;
		uint64_t budget = 20000 + round * 5000;

		make_program(round, 6000);
		create(budget, false);
		add_chunks(0, false);
		thag_timeline_facts(timeline, &facts);
		cr_assert_leq(facts.bytes, budget);
		dropped += facts.dropped_chunks;
		exact += check_views(round, false, (struct thag_timeline_open){ 0 });
		asked += 20;
		destroy();
		program_end();
	}
	cr_expect_gt(exact, 0);
	cr_expect_lt(exact, asked);
	cr_expect_gt(dropped, 0);
	thag_view_fini(&view);
}

Test(timeline, what_was_stored_is_loaded_when_it_is_asked_for)
{
	for (unsigned round = 1; round <= 20; round++) {
		struct thag_timeline_facts facts;

		make_program(round, 6000);
		create(100000, true);
		add_chunks(0, true);
		check_views(round, true, (struct thag_timeline_open){ 0 });
		thag_timeline_facts(timeline, &facts);
		cr_assert_eq(facts.dropped_chunks, 0);
		cr_assert_eq(facts.whole_ticks, 0);
		destroy();
		program_end();
	}
	cr_expect_gt(loads, 0);
	thag_view_fini(&view);
}

/* As a recording is opened: heads only, some of the higher levels missing. */
static void add_heads(unsigned round)
{
	for (uint32_t i = 0; i < stored_count; i++)
		if (stored[i].head.level == 0 || rand_r(&round) % 4)
			cr_assert_eq(thag_timeline_add_stored(timeline, &stored[i].head, i + 1), 0);
}

Test(timeline, recordings_are_seen_by_their_heads)
{
	for (unsigned round = 1; round <= 20; round++) {
		struct thag_timeline_options options = { .budget_bytes = 400000, .load = load };
		struct thag_timeline *writer;
		uint64_t before;

		make_program(round, 6000);
		create(0, true);
		add_chunks(0, true);
		writer = timeline;
		cr_assert_eq(thag_timeline_create(&timeline, &options), 0);
		before = loads;
		add_heads(round);
		cr_assert_eq(loads, before);
		check_views(round, true, (struct thag_timeline_open){ 0 });
		int made;

		while ((made = thag_timeline_complete(timeline)) > 0)
			continue;
		cr_assert_eq(made, 0);
		check_views(round, true, (struct thag_timeline_open){ 0 });
		thag_timeline_destroy(writer);
		destroy();
		program_end();
	}
	thag_view_fini(&view);
}

Test(timeline, an_answer_is_no_longer_than_wanted_and_counts_all)
{
	make_program(3, 20000);
	create(0, false);
	add_chunks(0, false);
	for (uint32_t wanted = 50; wanted < 5000; wanted *= 2) {
		struct thag_view_query query = all_lanes(0, program.now + 1, 1000);
		struct thag_buffer out = { 0 };
		uint64_t all = 0, counted = 0;

		cr_assert_eq(thag_timeline_view(timeline, &query, &view), 0);
		for (uint32_t i = 0; i < view.slice_count; i++)
			all += view.slices[i].count;
		query.slices_max = wanted;
		cr_assert_eq(thag_timeline_view(timeline, &query, &view), 0);
		for (uint32_t i = 0; i < view.slice_count; i++)
			counted += view.slices[i].count;
		cr_expect_eq(counted, all);
		cr_expect_leq(view.slice_count, wanted + 2 * view.row_count);
		cr_assert_eq(thag_view_write(&view, &out), 0);
		cr_expect_lt(out.bytes, 10 * (size_t)view.slice_count + 20 * view.row_count + 40);
		thag_buffer_fini(&out);
	}
	destroy();
	program_end();
	thag_view_fini(&view);
}

Test(timeline, no_more_words_are_decoded_than_wanted)
{
	make_program(2, 20000);
	create(0, false);
	add_chunks(0, false);
	for (uint64_t wanted = 1; wanted < 100000; wanted *= 4) {
		struct thag_view_query query = all_lanes(0, program.now / 50, 1000);

		query.words_max = wanted;
		cr_assert_eq(thag_timeline_view(timeline, &query, &view), 0);
		cr_expect_leq(view.words, wanted);
	}
	cr_expect_gt(view.words, 0);
	destroy();
	program_end();
	thag_view_fini(&view);
}

Test(timeline, chunks_with_more_words_than_wanted_are_told_of)
{
	const struct thag_chunk_raw *open[PROGRAM_RINGS];
	struct thag_view_query query;

	make_program(1, 3000);
	create(0, false);
	add_chunks(1, false);
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		open[i] = &program.rings[i].chunks[program.rings[i].chunk_count - 1];
	query = all_lanes(0, program.now + 1, 300);
	query.open = (struct thag_timeline_open){ open, PROGRAM_RINGS };
	query.words_max = 1;
	cr_assert_eq(thag_timeline_view(timeline, &query, &view), 0);
	cr_expect_eq(view.flags & (THAG_VIEW_CUT | THAG_VIEW_HOLES), THAG_VIEW_CUT);
	destroy();
	program_end();
	thag_view_fini(&view);
}

Test(timeline, queries_that_make_no_sense_are_refused)
{
	struct thag_view_query query;

	create(0, false);
	query = all_lanes(10, 10, 100);
	cr_expect_eq(thag_timeline_view(timeline, &query, &view), -EINVAL);
	query = all_lanes(10, 20, 0);
	cr_expect_eq(thag_timeline_view(timeline, &query, &view), -EINVAL);
	query = all_lanes(10, UINT64_MAX, 100);
	cr_expect_eq(thag_timeline_view(timeline, &query, &view), -EINVAL);
	query = all_lanes(10, 20, 100);
	lanes[1] = lanes[0];
	cr_expect_eq(thag_timeline_view(timeline, &query, &view), -EINVAL);
	query = all_lanes(10, 20, 100);
	cr_expect_eq(thag_timeline_view(timeline, &query, &view), 0);
	cr_expect_eq(view.row_count, 0);
	destroy();
	thag_view_fini(&view);
}

/*
 * Adding.
 */
Test(timeline, chunks_of_a_ring_come_in_order)
{
	struct thag_chunk first, second, again;
	struct thag_timeline_ring ring;
	struct thag_timeline_facts facts;

	make_program(1, 2000);
	create(0, false);
	make_chunk(&first, &program.rings[1].chunks[0]);
	make_chunk(&again, &program.rings[1].chunks[0]);
	make_chunk(&second, &program.rings[1].chunks[1]);
	cr_expect_eq(thag_timeline_add(timeline, &first, 0), 0);
	cr_expect_eq(thag_chunk_bytes(&first), 0);
	cr_expect_eq(thag_timeline_add(timeline, &second, 0), 0);
	cr_expect_eq(thag_timeline_add(timeline, &again, 0), -EINVAL);
	cr_expect_eq(thag_chunk_bytes(&again), 0);
	cr_assert_eq(thag_timeline_rings(timeline, &ring, 1), 1);
	cr_expect_eq(ring.ring, 1);
	cr_expect_eq(ring.next_pos, program.rings[1].chunks[2].head.first_pos);
	thag_timeline_facts(timeline, &facts);
	cr_expect_eq(facts.chunks, 2);
	cr_expect_eq(facts.words, ring.next_pos - PROGRAM_FIRST_POS);
	destroy();
	program_end();
}

/* Whatever the budget is, it holds, and the newest is there longest. */
Test(timeline, memory_is_bounded_by_the_budget)
{
	for (unsigned round = 1; round <= 30; round++) {
		uint64_t budget = 10000 + round * round * 1000;
		struct thag_timeline_facts facts;

		make_program(round, 8000);
		create(budget, false);
		for (uint32_t i = 0; i < program.rings[0].chunk_count; i++) {
			struct thag_chunk chunk;

			make_chunk(&chunk, &program.rings[0].chunks[i]);
			cr_assert_eq(thag_timeline_add(timeline, &chunk, 0), 0);
			thag_timeline_facts(timeline, &facts);
			cr_assert_leq(facts.bytes, budget);
		}
		cr_assert_leq(facts.whole_ticks, facts.last_ticks);
		cr_assert_leq(facts.lost_chunks, facts.chunks);
		destroy();
		program_end();
	}
}
