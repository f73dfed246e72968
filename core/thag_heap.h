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

#include "thag_buffer.h"
#include "thag/frames.h"
#include "thag/shm.h"
#include "thag_hist.h"
#include "thag_thread.h"
#include "thag_tree.h"

/** What one path did itself. With sampling, estimates. Bytes are those the program asked for. */
struct thag_heap_account {
	uint64_t allocated_bytes;
	uint64_t allocations;
	uint64_t freed_bytes; /* of what it allocated, whoever freed it */
	uint64_t frees;
	uint64_t temporary_bytes;
	uint64_t temporary; /* freed before the thread that allocated them did so again, or ended */
	uint64_t reallocations;
	uint64_t released_bytes; /* freed by it, wherever they were allocated */
	uint64_t released;
	uint64_t high_bytes; /* the most it had live */
	uint64_t peak_bytes; /* live at the process's peak, if `epoch` is the heap's; else it is */
	uint64_t epoch;	     /* … what is live now */
	uint64_t lifetime_max; /* ticks */
	uint32_t lifetimes;    /* histogram of ticks, in the paths' pool */
	uint64_t slice;	       /* the latest slice in which it changed */
};

/** What one account did in one slice of time. */
struct thag_heap_record {
	uint32_t path;
	uint64_t temporary;
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
	struct thag_heap_record *records[THAG_HEAP_KINDS]; /* by path, once over, or copied */
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
	uint64_t untracked; /* allocations beyond the limit: as if freed at once, not followed */
	uint64_t unknown_traces; /* that make no sense: such events count at the traces' root */
	uint64_t mapped_bytes, mapped_peak_bytes;
	struct thag_frame_size classes[THAG_SIZE_CLASSES];
	uint64_t size_count[THAG_HIST_BUCKETS]; /* by thag_hist_bucket of the size */
	uint64_t size_bytes[THAG_HIST_BUCKETS];
};

/** What happens to memory. */
enum thag_heap_op {
	THAG_HEAP_ALLOC,
	THAG_HEAP_FREE,
	THAG_HEAP_MOVE,	 /* a reallocation begins: nobody has the block */
	THAG_HEAP_MOVED, /* it is over: `address` is the new one, see THAG_EXT_REALLOC */
	THAG_HEAP_MAP,	 /* pages */
	THAG_HEAP_UNMAP,
	THAG_HEAP_FINISH, /* the thread that writes the ring ended */
};

/** One event, as thag_stream decodes it. */
struct thag_heap_event {
	uint64_t ticks;
	uint64_t address;
	uint64_t old;	/* MOVED: the old address */
	uint64_t size;	/* bytes asked for, or of pages */
	uint32_t path;	/* of calls, see thag_heap_path */
	uint32_t trace; /* of the program's, 0: none */
	uint16_t ring;
	uint8_t op; /* enum thag_heap_op */
};

struct thag_heap;

/** Gives the shared entry of a trace; false, or all zero: there is none, or not yet. */
typedef bool thag_heap_trace_fn(void *context, uint32_t trace, struct thag_shm_trace *out);

/** Zero is replaced by what is said here; `trace` may be NULL: all are unknown. */
struct thag_heap_options {
	uint64_t start_ticks;  /* of the session */
	uint64_t slice_ticks;  /* the shortest slice: 2^24 */
	uint64_t slack_ticks;  /* by so much clocks of two threads may differ: 2048, about 1 us */
	uint64_t sample_bytes; /* as in thag_shm_header; at most 2^30 */
	uint64_t live_limit;   /* blocks followed at once: 2^25, of 32 bytes each */
	uint32_t node_limit[THAG_HEAP_KINDS]; /* of the trees: 2^20 */
	uint32_t slice_limit;		      /* 512 */
	uint32_t record_limit;		      /* over all slices: 2^20 */
	thag_heap_trace_fn *trace;
	void *trace_context;
};

/** 0 or -ENOMEM. */
int thag_heap_create(struct thag_heap **out, const struct thag_heap_options *options);
void thag_heap_destroy(struct thag_heap *heap);

