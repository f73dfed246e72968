/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The trees of all chunks, added up, are those that the stream made of the same words. */
#include "thag_chunk_tree.h"

#include <errno.h>

#include "chunk_program.h"
#include "thag_varint.h"

static uint64_t words[THAG_CHUNK_WORDS];

/* Trees by thread id, as chunks give to them. */
static struct given {
	uint32_t tid;
	struct thag_tree tree;
} given[PROGRAM_THREADS_MAX];
static uint32_t given_count;

static struct thag_tree *tree_of(void *context, uint32_t tid)
{
	(void)context;
	for (uint32_t i = 0; i < given_count; i++)
		if (given[i].tid == tid)
			return &given[i].tree;
	cr_assert_lt(given_count, PROGRAM_THREADS_MAX);
	given[given_count].tid = tid;
	cr_assert_eq(thag_tree_init(&given[given_count].tree, 1 << 20), 0);
	return &given[given_count++].tree;
}

static void forget_given(void)
{
	while (given_count)
		thag_tree_fini(&given[--given_count].tree);
}

/* Encodes a chunk, decodes it, and gives what its tree has from `from` to `to` to the threads'. */
static void give_chunk(const struct thag_chunk_raw *raw, uint64_t from, uint64_t to)
{
	struct thag_chunk chunk = { 0 };
	struct thag_chunk_raw back;
	struct thag_chunk_tree tree;
	struct thag_buffer stored = { 0 };

	cr_assert_eq(thag_chunk_encode(&chunk, raw), 0);
	cr_assert_eq(thag_chunk_decode(&back, &chunk, words), 0);
	cr_assert_eq(thag_chunk_tree_init(&tree), 0);
	cr_assert_eq(thag_chunk_tree_add(&tree, &back, from, to), 0);
	cr_assert_eq(thag_chunk_tree_encode(&tree, &stored), 0);
	cr_assert_eq(thag_chunk_tree_give(stored.data, stored.bytes, 0, THAG_CHUNK_TREE_WHOLE,
					  tree_of, NULL),
		     0);
	thag_buffer_fini(&stored);
	thag_chunk_tree_fini(&tree);
	thag_openings_fini(&back.openings);
	thag_chunk_fini(&chunk);
}

static void give_all(void)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		for (uint32_t j = 0; j < program.rings[i].chunk_count; j++)
			give_chunk(&program.rings[i].chunks[j], 0, UINT64_MAX);
}

/* The child that has the site, 0 for none. */
static uint32_t child_of(const struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	for (uint32_t i = tree->nodes[parent].first_child; i; i = tree->nodes[i].next_sibling)
		if (tree->nodes[i].site == site)
			return i;
	return 0;
}

static void compare_node(const struct thag_tree *a, uint32_t x, const struct thag_tree *b,
			 uint32_t y, unsigned round)
{
	const struct thag_node *n = &a->nodes[x], *m = &b->nodes[y];
	uint64_t p[THAG_HIST_BUCKETS] = { 0 }, q[THAG_HIST_BUCKETS] = { 0 };

	cr_assert_eq(n->total, m->total, "total, round %u, node %u: %lu, not %lu", round, x,
		     n->total, m->total);
	/* who destroys a task that runs elsewhere isn't in that ring's words: only by force */
	if (program.table.gaps)
		return;
	cr_assert_eq(n->calls, m->calls, "calls, round %u, node %u: %lu, not %lu", round, x,
		     n->calls, m->calls);
	cr_assert_eq(n->max, m->max, "max, round %u: %lu, not %lu", round, n->max, m->max);
	cr_assert_eq(n->min, m->min, "min, round %u", round);
	thag_hist_sum(&a->hists, n->hist, p);
	thag_hist_sum(&b->hists, m->hist, q);
	cr_assert_arr_eq(p, q, sizeof(p));
}

/* All that is in `a` is in `b`, node by node. */
static void compare_trees(const struct thag_tree *a, const struct thag_tree *b, unsigned round)
{
	uint32_t *map = calloc(a->count, sizeof(*map));

	for (uint32_t i = 1; i < a->count; i++) {
		const struct thag_node *node = &a->nodes[i];

		map[i] = map[node->parent] || node->parent == 0
				 ? child_of(b, map[node->parent], node->site)
				 : 0;
		if (map[i])
			compare_node(a, i, b, map[i], round);
		else
			cr_assert(node->total == 0 && (program.table.gaps || node->calls == 0),
				  "round %u: node %u is missing", round, i);
	}
	free(map);
}

/* When the ring that the thread writes was last heard of. */
static uint64_t last_ticks(const struct thag_thread *thread)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		if (program.rings[i].stream.thread == thread)
			return program.rings[i].stream.last_ticks;
	return thread->last_ticks;
}

