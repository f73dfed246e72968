/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What ranges of random programs' timelines add up to, against what the programs did. */
#include "thag_timeline.h"

#include <errno.h>

#include "thag_chunk_tree.h"
#include "timeline_program.h"

struct trees {
	struct thag_tree tree[PROGRAM_THREADS_MAX]; /* by thread id */
	bool used[PROGRAM_THREADS_MAX];
};

static struct thag_tree *tree_of(void *context, uint32_t tid)
{
	struct trees *trees = context;
	uint32_t at = tid % PROGRAM_THREADS_MAX;

	if (!trees->used[at])
		cr_assert_eq(thag_tree_init(&trees->tree[at], 1 << 20), 0);
	trees->used[at] = true;
	return &trees->tree[at];
}

static void forget(struct trees *trees)
{
	for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++)
		if (trees->used[i])
			thag_tree_fini(&trees->tree[i]);
	memset(trees, 0, sizeof(*trees));
}

/* The same of each chunk by itself. */
static void naive_trees(struct trees *trees, uint64_t from, uint64_t to)
{
	struct thag_chunk_tree tree;
	struct thag_buffer bytes = { 0 };

	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		for (uint32_t j = 0; j < program.rings[i].chunk_count; j++) {
			cr_assert_eq(thag_chunk_tree_init(&tree), 0);
			cr_assert_eq(
				thag_chunk_tree_add(&tree, &program.rings[i].chunks[j], from, to),
				0);
			bytes.bytes = 0;
			cr_assert_eq(thag_chunk_tree_encode(&tree, &bytes), 0);
			cr_assert_eq(thag_chunk_tree_give(bytes.data, bytes.bytes, 0,
							  THAG_CHUNK_TREE_WHOLE, tree_of, trees),
				     0);
			thag_chunk_tree_fini(&tree);
		}
	thag_buffer_fini(&bytes);
}

static uint32_t child_of(const struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	for (uint32_t i = tree->nodes[parent].first_child; i; i = tree->nodes[i].next_sibling)
		if (tree->nodes[i].site == site)
			return i;
	return THAG_TREE_NONE;
}

/* Sums over all nodes, and whether each is as the other tree's. */
static uint64_t compare_trees(const struct trees *a, const struct trees *b, unsigned round)
{
	uint64_t calls = 0;

	for (uint32_t t = 0; t < PROGRAM_THREADS_MAX; t++) {
		const struct thag_tree *x = &a->tree[t], *y = &b->tree[t];
		uint32_t map[20000] = { 0 };

		for (uint32_t i = 1; a->used[t] && i < x->count; i++) {
			const struct thag_node *node = &x->nodes[i], *other;

			map[i] = b->used[t] && map[node->parent] != THAG_TREE_NONE
					 ? child_of(y, map[node->parent], node->site)
					 : THAG_TREE_NONE;
			if (map[i] == THAG_TREE_NONE) {
				cr_assert(node->calls == 0 && node->total == 0, "round %u", round);
				continue;
			}
			other = &y->nodes[map[i]];
			cr_assert_eq(node->calls, other->calls, "round %u: %lu, not %lu", round,
				     node->calls, other->calls);
			cr_assert_eq(node->total, other->total, "round %u: %lu, not %lu", round,
				     node->total, other->total);
			cr_assert_eq(node->max, other->max);
			calls += node->calls;
		}
	}
	return calls;
}

static struct trees asked, expected;

static struct thag_range_facts ask_tree(uint64_t from, uint64_t to)
{
	const struct thag_range_query query = {
		.from = from, .to = to, .tree = tree_of, .context = &asked
	};
	struct thag_range_facts facts;

	cr_assert_eq(thag_timeline_tree(timeline, &query, &facts), 0);
	return facts;
}

static void check_tree(uint64_t from, uint64_t to, unsigned round)
{
	naive_trees(&expected, from, to);
	compare_trees(&asked, &expected, round);
	compare_trees(&expected, &asked, round);
	forget(&asked);
	forget(&expected);
}

Test(timeline_range, trees_of_any_range_are_what_the_program_did)
{
	for (unsigned round = 1; round <= 15; round++) {
		make_program(round, 4000);
		create(0, false);
		add_chunks(0, false);
		for (int i = 0; i < 10; i++) {
			uint64_t from, to;

			random_window(&from, &to);
			cr_assert_eq(ask_tree(from, to).flags, 0);
			check_tree(from, to, round);
		}
		cr_assert_eq(ask_tree(0, UINT64_MAX).flags, 0);
		check_tree(0, UINT64_MAX, round);
		destroy();
		program_end();
	}
}

