/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which clock events are timed by. */
#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
#define CLOCKS_PATH "/sys/devices/system/clocksource/clocksource0/available_clocksource"

/* Linux leaves out of its list what it found to disagree from processor to processor. */
static bool kernel_trusts_ticks(void)
{
	char list[256];
	int fd = open(CLOCKS_PATH, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);

	if (fd >= 0)
		close(fd);
	if (bytes <= 0)
		return true; /* it doesn't say */
	list[bytes] = '\0';
	return strstr(list, "tsc") != NULL;
}
#endif

/* Whether thag_ticks counts at one rate on all processors, whatever they do. */
static bool ticks_are_a_clock(void)
{
#if defined(__x86_64__)
	unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;

	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1u << 8 &&
	       kernel_trusts_ticks();
#else
	return true;
#endif
}

uint32_t thag_clock_choose(void)
{
	const char *asked = getenv("THAG_CLOCK");

#if defined(__x86_64__)
	uint32_t fast = THAG_CLOCK_TSC;
#elif defined(__aarch64__)
	uint32_t fast = THAG_CLOCK_CNTVCT;
#else
	uint32_t fast = THAG_CLOCK_MONOTONIC;
#endif
	if ((asked && strcmp(asked, "monotonic") == 0) || !ticks_are_a_clock())
		return THAG_CLOCK_MONOTONIC;
	return fast;
}
