/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_functions flat|nested|fib|random [MILLION_PAIRS]: what a pair costs in a program compiled
 * with -finstrument-functions. Whether it is recorded, filtered out or off is up to its
 * environment, as with any such program. Prints a line as in pairs.h.
 */
#include <string.h>

#include "instrumented.h"
#include "pairs.h"

static void run_flat(uint64_t pairs)
{
	while (pairs--)
		leaf();
}

static void run_nested(uint64_t pairs)
{
	for (uint64_t i = 0; i < pairs / 8; i++)
		nest(7);
}

static void run_fib(uint64_t pairs)
{
	for (uint64_t i = 0; i < pairs / 21891; i++)
		fib(20); /* 21891 calls */
}

static void run_random(uint64_t pairs)
{
	uint64_t x = 1;

	while (pairs--) {
		x = x * 6364136223846793005u + 1;
		numbered[(uint32_t)(x >> 33) % NUMBERED]();
	}
}

static workload_fn *find_workload(const char *mode)
{
	static const struct {
		const char *mode;
		workload_fn *workload;
	} workloads[] = { { "flat", run_flat },
			  { "nested", run_nested },
			  { "fib", run_fib },
			  { "random", run_random } };

	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++)
		if (strcmp(workloads[i].mode, mode) == 0)
			return workloads[i].workload;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	workload_fn *workload = find_workload(mode);
	uint64_t pairs = (argc > 2 ? strtoull(argv[2], NULL, 10) : 20) * 1000000;

	if (!workload || pairs == 0) {
		fprintf(stderr, "usage: %s flat|nested|fib|random [MILLION_PAIRS]\n", argv[0]);
		return 2;
	}
	show(mode, pairs, measure(workload, pairs));
	return 0;
}