static void check_threads(unsigned round)
{
	struct thag_open open[2 * PROGRAM_TASKS * (PROGRAM_DEPTH + 2)];
	uint64_t calls = 0;

	for (uint32_t i = 0; i < program.thread_count; i++) {
		const struct thag_thread *thread = &program.threads[i];
		struct thag_tree tree;

		cr_assert_eq(thag_tree_copy(&tree, &thread->tree), 0);
		thag_tasks_add_open(thread, &tree, last_ticks(thread), open,
				    sizeof(open) / sizeof(open[0]));
		compare_trees(&tree, tree_of(NULL, thread->tid), round);
		compare_trees(tree_of(NULL, thread->tid), &tree, round);
		calls += thread->calls;
		thag_tree_fini(&tree);
	}
	cr_assert(calls > 0);
}

static void check_rounds(unsigned rounds, struct program_options options)
{
	for (unsigned round = 1; round <= rounds; round++) {
		program_begin(round, options);
		program_read(20 + round * 10);
		give_all();
		check_threads(round);
		forget_given();
		program_end();
	}
}

Test(chunk_tree, chunks_of_calls_and_sections_add_up)
{
	check_rounds(60, (struct program_options){ .steps = 3000, .ticks_max = 50, .depth = 12 });
}

Test(chunk_tree, chunks_of_threads_that_come_and_go_add_up)
{
	check_rounds(60, (struct program_options){ .steps = 3000,
						   .ticks_max = 50,
						   .depth = 8,
						   .threads = true,
						   .other = true });
}

Test(chunk_tree, chunks_of_tasks_that_wander_over_rings_add_up)
{
	check_rounds(150, (struct program_options){
				  .steps = 3000, .ticks_max = 50, .depth = 8, .tasks = true });
}

Test(chunk_tree, chunks_of_machines_that_were_suspended_add_up)
{
	check_rounds(100, (struct program_options){ .steps = 3000,
						    .ticks_max = 50,
						    .depth = 8,
						    .tasks = true,
						    .threads = true,
						    .other = true,
						    .suspends = true });
}

Test(chunk_tree, chunks_with_clocks_that_run_backwards_add_up)
{
	check_rounds(100, (struct program_options){ .steps = 3000,
						    .ticks_max = 10,
						    .depth = 8,
						    .tasks = true,
						    .threads = true,
						    .other = true,
						    .skew = true });
}

Test(chunk_tree, chunks_with_words_that_were_never_written_add_up)
{
	check_rounds(150, (struct program_options){ .steps = 3000,
						    .ticks_max = 50,
						    .depth = 8,
						    .threads = true,
						    .other = true,
						    .holes = 200 });
}

Test(chunk_tree, time_adds_up_where_steps_of_tasks_are_missing)
{
	check_rounds(150, (struct program_options){ .steps = 3000,
						    .ticks_max = 50,
						    .depth = 8,
						    .tasks = true,
						    .other = true,
						    .holes = 300 });
}

/* What happened from `from` to `to`, as parts of all chunks. */
static void give_range(uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		for (uint32_t j = 0; j < program.rings[i].chunk_count; j++)
			give_chunk(&program.rings[i].chunks[j], from, to);
}

Test(chunk_tree, ranges_that_follow_each_other_add_up)
{
	for (unsigned round = 1; round <= 20; round++) {
		uint64_t at = 0;

		program_begin(round,
			      (struct program_options){
				      .steps = 1000, .ticks_max = 50, .depth = 8, .tasks = true });
		program_read(200);
		while (at < program.now) {
			uint64_t to = at + 1 + program_random(10000);

			give_range(at, to);
			at = to;
		}
		check_threads(round);
		forget_given();
		program_end();
	}
}

/* Nodes with calls, and spans of which their longest call is one. */
struct longest {
	uint32_t nodes, found;
};

static int check_start(void *context, uint32_t index, const struct thag_chunk_node *node)
{
	struct longest *longest = context;

	(void)index;
	longest->nodes += node->calls.calls != 0;
	for (uint32_t i = 0; i < program.span_count; i++)
		longest->found += node->calls.calls && program.spans[i].lane == THAG_LANE_OWN &&
				  program.spans[i].site == node->site &&
				  program.spans[i].start == node->max_start &&
				  program.spans[i].end - program.spans[i].start == node->calls.max;
	return 0;
}

