/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The memory of a session's program: from its rings' queues into its heap, out of it for whoever
 * looks, and what must be said about how true that is.
 *
 * Events of memory are put in the order of time over all rings. So once any was met, one drain
 * thread reads all rings of the session in rounds (session->remembers), and at the end of a round
 * applies what no older event can come before any more (core/thag_heap_queue.h).
 *
 * The heap belongs to that thread, under the session's lock, shared; others take the lock
 * exclusively, and don't keep it for long.
 */
#ifndef THAG_MEMORY_H
#define THAG_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "session.h"
#include "thag_heap_profile.h"

/** Makes the heap of a new session, and its rings' queues. 0 or -ENOMEM. */
int thag_memory_init(struct thag_session *session);

/** Frees all of it; the session goes. */
void thag_memory_fini(struct thag_session *session);

/** Frees the rings' queues. */
void thag_memory_drop_queues(struct thag_session *session);

/** Whether the ring has as many events in its queue as it may have when `used` rings are read. */
bool thag_memory_is_full(const struct thag_session_ring *ring, uint32_t used);

/**
 * Applies what can be at the end of a round that read each of `used` rings. `begun`: the
 * program's clock before it, UINT64_MAX when nothing is written any more. Under the lock, shared;
 * nobody else may be reading those rings. Returns how many there were; `*wait` is whether others
 * wait still.
 */
uint64_t thag_memory_apply(struct thag_session *session, uint32_t used, uint64_t begun, bool *wait);

/** The program is gone, and all its words are read: the rest is applied. Under the lock. */
void thag_memory_finish(struct thag_session *session);

/** Fills in what the heap knows, all but what was lost. Under the lock, exclusive. */
void thag_memory_count(const struct thag_session *session, struct thag_memory_counts *out);

/** What a MEMORY message tells beside the heap. Any thread. */
void thag_memory_facts(const struct thag_session *session, const struct thag_memory_counts *counts,
		       struct thag_memory_facts *out);

/** Follows no more blocks, and knows no more paths, than now. Any thread, without the lock. */
void thag_memory_tighten(struct thag_session *session);

/**
 * Copies the heap; `from` and `to` as for thag_heap_copy. Any thread, without the lock.
 * 0 or -ENOMEM; -ENOENT: the session is lost and has none.
 */
int thag_memory_copy(struct thag_heap_copy *copy, struct thag_session *session, uint64_t from,
		     uint64_t to);

/**
 * Sets `out`, which is empty, to struct thag_heap_moment: what was live from `from` to `to`
 * (ticks), nothing where no memory was recorded. Any thread, without the lock. 0 or -ENOMEM.
 */
int thag_memory_curve(struct thag_session *session, uint64_t from, uint64_t to,
		      struct thag_buffer *out);

/** The heap of a session that has ended, as long as that is there: see thag_heap_lend. */
int thag_memory_lend(struct thag_heap_copy *copy, const struct thag_session *session);

/**
 * The totals as JSON, a new reference; NULL without memory. null when none was recorded, else
 *
 *   {"live_bytes":…,"live":…,"peak_bytes":…,"peak_blocks":…,"allocated_bytes":…,"allocations":…,
 *    "freed_bytes":…,"frees":…,"temporary_bytes":…,"temporary":…,"reallocations":…,
 *    "unmatched_frees":…,"displaced":…,"untracked":…,"lost":…,"lost_traces":…,"skipped":…,
 *    "skipped_bytes":…,"mapped_bytes":…,"mapped_peak_bytes":…,"size_threshold":…,
 *    "sample_bytes":…,"detail":…,"free_traces":…,"maps":…,"capped":…,"pauses":…,"notes":[…]}
 *
 * "live" and the like are blocks, "lost" allocations and frees; "notes" says in words what makes
 * these numbers less than exact, the gravest first.
 */
json_t *thag_memory_object(const struct thag_session *session,
			   const struct thag_memory_counts *counts);

/** The gravest of the faults in `out`; false: there is none. */
bool thag_memory_explain(const struct thag_session *session,
			 const struct thag_memory_counts *counts, char *out, size_t size);

#endif
