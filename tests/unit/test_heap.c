/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Scenes for each number of the heap, one event at a time. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "thag_heap_queue.h"

static struct thag_heap *heap;
static struct thag_heap_copy copy;
static struct thag_thread thread;
static uint32_t path_a, path_b; /* calls of sites 10 and 11 */
static struct thag_shm_trace traces[THAG_TRACE_DEPTH_MAX + 8];

static bool read_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	(void)context;
	if (trace >= sizeof(traces) / sizeof(*traces))
		return false;
	*out = traces[trace];
	return true;
}

static void begin_with(struct thag_heap_options options)
{
	options.trace = read_trace;
	cr_assert_eq(thag_heap_create(&heap, &options), 0);
	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 20), 0);
	path_a = thag_heap_path(heap, &thread, thag_tree_child(&thread.tree, 0, 10));
	path_b = thag_heap_path(heap, &thread, thag_tree_child(&thread.tree, 0, 11));
}

static void begin(void)
{
	begin_with((struct thag_heap_options){ .slack_ticks = 10 });
}

static void end(void)
{
	thag_heap_copy_fini(&copy);
	thag_thread_fini(&thread);
	thag_heap_destroy(heap);
}

static void apply(struct thag_heap_event event)
{
	thag_heap_apply(heap, &event, 1);
}

#define APPLY(...) apply((struct thag_heap_event){ __VA_ARGS__ })
#define ALLOC(at, where, bytes, ...) \
	APPLY(.ticks = (at), .address = (where), .size = (bytes), .op = THAG_HEAP_ALLOC, \
	      __VA_ARGS__)
#define FREE(at, where, ...) \
	APPLY(.ticks = (at), .address = (where), .op = THAG_HEAP_FREE, __VA_ARGS__)
#define MOVE(at, where, ...) \
	APPLY(.ticks = (at), .address = (where), .op = THAG_HEAP_MOVE, __VA_ARGS__)
#define MOVED(at, from, to, bytes, ...) \
	APPLY(.ticks = (at), .old = (from), .address = (to), .size = (bytes), \
	      .op = THAG_HEAP_MOVED, __VA_ARGS__)

static const struct thag_heap_totals *totals(void)
{
	return thag_heap_totals(heap);
}

static void look(uint64_t from, uint64_t to)
{
	thag_heap_copy_fini(&copy);
	cr_assert_eq(thag_heap_copy(&copy, heap, from, to), 0);
}

static const struct thag_heap_account *account(enum thag_heap_kind kind, uint32_t path)
{
	look(0, 0);
	return &copy.paths[kind].accounts[path];
}

static uint64_t at_peak(uint32_t path)
{
	const struct thag_heap_account *of = account(THAG_HEAP_CALLS, path);

	return thag_heap_at_peak(of, copy.epoch);
}

Test(heap, knows_who_allocated_and_who_freed, .init = begin, .fini = end)
{
	const struct thag_heap_account *of;
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	ALLOC(10, 0x1000, 100, .path = path_a);
	ALLOC(20, 0x2000, 50, .path = path_a);
	FREE(30, 0x1000, .path = path_b);
	of = account(THAG_HEAP_CALLS, path_a);
	cr_expect_eq(of->allocated_bytes, 150);
	cr_expect_eq(of->allocations, 2);
	cr_expect_eq(of->freed_bytes, 100);
	cr_expect_eq(of->frees, 1);
	cr_expect_eq(of->released, 0);
	cr_expect_eq(of->high_bytes, 150);
	cr_expect_eq(of->lifetime_max, 20);
	thag_hist_sum(&copy.paths[THAG_HEAP_CALLS].lifetimes, of->lifetimes, counts);
	cr_expect_eq(counts[thag_hist_bucket(20)], 1);
	of = account(THAG_HEAP_CALLS, path_b);
	cr_expect_eq(of->allocations, 0);
	cr_expect_eq(of->released_bytes, 100);
	cr_expect_eq(of->released, 1);
	cr_expect_eq(totals()->live_bytes, 50);
	cr_expect_eq(totals()->live, 1);
	cr_expect_eq(copy.now, 30);
}

