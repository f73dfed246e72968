/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <errno.h>
#include <stdlib.h>

#include <sys/random.h>

#define SLICE_TICKS (UINT64_C(1) << 24)
#define SLACK_TICKS 2048
#define LIVE_LIMIT (UINT64_C(1) << 25)
#define NODE_LIMIT (UINT32_C(1) << 20)
#define SLICE_LIMIT 512
#define SLICE_LIMIT_MIN 8
#define RECORD_LIMIT (UINT32_C(1) << 20)
#define SAMPLE_BYTES_MAX (UINT64_C(1) << 30)
#define START_TICKS_MAX (UINT64_C(1) << 62)
/* Events asked for at once, of two cache lines each: few lines can be on their way. */
#define PREFETCH 6

/* The order in which blocks lie in the table is nothing a program may choose. */
static uint64_t make_seed(const struct thag_heap *heap)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint64_t)(uintptr_t)heap;
	return seed;
}

static void set_options(struct thag_heap *heap, const struct thag_heap_options *from)
{
	struct thag_heap_options *to = &heap->options;

	*to = *from;
	if (to->start_ticks > START_TICKS_MAX)
		to->start_ticks = START_TICKS_MAX;
	if (to->slice_ticks == 0 || to->slice_ticks > START_TICKS_MAX)
		to->slice_ticks = SLICE_TICKS;
	if (to->slack_ticks == 0)
		to->slack_ticks = SLACK_TICKS;
	if (to->sample_bytes > SAMPLE_BYTES_MAX)
		to->sample_bytes = SAMPLE_BYTES_MAX;
	if (to->live_limit == 0)
		to->live_limit = LIVE_LIMIT;
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		if (to->node_limit[kind] < 2)
			to->node_limit[kind] = NODE_LIMIT;
	if (to->slice_limit == 0)
		to->slice_limit = SLICE_LIMIT;
	if (to->slice_limit < SLICE_LIMIT_MIN)
		to->slice_limit = SLICE_LIMIT_MIN;
	if (to->record_limit == 0)
		to->record_limit = RECORD_LIMIT;
}

static void set_classes(struct thag_heap_totals *totals)
{
	static const uint64_t highs[THAG_SIZE_CLASSES] = { 64,	  256,	 1024,	    4096,
							   16384, 65536, UINT64_MAX };

	for (int i = 0; i < THAG_SIZE_CLASSES; i++) {
		totals->classes[i].low = i ? highs[i - 1] + 1 : 0;
		totals->classes[i].high = highs[i];
	}
}

int thag_heap_create(struct thag_heap **out, const struct thag_heap_options *options)
{
	struct thag_heap *heap = calloc(1, sizeof(*heap));
	int ret = 0;

	if (!heap)
		return -ENOMEM;
	set_options(heap, options);
	set_classes(&heap->totals);
	pthread_mutex_init(&heap->calls_lock, NULL);
	heap->live.seed = make_seed(heap);
	for (int kind = 0; kind < THAG_HEAP_KINDS && ret == 0; kind++)
		ret = thag_heap_paths_init(&heap->paths[kind], heap->options.node_limit[kind]);
	if (ret == 0)
		ret = thag_heap_slices_init(heap);
	if (ret != 0) {
		thag_heap_destroy(heap);
		return ret;
	}
	*out = heap;
	return 0;
}

void thag_heap_destroy(struct thag_heap *heap)
{
	if (!heap)
		return;
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		thag_heap_paths_fini(&heap->paths[kind]);
	for (uint32_t i = 0; i < heap->slice_count; i++)
		thag_heap_slice_fini(&heap->slices[i]);
	free(heap->slices);
	free(heap->trace_nodes);
	thag_heap_live_fini(&heap->live);
	pthread_mutex_destroy(&heap->calls_lock);
	free(heap);
}

static struct thag_heap_ring *ring_at(struct thag_heap *heap, uint32_t ring)
{
	return &heap->rings[ring % THAG_SLOTS_MAX];
}

/* The block is no more: whether its thread allocated nothing since. */
static bool end_latest(struct thag_heap *heap, const struct thag_heap_block *block)
{
	struct thag_heap_ring *ring = ring_at(heap, thag_heap_block_ring(block));

	if (ring->latest != block->address)
		return false;
	ring->latest = 0;
	return true;
}

static void free_block(struct thag_heap *heap, const struct thag_heap_block *block,
		       const struct thag_heap_event *by)
{
	thag_heap_count_free_and_end(heap, block, by, end_latest(heap, block));
}

/* What waited too long is what it seemed to be. */
static void settle_oldest(struct thag_heap *heap)
{
	const struct thag_heap_event *oldest = &heap->pending[heap->pending_first].event;

	heap->pending_first = (heap->pending_first + 1) % THAG_HEAP_PENDING_MAX;
	heap->pending_count--;
	if (oldest->address && oldest->op != THAG_HEAP_ALLOC)
		heap->totals.unmatched++;
}

