/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inside of a heap, for the files of core/thag_heap*.c alone. */
#ifndef THAG_HEAP_PRIVATE_H
#define THAG_HEAP_PRIVATE_H

#include "thag_heap.h"

#include <pthread.h>

#include "thag_heap_live.h"

#define THAG_HEAP_PENDING_MAX 64
#define THAG_HEAP_LIFETIMES_MAX (UINT32_C(1) << 20) /* blocks of histograms, of 136 bytes */

/** What a ring's thread is at. */
struct thag_heap_ring {
	uint64_t latest; /* the address of its latest allocation, 0: none, or not live */
	struct thag_heap_block moving;	  /* of the reallocation that is under way, or none */
	struct thag_heap_event moving_at; /* what began it; address 0: nothing */
};

/** An event that may belong to another of the same address, of another ring, still to come. */
struct thag_heap_pending {
	struct thag_heap_event event;
	struct thag_heap_block displaced; /* of an ALLOC: what it took the place of */
	bool was_latest;		  /* of its thread's allocations */
};

/** What a block counts for: itself; or with sampling, as many as it stands for. */
struct thag_heap_weight {
	uint64_t bytes;
	uint64_t count;
};

struct thag_heap {
	struct thag_heap_options options;
	struct thag_heap_paths paths[THAG_HEAP_KINDS];
	pthread_mutex_t calls_lock; /* of the tree of calls, against others that decode */
	uint32_t *trace_nodes;	    /* by trace: its node, and one more; 0: not known yet */
	uint32_t trace_capacity;
	struct thag_heap_live live;
	struct thag_heap_totals totals;
	struct thag_heap_slice *slices; /* the last one is under way */
	uint32_t slice_count;
	uint64_t slice_number; /* of the one under way, from 1 */
	uint64_t slice_ticks;  /* how long they are now */
	uint64_t slice_end;
	uint64_t records; /* of all slices */
	uint64_t epoch;
	uint64_t now;
	bool capped;
	bool forgotten; /* the live blocks were let go of */
	bool ended;	/* no slice is under way */
	struct thag_heap_pending pending[THAG_HEAP_PENDING_MAX];
	uint32_t pending_first, pending_count;
	struct thag_heap_ring rings[THAG_SLOTS_MAX];
};

/* thag_heap_paths.c */
int thag_heap_paths_init(struct thag_heap_paths *paths, uint32_t limit);
void thag_heap_paths_fini(struct thag_heap_paths *paths);
/** No more paths will come: each gets an account, if there is memory. */
void thag_heap_paths_end(struct thag_heap_paths *paths);
uint32_t thag_heap_trace_slow(struct thag_heap *heap, uint32_t trace);
struct thag_heap_account *thag_heap_account_slow(struct thag_heap *heap, enum thag_heap_kind kind,
						 uint32_t *node);

/** The node of a trace, made if need be. */
static inline uint32_t thag_heap_trace_node(struct thag_heap *heap, uint32_t trace)
{
	if (__builtin_expect(trace < heap->trace_capacity && heap->trace_nodes[trace], 1))
		return heap->trace_nodes[trace] - 1;
	return thag_heap_trace_slow(heap, trace);
}

/** The account of a node, made if need be; without memory that of the root. */
static inline struct thag_heap_account *
thag_heap_account_at(struct thag_heap *heap, enum thag_heap_kind kind, uint32_t *node)
{
	if (__builtin_expect(*node < heap->paths[kind].capacity, 1))
		return &heap->paths[kind].accounts[*node];
	return thag_heap_account_slow(heap, kind, node);
}

/* thag_heap_slices.c */
void thag_heap_slices_begin(struct thag_heap *heap, uint64_t ticks);
void thag_heap_slices_end(struct thag_heap *heap);
void thag_heap_record_add(struct thag_heap *heap, enum thag_heap_kind kind,
			  struct thag_heap_account *account, uint32_t node);
int thag_heap_slices_init(struct thag_heap *heap);
void thag_heap_slice_fini(struct thag_heap_slice *slice);
/** Of the slice under way, or a copy of it: from what was when it began to what was done in it. */
void thag_heap_slice_settle(const struct thag_heap *heap, struct thag_heap_slice *slice);
void thag_heap_records_settle(const struct thag_heap *heap, enum thag_heap_kind kind,
			      struct thag_heap_record *records, uint32_t count);
void thag_heap_records_sort(struct thag_heap_record *records, uint32_t count);

/** Begins a new slice when `ticks` is in none yet. */
static inline void thag_heap_slices_reach(struct thag_heap *heap, uint64_t ticks)
{
	if (__builtin_expect(ticks >= heap->slice_end && ticks != UINT64_MAX, 0))
		thag_heap_slices_begin(heap, ticks);
}

/**
 * Before an account changes: what it has done so far is noted for the slice that is under way,
 * once. What it did in the slice is the difference, when that is over or copied.
 */
static inline void thag_heap_record_begin(struct thag_heap *heap, enum thag_heap_kind kind,
					  struct thag_heap_account *account, uint32_t node)
{
	if (__builtin_expect(account->slice != heap->slice_number, 0))
		thag_heap_record_add(heap, kind, account, node);
}

/* thag_heap_count.c */
struct thag_heap_weight thag_heap_weigh_sample(const struct thag_heap *heap,
					       const struct thag_heap_block *block);

static inline struct thag_heap_weight thag_heap_weigh(const struct thag_heap *heap,
						      const struct thag_heap_block *block)
{
	if (__builtin_expect(heap->options.sample_bytes != 0, 0))
		return thag_heap_weigh_sample(heap, block);
	return (struct thag_heap_weight){ .bytes = thag_heap_block_size(block), .count = 1 };
}

/** Counts an allocation. `untracked`: nobody will see it freed. */
void thag_heap_count_alloc(struct thag_heap *heap, const struct thag_heap_block *block,
			   bool reallocated, bool untracked);
/** Counts that a block is no more. */
void thag_heap_count_free(struct thag_heap *heap, const struct thag_heap_block *block);
/** Counts, beside that, how long it lived and who ended it. */
void thag_heap_count_end(struct thag_heap *heap, const struct thag_heap_block *block,
			 const struct thag_heap_event *by, bool temporary);
/** Both. */
void thag_heap_count_free_and_end(struct thag_heap *heap, const struct thag_heap_block *block,
				  const struct thag_heap_event *by, bool temporary);
void thag_heap_count_map(struct thag_heap *heap, const struct thag_heap_event *event);

#endif