/** The part of thag_heap_path that looks past the thread's memory. */
uint32_t thag_heap_path_slow(struct thag_heap *heap, struct thag_thread *thread, uint32_t node);

/**
 * The path of the call `node` of a thread's tree, for thag_heap_event.path. The thread remembers
 * it. Thread: the one that reads the thread's ring; several may at once, of different threads.
 */
static inline uint32_t thag_heap_path(struct thag_heap *heap, struct thag_thread *thread,
				      uint32_t node)
{
	if (__builtin_expect(node < thread->heap_path_capacity && thread->heap_paths[node], 1))
		return thread->heap_paths[node] - 1;
	return thag_heap_path_slow(heap, thread, node);
}

/** Applies events in the order of time. Never fails: what makes no sense is counted. */
void thag_heap_apply(struct thag_heap *heap, const struct thag_heap_event *events, size_t count);

/** Nothing from before `ticks` will come any more: what waited for that is settled. */
void thag_heap_settle(struct thag_heap *heap, uint64_t ticks);

/** Follows no more blocks, and knows no more paths, than it does now. */
void thag_heap_tighten(struct thag_heap *heap);

/** Bytes it holds, about. */
uint64_t thag_heap_bytes(const struct thag_heap *heap);

/** The totals so far, for who needs no more than that. */
const struct thag_heap_totals *thag_heap_totals(const struct thag_heap *heap);

/**
 * Nothing will come any more: what waited is settled, and the live blocks are let go of where they
 * take more than `bytes`. What leaked in all is known then, but not of a range.
 */
void thag_heap_end(struct thag_heap *heap, uint64_t bytes);

/** Whether thag_heap_end let go of them: a copy's `kept` is NULL then. */
bool thag_heap_has_forgotten(const struct thag_heap *heap);

/** Whether a limit was reached: some paths count at their callers, or blocks are untracked. */
bool thag_heap_is_capped(const struct thag_heap *heap);

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
	bool lent;   /* what it points to is the heap's own */
};

/**
 * Copies what `heap` knows. Where `to` is not 0, slices come with their records, and `kept` tells
 * what each path allocated from `from` to `to` (ticks, exclusive) and has live still; that takes
 * a look at every live block. Nobody applies events meanwhile. 0 or -ENOMEM.
 */
int thag_heap_copy(struct thag_heap_copy *copy, const struct thag_heap *heap, uint64_t from,
		   uint64_t to);

/** Keeps others out of the heap, between the two. */
struct thag_heap_gate {
	void (*enter)(void *context);
	void (*leave)(void *context);
	void *context;
};

/**
 * The same while events are applied: in pieces, each between the gate's enter and leave, and none
 * of more than a millisecond or two. Pieces differ in age; what begins meanwhile is left out.
 */
int thag_heap_copy_by_pieces(struct thag_heap_copy *copy, const struct thag_heap *heap,
			     uint64_t from, uint64_t to, const struct thag_heap_gate *gate);

/**
 * The whole run of a heap after thag_heap_end without copying it, where that can be: it is good
 * while the heap is there. 0 or -ENOMEM.
 */
int thag_heap_lend(struct thag_heap_copy *copy, const struct thag_heap *heap);

void thag_heap_copy_fini(struct thag_heap_copy *copy);

/** What was live in a slice of time. */
struct thag_heap_moment {
	uint64_t start_ticks; /* it ends where the next one starts, the last one now */
	uint64_t live_bytes;  /* at its end */
	uint64_t high_bytes;  /* the most in it */
};

/**
 * Appends struct thag_heap_moment: what was live from `from` to `to` (ticks), and in the slice
 * before that. Nobody applies events meanwhile. 0 or -ENOMEM.
 */
int thag_heap_curve(const struct thag_heap *heap, uint64_t from, uint64_t to,
		    struct thag_buffer *out);

/** What was live of an account at the process's peak. */
static inline uint64_t thag_heap_at_peak(const struct thag_heap_account *account, uint64_t epoch)
{
	return account->epoch == epoch ? account->peak_bytes
				       : account->allocated_bytes - account->freed_bytes;
}

#endif
