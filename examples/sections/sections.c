/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sections [ROUNDS]: parts of functions, in the ways they may begin and end.
 *
 *   overlap   "prepare" ends while "compute" is already running. From then on time goes to the
 *             stack without it: no nanosecond is counted twice, and none is lost.
 *   tries     a section in a loop, in a function that is not profiled, left by return
 *   jobs      begun in one function, ended in another, two at a time
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <thag.h>

#define ROUNDS_MAX 1000000

static uint64_t spin(uint64_t seed, int steps)
{
	THAG_PROFILED();
	for (int i = 0; i < steps; i++)
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed;
}

static uint64_t overlap(uint64_t seed)
{
	THAG_PROFILED();
	THAG_SECTION(prepare, "prepare");
	seed = spin(seed, 10000);
	THAG_SECTION(compute, "compute");
	seed = spin(seed, 20000);
	THAG_END(prepare);
	seed = spin(seed, 30000);
	THAG_END(compute);
	return spin(seed, 5000);
}

/* The third try is good; its section ends on the way out. */
static uint64_t tries(uint64_t seed)
{
	for (int i = 0; i < 10; i++) {
		THAG_SECTION(attempt, "try");
		seed = spin(seed, 1000);
		if (i == 2)
			return seed;
	}
	return 0;
}

struct job {
	struct thag_section open; /* nothing when profiling is compiled out */
	uint64_t seed;
};

static void start_job(struct job *job, uint64_t seed)
{
	job->open = THAG_BEGIN("job");
	job->seed = seed;
}

static uint64_t finish_job(struct job *job)
{
	job->seed = spin(job->seed, 1000);
	THAG_END(job->open);
	return job->seed;
}

static uint64_t jobs(uint64_t seed)
{
	THAG_PROFILED();
	struct job first, second;

	start_job(&first, seed);
	start_job(&second, spin(seed, 1000));
	seed = finish_job(&first); /* the second goes on, without it */
	return seed ^ finish_job(&second);
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	uint64_t seed = 1;

	if (argc > 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: sections [ROUNDS]   (1 to %d; 1000)\n", ROUNDS_MAX);
		return 2;
	}
	for (long i = 0; i < rounds; i++)
		seed = jobs(tries(overlap(seed)));
	printf("%016llx\n", (unsigned long long)seed);
	return 0;
}
