/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sections: parts of a function that overlap.
 *
 * "prepare" ends while "compute" is already running. From then on time goes to the stack without
 * it: no nanosecond is counted twice, and none is lost.
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

static uint64_t one_round(uint64_t seed)
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
		seed = one_round(seed);
	printf("%016llx\n", (unsigned long long)seed);
	return 0;
}
