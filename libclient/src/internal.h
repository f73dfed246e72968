/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The cold side of libthag: attaching to thagd, threads, sites, room.
 *
 * No function here uses the heap, stdio or locks, so all of it may run in a signal handler, in a
 * forked child of a threaded program, or below malloc. Each keeps errno for its caller where it
 * is reached from the emit path.
 */
#ifndef THAG_INTERNAL_H
#define THAG_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/emit.h"
#include "thag/shm.h"

/** Adds to what only this thread writes, without losing what a handler adds meanwhile. */
static inline void thag_count(uint64_t *counter, uint64_t amount)
{
#if defined(__x86_64__)
	__asm__ volatile("addq %1, %0" : "+m"(*counter) : "r"(amount) : "cc");
#else
	__atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
#endif
}

/** What this process shares with thagd. Kept over fork: the child copies the sites from it. */
struct thag_process {
	struct thag_shm_header *header; /* NULL before the first attach */
	struct thag_shm_thread *threads;
	struct thag_shm_site *sites;
	uint8_t *strings;
	uint8_t *rings;
	const struct thag_shm_consumer *consumers; /* read-only, written by thagd */
	uint64_t shm_bytes;
	uint64_t consumer_bytes;
	uint32_t slots;
	uint64_t serial; /* 62 bits that tell this process's session from its parent's */
	int shm_fd;	 /* kept open so that a new thagd can find them in /proc/PID/fd */
	int consumer_fd;
	uint64_t shm_inode; /* whether it is still them that are open there */
	uint64_t consumer_inode;
	uint32_t clock;	      /* enum thag_clock */
	bool slow_clock;      /* the TSC is no clock here: events are timed on the cold side */
	uint64_t patience_ns; /* how long a thread waits for thagd to read on before it drops */
	struct thag_producer *producers[THAG_SLOTS_MAX]; /* mapped once each, then reused */
};

/** A moment on three clocks. */
struct thag_moment {
	uint64_t ticks;
	uint64_t mono_ns;      /* CLOCK_MONOTONIC, which stands still while suspended */
	uint64_t suspended_ns; /* how long the machine has been suspended since it was started */
};

enum thag_attach_state {
	THAG_ATTACH_NONE = 0, /* also what a forked child finds */
	THAG_ATTACH_BUSY,
	THAG_ATTACH_LIVE,
	THAG_ATTACH_FAILED,
};

/** On a page of its own that fork wipes. */
struct thag_epoch {
	int state; /* enum thag_attach_state; atomic */
};

/** What there is to know of a stack beside its depth. */
struct thag_stack {
	int dropping;		 /* below a dropped call */
	uint32_t drop_depth;	 /* depth when the dropped call came */
	uintptr_t drop_sp;	 /* the dropped call's stack pointer */
	uint32_t ended_sections; /* frames that ended below the top */
	uint32_t missed;	 /* calls that frames of instrumented functions keep count of */
	uint32_t drop_nested;	 /* calls of drop_fn that are open in the dropped call */
	uintptr_t drop_fn; /* the dropped call's function, when its exit says no more than that */
};

/** What struct thag_producer keeps in `cold`: wiped on fork, too. */
struct thag_producer_cold {
	int live; /* 1 while a thread of this process owns it */
	uint32_t slot;
	struct thag_stack stack; /* the one that runs */
	uint64_t patience_tail;	 /* the reader's index when this thread began to wait */
	uint64_t wait_until_ns;	 /* until when it waits for the reader to move; 0: no longer */
	uint64_t lost_unsaid[2]; /* dropped since the last LOST word, by enum thag_lost */
	uint64_t paged;		 /* in the first lap: the ring's pages are there up to here */

	struct thag_moment timed; /* when the last TIME word was written; ticks 0: not yet */

	struct thag_trace_thread *trace; /* where its stacks are taken; NULL: not there yet */
	uint32_t untraced; /* stacks that were wanted before, and could not be taken */

	/* tasks */
	uint64_t task;		   /* the one that runs here; 0: the thread's own stack does */
	uint64_t unrecorded_task;  /* one that runs here, but found no room to say so */
	uint32_t unrecorded_drops; /* what it calls is dropped on its account */
	uint32_t switching;	   /* between two stacks: a handler finds neither whole */
	uint32_t own_depth;	   /* of the thread's own stack while a task runs */
	uint32_t parked;	   /* words that stacks put aside will need */
	struct thag_stack own;	   /* the thread's own while a task runs */
};

extern struct thag_process thag_process;

