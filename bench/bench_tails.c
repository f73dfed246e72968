/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_tails MILLION_CALLS: the slowest calls. At each line on standard input it times so many,
 * each by itself, and prints the median, the time that one in a thousand takes longer than, the
 * mean of those, and the longest, in ns. Ends with standard input.
 */
#include <time.h>

#include "pairs.h"
#include "thag.h"

#define TICKS_MAX 65536 /* longer ones are counted together, and added up */

static uint32_t counts[TICKS_MAX + 1];
static uint64_t long_ticks, longest;

static NOINLINE void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static void time_calls(uint64_t calls)
{
	for (uint64_t i = 0; i < calls; i++) {
		uint64_t ticks = thag_ticks();

		leaf();
		ticks = thag_ticks() - ticks;
		if (ticks < TICKS_MAX) {
			counts[ticks]++;
			continue;
		}
		counts[TICKS_MAX]++;
		long_ticks += ticks;
		if (ticks > longest)
			longest = ticks;
	}
}

/* The time that `rest` calls take at least; in `*sum` what they take together. */
static uint64_t slowest(uint64_t rest, uint64_t *sum)
{
	uint64_t seen = counts[TICKS_MAX];
	uint64_t ticks = TICKS_MAX;

	*sum = long_ticks;
	while (seen < rest) {
		ticks--;
		seen += counts[ticks];
		*sum += counts[ticks] * ticks;
	}
	return ticks;
}

int main(int argc, char **argv)
{
	uint64_t calls = (argc > 1 ? strtoull(argv[1], NULL, 10) : 20) * 1000000;
	char line[16];

	thag_start("time");
	time_calls(calls);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t start_ns = now_ns(), start = thag_ticks(), sum, half, tail;
		double ns;

		for (size_t i = 0; i <= TICKS_MAX; i++)
			counts[i] = 0;
		long_ticks = longest = 0;
		time_calls(calls);
		ns = (double)(now_ns() - start_ns) / (double)(thag_ticks() - start);
		half = slowest(calls / 2, &sum);
		tail = slowest(calls / 1000, &sum);
		printf("%.1f %.1f %.1f %.0f\n", (double)half * ns, (double)tail * ns,
		       (double)sum * ns / ((double)calls / 1000), (double)longest * ns);
		fflush(stdout);
	}
	return 0;
}