Test(chunk_tree, longest_calls_are_told_with_their_start)
{
	struct thag_chunk_tree tree;
	struct thag_buffer stored = { 0 };
	struct longest longest = { 0 };

	program_begin(7, (struct program_options){ .steps = 500, .ticks_max = 5000, .depth = 3 });
	program_read(100000);
	cr_assert_eq(program.rings[1].chunk_count, 1);
	cr_assert_eq(thag_chunk_tree_init(&tree), 0);
	cr_assert_eq(thag_chunk_tree_add(&tree, &program.rings[1].chunks[0], 0, UINT64_MAX), 0);
	cr_assert_eq(thag_chunk_tree_encode(&tree, &stored), 0);
	cr_assert_eq(thag_chunk_tree_read(stored.data, stored.bytes, 0, check_start, &longest), 0);
	cr_expect_gt(longest.nodes, 20);
	cr_expect_eq(longest.found, longest.nodes);
	thag_buffer_fini(&stored);
	thag_chunk_tree_fini(&tree);
	program_end();
}

Test(chunk_tree, merged_trees_are_what_all_of_them_give)
{
	struct thag_chunk_tree tree, merged;
	struct thag_buffer stored = { 0 }, together = { 0 };

	program_begin(3, (struct program_options){
				 .steps = 5000, .ticks_max = 50, .depth = 8, .tasks = true });
	program_read(500);
	cr_assert_eq(thag_chunk_tree_init(&merged), 0);
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		for (uint32_t j = 0; j < program.rings[i].chunk_count; j++) {
			cr_assert_eq(thag_chunk_tree_init(&tree), 0);
			cr_assert_eq(thag_chunk_tree_add(&tree, &program.rings[i].chunks[j], 0,
							 UINT64_MAX),
				     0);
			stored.bytes = 0;
			cr_assert_eq(thag_chunk_tree_encode(&tree, &stored), 0);
			cr_assert_eq(thag_chunk_tree_merge(&merged, 0, stored.data, stored.bytes),
				     0);
			thag_chunk_tree_fini(&tree);
		}
	cr_assert_eq(thag_chunk_tree_encode(&merged, &together), 0);
	cr_assert_eq(thag_chunk_tree_give(together.data, together.bytes, 5, THAG_CHUNK_TREE_WHOLE,
					  tree_of, NULL),
		     0);
	check_threads(3);
	forget_given();
	thag_buffer_fini(&stored);
	thag_buffer_fini(&together);
	thag_chunk_tree_fini(&merged);
	program_end();
}

Test(chunk_tree, no_stored_byte_is_trusted)
{
	struct thag_chunk_tree tree;
	struct thag_buffer stored = { 0 };
	uint32_t refused = 0;

	program_begin(5, (struct program_options){
				 .steps = 600, .ticks_max = 50, .depth = 8, .tasks = true });
	program_read(100000);
	cr_assert_eq(thag_chunk_tree_init(&tree), 0);
	cr_assert_eq(thag_chunk_tree_add(&tree, &program.rings[0].chunks[0], 0, UINT64_MAX), 0);
	cr_assert_eq(thag_chunk_tree_encode(&tree, &stored), 0);
	for (size_t i = 0; i < stored.bytes * 8; i++) {
		int error;

		stored.data[i / 8] ^= (uint8_t)(1 << i % 8);
		error = thag_chunk_tree_give(stored.data, stored.bytes, 0,
					     THAG_CHUNK_TREE_WHOLE / 3, tree_of, NULL);
		cr_assert(error == 0 || error == -EBADMSG);
		refused += error != 0;
		stored.data[i / 8] ^= (uint8_t)(1 << i % 8);
		forget_given();
	}
	cr_expect_gt(refused, 0);
	thag_buffer_fini(&stored);
	thag_chunk_tree_fini(&tree);
	program_end();
}

/* Appends a node; its calls, if there are any, took `total` together, or each, and the longest of
 * them began at 1000 + site. */
static void put_node(struct thag_buffer *to, uint32_t back, uint32_t site, uint64_t calls,
		     uint64_t total)
{
	const uint64_t numbers[] = { back,  site,  calls,
				     total, total, UINT64_C(1000) + site,
				     0,	    1,	   thag_hist_bucket(total),
				     calls };
	const uint32_t count = calls == 0 ? 4 : calls == 1 ? 6 : 10;

	cr_assert_eq(thag_buffer_reserve(to, sizeof(numbers) / 8 * THAG_VARINT_MAX), 0);
	for (uint32_t i = 0; i < count; i++)
		to->bytes = (size_t)(thag_varint_put(to->data + to->bytes, numbers[i]) - to->data);
}

static int give(const struct thag_buffer *stored)
{
	return thag_chunk_tree_give(stored->data, stored->bytes, 0, THAG_CHUNK_TREE_WHOLE, tree_of,
				    NULL);
}

