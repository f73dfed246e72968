/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clock.h"

#include <time.h>

#include "thag/shm.h"

#define BRACKETS 8
#define BASELINE_MIN_NS UINT64_C(10000000)
#define BASELINE_SURE_NS UINT64_C(1000000000)
#define SUSPENDED_MIN_NS UINT64_C(100000000) /* less is the time between two looks */
#define DRIFT_MAX 1e-3 /* more than this is a stopped or reset counter, not drift */

static uint64_t read_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t thag_clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t thag_clock_real_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

static uint64_t read_counter(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return thag_clock_mono_ns();
#endif
}

uint64_t thag_clock_ticks(uint32_t kind)
{
	switch (kind) {
	case THAG_CLOCK_MONOTONIC:
		return thag_clock_mono_ns();
#if defined(__x86_64__)
	case THAG_CLOCK_TSC:
		return read_counter();
#elif defined(__aarch64__)
	case THAG_CLOCK_CNTVCT:
		return read_counter();
#endif
	default:
		return 0;
	}
}

/* How long the machine has been suspended; what CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC. */
static uint64_t suspended_ns(uint64_t mono_ns)
{
	uint64_t boot_ns = read_ns(CLOCK_BOOTTIME);

	return boot_ns > mono_ns ? boot_ns - mono_ns : 0;
}

/* The narrowest of a few brackets counter, clock, counter. */
static struct thag_clock_pair read_pair(void)
{
	struct thag_clock_pair best = { 0 };
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < BRACKETS; i++) {
		uint64_t before = read_counter();
		uint64_t mono_ns = thag_clock_mono_ns();
		uint64_t width = read_counter() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct thag_clock_pair){ before + width / 2, mono_ns,
							 suspended_ns(mono_ns) };
		}
	}
	return best;
}

void thag_clock_init(struct thag_clock_rate *clock)
{
	pthread_mutex_init(&clock->lock, NULL);
	clock->first = read_pair();
	clock->ns_per_tick = 0;
}

void thag_clock_fini(struct thag_clock_rate *clock)
{
	pthread_mutex_destroy(&clock->lock);
}

static void wait_for_baseline(const struct thag_clock_rate *clock)
{
	uint64_t passed = thag_clock_mono_ns() - clock->first.mono_ns;
	struct timespec rest = { 0 };

	if (passed >= BASELINE_MIN_NS)
		return;
	rest.tv_nsec = (long)(BASELINE_MIN_NS - passed);
	nanosleep(&rest, NULL);
}

void thag_clock_measure(struct thag_clock_rate *clock, struct thag_clock_pair now)
{
	uint64_t ticks = now.ticks - clock->first.ticks;
	uint64_t ns = now.mono_ns - clock->first.mono_ns;
	double rate = ticks ? (double)ns / (double)ticks : 1;
	double off = clock->ns_per_tick > 0 ? rate / clock->ns_per_tick - 1 : 0;

	if (now.suspended_ns > clock->first.suspended_ns + SUSPENDED_MIN_NS ||
	    (ns > BASELINE_SURE_NS && (off > DRIFT_MAX || off < -DRIFT_MAX))) {
		clock->first = now; /* suspended: begin anew, with the rate known so far */
		return;
	}
	/* after a suspension the rate of before is better than that of a moment */
	if (clock->ns_per_tick == 0 || ns > BASELINE_SURE_NS)
		clock->ns_per_tick = rate;
}

double thag_clock_ns_per_tick(struct thag_clock_rate *clock, uint32_t kind)
{
	double rate;

	if (kind == THAG_CLOCK_MONOTONIC)
		return 1;
	pthread_mutex_lock(&clock->lock);
	do {
		wait_for_baseline(clock);
		thag_clock_measure(clock, read_pair());
	} while (clock->ns_per_tick == 0);
	rate = clock->ns_per_tick;
	pthread_mutex_unlock(&clock->lock);
	return rate;
}
