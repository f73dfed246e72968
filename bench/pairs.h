/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an enter + exit pair costs next to two bare clock reads of the same process. The workload
 * alternates with the floor in slices, and each figure is the median of its slices, so that a
 * noisy moment counts once.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "thag/emit.h"

#define SLICES 41
#define NOINLINE __attribute__((noinline))

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static NOINLINE void bare(void)
{
	__asm__ volatile("");
}

static NOINLINE void two_reads(void)
{
	uint64_t first = thag_ticks();

	__asm__ volatile("" : : "r"(first));
	__asm__ volatile("" : : "r"(thag_ticks()));
}

static void run_bare(uint64_t pairs)
{
	while (pairs--)
		bare();
}

static void run_floor(uint64_t pairs)
{
	while (pairs--)
		two_reads();
}

typedef void workload_fn(uint64_t pairs);

struct figures {
	double pair, floor, bare;
};

static double time_pairs(workload_fn *workload, uint64_t pairs)
{
	uint64_t start = now_ns();

	workload(pairs);
	return (double)(now_ns() - start) / (double)pairs;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[SLICES])
{
	qsort(values, SLICES, sizeof(*values), compare);
	return values[SLICES / 2];
}

static inline struct figures measure(workload_fn *workload, uint64_t pairs)
{
	double pair[SLICES], floor[SLICES], plain[SLICES];
	uint64_t slice = pairs / SLICES;

	workload(slice); /* first use, first pages */
	for (int i = 0; i < SLICES; i++) {
		floor[i] = time_pairs(run_floor, slice / 4);
		plain[i] = time_pairs(run_bare, slice / 4);
		pair[i] = time_pairs(workload, slice);
	}
	return (struct figures){ median(pair), median(floor), median(plain) };
}

/* "MODE PAIRS NS_A_PAIR FLOOR_NS RATIO BARE_NS" */
static inline void show(const char *mode, uint64_t pairs, struct figures figures)
{
	printf("%s %" PRIu64 " %.2f %.2f %.3f %.2f\n", mode, pairs, figures.pair, figures.floor,
	       figures.pair / figures.floor, figures.bare);
}

#endif
