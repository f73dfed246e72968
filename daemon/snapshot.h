/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile of a session as it stands, live or not. Each thread's tree is copied by itself, so
 * that draining is held up for no longer than one copy takes.
 *
 * Thread: any; meant for the pool, since it takes as long as the trees are big.
 */
#ifndef THAG_SNAPSHOT_H
#define THAG_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "session.h"
#include "thag_profile.h"

/** Nanoseconds of the session's ticks: measured while it runs, fixed by thag_snapshot_fix. */
double thag_snapshot_rate(const struct thag_session *session, struct thag_clock_rate *clock);

/** The tick of a moment, ns since the session began; UINT64_MAX for that and what is beyond it. */
uint64_t thag_snapshot_ticks(const struct thag_session *session, double rate, uint64_t ns);

/** Fixes the rate: what is shown, exported and saved from now on is the same to the digit. */
void thag_snapshot_fix(struct thag_session *session, struct thag_clock_rate *clock);

/** How a session's ticks are shown. */
void thag_snapshot_scale(const struct thag_session *session, struct thag_clock_rate *clock,
			 bool raw, struct thag_scale *out);

/** What one call's recording costs, in 1/256 ns; saturates. */
uint32_t thag_snapshot_cost(const struct thag_session *session, struct thag_clock_rate *clock);

/** How a profile is made. */
enum thag_snapshot_how {
	THAG_SNAPSHOT_RAW = 1,	 /* with the time that recording took */
	THAG_SNAPSHOT_PATHS = 2, /* with durations by path, see thag_profile_keep_paths */
};

/**
 * The finished profile of thread `tid`, or of all with 0; `how`: of enum thag_snapshot_how. A
 * thread that is not there gives an empty profile. The caller destroys it. 0 or -ENOMEM.
 */
int thag_snapshot_take(struct thag_profile **out, struct thag_session *session,
		       struct thag_clock_rate *clock, uint32_t tid, uint32_t how);

/**
 * Takes a thread's profile, which goes away afterwards. `tid` 0: all together that ended long
 * ago; `name_site` 0: the program has no name for it. 0, or an error that
 * ends it.
 */
typedef int thag_snapshot_fn(void *context, uint32_t tid, uint32_t name_site,
			     const struct thag_profile *profile);

/** The finished profile of each thread that has one, one after the other. 0 or an error. */
int thag_snapshot_each(struct thag_session *session, struct thag_clock_rate *clock, bool raw,
		       thag_snapshot_fn *fn, void *context);

#endif