static inline struct thag_producer_cold *thag_cold(struct thag_producer *producer)
{
	return (struct thag_producer_cold *)(void *)producer->cold;
}

/** The clock that events are timed by. Signal-safe. */
uint64_t thag_clock_now(void);

/** CLOCK_MONOTONIC in ns. Signal-safe. */
uint64_t thag_mono_ns(void);

/* process.c */

/**
 * Makes the shared memory and introduces it to thagd; in a forked child with the parent's sites.
 * Returns 0; -EBUSY while another thread is at it; or why not, with thag_on cleared and one line on
 * stderr, unless it is a child, `forked`, whose parent's thagd has gone.
 */
int thag_process_attach(bool forked);
bool thag_process_is_live(void);

/** Starts profiling by itself, as a preloaded library does: memory, unless told otherwise. */
void thag_start_preloaded(void);

/**
 * Has the kernel put pages where they will be written soon, all at once: a fault for each costs ten
 * times as much, on virtual machines above all. `at` and `bytes` are of whole pages. Where the
 * kernel doesn't know how, each comes when it is touched. False when there is no memory for them.
 * Signal-safe, keeps errno.
 */
bool thag_pages_populate(void *at, size_t bytes);

/** Moves a descriptor out of the way of the program's own; returns where it is now. */
int thag_fd_move_up(int fd);

/** Counts a mistake of the program's, where thagd sees it. Signal-safe. */
void thag_misuse(enum thag_misuse which);

/* switch.c */

/** Records `modes` from now on, on all threads; says so to thagd. Nothing once the session is over.
 * Signal-safe. */
void thag_switch_to(uint32_t modes);

/** Whether the user has ended this process's session, or its parent's before it had one of its
 * own: THAG_WISH_END. Signal-safe. */
bool thag_switch_is_over(void);

/** Notes in the debug log who switches what on. Signal-safe. */
void thag_switch_log(uint32_t modes, const char *who);

/** Does as the user wishes, if that is new. Signal-safe. */
void thag_switch_heed(void);

/** Takes the wishes from `wish`; NULL: there are none. What it says now counts as heeded. */
void thag_switch_listen(const uint64_t *wish);

/* hello.c */

/**
 * Sends `shm_fd` to thagd, whose memfd comes back; waits for each step up to `patience_ms`. 0, or
 * a negative errno with `why` in words.
 */
int thag_hello(int shm_fd, uint32_t patience_ms, int *consumer_fd, char *why, size_t why_bytes);

/** What to say of a thagd that answers in a way of its own. */
#define THAG_OTHER_VERSION "thagd and the program are of different versions: install matching ones"

/* thread.c */

/** Gives the calling thread a ring. NULL when there is none, or the process isn't attached. */
struct thag_producer *thag_thread_attach(void);

/**
 * After an event of memory: gives back the ring of a thread that has ended already, but whose last
 * bits still free what they hold.
 */
void thag_thread_leave_if_over(void);

/** Prepares for threads to end, and for fork. Once a process. */
void thag_thread_setup(void);

/* suspend.c */

/**
 * Of the ticks from `before` to `now`, those that passed while the machine was suspended: none
 * where it wasn't, or its counter stood still, too. `per_ns_20`: ticks in 2^20 ns, 0: not known.
 */
uint64_t thag_suspend_ticks(const struct thag_moment *before, const struct thag_moment *now,
			    uint64_t per_ns_20);

/** After a TIME word: says in the ring if the machine was suspended since the last one. */
void thag_suspend_watch(struct thag_producer *producer, uint64_t ticks);

/* site.c */

/** The word of `site`, which is made known if it isn't. Lock-free: threads and signals may race. */
uint32_t thag_site_word(struct thag_site *site);

/**
 * Makes a new site known: what `fixed` says but for the texts, whose first THAG_SITE_NAME_MAX
 * bytes are copied; either may be NULL. A name that is NULL or too long is counted as a misuse,
 * but for a site with an address. Returns its id, or THAG_SITE_OVERFLOW. Lock-free.
 */
uint32_t thag_site_add(const struct thag_shm_site *fixed, const char *name, const char *file);

/**
 * The id of the site of `kind` with that name, which is added when it is new. The process is
 * attached. Lock-free, signal-safe.
 */
uint32_t thag_site_named(enum thag_site_kind kind, const char *name);

/** Copies `text` to the string area; 0 bytes when it is full. Room taken is never given back. */
uint32_t thag_site_copy_text(struct thag_process *process, const char *text, uint32_t *offset);

