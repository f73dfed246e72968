/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A session: one run of one program, as far as thagd knows it.
 *
 * Who may touch what:
 *
 * | part                       | drain thread of a ring | main loop, pool threads        |
 * |----------------------------|------------------------|--------------------------------|
 * | a ring's reader and stream | under `lock`, shared   | under `lock`, exclusive        |
 * | a live member's tree       | under `lock`, shared   | under `lock`, exclusive        |
 * | the list of members        | and `members_lock`     | under `lock`, exclusive        |
 * | names                      | never                  | under `names_lock`             |
 * | the rest                   | never                  | main loop only; or fixed       |
 *
 * A ring has one drain thread at a time (`busy`), so the shared lock is enough for what belongs to
 * the ring. Taken in the order names_lock, lock, members_lock, that of the tasks.
 */
#ifndef THAG_SESSION_H
#define THAG_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sys/types.h>

#include "thagd_limits.h"
#include "naming.h"
#include "thag/shm.h"
#include "thag_events.h"
#include "thag_heap_queue.h"
#include "thag_names.h"
#include "thag_ring.h"
#include "thag_stream.h"

struct thag_session;
struct thag_budget;
struct thag_clock_rate;
struct thag_recorder;
struct thag_chunks;
struct thag_history;

/** Where a session is in its life. */
enum thag_session_state {
	THAG_SESSION_LIVE,
	THAG_SESSION_IDLE,
	THAG_SESSION_ENDED,
	THAG_SESSION_CRASHED,
	THAG_SESSION_LOST,
	THAG_SESSION_RECORDED, /* read from a file */
	THAG_SESSION_OPENING,  /* likewise, its calls are being read */
};

/** A thread of the program, while it runs and after. */
struct thag_member {
	struct thag_thread thread;
	bool live; /* a ring still writes to it */
};

/** The daemon's side of one ring. Owner: its drain thread. */
struct thag_session_ring {
	struct thag_session *session;
	struct thag_ring_reader reader;
	struct thag_shm_stack *saved; /* in thagd's own memfd: for the thagd after this one */
	struct thag_stream stream;
	struct thag_heap_queue queue; /* events of memory that wait for those of other rings */
	uint64_t hole_check_ns;	      /* when we last looked for a hole */
	uint64_t blocked_since_ns;    /* 0: the stream is not blocked */
	uint32_t batch;		      /* words to read at once: few where it is blocked often */
	uint32_t dead_holes;	      /* words never written, met since the program is gone */
	bool empty;		      /* when last looked at */
	atomic_bool busy;	      /* a drain thread is at it */
};

/** What two memfds hold, mapped. All zero but the fds -1 is empty. */
struct thag_session_memory {
	const void *shm; /* NULL once the session's last word was read */
	size_t shm_bytes;
	uint64_t shm_inode;
	void *consumer;
	size_t consumer_bytes;
};

/** What is known of a program's memory: see memory.h and struct thag_heap_totals. */
struct thag_memory_counts {
	uint64_t allocated_bytes, allocations, freed_bytes, frees;
	uint64_t live_bytes, live, peak_bytes, peak_blocks;
	uint64_t temporary_bytes, temporary, reallocations;
	uint64_t unmatched, displaced, untracked;
	uint64_t mapped_bytes, mapped_peak_bytes;
	uint64_t lost; /* allocations and frees */
	uint64_t skipped, skipped_bytes;
	uint64_t heap_bytes;  /* that thagd needs for all that */
	uint64_t lost_traces; /* that found no room, or made no sense */
	uint32_t pauses;      /* times that it was switched off */
	bool recorded;	      /* it was asked for, or met */
	bool capped;	      /* a limit was reached */
	bool forgotten;	      /* too many blocks were live at the end to be kept one by one */
};

/** Sums over a session's threads and rings, at one moment. */
struct thag_session_counts {
	uint64_t events, calls;
	uint64_t lost, holes, lost_before, refused_threads;
	uint64_t truncated, unwound, unmatched, skewed, invalid, orphans, waits;
	uint64_t tree_bytes, tree_nodes, overflowed;
	uint64_t task_gaps, tasks_untold, dropped_notes;
	uint32_t refused_tasks, misuses[THAG_MISUSE_COUNT];
	struct thag_memory_counts memory;
};

