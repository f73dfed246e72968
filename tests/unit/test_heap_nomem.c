/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A heap without memory: whichever allocation of its own fails, the program it watches loses
 * numbers that are counted, and nothing breaks. Linked with --wrap for malloc and its like.
 */
#include "heap_program.h"

#include <errno.h>

#include "failing_memory.h"

/* Sums over paths are the totals, whatever could not be kept. */
static void check_sums(const struct thag_heap_copy *copy)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_heap_account sum = { 0 };

		for (uint32_t i = 0; i < copy->paths[kind].tree.count; i++) {
			const struct thag_heap_account *account = &copy->paths[kind].accounts[i];

			sum.allocated_bytes += account->allocated_bytes;
			sum.frees += account->frees;
			sum.temporary += account->temporary;
			sum.peak_bytes += thag_heap_at_peak(account, copy->epoch);
		}
		cr_assert_eq(sum.allocated_bytes, copy->totals.allocated_bytes);
		cr_assert_eq(sum.frees, copy->totals.frees);
		cr_assert_eq(sum.temporary, copy->totals.temporary);
		cr_assert_eq(sum.peak_bytes, copy->totals.peak_bytes);
	}
}

static void check(struct thag_heap *heap, uint64_t dropped)
{
	const struct thag_heap_totals *totals = thag_heap_totals(heap);
	struct thag_heap_copy copy;
	uint64_t allocations = 0;

	for (uint32_t i = 0; i < event_count; i++)
		allocations += events[i].op == THAG_HEAP_ALLOC ||
			       (events[i].op == THAG_HEAP_MOVED && events[i].address);
	cr_assert_leq(totals->allocations, allocations);
	cr_assert_leq(allocations, totals->allocations + dropped);
	cr_assert_eq(totals->live, totals->allocations - totals->frees);
	if (thag_heap_copy(&copy, heap, 1, UINT64_MAX) == 0) {
		check_sums(&copy);
		thag_heap_copy_fini(&copy);
	}
	fails_every = 0;
	cr_assert_eq(thag_heap_copy(&copy, heap, 1, UINT64_MAX), 0);
	check_sums(&copy);
	thag_heap_copy_fini(&copy);
}

static void run_rings(struct thag_heap *heap)
{
	struct thag_heap_queue *queues[RINGS];
	uint64_t dropped = 0;

	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *ring = &rings[i];

		ring->queue = (struct thag_heap_queue){ .heap = heap, .ring = (uint16_t)i };
		ring->stream =
			(struct thag_stream){ .memory = &ring->queue, .thread = &ring->thread };
		cr_assert_eq(thag_stream_feed(&ring->stream, ring->words, ring->count),
			     ring->count);
		queues[i] = &ring->queue;
		dropped += ring->queue.dropped;
	}
	thag_heap_queues_apply(heap, queues, RINGS, UINT64_MAX);
	check(heap, dropped);
	for (uint32_t i = 0; i < RINGS; i++)
		thag_heap_queue_fini(&rings[i].queue);
}

static void run(uint64_t at, uint64_t every)
{
	const struct thag_heap_options options = {
		.slice_ticks = 64, .slice_limit = 16, .record_limit = 200, .trace = read_trace
	};
	struct thag_heap *heap;
	int ret;

	for (uint32_t i = 0; i < RINGS; i++)
		cr_assert_eq(thag_thread_init(&rings[i].thread, i + 1, 1 << 20), 0);
	allocation_count = 0;
	fails_at = at;
	fails_every = every;
	ret = thag_heap_create(&heap, &options);
	cr_assert(ret == 0 || ret == -ENOMEM);
	if (ret == 0) {
		run_rings(heap);
		thag_heap_destroy(heap);
	}
	fails_every = 0;
	for (uint32_t i = 0; i < RINGS; i++)
		thag_thread_fini(&rings[i].thread);
}

Test(heap_nomem, survives_any_allocation_that_fails)
{
	uint64_t all;

	seed = 4711;
	make_traces();
	for (int i = 0; i < 2000; i++)
		play();
	run(UINT64_MAX, 0);
	all = allocation_count;
	cr_assert_gt(all, 100);
	/* a single one; each from there on; every third */
	for (uint64_t at = 1; at <= all; at++) {
		run(at, UINT64_MAX);
		run(at, 1);
		run(at, 3);
	}
}