/** Copies all sites of the parent's memory into that of a forked child. */
void thag_site_inherit(struct thag_process *child, const struct thag_process *parent);

/* cold.c */

/**
 * Writes the TIME word that events at `ticks` need before them; none where there is no place for
 * it: they are timed right without it while less than 2^38 ticks lie between two of them.
 */
void thag_time_put(struct thag_producer *producer, uint64_t ticks);

/**
 * The calling thread's producer, made if need be, when something of `modes` is recorded now; else
 * NULL. Heeds the user's wish.
 */
struct thag_producer *thag_open_ready(uint32_t modes);

/** Opens a frame, by the word of its opening event; returns its index, or THAG_SPAN_DROP… . */
uint32_t thag_open_word(struct thag_producer *producer, uint32_t word, uintptr_t sp);

/** Counts a call, or another thing to record, that found no room. */
void thag_lost_count(struct thag_producer *producer, enum thag_lost what);

/** Says what was lost since that was last said, if there is room. */
void thag_lost_say(struct thag_producer *producer, uint64_t ticks);

/** Opens a frame, or drops it where there is no room; returns its index or THAG_SPAN_DROP_ROOT. */
uint32_t thag_open_cold(struct thag_producer *producer, uint32_t word, uintptr_t sp);

/** Drops what this thread's stack does from here on, up to the caller's frame at `sp`. */
void thag_drop_begin(struct thag_producer *producer, uintptr_t sp);

/* room.c */

/**
 * Whether a TIME word may go where no room is kept for it, before an exit, say: in half of what is
 * free beyond the limit, so that the other half is left to signal handlers. Signal-safe.
 */
bool thag_room_has_slack(const struct thag_producer *producer);

/** Looks for room for `words` more beside the exits of all open frames; waits where it may. */
bool thag_room_find(struct thag_producer *producer, uint32_t words);

/** Whether `words` more fit beside the exits of all open frames. Doesn't wait. */
bool thag_room_has(struct thag_producer *producer, uint32_t words);

/** Sets the fast side's limits, but those of what is not recorded now, or dropped. */
void thag_room_set(struct thag_producer *producer, uint64_t limit);

/** What thag_room_set was told last, or 0; until it is told again there is no room. */
uint64_t thag_room_take(struct thag_producer *producer);

/* task.c */

/** A thread ends: the tasks that ran on it may be resumed elsewhere. */
void thag_task_leave(struct thag_producer *producer);

/** A frame of the task that runs here unrecorded was left. */
void thag_task_unrecorded_exit(struct thag_producer *producer, uint32_t index);

/* mark.c */

/** Says the thread's name, if it has one. There is room for 2 words. */
void thag_thread_name_put(struct thag_producer *producer, uint64_t ticks);

/* clock.c */

/**
 * The clock of this process, enum thag_clock: the processor's counter where it counts at one rate
 * on all processors and THAG_CLOCK isn't `monotonic`. Not signal-safe.
 */
uint32_t thag_clock_choose(void);

/* calibrate.c */

/** Measures what a recorded call costs, in 1/256 tick, inside and outside its two clock reads. */
void thag_calibrate(uint32_t *inside, uint32_t *outside);

/* config.c */

/** The debug log of the profiled program. */
enum thag_log_mode {
	THAG_LOG_NONE,
	THAG_LOG_ANNOUNCE, /* its path is said on stderr */
	THAG_LOG_QUIET,
};

struct thag_config {
	uint32_t modes; /* enum thag_mode_bits: to record from the start; 0: nothing */
	bool banned;	/* THAG_PROFILER's type is none: thag_enable is refused, too */
	bool paused;	/* THAG_PAUSED: connect, but record nothing until somebody switches it on */
	bool detail;	/* detailed memory profiling was asked for: THAG_SHM_DETAIL */
	bool free_traces;	 /* THAG_FREE_TRACES: with it, traces of frees, too */
	bool maps;		 /* THAG_MAPS: pages that the program maps itself count */
	uint64_t size_threshold; /* SIZE_TRACKING_THRESHOLD: only larger allocations count */
	uint64_t sample_bytes;	 /* THAG_SAMPLE_BYTES, 0: every allocation is recorded */
	enum thag_log_mode log;
	char output_dir[THAG_TEXT_BYTES];
};

/**
 * Reads `mode`, as in THAG_ENABLE_PROFILING(mode), and the environment's THAG_PROFILER,
 * THAG_PAUSED and what there is for memory. NULL: the library is preloaded, what THAG_PROFILER says
 * goes, memory without it. 0; or -EINVAL after one line on stderr, with all of `config` off and
 * banned.
 */
