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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/emit.h"
#include "thag/shm.h"

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
	int shm_fd; /* kept open so that a new thagd can find them in /proc/PID/fd */
	int consumer_fd;
	bool slow_clock;      /* the TSC is no clock here: events are timed on the cold side */
	uint64_t patience_ns; /* how long a thread waits for thagd to read on before it drops */
	struct thag_producer *producers[THAG_SLOTS_MAX]; /* mapped once each, then reused */
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

/** What struct thag_producer keeps in `cold`: wiped on fork, too. */
struct thag_producer_cold {
	int live;     /* 1 while a thread of this process owns it */
	int dropping; /* below a dropped call */
	uint32_t slot;
	uint32_t drop_depth;	 /* depth when the dropped call came */
	uint32_t ended_sections; /* frames on the stack that ended below the top */
	uintptr_t drop_sp;	 /* the dropped call's stack pointer */
	uint64_t patience_tail;	 /* the reader's index when this thread began to wait */
	uint64_t wait_until_ns;	 /* until when it waits for the reader to move from there */
	uint64_t lost_unsaid;	 /* calls dropped since the last LOST word */
	uint64_t position_high;	 /* positions taken off both halves of head so far */
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
 * Returns 0; -EBUSY while another thread is at it; or why not, with thag_on cleared and, unless
 * `quiet`, one line on stderr.
 */
int thag_process_attach(bool quiet);
bool thag_process_is_live(void);

/** Moves a descriptor out of the way of the program's own; returns where it is now. */
int thag_fd_move_up(int fd);

/** Counts a mistake of the program's, where thagd sees it. Signal-safe. */
void thag_misuse(enum thag_misuse which);

/* hello.c */

/**
 * Sends `shm_fd` to thagd, whose memfd comes back; waits for each step up to `patience_ms`. 0, or
 * a negative errno with `why` in words.
 */
int thag_hello(int shm_fd, uint32_t patience_ms, int *consumer_fd, char *why, size_t why_bytes);

/* thread.c */

/** Gives the calling thread a ring. NULL when there is none, or the process isn't attached. */
struct thag_producer *thag_thread_attach(void);

/** Prepares for threads to end, and for fork. Once a process. */
void thag_thread_setup(void);

/* site.c */

/** Makes `site` known; returns its word, never 0. Lock-free: threads and signals may race. */
uint32_t thag_site_register(struct thag_site *site);

/** Copies all sites of the parent's memory into that of a forked child. */
void thag_site_inherit(struct thag_process *child, const struct thag_process *parent);

/* cold.c */

/** Writes the TIME word that events at `ticks` need before them. */
void thag_time_put(struct thag_producer *producer, uint64_t ticks);

/* room.c */

/** Looks for room for a call and for a LOST word; waits where that is allowed. */
bool thag_room_find(struct thag_producer *producer);

/** Whether `words` more fit beside the exits of all open frames. Doesn't wait. */
bool thag_room_has(struct thag_producer *producer, uint32_t words);

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
	enum thag_log_mode log;
	char output_dir[THAG_TEXT_BYTES];
};

/**
 * Reads `mode`, as in THAG_ENABLE_PROFILING(mode), and the environment's THAG_PROFILER and
 * THAG_PAUSED. 0; or -EINVAL after one line on stderr, with all of `config` off and banned.
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

/* unwind.c */

/** Frames of this thread whose stack pointer is below `sp` are about to vanish: closes them. */
void thag_unwind_to(uintptr_t sp);

/** Writes one word that opens nothing and closes nothing; the caller has seen to room. */
static inline void thag_put_plain(struct thag_producer *producer, uint64_t word)
{
	/* (1, 1): a place more, and as many open frames as before */
	thag_word_put(producer, thag_head_add(producer, (UINT64_C(1) << 32) | 1), word);
}

/** Reserves an EXT word and its payload together, so that no handler's words come between. */
static inline void thag_put_ext(struct thag_producer *producer, uint64_t ticks, uint32_t ext,
				uint64_t payload)
{
	uint64_t head = thag_head_add(producer, (UINT64_C(2) << 32) | 2);

	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | THAG_WORD_EXT(ext));
	thag_word_put(producer, head + 1, thag_payload_pack(payload));
}

#endif
