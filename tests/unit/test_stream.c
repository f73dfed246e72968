/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "thag_stream.h"
#include "thag/words.h"

static struct thag_thread *threads[16];
static uint32_t thread_count;

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	struct thag_thread *thread = malloc(sizeof(*thread));

	(void)context;
	cr_assert_eq(thag_thread_init(thread, tid, 1 << 20), 0);
	threads[thread_count++] = thread;
	return thread;
}

static void end_thread(void *context, struct thag_thread *thread)
{
	(void)context;
	cr_assert_eq(thread->own.depth, 0);
}

/* A stream whose first thread has begun. */
static struct thag_stream begin(uint64_t ticks)
{
	struct thag_stream stream = { .thread_start = start_thread,
				      .thread_end = end_thread,
				      .last_ticks = ticks };

	thread_count = 0;
	stream.thread = start_thread(NULL, 1);
	return stream;
}

static void feed(struct thag_stream *stream, enum thag_kind kind, uint32_t arg, uint64_t ticks)
{
	uint64_t word = THAG_WORD(kind, arg) | ticks << THAG_WORD_TIME_SHIFT;

	thag_stream_feed(stream, &word, 1);
}

static const struct thag_node *node_at(const uint32_t *sites, int count)
{
	struct thag_tree *tree = &threads[0]->tree;
	uint32_t node = THAG_TREE_ROOT;

	for (int i = 0; i < count; i++)
		node = thag_tree_child(tree, node, sites[i]);
	return &tree->nodes[node];
}

#define AT(...) node_at((const uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4)

Test(stream, times_a_call_and_its_callee)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_ENTER, 11, 110);
	feed(&stream, THAG_KIND_EXIT, 1, 150);
	feed(&stream, THAG_KIND_EXIT, 0, 200);
	cr_expect_eq(AT(10)->total, 100);
	cr_expect_eq(AT(10, 11)->total, 40);
	cr_expect_eq(AT(10, 11)->calls, 1);
	cr_expect_eq(stream.events, 4);
}

Test(stream, closes_what_lies_above_an_exit)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_ENTER, 10, 110);
	feed(&stream, THAG_KIND_ENTER, 10, 120);
	feed(&stream, THAG_KIND_EXIT, 0, 200); /* the outermost, of one name with the others */
	cr_expect_eq(threads[0]->own.depth, 0);
	cr_expect_eq(threads[0]->unwound, 2);
	cr_expect_eq(AT(10, 10, 10)->total, 80);
}

Test(stream, counts_an_exit_that_matches_nothing)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_EXIT, 0, 100);
	feed(&stream, THAG_KIND_ENTER, 10, 110);
	feed(&stream, THAG_KIND_EXIT, 0, 120);
	cr_expect_eq(threads[0]->unmatched, 1);
	cr_expect_eq(AT(10)->total, 10);
}

Test(stream, learns_the_depth_of_a_thread_it_joins_late)
{
	struct thag_stream stream = begin(0);

	threads[0]->own.late = 1;
	for (int i = 0; i < 3; i++) {
		feed(&stream, THAG_KIND_ENTER, 10, 100);
		feed(&stream, THAG_KIND_ENTER, 11, 100);
		feed(&stream, THAG_KIND_EXIT, 8, 110);
		feed(&stream, THAG_KIND_EXIT, 7, 120);
	}
	feed(&stream, THAG_KIND_EXIT, 6, 130); /* opened before we came */
	feed(&stream, THAG_KIND_ENTER, 12, 140);
	feed(&stream, THAG_KIND_EXIT, 6, 150);
	cr_expect_eq(AT(10)->calls, 3);
	cr_expect_eq(AT(10, 11)->calls, 3);
	cr_expect_eq(AT(12)->calls, 1);
	cr_expect_eq(threads[0]->unmatched, 1);
	cr_expect_eq(threads[0]->own.depth, 0);
}