/* Keeps an event for a moment; the oldest goes when there are too many. */
static struct thag_heap_pending *add_pending(struct thag_heap *heap,
					     const struct thag_heap_event *event)
{
	struct thag_heap_pending *pending;

	if (heap->pending_count == THAG_HEAP_PENDING_MAX)
		settle_oldest(heap);
	pending = &heap->pending[(heap->pending_first + heap->pending_count++) %
				 THAG_HEAP_PENDING_MAX];
	*pending = (struct thag_heap_pending){ .event = *event };
	return pending;
}

/*
 * The pending event that one of `ring` belongs to: ALLOC or FREE and MOVE (`op`) of the address,
 * of another ring. Marks of one ring are in order as they are.
 */
static struct thag_heap_pending *find_pending(struct thag_heap *heap, bool alloc, uint64_t address,
					      uint32_t ring)
{
	for (uint32_t i = 0; i < heap->pending_count; i++) {
		struct thag_heap_pending *pending =
			&heap->pending[(heap->pending_first + i) % THAG_HEAP_PENDING_MAX];

		if (pending->event.address == address && pending->event.ring != ring &&
		    (pending->event.op == THAG_HEAP_ALLOC) == alloc)
			return pending;
	}
	return NULL;
}

void thag_heap_settle(struct thag_heap *heap, uint64_t ticks)
{
	while (heap->pending_count) {
		uint64_t since = heap->pending[heap->pending_first].event.ticks;

		if (ticks != UINT64_MAX &&
		    (ticks < since || ticks - since < heap->options.slack_ticks))
			return;
		settle_oldest(heap);
	}
}

/* The block that a reallocation took from its place is free. */
static void end_move(struct thag_heap *heap, struct thag_heap_ring *ring)
{
	struct thag_heap_event by = ring->moving_at;

	ring->moving_at.address = 0;
	if (by.address && ring->moving.address)
		free_block(heap, &ring->moving, &by);
}

static void take_away(struct thag_heap *heap, const struct thag_heap_block *block,
		      const struct thag_heap_event *by)
{
	struct thag_heap_ring *ring = ring_at(heap, by->ring);

	if (by->op != THAG_HEAP_MOVE) {
		free_block(heap, block, by);
		return;
	}
	ring->moving = *block;
	ring->moving_at = *by;
}

/* Another block is where one was: that one's end was lost, or is still to come from a ring whose
 * clock is a little behind. */
static void displace(struct thag_heap *heap, const struct thag_heap_block *before,
		     const struct thag_heap_event *event)
{
	struct thag_heap_pending *pending = add_pending(heap, event);

	pending->displaced = *before;
	pending->was_latest = end_latest(heap, before);
	heap->totals.displaced++;
	thag_heap_count_free(heap, before);
}

/* At the limit a block may still take the place of another. */
static bool is_full_for(struct thag_heap *heap, uint64_t address)
{
	return heap->live.count >= heap->options.live_limit &&
	       !thag_heap_live_find(&heap->live, address);
}

static void put_block(struct thag_heap *heap, const struct thag_heap_block *block,
		      const struct thag_heap_event *event, bool reallocated)
{
	struct thag_heap_block before = { 0 };
	bool untracked = is_full_for(heap, block->address) ||
			 thag_heap_live_put(&heap->live, block, &before) != 0;

	if (before.address)
		displace(heap, &before, event);
	ring_at(heap, event->ring)->latest = block->address;
	thag_heap_count_alloc(heap, block, reallocated, untracked);
	if (untracked) {
		heap->capped = true;
		thag_heap_count_free(heap, block);
	}
}

static void apply_alloc(struct thag_heap *heap, const struct thag_heap_event *event,
			bool reallocated)
{
	uint64_t size = event->size < THAG_HEAP_SIZE_MAX ? event->size : THAG_HEAP_SIZE_MAX;
	struct thag_heap_block block = { .address = event->address,
					 .owner = (uint64_t)event->ring << THAG_HEAP_SIZE_BITS |
						  size,
					 .ticks = event->ticks,
					 .path = event->path,
					 .trace = thag_heap_trace_node(heap, event->trace) };
	struct thag_heap_pending *pending = NULL;

	put_block(heap, &block, event, reallocated);
	if (heap->pending_count)
		pending = find_pending(heap, false, event->address, event->ring);
	if (!pending || !thag_heap_live_take(&heap->live, event->address, &block))
		return;
	take_away(heap, &block, &pending->event);
	pending->event.address = 0;
}

static void apply_free(struct thag_heap *heap, const struct thag_heap_event *event)
{
	struct thag_heap_pending *pending = NULL;
	struct thag_heap_block block;

	if (event->op == THAG_HEAP_MOVE)
		end_move(heap, ring_at(heap, event->ring)); /* how that one went was lost */
	if (heap->pending_count)
		pending = find_pending(heap, true, event->address, event->ring);
	if (pending) {
		pending->event.address = 0;
		heap->totals.displaced--;
		thag_heap_count_end(heap, &pending->displaced, event, pending->was_latest);
	} else if (thag_heap_live_take(&heap->live, event->address, &block)) {
		take_away(heap, &block, event);
	} else {
		add_pending(heap, event);
	}
}

