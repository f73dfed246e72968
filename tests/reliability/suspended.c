/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Preloaded: to the program it seems as if the machine were suspended while it sleeps in
 * suspend_machine. CLOCK_MONOTONIC stands still, CLOCK_BOOTTIME and the processor's counter go on.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) void suspend_machine(uint64_t ns);

static uint64_t slept_ns; /* atomic */

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, id, now);
	uint64_t ns, slept = __atomic_load_n(&slept_ns, __ATOMIC_RELAXED);

	if (result != 0 || id != CLOCK_MONOTONIC)
		return result;
	ns = (uint64_t)now->tv_sec * 1000000000u + (uint64_t)now->tv_nsec - slept;
	now->tv_sec = (time_t)(ns / 1000000000u);
	now->tv_nsec = (long)(ns % 1000000000u);
	return 0;
}

static uint64_t counted_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void suspend_machine(uint64_t ns)
{
	uint64_t start = counted_ns();
	struct timespec left = { .tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u) };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	__atomic_fetch_add(&slept_ns, counted_ns() - start, __ATOMIC_RELAXED);
}