Test(stream, finds_its_way_back_after_a_lost_enter)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	/* index 1 is lost */
	feed(&stream, THAG_KIND_ENTER, 12, 120);
	feed(&stream, THAG_KIND_ENTER, 13, 130);
	feed(&stream, THAG_KIND_EXIT, 3, 140);
	feed(&stream, THAG_KIND_EXIT, 1, 150); /* a jump over 2 and 1 */
	feed(&stream, THAG_KIND_ENTER, 14, 160);
	feed(&stream, THAG_KIND_EXIT, 1, 170);
	feed(&stream, THAG_KIND_EXIT, 0, 200);
	cr_expect_eq(threads[0]->own.depth, 0);
	cr_expect_eq(threads[0]->own.base, 0);
	cr_expect_eq(threads[0]->unmatched, 0);
	cr_expect_eq(AT(10)->total, 100);
	cr_expect_eq(AT(10, 12, 13)->total, 10);
	cr_expect_eq(AT(10, 14)->total, 10);
}

Test(stream, unfolds_times_across_the_wrap)
{
	uint64_t lap = UINT64_C(1) << THAG_WORD_TIME_BITS;
	struct thag_stream stream = begin(5 * lap - 10);

	feed(&stream, THAG_KIND_ENTER, 10, lap - 5);
	feed(&stream, THAG_KIND_EXIT, 0, 5);
	cr_expect_eq(AT(10)->total, 10);
	cr_expect_eq(stream.last_ticks, 5 * lap + 5);
}

Test(stream, takes_the_whole_time_from_a_time_word)
{
	struct thag_stream stream = begin(0);
	uint64_t ticks = (UINT64_C(77) << THAG_WORD_TIME_BITS) + 9;

	feed(&stream, THAG_KIND_TIME, 77, 9);
	cr_expect_eq(stream.last_ticks, ticks);
}

Test(stream, clamps_a_clock_that_runs_backwards)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 1000);
	feed(&stream, THAG_KIND_EXIT, 0, 990);
	cr_expect_eq(stream.skewed, 1);
	cr_expect_eq(AT(10)->total, 0);
}

static void feed_suspended(struct thag_stream *stream, uint64_t suspended, uint64_t ticks)
{
	const uint64_t words[] = { THAG_WORD_EXT(THAG_EXT_SUSPENDED) |
					   ticks << THAG_WORD_TIME_SHIFT,
				   thag_payload_pack(suspended) };

	thag_stream_feed(stream, words, 2);
}

Test(stream, leaves_out_what_a_machine_was_suspended)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_ENTER, 11, 200);
	feed_suspended(&stream, 1000000, 1000300);
	feed(&stream, THAG_KIND_EXIT, 1, 1000400);
	feed(&stream, THAG_KIND_EXIT, 0, 1000500);
	cr_expect_eq(AT(10)->total, 400);
	cr_expect_eq(AT(10, 11)->total, 200);
	/* the way it comes: behind the TIME word */
	feed(&stream, THAG_KIND_ENTER, 12, 1000600);
	feed(&stream, THAG_KIND_TIME, 3, 1000600);
	feed_suspended(&stream, UINT64_C(3) << THAG_WORD_TIME_BITS, 1000700);
	feed(&stream, THAG_KIND_EXIT, 0, 1000800);
	cr_expect_eq(AT(12)->total, 200);
	cr_expect_eq(stream.skewed, 0);
	cr_expect_eq(stream.invalid, 0);
}

Test(stream, leaves_out_no_more_than_there_was)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed_suspended(&stream, UINT64_MAX >> 2, 200);
	feed_suspended(&stream, 50, 250);
	feed(&stream, THAG_KIND_EXIT, 0, 300);
	cr_expect_eq(AT(10)->total, 50);
	feed_suspended(&stream, 50, 300);
	stream.thread = NULL;
	feed_suspended(&stream, 50, 400);
	cr_expect_eq(stream.invalid, 0);
}