/* Without any words: whole chunks are exact, and what is not says so. */
Test(timeline_range, trees_without_words_are_right_or_estimated)
{
	uint32_t exact = 0, estimated = 0;

	for (unsigned round = 1; round <= 30; round++) {
		make_program(round, 4000);
		create(50000 + round * 4000, false);
		add_chunks(0, false);
		for (int i = 0; i < 10; i++) {
			uint64_t from = 0, to = UINT64_MAX;
			struct thag_range_facts facts;

			if (i)
				random_window(&from, &to);
			facts = ask_tree(from, to);
			if (facts.flags == 0) {
				check_tree(from, to, round);
				exact++;
			}
			estimated += facts.flags & THAG_RANGE_ESTIMATED;
			forget(&asked);
		}
		destroy();
		program_end();
	}
	cr_expect_gt(exact, 0);
	cr_expect_gt(estimated, 0);
}

static uint64_t sum_of(const struct trees *trees, uint64_t *calls)
{
	uint64_t total = 0;

	*calls = 0;
	for (uint32_t t = 0; t < PROGRAM_THREADS_MAX; t++)
		for (uint32_t i = 1; trees->used[t] && i < trees->tree[t].count; i++) {
			*calls += trees->tree[t].nodes[i].calls;
			if (trees->tree[t].nodes[i].parent == THAG_TREE_ROOT)
				total += trees->tree[t].nodes[i].total;
		}
	return total;
}

/* Estimates are near what was: a program does much the same all the time. */
Test(timeline_range, estimates_are_in_proportion)
{
	make_program(1, 30000);
	create(100000, false);
	add_chunks(0, false);
	for (int i = 1; i < 10; i++) {
		uint64_t to = program.now * (uint64_t)i / 10, calls, expected_calls, total,
			 expected_total;
		struct thag_range_facts facts = ask_tree(0, to);

		naive_trees(&expected, 0, to);
		total = sum_of(&asked, &calls);
		expected_total = sum_of(&expected, &expected_calls);
		if (!(facts.flags & THAG_RANGE_HOLES)) {
			cr_expect_lt(total, expected_total + expected_total / 5);
			cr_expect_gt(total, expected_total - expected_total / 5);
			cr_expect_lt(calls, expected_calls + expected_calls / 5);
			cr_expect_gt(calls, expected_calls - expected_calls / 5);
		}
		forget(&asked);
		forget(&expected);
	}
	destroy();
	program_end();
}

/*
 * Slowest calls.
 */
static int compare_lengths(const void *a, const void *b)
{
	const struct program_span *x = *(const struct program_span *const *)a;
	const struct program_span *y = *(const struct program_span *const *)b;
	uint64_t p = x->end - x->start, q = y->end - y->start;

	return p > q ? -1 : p < q;
}

/* Spans of a site that ended in a range, the longest first. */
static uint32_t longest_spans(uint32_t site, uint64_t from, uint64_t to,
			      const struct program_span **out)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < program.span_count; i++) {
		const struct program_span *span = &program.spans[i];

		if (span->site == site && !span->open && span->end >= from && span->end < to)
			out[count++] = span;
	}
	qsort(out, count, sizeof(*out), compare_lengths);
	return count;
}

Test(timeline_range, the_slowest_calls_are_found)
{
	static const struct program_span *spans[PROGRAM_SPANS_MAX];
	struct thag_slow_call calls[50];

	for (unsigned round = 2; round <= 40; round += 2) {
		make_program(round, 6000);
		create(round % 4 ? 0 : 100000, round % 4 == 0);
		add_chunks(0, round % 4 == 0);
		for (int i = 0; i < 10; i++) {
			struct thag_slowest_query query = { .site = 10 + program_random(4),
							    .count = 1 + program_random(50) };
			uint32_t found, count;

			random_window(&query.from, &query.to);
			cr_assert_eq(thag_timeline_slowest(timeline, &query, calls, &found), 0);
			count = longest_spans(query.site, query.from, query.to, spans);
			cr_assert_eq(found, count < query.count ? count : query.count);
			for (uint32_t j = 0; j < found; j++)
				cr_assert_eq(calls[j].duration, spans[j]->end - spans[j]->start,
					     "round %u", round);
		}
		destroy();
		program_end();
	}
}

Test(timeline_range, the_slowest_calls_come_with_their_place)
{
	static const struct program_span *spans[PROGRAM_SPANS_MAX];
	struct thag_slow_call call;
	struct thag_slowest_query query = { .to = UINT64_MAX, .site = 11, .count = 1 };
	uint32_t found;

	make_program(2, 6000);
	create(60000, false);
	add_chunks(0, false);
	cr_assert_eq(thag_timeline_slowest(timeline, &query, &call, &found), 0);
	cr_assert_gt(longest_spans(11, 0, UINT64_MAX, spans), 0);
	cr_assert_eq(found, 1);
	cr_expect_eq(call.duration, spans[0]->end - spans[0]->start);
	cr_expect_eq(call.start, spans[0]->start);
	cr_expect_eq(call.ring, spans[0]->ring);
	cr_expect_eq(call.tid, spans[0]->ring + 1, "the ring's one thread");
	query.count = 0;
	cr_expect_eq(thag_timeline_slowest(timeline, &query, &call, &found), -EINVAL);
	destroy();
	program_end();
}