Test(heap, shares_the_peak_among_those_who_had_it, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 100, .path = path_a);
	ALLOC(20, 0x2000, 300, .path = path_b);
	FREE(30, 0x1000, .path = path_b);
	ALLOC(40, 0x3000, 250, .path = path_b); /* 550: the peak, of b alone */
	cr_expect_eq(at_peak(path_a), 0);
	cr_expect_eq(at_peak(path_b), 550);
	FREE(50, 0x2000, .path = path_b);
	ALLOC(60, 0x4000, 200, .path = path_a); /* 450 */
	cr_expect_eq(at_peak(path_a), 0);
	cr_expect_eq(at_peak(path_b), 550);
	ALLOC(70, 0x5000, 101, .path = path_a); /* 551 */
	FREE(80, 0x4000, .path = path_a);
	cr_expect_eq(at_peak(path_a), 301);
	cr_expect_eq(at_peak(path_b), 250);
	cr_expect_eq(totals()->peak_bytes, 551);
	cr_expect_eq(totals()->peak_blocks, 3);
	cr_expect_eq(totals()->peak_ticks, 70);
}

Test(heap, calls_temporary_what_its_thread_frees_before_the_next, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 1, .ring = 1);
	FREE(11, 0x1000, .ring = 1); /* temporary */
	ALLOC(20, 0x1000, 2, .ring = 1);
	ALLOC(21, 0x2000, 4, .ring = 2);
	FREE(22, 0x1000, .ring = 2); /* by another thread, and still temporary */
	ALLOC(30, 0x1000, 8, .ring = 2);
	FREE(31, 0x2000, .ring = 1); /* its thread has allocated since */
	FREE(32, 0x1000, .ring = 1); /* temporary */
	ALLOC(40, 0x1000, 16, .ring = 3);
	APPLY(.ticks = 41, .op = THAG_HEAP_FINISH, .ring = 3);
	FREE(42, 0x1000, .ring = 1); /* its thread has ended */
	cr_expect_eq(totals()->temporary, 3);
	cr_expect_eq(totals()->temporary_bytes, 1 + 2 + 8);
	cr_expect_eq(account(THAG_HEAP_CALLS, 0)->temporary, 3);
}

Test(heap, moves_a_block, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 100, .path = path_a);
	ALLOC(11, 0x9000, 1, .path = path_a);
	MOVE(20, 0x1000, .path = path_b);
	cr_expect_eq(totals()->live, 2); /* until it is known what becomes of it */
	ALLOC(21, 0x1000, 7, .ring = 5); /* another thread got its place at once */
	MOVED(22, 0x1000, 0x2000, 300, .path = path_b);
	cr_expect_eq(totals()->live_bytes, 308);
	cr_expect_eq(totals()->live, 3);
	cr_expect_eq(totals()->displaced, 0);
	cr_expect_eq(totals()->reallocations, 1);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_b)->reallocations, 1);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_b)->released_bytes, 100);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->freed_bytes, 100);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->lifetime_max, 10);
	FREE(30, 0x2000);
	FREE(31, 0x1000);
	cr_expect_eq(totals()->live_bytes, 1);
	cr_expect_eq(totals()->unmatched, 0);
}

Test(heap, leaves_a_block_that_could_not_be_moved, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 100, .path = path_a);
	MOVE(20, 0x1000, .path = path_b);
	MOVED(21, 0x1000, 0, 1000000, .path = path_b);
	cr_expect_eq(totals()->frees, 0);
	cr_expect_eq(totals()->live_bytes, 100);
	FREE(50, 0x1000);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->lifetime_max, 40);
	cr_expect_eq(totals()->unmatched, 0);
}

Test(heap, frees_a_block_reallocated_to_nothing, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 100);
	MOVE(20, 0x1000);
	MOVED(21, 0x1000, 0, 0);
	cr_expect_eq(totals()->frees, 1);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(totals()->reallocations, 0);
}

Test(heap, settles_a_move_whose_end_was_lost, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 100);
	ALLOC(11, 0x2000, 200);
	MOVE(20, 0x1000);
	MOVE(30, 0x2000);
	cr_expect_eq(totals()->live_bytes, 200);
	APPLY(.ticks = 40, .op = THAG_HEAP_FINISH);
	cr_expect_eq(totals()->live_bytes, 0);
	MOVED(50, 0x5000, 0x6000, 8); /* its beginning was lost */
	cr_expect_eq(totals()->live_bytes, 8);
	cr_expect_eq(totals()->unmatched, 0);
}