Test(stream, truncates_open_frames_when_a_thread_ends)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_EXT, THAG_EXT_THREAD_END << THAG_EXT_SHIFT, 150);
	cr_expect_eq(threads[0]->truncated, 1);
	cr_expect_eq(threads[0]->ended, 1);
	cr_expect_eq(AT(10)->total, 50);
	feed(&stream, THAG_KIND_ENTER, 10, 160);
	cr_expect_eq(stream.orphans, 1);
}

Test(stream, gives_each_owner_of_a_ring_its_own_tree)
{
	struct thag_stream stream = begin(0);
	uint64_t tid = thag_payload_pack(4711);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_EXT, THAG_EXT_THREAD_START << THAG_EXT_SHIFT, 120);
	thag_stream_feed(&stream, &tid, 1);
	feed(&stream, THAG_KIND_ENTER, 11, 130);
	cr_assert_eq(thread_count, 2);
	cr_expect_eq(threads[1]->tid, 4711);
	cr_expect_eq(threads[0]->truncated, 1);
	cr_expect_eq(threads[1]->own.depth, 1);
}

Test(stream, counts_losses_and_nonsense)
{
	struct thag_stream stream = begin(0);
	uint64_t lost = thag_payload_pack(12345);

	feed(&stream, THAG_KIND_EXT, THAG_EXT_LOST << THAG_EXT_SHIFT, 10);
	thag_stream_feed(&stream, &lost, 1);
	feed(&stream, THAG_KIND_EXT, 200u << THAG_EXT_SHIFT, 10);
	feed(&stream, THAG_KIND_EXT, THAG_EXT_LOST << THAG_EXT_SHIFT | THAG_LOST_MEMORY, 10);
	thag_stream_feed(&stream, &lost, 1);
	cr_expect_eq(stream.lost_calls, 12345);
	cr_expect_eq(stream.lost_memory, 12345);
	cr_expect_eq(stream.invalid, 1);
}

Test(stream, adds_the_time_of_open_frames)
{
	struct thag_stream stream = begin(0);
	struct thag_tree copy;
	struct thag_open open[2];

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_ENTER, 11, 130);
	cr_assert_eq(thag_tree_copy(&copy, &threads[0]->tree), 0);
	cr_assert_eq(thag_tasks_count_open(threads[0]), 2);
	cr_expect_eq(thag_tasks_add_open(threads[0], &copy, 180, open, 2), 2);
	cr_expect_eq(open[0].ticks, 80);
	cr_expect_eq(copy.nodes[1].total, 80);
	cr_expect_eq(copy.nodes[2].total, 50);
	cr_expect_eq(copy.nodes[2].calls, 0);
	thag_tree_fini(&copy);
}

Test(stream, counts_a_section_that_ends_below_the_top_once)
{
	struct thag_stream stream = begin(0);

	feed(&stream, THAG_KIND_ENTER, 10, 100);
	feed(&stream, THAG_KIND_SECTION_BEGIN, 11, 110);
	feed(&stream, THAG_KIND_SECTION_BEGIN, 12, 120);
	feed(&stream, THAG_KIND_SECTION_END, 1, 130);
	feed(&stream, THAG_KIND_EXIT, 2, 140);
	feed(&stream, THAG_KIND_EXIT, 0, 150);
	cr_expect_eq(threads[0]->calls, 3);
	cr_expect_eq(threads[0]->unwound, 0);
	cr_expect_eq(AT(10, 11)->total, 20);
	cr_expect_eq(AT(10, 11, 12)->total, 10);
	cr_expect_eq(AT(10, 12)->total, 10);
	cr_expect_eq(AT(10, 12)->calls, 1);
	cr_expect_eq(AT(10, 12)->max, 20);
}

/*
 * Sections against a naive model: at every tick the model knows the stack, and gives the tick to
 * it, as a list of sites. The tree's self times must be those sums, to the tick.
 */