/* A reallocation that failed: the block is where it was. */
static void put_back(struct thag_heap *heap, struct thag_heap_ring *ring)
{
	struct thag_heap_block none;

	if (thag_heap_live_find(&heap->live, ring->moving.address) ||
	    thag_heap_live_put(&heap->live, &ring->moving, &none) != 0)
		end_move(heap, ring);
	ring->moving_at.address = 0;
}

/* What began the reallocation may have come too early to find its block. */
static void end_early_move(struct thag_heap *heap, const struct thag_heap_event *event)
{
	bool failed = event->address == 0 && event->size != 0;

	for (uint32_t i = 0; i < heap->pending_count; i++) {
		struct thag_heap_event *early =
			&heap->pending[(heap->pending_first + i) % THAG_HEAP_PENDING_MAX].event;

		if (early->op != THAG_HEAP_MOVE || early->ring != event->ring ||
		    early->address != event->old)
			continue;
		if (failed)
			early->address = 0;
		early->op = THAG_HEAP_FREE;
		return;
	}
}

static void apply_moved(struct thag_heap *heap, const struct thag_heap_event *event)
{
	struct thag_heap_ring *ring = ring_at(heap, event->ring);

	if (ring->moving_at.address != event->old || event->old == 0)
		end_early_move(heap, event);
	else if (event->address == 0 && event->size != 0)
		put_back(heap, ring);
	end_move(heap, ring);
	if (event->address)
		apply_alloc(heap, event, event->old != 0);
}

static void apply_finish(struct thag_heap *heap, const struct thag_heap_event *event)
{
	struct thag_heap_ring *ring = ring_at(heap, event->ring);

	end_move(heap, ring);
	ring->latest = 0;
}

static void apply_one(struct thag_heap *heap, const struct thag_heap_event *event)
{
	if (event->ticks > heap->now)
		heap->now = event->ticks;
	thag_heap_slices_reach(heap, heap->now);
	if (heap->pending_count)
		thag_heap_settle(heap, heap->now);
	switch (event->op) {
	case THAG_HEAP_ALLOC:
		if (event->address)
			apply_alloc(heap, event, false);
		break;
	case THAG_HEAP_FREE:
	case THAG_HEAP_MOVE:
		if (event->address)
			apply_free(heap, event);
		break;
	case THAG_HEAP_MOVED:
		apply_moved(heap, event);
		break;
	case THAG_HEAP_FINISH:
		apply_finish(heap, event);
		break;
	default:
		thag_heap_count_map(heap, event);
	}
}

/*
 * The places of a few events at a time are asked for at once, while those before them are applied:
 * one after the other each would wait for its page to be found.
 */
void thag_heap_apply(struct thag_heap *heap, const struct thag_heap_event *events, size_t count)
{
	size_t done = 0, asked = 0;

	while (done < count) {
		size_t end = done + PREFETCH < count ? done + PREFETCH : count;
		size_t ahead = end + PREFETCH < count ? end + PREFETCH : count;

		for (; asked < ahead; asked++) {
			const char *place =
				thag_heap_live_place(&heap->live, events[asked].address);

			/* a look-up mostly ends within two cache lines */
			__builtin_prefetch(place, 1);
			__builtin_prefetch(place + 64, 1);
		}
		for (; done < end; done++)
			apply_one(heap, &events[done]);
	}
}

void thag_heap_tighten(struct thag_heap *heap)
{
	if (heap->options.live_limit > heap->live.count)
		heap->options.live_limit = heap->live.count;
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_tree *tree = &heap->paths[kind].tree;

		if (tree->limit > tree->count)
			tree->limit = tree->count;
	}
	heap->capped = true;
}

uint64_t thag_heap_bytes(const struct thag_heap *heap)
{
	uint64_t bytes = sizeof(*heap) + heap->live.slots * sizeof(struct thag_heap_block) +
			 heap->options.slice_limit * sizeof(*heap->slices) +
			 heap->records * sizeof(struct thag_heap_record) +
			 heap->trace_capacity * (uint64_t)sizeof(*heap->trace_nodes);

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		const struct thag_heap_paths *paths = &heap->paths[kind];

		bytes += thag_tree_bytes(&paths->tree) +
			 paths->capacity * (uint64_t)sizeof(*paths->accounts) +
			 thag_hist_pool_bytes(&paths->lifetimes);
	}
	return bytes;
}

const struct thag_heap_totals *thag_heap_totals(const struct thag_heap *heap)
{
	return &heap->totals;
}

bool thag_heap_is_capped(const struct thag_heap *heap)
{
	bool capped = heap->capped;

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		capped |= heap->paths[kind].tree.overflowed != 0;
	return capped;
}

void thag_heap_end(struct thag_heap *heap, uint64_t bytes)
{
	thag_heap_settle(heap, UINT64_MAX);
	thag_heap_slices_end(heap);
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		thag_heap_paths_end(&heap->paths[kind]);
	if (heap->live.slots * sizeof(struct thag_heap_block) <= bytes)
		return;
	thag_heap_live_fini(&heap->live);
	heap->forgotten = true;
}

bool thag_heap_has_forgotten(const struct thag_heap *heap)
{
	return heap->forgotten;
}
