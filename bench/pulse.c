/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * pulse FILE: calls functions whose names were never seen before, p0 to p9, each for a tenth of a
 * second, in which a value, "pulse", is its number, and writes to FILE when each was entered:
 * milliseconds since 1970, a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <thag.h>

static FILE *times;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void beat(int number)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(times, "%.3f\n", (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
	thag_value("pulse", number);
	pause_ms(100);
}

/* clang-format off */
#define PULSE(n) static void p##n(void) { THAG_PROFILED(); beat(n); }
#define ENTRY(n) p##n,
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
/* clang-format on */

ALL(PULSE)

int main(int argc, char **argv)
{
	static void (*const pulses[])(void) = { ALL(ENTRY) };

	THAG_ENABLE_PROFILING(time);
	times = argc > 1 ? fopen(argv[1], "w") : NULL;
	if (!times)
		return 1;
	srand((unsigned)time(NULL));
	pause_ms(900); /* the page finds it */
	for (size_t i = 0; i < sizeof(pulses) / sizeof(pulses[0]); i++) {
		pulses[i]();
		pause_ms(10 + rand() % 150);
	}
	return fclose(times) != 0;
}