Test(chunk_tree, sites_and_calls_that_cannot_be_are_refused)
{
	const uint64_t most = THAG_CHUNK_WORDS + THAG_OPENINGS_FRAMES_MAX;
	const uint32_t sites[] = { THAG_SITES_MAX - 1, 7, THAG_SITES_MAX, 7, 7 };
	const uint64_t calls[] = { 0, most, 0, most + 1, UINT64_MAX };

	for (uint32_t i = 0; i < 5; i++) {
		struct thag_buffer stored = { 0 };

		put_node(&stored, 1, UINT32_MAX, 0, 50); /* a thread may have any id */
		put_node(&stored, 1, sites[i], calls[i], 50);
		cr_expect_eq(give(&stored), i < 2 ? 0 : -EBADMSG, "%u", i);
		thag_buffer_fini(&stored);
		forget_given();
	}
}

/* A thread with two calls, one in the other, and another thread. */
static struct thag_buffer two_threads(void)
{
	struct thag_buffer stored = { 0 };

	put_node(&stored, 1, 100, 0, 90);
	put_node(&stored, 1, 7, 1, 90);
	put_node(&stored, 1, 8, 1, 40);
	put_node(&stored, 4, 200, 0, 30);
	put_node(&stored, 1, 9, 1, 30);
	return stored;
}

static int stop_at(void *context, uint32_t index, const struct thag_chunk_node *node)
{
	(void)node;
	return index == *(uint32_t *)context ? 77 : 0;
}

Test(chunk_tree, is_read_until_somebody_has_enough)
{
	struct thag_buffer stored = two_threads();

	for (uint32_t at = 1; at <= 6; at++)
		cr_expect_eq(thag_chunk_tree_read(stored.data, stored.bytes, 0, stop_at, &at),
			     at <= 5 ? 77 : 0);
	thag_buffer_fini(&stored);
}

static struct thag_tree *tree_of_second(void *context, uint32_t tid)
{
	return tid == 200 ? context : NULL;
}

Test(chunk_tree, threads_that_nobody_wants_are_left_out)
{
	struct thag_buffer stored = two_threads();
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 100), 0);
	cr_assert_eq(thag_chunk_tree_give(stored.data, stored.bytes, 0, THAG_CHUNK_TREE_WHOLE,
					  tree_of_second, &tree),
		     0);
	cr_assert_eq(tree.count, 2);
	cr_expect_eq(tree.nodes[1].site, 9);
	cr_expect_eq(tree.nodes[1].total, 30);
	thag_tree_fini(&tree);
	thag_buffer_fini(&stored);
}

/* What has no node of its own is in its caller's time already. */
Test(chunk_tree, a_tree_without_room_keeps_the_time_of_callers)
{
	struct thag_buffer stored = two_threads();

	cr_assert_eq(thag_tree_init(&given[0].tree, 2), 0);
	given[0].tid = 100;
	given_count = 1;
	cr_assert_eq(give(&stored), 0);
	cr_assert_eq(given[0].tree.count, 2);
	cr_expect_eq(given[0].tree.nodes[1].site, 7);
	cr_expect_eq(given[0].tree.nodes[1].calls, 1);
	cr_expect_eq(given[0].tree.nodes[1].total, 90);
	cr_expect_gt(given[0].tree.overflowed, 0);
	forget_given();
	thag_buffer_fini(&stored);
}

Test(chunk_tree, a_merged_tree_without_room_keeps_the_time_of_callers)
{
	struct thag_buffer stored = two_threads();
	struct thag_chunk_tree tree;

	cr_assert_eq(thag_chunk_tree_init(&tree), 0);
	tree.tree.limit = 3;
	cr_assert_eq(thag_chunk_tree_merge(&tree, 0, stored.data, stored.bytes), 0);
	cr_assert_eq(tree.tree.count, 3);
	cr_expect_eq(tree.tree.nodes[1].total, 90);
	cr_expect_eq(tree.tree.nodes[2].calls, 1);
	cr_expect_eq(tree.tree.nodes[2].total, 90);
	thag_chunk_tree_fini(&tree);
	thag_buffer_fini(&stored);
}

/* That of an open call may be longer than those of its caller that are over. */
Test(chunk_tree, a_call_without_a_node_is_not_the_longest_of_its_caller)
{
	struct thag_buffer stored = { 0 };
	struct thag_chunk_tree tree;

	put_node(&stored, 1, 100, 0, 60);
	put_node(&stored, 1, 7, 1, 10);
	put_node(&stored, 1, 8, 1, 50);
	cr_assert_eq(thag_chunk_tree_init(&tree), 0);
	tree.tree.limit = 3;
	cr_assert_eq(thag_chunk_tree_merge(&tree, 0, stored.data, stored.bytes), 0);
	cr_assert_eq(tree.tree.count, 3);
	cr_expect_eq(tree.tree.nodes[2].max, 10);
	cr_expect_eq(tree.starts[2], 1007);
	thag_chunk_tree_fini(&tree);
	thag_buffer_fini(&stored);
}