Test(heap, counts_frees_of_what_it_never_saw, .init = begin, .fini = end)
{
	FREE(10, 0x1000);
	ALLOC(20, 0x1000, 8); /* of the same ring: later is later */
	FREE(30, 0x1000);
	FREE(31, 0x1000); /* twice */
	MOVE(40, 0x2000);
	MOVED(41, 0x2000, 0x3000, 16);
	MOVE(50, 0x7000);
	MOVED(51, 0x7000, 0, 99); /* failed: nothing was freed */
	FREE(60, 0);
	thag_heap_settle(heap, UINT64_MAX);
	cr_expect_eq(totals()->unmatched, 3);
	cr_expect_eq(totals()->live_bytes, 16);
	cr_expect_eq(totals()->frees, 1);
}

/* Clocks are read a little early: a free may seem to come before its allocation. */
Test(heap, waits_a_moment_for_an_allocation_in_another_ring, .init = begin, .fini = end)
{
	FREE(100, 0x1000, .ring = 2, .path = path_b);
	ALLOC(109, 0x1000, 8, .ring = 1, .path = path_a);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_b)->released_bytes, 8);
	FREE(200, 0x1000, .ring = 2);
	ALLOC(211, 0x1000, 8, .ring = 1); /* too late to be the same */
	cr_expect_eq(totals()->live, 1);
	cr_expect_eq(totals()->unmatched, 1);
	MOVE(300, 0x2000, .ring = 2);
	ALLOC(301, 0x2000, 32, .ring = 1);
	MOVED(302, 0x2000, 0x3000, 64, .ring = 2);
	cr_expect_eq(totals()->live_bytes, 8 + 64);
	MOVE(400, 0x4000, .ring = 2);
	MOVED(401, 0x4000, 0x5000, 1, .ring = 2);
	ALLOC(402, 0x4000, 128, .ring = 1); /* even after the reallocation was over */
	cr_expect_eq(totals()->live_bytes, 8 + 64 + 1);
	thag_heap_settle(heap, UINT64_MAX);
	cr_expect_eq(totals()->unmatched, 1);
}

Test(heap, counts_blocks_whose_place_was_given_out_again, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 8, .path = path_a);
	ALLOC(20, 0x1000, 16, .path = path_b); /* the free between them was lost */
	cr_expect_eq(totals()->displaced, 1);
	cr_expect_eq(totals()->live_bytes, 16);
	cr_expect_eq(totals()->peak_bytes, 16);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->frees, 1);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->lifetime_max, 0);
	FREE(90, 0x1000);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(totals()->unmatched, 0);
}

Test(heap, finds_the_free_that_came_after_the_next_allocation, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 8, .ring = 1, .path = path_a);
	ALLOC(50, 0x1000, 16, .ring = 2, .path = path_b);
	FREE(52, 0x1000, .ring = 1); /* of the first */
	cr_expect_eq(totals()->displaced, 0);
	cr_expect_eq(totals()->live_bytes, 16);
	cr_expect_eq(totals()->temporary, 1);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->lifetime_max, 42);
	cr_expect_eq(account(THAG_HEAP_CALLS, 0)->released_bytes, 8);
	FREE(53, 0x1000, .ring = 1); /* of the second */
	cr_expect_eq(totals()->live_bytes, 0);
	cr_expect_eq(totals()->frees, 2);
}

Test(heap, follows_no_more_blocks_than_it_may, .fini = end)
{
	begin_with((struct thag_heap_options){ .live_limit = 2 });
	ALLOC(10, 0x1000, 1);
	ALLOC(11, 0x2000, 2);
	look(0, 0);
	cr_expect_not(copy.capped);
	ALLOC(12, 0x3000, 4, .path = path_a);
	ALLOC(13, 0x2000, 8); /* in the place of another: that is no more of them */
	FREE(20, 0x3000);
	cr_expect_eq(totals()->untracked, 1);
	cr_expect_eq(totals()->allocated_bytes, 15);
	cr_expect_eq(totals()->live_bytes, 9);
	cr_expect_eq(totals()->live, 2);
	cr_expect_eq(account(THAG_HEAP_CALLS, path_a)->frees, 1);
	cr_expect(copy.capped);
	FREE(30, 0x1000);
	ALLOC(31, 0x3000, 16);
	cr_expect_eq(totals()->live_bytes, 24);
}

