/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The memory of a program: what is live, and what each call path allocated, over its whole run.
 *
 * Events come in the order of time, over all rings (thag_heap_queue.h sees to that). A block is
 * known by its address from its ALLOC to its FREE; both name call paths, of profiled calls and of
 * native stacks (traces), and each path has an account. An account is the path's own; paths below
 * it have theirs. Sums over subtrees are for whoever shows them.
 *
 * Peak. The share of each account in the process's peak is known without a walk when one is
 * reached: an account that changes first notes what it had live, if the latest peak is newer than
 * its last change.
 *
 * Time. Changes of accounts are kept by slices of time; when there are too many slices or
 * records, each two slices become one, so the memory for them is bounded, and any range of the
 * past can be asked for at the resolution that is left.
 *
 * Thread: owner; readers take a thag_heap_copy under the owner's lock. Allocates, within limits.
 */
#ifndef THAG_HEAP_H
#define THAG_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_hist.h"
#include "thag_tree.h"

/** What one path did itself. With sampling, estimates. Bytes are those the program asked for. */
struct thag_heap_account {
	uint64_t allocated_bytes;
	uint64_t allocations;
	uint64_t freed_bytes; /* of what it allocated, whoever freed it */
	uint64_t frees;
	uint64_t temporary_bytes;
	uint64_t temporary; /* freed before the next allocation of the thread that allocated them */
	uint64_t reallocations;
	uint64_t released_bytes; /* freed by it, wherever they were allocated */
	uint64_t released;
	uint64_t high_bytes; /* the most it had live */
	uint64_t peak_bytes; /* live at the process's peak, if `epoch` is the heap's; else it is */
	uint64_t epoch;	     /* … what is live now */
	uint64_t lifetime_max; /* ticks */
	uint32_t lifetimes;    /* histogram of ticks, in the paths' pool */
	uint32_t record;       /* of this account in the slice that is under way */
	uint64_t slice;	       /* which slice that is */
};

/** What one account did in one slice of time. */
struct thag_heap_record {
	uint32_t path;
	uint32_t temporary;
	uint64_t allocated_bytes;
	uint64_t allocations;
	uint64_t freed_bytes;
	uint64_t frees;
	uint64_t temporary_bytes;
	uint64_t released_bytes;
	uint64_t released;
};

/** Paths of one kind: a tree by sites, of which only the shape counts, and an account a node. */
struct thag_heap_paths {
	struct thag_tree tree;
	struct thag_heap_account *accounts; /* by node */
	uint32_t capacity;
	struct thag_hist_pool lifetimes;
};

/** By index in a heap's paths, and in a slice's records. */
enum thag_heap_kind { THAG_HEAP_CALLS = 0, THAG_HEAP_TRACES = 1, THAG_HEAP_KINDS };

/** A slice of time: from its start to that of the next one. */
struct thag_heap_slice {
	uint64_t start;		   /* ticks */
	uint64_t live_bytes, live; /* at its end */
	uint64_t high_bytes;	   /* the most that was live in it */
	uint64_t allocated_bytes, allocations, freed_bytes, frees;
	struct thag_heap_record *records[THAG_HEAP_KINDS]; /* by path, once it is over */
	uint32_t record_count[THAG_HEAP_KINDS];
	uint32_t record_capacity[THAG_HEAP_KINDS];
};

/** Over all. */
struct thag_heap_totals {
	uint64_t allocated_bytes, allocations;
	uint64_t freed_bytes, frees; /* of blocks known */
	uint64_t live_bytes, live;
	uint64_t peak_bytes, peak_blocks, peak_ticks;
	uint64_t temporary_bytes, temporary, reallocations;
	uint64_t unmatched; /* frees of blocks never seen */
	uint64_t displaced; /* blocks whose place was given out again without a free */
	uint64_t untracked; /* allocations beyond the limit: counted, but not followed */
	uint64_t mapped_bytes, mapped_peak_bytes;
	struct thag_frame_size classes[THAG_SIZE_CLASSES];
	uint64_t size_count[THAG_HIST_BUCKETS]; /* by thag_hist_bucket of the size */
	uint64_t size_bytes[THAG_HIST_BUCKETS];
};

struct thag_heap;

/** What a reader gets: all that the heap knows but the live blocks themselves. */
struct thag_heap_copy {
	struct thag_heap_paths paths[THAG_HEAP_KINDS];
	struct thag_heap_totals totals;
	struct thag_heap_slice *slices;
	uint32_t slice_count;
	uint64_t epoch;			 /* of the latest peak */
	uint64_t now;			 /* ticks of the latest event */
	uint64_t *kept[THAG_HEAP_KINDS]; /* bytes by path, blocks after them: asked for below */
	bool capped; /* a limit was reached: some paths count at their callers, or untracked */
};

/**
 * Copies what `heap` knows. Where `to` is not 0, `kept` tells what each path allocated from `from`
 * to `to` (ticks) and has live still; that takes a look at every live block. 0 or -ENOMEM.
 */
int thag_heap_copy(struct thag_heap_copy *copy, const struct thag_heap *heap, uint64_t from,
		   uint64_t to);
void thag_heap_copy_fini(struct thag_heap_copy *copy);

/** What was live of an account at the process's peak. */
static inline uint64_t thag_heap_at_peak(const struct thag_heap_account *account, uint64_t epoch)
{
	return account->epoch == epoch ? account->peak_bytes
				       : account->allocated_bytes - account->freed_bytes;
}

#endif
