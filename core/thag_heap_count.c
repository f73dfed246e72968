/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <math.h>

#define CARRIES_MAX 65536 /* of the lifetimes' counters; each stands for 2^32 */

/* A number from 0 to below 1, the same for a block whenever it is asked for. */
static double draw(const struct thag_heap_block *block)
{
	uint64_t x = block->address * UINT64_C(0x9e3779b97f4a7c15) ^ block->ticks;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

/*
 * A block that was picked stands for 1/p, with p the probability of that. Counts are whole: it is
 * rounded up as often as its fraction says, so sums are right on average, and each block is
 * rounded the same when it comes and when it goes.
 */
struct thag_heap_weight thag_heap_weigh_sample(const struct thag_heap *heap,
					       const struct thag_heap_block *block)
{
	uint64_t size = thag_heap_block_size(block);
	double factor, at;

	/* as the program does, a block of no bytes counts as one */
	factor = -1 / expm1(-(double)(size ? size : 1) / (double)heap->options.sample_bytes);
	at = draw(block);
	return (struct thag_heap_weight){ .bytes = (uint64_t)(factor * (double)size + at),
					  .count = (uint64_t)(factor + at) };
}

/* The account of a node, about to change. */
static inline struct thag_heap_account *change(struct thag_heap *heap, enum thag_heap_kind kind,
					       uint32_t node)
{
	struct thag_heap_account *account = thag_heap_account_at(heap, kind, &node);

	if (account->epoch != heap->epoch) {
		account->peak_bytes = account->allocated_bytes - account->freed_bytes;
		account->epoch = heap->epoch;
	}
	thag_heap_record_begin(heap, kind, account, node);
	return account;
}

static inline void add_alloc(struct thag_heap_account *account, struct thag_heap_weight weight,
			     bool reallocated)
{
	uint64_t live;

	account->allocated_bytes += weight.bytes;
	account->allocations += weight.count;
	account->reallocations += reallocated ? weight.count : 0;
	live = account->allocated_bytes - account->freed_bytes;
	if (live > account->high_bytes)
		account->high_bytes = live;
}

static inline void add_free(struct thag_heap_account *account, struct thag_heap_weight weight)
{
	account->freed_bytes += weight.bytes;
	account->frees += weight.count;
}

static inline void add_temporary(struct thag_heap_account *account, struct thag_heap_weight weight)
{
	account->temporary_bytes += weight.bytes;
	account->temporary += weight.count;
}

static inline void add_release(struct thag_heap_account *account, struct thag_heap_weight weight)
{
	account->released_bytes += weight.bytes;
	account->released += weight.count;
}

static void add_lifetime(struct thag_heap_paths *paths, struct thag_heap_account *account,
			 uint64_t ticks, uint64_t count)
{
	struct thag_hist_pool *pool = &paths->lifetimes;
	uint32_t bucket = thag_hist_bucket(ticks);
	uint32_t *at;

	if (ticks > account->lifetime_max)
		account->lifetime_max = ticks;
	if (account->lifetimes &&
	    pool->metas[account->lifetimes].group == bucket / THAG_HIST_BLOCK_BUCKETS) {
		at = &pool->blocks[account->lifetimes].count[bucket % THAG_HIST_BLOCK_BUCKETS];
		if (*at + count <= UINT32_MAX) {
			*at += (uint32_t)count;
			return;
		}
	}
	/* at a limit, or without memory, it is missing from the histogram, and only from there */
	if (pool->count < THAG_HEAP_LIFETIMES_MAX && pool->carry_count < CARRIES_MAX)
		(void)thag_hist_add(pool, &account->lifetimes, bucket, count);
}

/* 0-64, 65-256, 257-1K, 1K-4K, 4K-16K, 16K-64K, >64K */
static uint32_t size_class(uint64_t size)
{
	uint32_t bits = size > 1 ? 64u - (uint32_t)__builtin_clzll(size - 1) : 0;

	return bits <= 6 ? 0 : bits > 16 ? 6 : (bits - 5) / 2;
}

static void count_size(struct thag_heap_totals *totals, uint64_t size,
		       struct thag_heap_weight weight)
{
	uint32_t bucket = thag_hist_bucket(size), class = size_class(size);

	totals->classes[class].count += weight.count;
	totals->classes[class].bytes += weight.bytes;
	totals->size_count[bucket] += weight.count;
	totals->size_bytes[bucket] += weight.bytes;
}

static void grow_live(struct thag_heap *heap, struct thag_heap_weight weight)
{
	struct thag_heap_slice *slice = &heap->slices[heap->slice_count - 1];
	struct thag_heap_totals *totals = &heap->totals;

	totals->live_bytes += weight.bytes;
	totals->live += weight.count;
	if (totals->live_bytes > slice->high_bytes)
		slice->high_bytes = totals->live_bytes;
	if (totals->live_bytes <= totals->peak_bytes)
		return;
	totals->peak_bytes = totals->live_bytes;
	totals->peak_blocks = totals->live;
	totals->peak_ticks = heap->now;
	heap->epoch++;
}

void thag_heap_count_alloc(struct thag_heap *heap, const struct thag_heap_block *block,
			   bool reallocated, bool untracked)
{
	const uint32_t nodes[THAG_HEAP_KINDS] = { block->path, block->trace };
	struct thag_heap_weight weight = thag_heap_weigh(heap, block);
	struct thag_heap_totals *totals = &heap->totals;

	for (enum thag_heap_kind kind = 0; kind < THAG_HEAP_KINDS; kind++)
		add_alloc(change(heap, kind, nodes[kind]), weight, reallocated);
	totals->allocated_bytes += weight.bytes;
	totals->allocations += weight.count;
	totals->reallocations += reallocated ? weight.count : 0;
	count_size(totals, thag_heap_block_size(block), weight);
	if (untracked)
		totals->untracked += weight.count;
	grow_live(heap, weight);
}

static void shrink_live(struct thag_heap *heap, struct thag_heap_weight weight)
{
	struct thag_heap_totals *totals = &heap->totals;

	totals->freed_bytes += weight.bytes;
	totals->frees += weight.count;
	totals->live_bytes -= weight.bytes;
	totals->live -= weight.count;
}

void thag_heap_count_free(struct thag_heap *heap, const struct thag_heap_block *block)
{
	struct thag_heap_weight weight = thag_heap_weigh(heap, block);

	add_free(change(heap, THAG_HEAP_CALLS, block->path), weight);
	add_free(change(heap, THAG_HEAP_TRACES, block->trace), weight);
	shrink_live(heap, weight);
}

/* `freed`: that it is no more is counted, too. */
static inline void count_end(struct thag_heap *heap, const struct thag_heap_block *block,
			     const struct thag_heap_event *by, bool temporary, bool freed)
{
	const uint32_t nodes[THAG_HEAP_KINDS] = { block->path, block->trace };
	const uint32_t ends[THAG_HEAP_KINDS] = { by->path, thag_heap_trace_node(heap, by->trace) };
	struct thag_heap_weight weight = thag_heap_weigh(heap, block);
	uint64_t ticks = by->ticks > block->ticks ? by->ticks - block->ticks : 0;

	for (enum thag_heap_kind kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_heap_account *account = change(heap, kind, nodes[kind]);

		if (freed)
			add_free(account, weight);
		if (temporary)
			add_temporary(account, weight);
		add_lifetime(&heap->paths[kind], account, ticks, weight.count);
		add_release(change(heap, kind, ends[kind]), weight);
	}
	if (freed)
		shrink_live(heap, weight);
	if (temporary) {
		heap->totals.temporary_bytes += weight.bytes;
		heap->totals.temporary += weight.count;
	}
}

void thag_heap_count_end(struct thag_heap *heap, const struct thag_heap_block *block,
			 const struct thag_heap_event *by, bool temporary)
{
	count_end(heap, block, by, temporary, false);
}

void thag_heap_count_free_and_end(struct thag_heap *heap, const struct thag_heap_block *block,
				  const struct thag_heap_event *by, bool temporary)
{
	count_end(heap, block, by, temporary, true);
}

void thag_heap_count_map(struct thag_heap *heap, const struct thag_heap_event *event)
{
	struct thag_heap_totals *totals = &heap->totals;

	if (event->op == THAG_HEAP_MAP) {
		totals->mapped_bytes += event->size;
		if (totals->mapped_bytes > totals->mapped_peak_bytes)
			totals->mapped_peak_bytes = totals->mapped_bytes;
		return;
	}
	totals->mapped_bytes -=
		event->size < totals->mapped_bytes ? event->size : totals->mapped_bytes;
}