Test(heap, counts_at_callers_beyond_the_limit_of_paths, .fini = end)
{
	uint32_t node, deep;

	begin_with((struct thag_heap_options){ .node_limit = { 4, 2 } });
	node = thag_tree_child(&thread.tree, 1, 20);
	deep = thag_heap_path(heap, &thread, node);
	cr_expect_eq(thag_heap_path(heap, &thread, thag_tree_child(&thread.tree, node, 21)), deep);
	traces[1] = (struct thag_shm_trace){ .parent = 0, .site = 50 };
	traces[2] = (struct thag_shm_trace){ .parent = 1, .site = 51 };
	ALLOC(10, 0x1000, 8, .path = deep, .trace = 2);
	cr_expect_eq(account(THAG_HEAP_CALLS, deep)->allocated_bytes, 8);
	cr_expect_eq(account(THAG_HEAP_TRACES, 1)->allocated_bytes, 8);
	cr_expect(copy.capped);
	cr_expect_eq(totals()->unknown_traces, 0);
}

Test(heap, follows_nothing_new_once_tightened, .init = begin, .fini = end)
{
	ALLOC(10, 0x1000, 8);
	thag_heap_tighten(heap);
	ALLOC(11, 0x2000, 16);
	cr_expect_eq(thag_heap_path(heap, &thread, thag_tree_child(&thread.tree, 1, 20)), path_a);
	cr_expect_eq(totals()->live_bytes, 8);
	cr_expect_eq(totals()->untracked, 1);
}

Test(heap, knows_a_path_below_a_million_calls, .init = begin, .fini = end)
{
	uint32_t node = THAG_TREE_ROOT, path, depth = 0;

	for (int i = 0; i < 1000000; i++)
		node = thag_tree_child(&thread.tree, node, 10);
	path = thag_heap_path(heap, &thread, node);
	ALLOC(10, 0x1000, 8, .path = path);
	look(0, 0);
	for (uint32_t at = path; at; at = copy.paths[THAG_HEAP_CALLS].tree.nodes[at].parent)
		depth++;
	cr_expect_eq(depth, 1000000);
	cr_expect_eq(copy.paths[THAG_HEAP_CALLS].accounts[path].allocations, 1);
}

Test(heap, counts_nonsense_traces_at_the_root, .init = begin, .fini = end)
{
	uint32_t deep = THAG_TRACE_DEPTH_MAX + 1;

	for (uint32_t i = 1; i <= deep; i++)
		traces[i] = (struct thag_shm_trace){ .parent = i - 1, .site = 50 };
	traces[deep + 1] = (struct thag_shm_trace){ .parent = deep + 1, .site = 50 };
	traces[deep + 2] = (struct thag_shm_trace){ .parent = UINT32_MAX, .site = 50 };
	traces[deep + 3] = (struct thag_shm_trace){ .parent = 1, .site = THAG_SITES_MAX };
	ALLOC(10, 0x1000, 1, .trace = deep);
	ALLOC(11, 0x2000, 2, .trace = deep + 1);
	ALLOC(12, 0x3000, 4, .trace = deep + 2);
	ALLOC(13, 0x4000, 8, .trace = deep + 3);
	ALLOC(14, 0x5000, 16, .trace = deep + 4); /* not there yet */
	ALLOC(15, 0x6000, 32, .trace = THAG_TRACES_MAX - 1);
	ALLOC(16, 0x7000, 64, .trace = UINT32_MAX);
	cr_expect_eq(totals()->unknown_traces, 7);
	cr_expect_eq(account(THAG_HEAP_TRACES, 0)->allocated_bytes, 127);
	traces[deep + 4] = (struct thag_shm_trace){ .parent = 0, .site = 60 };
	ALLOC(17, 0x8000, 128, .trace = deep + 4);
	ALLOC(18, 0x9000, 256, .trace = deep - 1); /* as deep as it may be */
	cr_expect_eq(totals()->unknown_traces, 7);
	cr_expect_eq(account(THAG_HEAP_TRACES, 0)->allocated_bytes, 127);
	cr_expect_eq(copy.paths[THAG_HEAP_TRACES].tree.count, 2 + THAG_TRACE_DEPTH_MAX);
}