/** Sums over the rings, which are let go of when the session has ended. */
struct thag_session_ring_sums {
	uint64_t events, holes, skewed, invalid, orphans;
	uint64_t lost, lost_memory; /* as the rings told */
};

/** Sums over what the slots of threads tell; it survives a kill, but comes from the program. */
struct thag_session_slot_sums {
	uint64_t lost, waits, skewed;
	uint64_t lost_memory, skipped, skipped_bytes;
};

/** The file that a recorded session was read from, "" for others. */
struct thag_session_opened {
	char path[THAG_PATH_BYTES];
	uint64_t device, inode, bytes, changed_ns; /* of it when it was read */
	uint64_t events;			   /* that are in its chunks, as it says */
	bool whole;				   /* nothing was missing */
	bool sent; /* by a browser: `path` is what that called it, and the file is … */
	int fd;	   /* … this, which has no name */
};

struct thag_session {
	atomic_uint refs;

	/* fixed once it is in the registry */
	uint64_t id;
	pid_t pid;
	struct thag_shm_header header;	  /* checked copy */
	char program[THAG_PROGRAM_BYTES]; /* a safe file name */
	uint64_t start_mono_ns;		  /* of the program, not later than we first saw it */
	uint64_t start_real_ns;

	/* set once when the program is gone: its times must not change any more. Relaxed: whoever
	 * misses it measures the rate as before */
	_Atomic double final_ns_per_tick;

	/* drained */
	pthread_rwlock_t lock;
	struct thag_session_memory memory;
	struct thag_session_memory left; /* that nobody reads any more: see thag_session_let_go */
	struct thag_session_ring *rings; /* header.slots of them; NULL when all were read */
	struct thag_session_ring_sums ring_sums; /* of rings that are gone */
	struct thag_session_slot_sums slot_sums;
	struct thag_tasks tasks;   /* has a lock of its own, the last to be taken */
	struct thag_events events; /* likewise */
	struct thag_heap *heap;	   /* see memory.h; NULL only when it is lost */
	/* NULL: it was never recorded. Else its recording, or its last; see recorder.h. Set under
	 * `lock`, exclusive, and looked at by any thread: what it points to stays */
	_Atomic(struct thag_recorder *) recorder;
	struct thag_history *history; /* NULL: it has no timeline. Fixed; see history.h */
	/* NULL: its words were never kept; see chunks.h. As the recorder */
	_Atomic(struct thag_chunks *) chunks;
	atomic_uint *ring_tids; /* of each ring the last thread that wrote to it; relaxed */
	/* relaxed: one thread reads all rings, as tasks cross them, or events of memory, whose
	 * order counts, are in them */
	atomic_bool tangled;
	atomic_bool remembers;
	bool detached;		 /* the drain threads keep away */
	atomic_bool quarantined; /* relaxed: a hint to stop */
	pthread_mutex_t members_lock;
	struct thag_member **members;
	uint32_t member_count;
	uint32_t member_capacity;
	uint32_t ended_count; /* of them, the ended */
	uint32_t pins;	      /* a snapshot is being taken: merge and free nothing */
	const struct thag_budget *budget;
	atomic_uint_least64_t tree_left; /* bytes that its trees may still take; relaxed */
	uint32_t node_limit;		 /* for trees to come */
	struct thag_member *folded;	 /* all the threads that ended long ago, tid 0 */
	uint64_t lost_before;		 /* words that earlier thagds read */
	uint64_t before_ns; /* that it ran before its recording; of one that was opened */
	uint32_t refused_threads;
	uint32_t refused_tasks;
	uint32_t lost_traces;
	uint32_t memory_pauses;
	uint32_t misuses[THAG_MISUSE_COUNT];

	pthread_mutex_t names_lock;
	struct thag_names *names;
	uint64_t *sites_named;	    /* a bit for each site */
	uint32_t sites_first;	    /* all sites below it are named */
	struct thag_naming *naming; /* NULL until a site has an address instead of a name */

	/* names of sites with addresses */
	struct thag_naming_counts naming_counts;
	uint32_t naming_wanted; /* requests, and how many of them were served: */
	uint32_t naming_served; /* under the lock of symbols.c */

