/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How long a tick is. The rate is measured against CLOCK_MONOTONIC, from the longest time the
 * daemon has seen: each pair of readings is bracketed, so its error is that of one clock read.
 *
 * Thread: any; readings are guarded by a lock.
 */
#ifndef THAG_CLOCK_H
#define THAG_CLOCK_H

#include <stdint.h>

#include <pthread.h>

/** A moment on both clocks. */
struct thag_clock_pair {
	uint64_t ticks;
	uint64_t mono_ns;
	uint64_t suspended_ns; /* how long the machine has been suspended by then */
};

struct thag_clock_rate {
	pthread_mutex_t lock;
	struct thag_clock_pair first;
	double ns_per_tick; /* of the machine's counter, 0 before the first measure */
};

/** Takes the first reading. */
void thag_clock_init(struct thag_clock_rate *clock);
void thag_clock_fini(struct thag_clock_rate *clock);

/** CLOCK_MONOTONIC and CLOCK_REALTIME, in ns. */
uint64_t thag_clock_mono_ns(void);
uint64_t thag_clock_real_ns(void);

/** Now, by a program's clock `kind` (enum thag_clock of shm.h); 0 for one this machine lacks. */
uint64_t thag_clock_ticks(uint32_t kind);

/** Measures up to a moment. Nothing once it was suspended since: then it begins anew from there. */
void thag_clock_measure(struct thag_clock_rate *clock, struct thag_clock_pair now);

/**
 * Nanoseconds of a tick of `kind`. Waits up to 10 ms, once, when the daemon has only just
 * started and could not tell better than to some parts in a million.
 */
double thag_clock_ns_per_tick(struct thag_clock_rate *clock, uint32_t kind);

#endif
