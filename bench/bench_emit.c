/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_emit MODE [MILLION_PAIRS]: what an enter + exit pair costs in a real program, next to two
 * bare clock reads of the same process. Modes: off, disabled (after having been on), flat, nested,
 * fib, random, threads; cpp (marked by thag.hpp), section, overlap (sections that each end below
 * the next), mark, value. Prints a line as in pairs.h.
 */
#include <pthread.h>
#include <string.h>

#include "cpp_leaf.h"
#include "pairs.h"
#include "thag.h"

static NOINLINE void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static NOINLINE void nest(int depth)
{
	THAG_PROFILED();
	if (depth)
		nest(depth - 1);
	__asm__ volatile("");
}

static NOINLINE int fib(int n)
{
	THAG_PROFILED();
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

#define SITES 500
static struct thag_site sites[SITES];
static char names[SITES][8];

static NOINLINE void numbered(uint32_t which)
{
	__attribute__((cleanup(thag_span_exit), unused)) struct thag_span span =
		thag_span_enter(&sites[which]);
	__asm__ volatile("");
}

static void make_sites(void)
{
	for (uint32_t i = 0; i < SITES; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		sites[i] = (struct thag_site){ .kind = THAG_SITE_FUNCTION,
					       .modes = THAG_BOTH,
					       .line = i,
					       .name = names[i],
					       .file = __FILE__ };
	}
}

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
		numbered((uint32_t)(x >> 33) % SITES);
	}
}

static void run_sections(uint64_t pairs)
{
	while (pairs--) {
		THAG_SECTION(section, "section");
		__asm__ volatile("");
	}
}

/* Two at a time, each ended below the other. */
static void run_overlapping(uint64_t pairs)
{
	struct thag_section below = THAG_BEGIN("a");

	while (--pairs) {
		struct thag_section above = THAG_BEGIN("b");

		THAG_END(below);
		below = above;
	}
	THAG_END(below);
}

static void run_mark(uint64_t marks)
{
	while (marks--)
		thag_mark("tick");
}

static void run_value(uint64_t values)
{
	while (values--)
		thag_value("queue", (int64_t)values);
}

static void *measure_thread(void *pairs)
{
	static __thread struct figures figures;

	figures = measure(run_flat, *(uint64_t *)pairs);
	struct figures *result = malloc(sizeof(*result));

	if (result)
		*result = figures;
	return result;
}

static struct figures measure_two(uint64_t pairs)
{
	pthread_t threads[2];
	struct figures sum = { 0, 0, 0 };

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, measure_thread, &pairs) != 0)
			abort();
	for (int i = 0; i < 2; i++) {
		void *result;

		pthread_join(threads[i], &result);
		if (!result)
			abort();
		struct figures *one = result;

		sum.pair += one->pair / 2;
		sum.floor += one->floor / 2;
		sum.bare += one->bare / 2;
		free(one);
	}
	return sum;
}

static workload_fn *find_workload(const char *mode)
{
	static const struct {
		const char *mode;
		workload_fn *workload;
	} workloads[] = { { "off", run_flat },
			  { "flat", run_flat },
			  { "nested", run_nested },
			  { "fib", run_fib },
			  { "random", run_random },
			  { "threads", run_flat },
			  { "mark", run_mark },
			  { "value", run_value },
			  { "cpp", run_cpp_leaves },
			  { "section", run_sections },
			  { "overlap", run_overlapping },
			  { "disabled", run_flat } };

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
		fprintf(stderr,
			"usage: %s "
			"off|disabled|flat|nested|fib|random|threads|cpp|section|overlap|mark|"
			"value "
			"[MILLION_PAIRS]\n",
			argv[0]);
		return 2;
	}
	make_sites();
	if (strcmp(mode, "off") != 0)
		thag_start("time");
	if (strcmp(mode, "disabled") == 0) {
		run_flat(100000);
		thag_disable();
	}
	show(mode, pairs,
	     strcmp(mode, "threads") == 0 ? measure_two(pairs) : measure(workload, pairs));
	return 0;
}