/*
 * Notes and activity.
 */
static uint32_t naive_notes(uint64_t from, uint64_t to, uint32_t site, int64_t *min, int64_t *max)
{
	uint32_t count = 0;

	*min = INT64_MAX;
	*max = INT64_MIN;
	for (uint32_t i = 0; i < program.note_count; i++) {
		const struct program_note *note = &program.notes[i];

		if (note->site != site || note->ticks < from || note->ticks >= to)
			continue;
		*min = note->value < *min ? note->value : *min;
		*max = note->value > *max ? note->value : *max;
		count++;
	}
	return count;
}

Test(timeline_range, notes_of_a_range_are_thinned_and_none_is_forgotten)
{
	uint32_t whole = 0;

	for (unsigned round = 1; round <= 20; round++) {
		struct thag_timeline_facts facts;

		make_program(round, 10000);
		create(round % 2 ? 0 : 400000, false);
		add_chunks(0, false);
		thag_timeline_facts(timeline, &facts);
		for (uint32_t site = 7; site < 10; site++) {
			struct thag_notes_query query = { .to = program.now + 1,
							  .columns = 40,
							  .site = site };
			struct thag_buffer out = { 0 };
			const struct thag_note_point *points;
			int64_t min, max, least = INT64_MAX, most = INT64_MIN;
			uint32_t count = naive_notes(0, UINT64_MAX, site, &min, &max), found = 0;

			cr_assert_eq(thag_timeline_notes(timeline, &query, &out), 0);
			points = (const void *)out.data;
			for (size_t i = 0; i < out.bytes / sizeof(*points); i++) {
				found += points[i].count;
				cr_assert(i == 0 || points[i].ticks > points[i - 1].ticks);
				least = points[i].min < least ? points[i].min : least;
				most = points[i].max > most ? points[i].max : most;
				cr_assert_eq(points[i].ext,
					     site == 7 ? THAG_EXT_MARK : THAG_EXT_VALUE);
			}
			cr_assert_leq(out.bytes / sizeof(*points), 41);
			thag_buffer_fini(&out);
			if (facts.lost_chunks)
				continue;
			whole++;
			cr_assert_eq(found, count, "round %u: %u, not %u", round, found, count);
			cr_assert(count == 0 || (least == min && most == max));
		}
		destroy();
		program_end();
	}
	cr_expect_gt(whole, 30);
}

Test(timeline_range, few_notes_are_told_as_they_were)
{
	struct thag_notes_query query = { .to = 1, .columns = 8000 };
	struct thag_buffer out = { 0 };
	const struct thag_note_point *points;

	make_program(4, 3000);
	create(0, false);
	add_chunks(0, false);
	query.to = program.now + 1;
	query.columns = 8192;
	cr_assert_eq(thag_timeline_notes(timeline, &query, &out), 0);
	points = (const void *)out.data;
	for (size_t i = 0; i < out.bytes / sizeof(*points); i++) {
		bool found = points[i].count > 1;

		for (uint32_t j = 0; j < program.note_count && !found; j++)
			found = program.notes[j].ticks == points[i].ticks &&
				program.notes[j].site == points[i].site &&
				program.notes[j].value == points[i].first &&
				program.notes[j].ring == points[i].ring;
		cr_assert(found);
	}
	cr_expect_gt(out.bytes, 0);
	thag_buffer_fini(&out);
	destroy();
	program_end();
}

Test(timeline_range, activity_is_the_share_of_time_that_something_was_open)
{
	uint8_t shares[50];

	for (unsigned round = 1; round <= 20; round++) {
		make_program(round, 5000);
		create(0, false);
		add_chunks(0, false);
		for (uint32_t ring = 0; ring < PROGRAM_RINGS; ring++) {
			double busy = 0, sum = 0;

			cr_assert_eq(thag_timeline_activity(timeline, ring, 0, program.now, 50,
							    (struct thag_timeline_open){ 0 },
							    shares),
				     0);
			for (uint32_t i = 0; i < 50; i++)
				sum += shares[i] / 255.0 / 50;
			for (uint32_t i = 0; i < program.span_count; i++)
				if (program.spans[i].ring == ring && program.spans[i].row == 0)
					busy += (double)(program.spans[i].end -
							 program.spans[i].start);
			busy /= (double)program.now;
			cr_assert(round % 2 || (sum < busy + 0.02 && sum > busy - 0.02),
				  "round %u: %f, not %f", round, sum, busy);
		}
		destroy();
		program_end();
	}
}