Test(heap, sorts_sizes, .init = begin, .fini = end)
{
	static const uint64_t sizes[] = { 0,	64,   65,    256,   257,   1024,  1025,
					  4096, 4097, 16384, 16385, 65536, 65537, UINT64_MAX };
	static const uint64_t counts[THAG_SIZE_CLASSES] = { 2, 2, 2, 2, 2, 2, 2 };

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		ALLOC(10 + i, 0x1000 * (i + 1), sizes[i]);
	for (int i = 0; i < THAG_SIZE_CLASSES; i++) {
		cr_expect_eq(totals()->classes[i].count, counts[i], "class %d", i);
		cr_expect_eq(totals()->classes[i].low, i ? totals()->classes[i - 1].high + 1 : 0);
	}
	cr_expect_eq(totals()->classes[1].bytes, 65 + 256);
	cr_expect_eq(totals()->classes[THAG_SIZE_CLASSES - 1].high, UINT64_MAX);
	cr_expect_eq(totals()->size_count[thag_hist_bucket(0)], 1);
	cr_expect_eq(totals()->size_bytes[thag_hist_bucket(4096)], 4096 + 4097);
}

Test(heap, counts_pages, .init = begin, .fini = end)
{
	APPLY(.ticks = 10, .op = THAG_HEAP_MAP, .size = 8192);
	APPLY(.ticks = 11, .op = THAG_HEAP_MAP, .size = 4096);
	APPLY(.ticks = 12, .op = THAG_HEAP_UNMAP, .size = 8192);
	cr_expect_eq(totals()->mapped_bytes, 4096);
	cr_expect_eq(totals()->mapped_peak_bytes, 12288);
	APPLY(.ticks = 13, .op = THAG_HEAP_UNMAP, .size = 8192);
	cr_expect_eq(totals()->mapped_bytes, 0);
	cr_expect_eq(totals()->allocations, 0);
}

Test(heap, cuts_time_into_slices, .fini = end)
{
	begin_with((struct thag_heap_options){ .start_ticks = 1000, .slice_ticks = 100 });
	ALLOC(1010, 0x1000, 8);
	ALLOC(1020, 0x2000, 16);
	FREE(1150, 0x1000);
	ALLOC(5020, 0x3000, 32); /* after a long while */
	look(1020, 5021);
	cr_assert_eq(copy.slice_count, 4);
	cr_expect_eq(copy.slices[0].start, 1000);
	cr_expect_eq(copy.slices[0].allocated_bytes, 24);
	cr_expect_eq(copy.slices[0].live_bytes, 24);
	cr_expect_eq(copy.slices[1].start, 1100);
	cr_expect_eq(copy.slices[1].high_bytes, 24);
	cr_expect_eq(copy.slices[1].live_bytes, 16);
	cr_expect_eq(copy.slices[1].frees, 1);
	cr_expect_eq(copy.slices[2].start, 1200); /* nothing happened from here */
	cr_expect_eq(copy.slices[2].allocations, 0);
	cr_expect_eq(copy.slices[2].live_bytes, 16);
	cr_expect_eq(copy.slices[2].record_count[0], 0);
	cr_expect_eq(copy.slices[3].start, 5000);
	cr_expect_eq(copy.slices[3].live_bytes, 48);
	cr_expect_eq(copy.slices[3].record_count[THAG_HEAP_CALLS], 1);
	cr_expect_eq(copy.kept[THAG_HEAP_CALLS][0], 48);
	cr_expect_eq(copy.kept[THAG_HEAP_CALLS][copy.paths[THAG_HEAP_CALLS].tree.count], 2);
	look(1021, 5020);
	cr_expect_eq(copy.kept[THAG_HEAP_CALLS][0], 0);
}

