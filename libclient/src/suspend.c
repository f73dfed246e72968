/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * While a machine is suspended its counter may go on, stand still or begin anew; CLOCK_MONOTONIC
 * stands still. A call that is open meanwhile would take hours by a counter that went on.
 *
 * Linux tells how long it was suspended: that is how far CLOCK_BOOTTIME is ahead. Each thread looks
 * at that when the upper half of its counter has changed, as it has after any suspension that
 * matters (2^32 ticks are two seconds), and says in its ring how many ticks don't count.
 */
#include "internal.h"

#include <time.h>

/* Below this it is the time between two looks at clocks. */
#define SUSPENDED_MIN_NS UINT64_C(100000000)

/* How long the counter must have been watched until its rate is known well enough. */
#define WATCHED_MIN_NS UINT64_C(100000000)

/* Two looks further apart than this were interrupted. */
#define LOOK_MAX_NS UINT64_C(10000000)
#define LOOKS 3

static uint64_t boot_ns(void)
{
	struct timespec now = { 0 };

	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool look(struct thag_moment *now, uint64_t ticks)
{
	for (int i = 0; i < LOOKS; i++) {
		uint64_t mono_ns = thag_mono_ns(), ahead = boot_ns();

		if (thag_mono_ns() - mono_ns > LOOK_MAX_NS)
			continue;
		*now = (struct thag_moment){ .ticks = ticks,
					     .mono_ns = mono_ns,
					     .suspended_ns =
						     ahead > mono_ns ? ahead - mono_ns : 0 };
		return true;
	}
	return false;
}

uint64_t thag_suspend_ticks(const struct thag_moment *before, const struct thag_moment *now,
			    uint64_t per_ns_20)
{
	uint64_t suspended, awake, ticks;

	if (now->ticks <= before->ticks || now->mono_ns < before->mono_ns ||
	    now->suspended_ns < before->suspended_ns + SUSPENDED_MIN_NS)
		return 0;
	suspended = now->suspended_ns - before->suspended_ns;
	awake = now->mono_ns - before->mono_ns;
	ticks = now->ticks - before->ticks;
	/* it stood still: there aren't ticks for half of it */
	if ((unsigned __int128)per_ns_20 * (awake + suspended / 2) >> 20 > ticks)
		return 0;
	return (uint64_t)((unsigned __int128)ticks * suspended / (awake + suspended));
}

/* Ticks in 2^20 ns since the process was attached, up to a moment without a suspension. */
static uint64_t watched(const struct thag_moment *moment)
{
	const struct thag_shm_header *header = thag_process.header;
	uint64_t ns = moment->mono_ns - header->start_mono_ns;

	if (moment->mono_ns < header->start_mono_ns + WATCHED_MIN_NS ||
	    moment->ticks < header->start_ticks)
		return 0;
	return (uint64_t)(((unsigned __int128)(moment->ticks - header->start_ticks) << 20) / ns);
}

/* The process's rate, from its threads' moments; once the machine was suspended it stays. */
static uint64_t rate_at(const struct thag_moment *before)
{
	static uint64_t first_suspended_ns, rate; /* atomic */
	uint64_t none = 0, seen;

	__atomic_compare_exchange_n(&first_suspended_ns, &none, before->suspended_ns + 1, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	seen = __atomic_load_n(&first_suspended_ns, __ATOMIC_RELAXED);
	if (before->suspended_ns + 1 < seen + SUSPENDED_MIN_NS && watched(before))
		__atomic_store_n(&rate, watched(before), __ATOMIC_RELAXED);
	return __atomic_load_n(&rate, __ATOMIC_RELAXED);
}

void thag_suspend_watch(struct thag_producer *producer, uint64_t ticks)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	struct thag_moment before = cold->timed, now;
	uint64_t suspended;

	/* the slow clock is CLOCK_MONOTONIC */
	if (thag_process.slow_clock || !look(&now, ticks))
		return;
	cold->timed = now;
	if (!before.ticks)
		return;
	suspended = thag_suspend_ticks(&before, &now, rate_at(&before));
	if (suspended)
		thag_put_ext(producer, ticks, THAG_EXT_SUSPENDED, suspended);
}