int thag_config_read(const char *mode, struct thag_config *config);

/** "thag: " and up to four texts (NULL ends them) and a newline on stderr, in one write. */
void thag_say(const char *a, const char *b, const char *c, const char *d);

/* log.c */

/**
 * Begins the debug log, a file of its own below TMPDIR or /tmp, unless `mode` is none; says in
 * one line where it is (announce), or why there can't be one. Allocates, and takes locks: not
 * for signal handlers. Once a process.
 */
void thag_log_open(enum thag_log_mode mode);

bool thag_log_is_on(void);

/** A line with the time since the start and the pid. Knows %s, %d, %u and %llu. Signal-safe. */
void thag_log(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

/** Whether something that is noted `limit` times at most may be noted now; `said` counts. */
bool thag_log_once_more(uint32_t *said, uint32_t limit);

/** Bits of thag_mode_bits in words. */
const char *thag_log_kinds(uint32_t modes);

/**
 * While a thread does what must not be left half-way, or takes descriptors: no handler runs on it,
 * and it is not cancelled. (What it calls there has points of cancellation, which the program's
 * code at this place hasn't; and an object's constructor could not be unwound.) What is allocated
 * there is not recorded.
 */
struct thag_alone {
	sigset_t signals;
	int cancel;
	bool within; /* another of its kind */
};

/** Whether the calling thread is alone: what it allocates is the profiler's, not the program's. */
extern __thread bool thag_is_alone;

static inline bool thag_alone_begin(struct thag_alone *alone)
{
	sigset_t all;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &alone->signals) != 0)
		return false;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &alone->cancel);
	alone->within = thag_is_alone;
	thag_is_alone = true;
	/* the fast side doesn't look at that */
	__atomic_store_n(&thag_this_producer->memory_limit, 0, __ATOMIC_RELAXED);
	return true;
}

static inline void thag_alone_end(const struct thag_alone *alone)
{
	thag_is_alone = alone->within;
	pthread_setcancelstate(alone->cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &alone->signals, NULL);
}

/* unwind.c */

/** Frames of this thread whose stack pointer is below `sp` are about to vanish: closes them. */
void thag_unwind_to(uintptr_t sp);

/** Writes one word that opens nothing and closes nothing; the caller has seen to room. */
static inline void thag_put_plain(struct thag_producer *producer, uint64_t word)
{
	/* (1, 1): a place more, and as many open frames as before */
	thag_word_put(producer, thag_head_add(producer, (UINT64_C(1) << 32) | 1), word);
}

/**
 * A section's serial lies in the bits of its frame's stack pointer that addresses don't use: 48.
 * A task's frames that have been put aside have no stack pointer, but all bits set.
 */
#define THAG_SERIAL_SHIFT 48
#define THAG_FRAME_SERIAL (UINTPTR_MAX << THAG_SERIAL_SHIFT)
#define THAG_FRAME_UNKNOWN UINTPTR_MAX

/** The lowest index of the stack that runs. */
static inline uint32_t thag_stack_floor(const struct thag_producer *producer)
{
	const struct thag_producer_cold *cold =
		(const struct thag_producer_cold *)(const void *)producer->cold;

	/* a thread's own stack may be deeper, but not while tasks run on it */
	return cold->task && thag_head_depth(thag_head_get(producer)) >= THAG_TASK_BASE
		       ? THAG_TASK_BASE
		       : 0;
}

/** Adds to a head: words written, and frames opened (or closed, when negative). */
static inline uint64_t thag_head_change(int64_t words, int64_t frames)
{
	return (uint64_t)(words + frames) << 32 | (uint64_t)words;
}

/**
 * Reserves an EXT word and its payload together, so that no handler's words come between, and
 * changes the depth by `frames` in the same moment.
 */
static inline void thag_put_ext_changing(struct thag_producer *producer, uint64_t ticks,
					 uint32_t arg, const uint64_t *payload, uint32_t count,
					 int64_t frames)
{
	uint64_t head = thag_head_add(producer, thag_head_change(1 + (int64_t)count, frames));

	thag_word_put(producer, head,
		      ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_EXT, arg));
	for (uint32_t i = 0; i < count; i++)
		thag_word_put(producer, head + 1 + i, thag_payload_pack(payload[i]));
}

static inline void thag_put_ext(struct thag_producer *producer, uint64_t ticks, uint32_t ext,
				uint64_t payload)
{
	thag_put_ext_changing(producer, ticks, ext << THAG_EXT_SHIFT, &payload, 1, 0);
}

#endif