/* The moments of a window, and one before it, as text. */
static const char *curve(uint64_t from, uint64_t to)
{
	static char text[256];
	struct thag_buffer out = { 0 };
	const struct thag_heap_moment *at;
	int used = 0;

	cr_assert_eq(thag_heap_curve(heap, from, to, &out), 0);
	at = (const struct thag_heap_moment *)(const void *)out.data;
	for (size_t left = out.bytes / sizeof(*at); left > 0; left--, at++)
		used += sprintf(text + used, "%d:%d:%d ", (int)at->start_ticks, (int)at->live_bytes,
				(int)at->high_bytes);
	thag_buffer_fini(&out);
	return text;
}

Test(heap, tells_what_was_live_over_time, .fini = end)
{
	begin_with((struct thag_heap_options){ .start_ticks = 1000, .slice_ticks = 100 });
	ALLOC(1010, 0x1000, 8);
	FREE(1150, 0x1000);
	ALLOC(1220, 0x2000, 16);
	ALLOC(1330, 0x3000, 32);
	FREE(1340, 0x3000);
	cr_expect_str_eq(curve(0, UINT64_MAX), "1000:8:8 1100:0:8 1200:16:16 1300:16:48 ");
	cr_expect_str_eq(curve(1250, 1260), "1100:0:8 1200:16:16 ");
	cr_expect_str_eq(curve(1200, 1300), "1100:0:8 1200:16:16 ");
	cr_expect_str_eq(curve(9000, 9001), "1200:16:16 1300:16:48 ");
	thag_heap_end(heap, UINT64_MAX);
	cr_expect_str_eq(curve(1300, 1400), "1200:16:16 1300:16:48 ");
}

/* Whatever times a program makes up, slices stay few. */
Test(heap, bounds_slices_at_any_times, .fini = end)
{
	begin_with((struct thag_heap_options){
		.start_ticks = UINT64_MAX - 1, .slice_ticks = 1, .slice_limit = 8 });
	for (uint32_t shift = 0; shift < 64; shift++)
		for (uint64_t i = 0; i < 20; i++)
			ALLOC((UINT64_C(1) << shift) + i, 0x1000 + i * 16, 8);
	for (uint64_t i = 0; i < 20; i++)
		ALLOC(UINT64_MAX - 19 + i, 0x1000 + i * 16, 8);
	look(0, 1);
	cr_expect_leq(copy.slice_count, 8);
	cr_expect_eq(totals()->live, 20);
}

/* With sampling each block stands for others: on average as many as were left out. */
Test(heap, estimates_what_was_not_sampled, .fini = end)
{
	const double rate = 4096;
	double bytes = 0, count = 0;
	uint64_t address = 0x10000, ticks = 1;
	unsigned seed = 7;

	begin_with((struct thag_heap_options){ .sample_bytes = (uint64_t)rate });
	for (int i = 0; i < 1000000; i++) {
		uint64_t size = 1 + (uint64_t)rand_r(&seed) % (i % 10 ? 64 : 8192);
		double pick = (double)rand_r(&seed) / ((double)RAND_MAX + 1);

		bytes += (double)size;
		count += 1;
		address += 16;
		if (pick < 1 - exp(-(double)size / rate))
			ALLOC(++ticks, address, size, .path = path_a);
	}
	/* five standard deviations; without rounding at random it would be further off */
	cr_expect_float_eq((double)totals()->allocated_bytes / bytes, 1, 0.02);
	cr_expect_float_eq((double)totals()->allocations / count, 1, 0.06);
	cr_expect_eq(totals()->allocated_bytes, account(THAG_HEAP_CALLS, path_a)->allocated_bytes);
	look(0, UINT64_MAX);
	cr_expect_eq(copy.kept[THAG_HEAP_CALLS][path_a], totals()->live_bytes);
	for (; address >= 0x10000; address -= 16)
		FREE(++ticks, address, .path = path_a);
	cr_expect_eq(totals()->live_bytes, 0);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(totals()->frees, totals()->allocations);
}

Test(heap, weighs_any_size_at_any_rate, .fini = end)
{
	begin_with((struct thag_heap_options){ .sample_bytes = UINT64_MAX });
	ALLOC(10, 0x1000, 0);
	ALLOC(11, 0x2000, UINT64_MAX);
	/* the first stands for as many as the rate, the second for itself */
	cr_expect_geq(totals()->allocations, (UINT64_C(1) << 30) + 1);
	cr_expect_leq(totals()->allocations, (UINT64_C(1) << 30) + 3);
	FREE(12, 0x1000);
	FREE(13, 0x2000);
	cr_expect_eq(totals()->live_bytes, 0);
	cr_expect_eq(totals()->live, 0);
}