#define MODEL_STACKS 4096
#define MODEL_DEPTH 12

struct model_stack {
	uint32_t sites[MODEL_DEPTH];
	uint32_t depth;
	uint64_t ticks;
};

static struct model_stack model[MODEL_STACKS];
static uint32_t model_count;

static void model_give(const uint32_t *sites, uint32_t depth, uint64_t ticks)
{
	uint32_t i = 0;

	if (depth == 0)
		return;
	while (i < model_count && (model[i].depth != depth ||
				   memcmp(model[i].sites, sites, depth * sizeof(*sites)) != 0))
		i++;
	cr_assert_lt(i, MODEL_STACKS);
	if (i == model_count) {
		model_count++;
		model[i].depth = depth;
		memcpy(model[i].sites, sites, depth * sizeof(*sites));
		model[i].ticks = 0;
	}
	model[i].ticks += ticks;
}

/* The stack as the writer sees it: slots by index, some of them of sections that ended. */
struct model_writer {
	uint32_t sites[MODEL_DEPTH];
	uint32_t depth;
};

static void model_pass(const struct model_writer *writer, uint64_t ticks)
{
	uint32_t live[MODEL_DEPTH], count = 0;

	for (uint32_t i = 0; i < writer->depth; i++)
		if (writer->sites[i])
			live[count++] = writer->sites[i];
	model_give(live, count, ticks);
}

static uint64_t self_ticks(const struct thag_node *node)
{
	uint64_t self = node->total;

	for (uint32_t i = node->first_child; i; i = threads[0]->tree.nodes[i].next_sibling)
		self -= threads[0]->tree.nodes[i].total;
	return self;
}

static void random_step(struct thag_stream *stream, struct model_writer *writer, unsigned *seed,
			uint64_t now)
{
	uint32_t index = writer->depth ? (uint32_t)rand_r(seed) % writer->depth : 0;
	int what = rand_r(seed) % 8;

	if (writer->depth < MODEL_DEPTH && (what < 4 || writer->depth == 0)) {
		writer->sites[writer->depth++] = 10 + (uint32_t)rand_r(seed) % 4;
		feed(stream, what & 1 ? THAG_KIND_ENTER : THAG_KIND_SECTION_BEGIN,
		     writer->sites[writer->depth - 1], now);
	} else if (what < 7 && index + 1 < writer->depth) {
		writer->sites[index] = 0;
		feed(stream, THAG_KIND_SECTION_END, index, now);
	} else {
		if (what < 7)
			index = writer->depth - 1;
		writer->depth = index;
		feed(stream, THAG_KIND_EXIT, index, now);
	}
}

Test(stream, splits_time_among_overlapping_sections_to_the_tick)
{
	for (unsigned round = 1; round < 60; round++) {
		struct thag_stream stream = begin(0);
		struct model_writer writer = { .depth = 0 };
		unsigned seed = round;
		uint64_t now = 0, sum = 0;

		model_count = 0;
		for (int step = 0; step < 200; step++) {
			uint64_t passed = 1 + (uint64_t)rand_r(&seed) % 100;

			model_pass(&writer, passed);
			now += passed;
			random_step(&stream, &writer, &seed, now);
		}
		feed(&stream, THAG_KIND_EXIT, 0, now);
		for (uint32_t i = 0; i < model_count; i++) {
			const struct thag_node *node = node_at(model[i].sites, (int)model[i].depth);

			cr_assert_eq(self_ticks(node), model[i].ticks, "round %u", round);
			sum += model[i].ticks;
		}
		for (uint32_t i = 1; i < threads[0]->tree.count; i++)
			sum -= self_ticks(&threads[0]->tree.nodes[i]);
		cr_assert_eq(sum, 0);
		thag_thread_fini(threads[0]);
		free(threads[0]);
	}
}