	/* main loop only */
	enum thag_session_state state;
	bool finishing;			   /* its program is gone, its last words are being read */
	bool ending;			   /* by its user's wish; its program may go on */
	bool switching;			   /* its recording is being begun or ended */
	bool saved;			   /* files were written, or could not be */
	bool quarantine_said;		   /* the message tells of it */
	bool capped_said;		   /* likewise, that a limit on its memory was reached */
	bool coarse_said;		   /* likewise, on its call paths */
	bool adopted;			   /* taken over from an earlier thagd */
	int signal;			   /* that killed it, 0: none, -1: not known */
	int exit_code;			   /* -1: not known */
	int reported_status;		   /* wait status told by whoever started it, -1: none */
	uint64_t end_mono_ns;		   /* 0 while it runs */
	uint64_t event_mono_ns;		   /* when its events last grew */
	uint32_t listed_modes;		   /* what lists said of its modes: see registry.c */
	uint32_t sites_seen;		   /* when names were last requested */
	struct thag_session_counts counts; /* the latest; see thag_session_count */
	char message[THAG_MESSAGE_BYTES];
	char files[THAG_SESSION_FILES_MAX][THAG_PATH_BYTES]; /* "" for none */
	struct thag_session_opened opened;
	uint64_t saved_total_ns;
	struct thag_clock_rate *clock; /* the daemon's; NULL when it was lost */
	void *life;		       /* of liveness.c */
};

/** What a new session is made of; memory is taken over on success only. */
struct thag_session_origin {
	const struct thag_budget *budget; /* stays */
	uint64_t id;
	pid_t pid;
	const struct thag_shm_header *header; /* checked */
	struct thag_session_memory memory;
	bool adopted;  /* its rings were read by an earlier thagd up to their published tails … */
	bool replayed; /* … and what that read is about to be read again: see replay.h */
};

/** Makes a session with one reference. 0 or -ENOMEM. */
int thag_session_create(struct thag_session **out, const struct thag_session_origin *origin);

/** An entry for a program that can't be followed any more; it has no memory and no rings. */
int thag_session_create_lost(struct thag_session **out, uint64_t id, pid_t pid, const char *program,
			     uint64_t start_real_ns, const char *message);

struct thag_session *thag_session_ref(struct thag_session *session);
void thag_session_unref(struct thag_session *session);

void thag_session_memory_fini(struct thag_session_memory *memory);

/** Rings that have ever been claimed, bounded; reads shared memory. */
uint32_t thag_session_rings_used(const struct thag_session *session);

/** Ids of sites that the program gave out, bounded; reads shared memory. */
uint32_t thag_session_sites(const struct thag_session *session);

/** Whether its program went out by the front door; reads shared memory. */
bool thag_session_exited(const struct thag_session *session);

/** Whether it runs, as far as we know. Main loop. */
bool thag_session_is_live(const struct thag_session *session);

const char *thag_session_state_name(enum thag_session_state state);

/** How long it ran, or runs. Main loop. */
uint64_t thag_session_duration_ns(const struct thag_session *session);

/** Keeps the drain threads out from now on. Main loop; may wait for a batch. */
void thag_session_detach(struct thag_session *session);

/** All words read from the ring are decoded: notes where we stand, then gives their room back. */
void thag_session_ring_commit(struct thag_session_ring *ring);

/**
 * Reads what is left in the rings of a detached session, names its sites and ends its threads;
 * frames still open are truncated. The shared memory isn't used from then on when `writer_dead`.
 * Any thread.
 */
void thag_session_finish(struct thag_session *session, bool writer_dead);

/** Unmaps it after that: it takes its time, for which nobody need wait. Any thread, one at a time.
 */
void thag_session_let_go(struct thag_session *session);

/** What thag_session_finish does once all words of all rings were read. Any thread. */
void thag_session_conclude(struct thag_session *session, bool writer_dead);

/** Sums up. Any thread; takes the lock exclusively for a moment. */
void thag_session_count(struct thag_session *session, struct thag_session_counts *out);

/** Caps every tree at the size it has, and those to come at a small one. Any thread. */
void thag_session_tighten(struct thag_session *session);

/** Sets the line it shows to its user. Main loop. */
void thag_session_say(struct thag_session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Says that its calls have more paths than there is room for. Main loop. */
void thag_session_explain_coarse(struct thag_session *session);

/** Says that it is quarantined, once, if it is; returns whether it did. Main loop. */
bool thag_session_say_quarantine(struct thag_session *session);

#endif