/* The live table, through the heap: it grows, shrinks, and loses nothing. */
Test(heap, follows_many_blocks, .init = begin, .fini = end)
{
	uint64_t before = thag_heap_bytes(heap), most;

	for (uint64_t i = 1; i <= 300000; i++)
		ALLOC(i, i * 16, 1);
	most = thag_heap_bytes(heap);
	cr_expect_leq(most - before, 300000 * 32 * 4 + 65536);
	for (uint64_t i = 1; i <= 300000; i += 2)
		FREE(400000 + i, i * 16);
	cr_expect_eq(totals()->live, 150000);
	for (uint64_t i = 2; i <= 300000; i += 2)
		FREE(800000 + i, i * 16);
	thag_heap_settle(heap, UINT64_MAX);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(totals()->unmatched, 0);
	cr_expect_eq(totals()->displaced, 0);
	cr_expect_lt(thag_heap_bytes(heap), most / 2);
}

Test(heap, applies_what_is_older_than_the_watermark, .init = begin, .fini = end)
{
	struct thag_heap_queue a = { .heap = heap, .ring = 0 }, b = { .heap = heap, .ring = 1 };
	struct thag_heap_queue *const queues[] = { &a, &b };

	for (uint64_t i = 0; i < 1000; i++) {
		struct thag_heap_event alloc = {
			.ticks = 10 * i + 10, .address = 0x1000, .size = 8, .op = THAG_HEAP_ALLOC
		};

		*thag_heap_queue_push(&a) = alloc;
		alloc.ring = 1;
		alloc.op = THAG_HEAP_FREE;
		/* each frees what the other just allocated; some at the same tick */
		alloc.ticks += i % 10;
		*thag_heap_queue_push(&b) = alloc;
	}
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, 10), 0);
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, 11), 2);
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, 5005), 2 * 500 - 2 - 1 - 1 + 1);
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, UINT64_MAX), 1001);
	cr_expect_eq(totals()->allocations, 1000);
	cr_expect_eq(totals()->frees, 1000);
	cr_expect_eq(totals()->live, 0);
	cr_expect_eq(totals()->unmatched + totals()->displaced, 0);
	thag_heap_queue_fini(&a);
	thag_heap_queue_fini(&b);
}

/* At one tick a lower ring comes first, whichever has older events, or is named first. */
Test(heap, takes_rings_in_order_at_one_tick, .init = begin, .fini = end)
{
	struct thag_heap_queue a = { .heap = heap, .ring = 0 }, b = { .heap = heap, .ring = 1 };
	struct thag_heap_queue *const queues[] = { &b, &a };

	ALLOC(5, 0x1000, 8);
	*thag_heap_queue_push(&b) = (struct thag_heap_event){
		.ticks = 9, .address = 0x2000, .ring = 1, .op = THAG_HEAP_ALLOC
	};
	*thag_heap_queue_push(&b) = (struct thag_heap_event){
		.ticks = 10, .address = 0x3000, .size = 8, .ring = 1, .op = THAG_HEAP_ALLOC
	};
	*thag_heap_queue_push(&a) =
		(struct thag_heap_event){ .ticks = 10, .address = 0x1000, .op = THAG_HEAP_FREE };
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, 11), 3);
	cr_expect_eq(totals()->live_bytes, 8);
	cr_expect_eq(totals()->peak_bytes, 8); /* never both */
	*thag_heap_queue_push(&b) = (struct thag_heap_event){
		.ticks = 20, .address = 0x3000, .ring = 1, .op = THAG_HEAP_FREE
	};
	*thag_heap_queue_push(&a) = (struct thag_heap_event){
		.ticks = 20, .address = 0x1000, .size = 8, .op = THAG_HEAP_ALLOC
	};
	cr_expect_eq(thag_heap_queues_apply(heap, queues, 2, 21), 2);
	cr_expect_eq(totals()->peak_bytes, 16); /* both, for no time */
	thag_heap_queue_fini(&a);
	thag_heap_queue_fini(&b);
}
