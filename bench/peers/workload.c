/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * workload MODE PAIRS: what an enter + exit pair costs under a tracer, next to two bare clock
 * reads in the same process. One source, built once for each tracer:
 *
 *   PEER_THAG     thag.h's marks
 *   PEER_LTTNG    LTTng-UST tracepoints at entry and exit
 *   neither       no marks: alone, or by -finstrument-functions or -pg for uftrace
 *
 * MODE is flat, nested (8 deep), fib or threads (flat on two). Prints one line:
 * MODE PAIRS NS-A-PAIR NS-OF-TWO-RDTSC RATIO.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(PEER_THAG)
#include <thag.h>
#define ENTER(id) THAG_PROFILED()
#define EXIT(id)
#define START() THAG_ENABLE_PROFILING(time)
#elif defined(PEER_LTTNG)
#include "provider.h"
#define ENTER(id) tracepoint(thag_peer, enter, id)
#define EXIT(id) tracepoint(thag_peer, leave, id)
#define START()
#else
#define ENTER(id)
#define EXIT(id)
#define START()
#endif

#define NOT_TRACED __attribute__((no_instrument_function))
#define TRACED __attribute__((noinline, noclone))
#define FLOOR_PAIRS 5000000u

static TRACED uint64_t leaf(uint64_t x)
{
	ENTER(0);
	__asm__ volatile("" : "+r"(x));
	EXIT(0);
	return x + 1;
}

#define LEVEL(n, below) \
	static TRACED uint64_t level_##n(uint64_t x) \
	{ \
		ENTER(n); \
		x = below(x) + 1; \
		__asm__ volatile("" : "+r"(x)); \
		EXIT(n); \
		return x; \
	}

LEVEL(1, leaf)
LEVEL(2, level_1)
LEVEL(3, level_2)
LEVEL(4, level_3)
LEVEL(5, level_4)
LEVEL(6, level_5)
LEVEL(7, level_6)

static TRACED uint64_t fib(uint64_t n)
{
	uint64_t sum = n;

	ENTER(8);
	if (n >= 2)
		sum = fib(n - 1) + fib(n - 2);
	__asm__ volatile("" : "+r"(sum));
	EXIT(8);
	return sum;
}

NOT_TRACED static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/** What two clock reads cost, in ns: the least an exact tracer can pay for a pair. */
NOT_TRACED static double measure_floor(void)
{
	double start = now_ns();

	for (uint32_t i = 0; i < FLOOR_PAIRS; i++) {
		uint64_t first = __builtin_ia32_rdtsc(), second = __builtin_ia32_rdtsc();

		__asm__ volatile("" : : "r"(first), "r"(second));
	}
	return (now_ns() - start) / FLOOR_PAIRS;
}

NOT_TRACED static uint64_t run_flat(uint64_t pairs)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < pairs; i++)
		sum += leaf(i);
	__asm__ volatile("" : : "r"(sum));
	return pairs;
}

NOT_TRACED static uint64_t run_nested(uint64_t pairs)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < pairs / 8; i++)
		sum += level_7(i);
	__asm__ volatile("" : : "r"(sum));
	return pairs / 8 * 8;
}

/* fib(n) makes 2 fib(n + 1) - 1 calls. */
NOT_TRACED static uint64_t run_fib(uint64_t pairs)
{
	uint64_t a = 1, b = 1, n = 1;

	while (2 * (a + b) - 1 <= pairs) {
		uint64_t next = a + b;

		a = b;
		b = next;
		n++;
	}
	fib(n);
	return 2 * b - 1;
}

NOT_TRACED static void *thread_main(void *pairs)
{
	run_flat(*(uint64_t *)pairs);
	return NULL;
}

/* Pairs of one thread: both work at once, so a pair's cost is what one of them sees. */
NOT_TRACED static uint64_t run_threads(uint64_t pairs)
{
	uint64_t half = pairs / 2;
	pthread_t other;

	if (pthread_create(&other, NULL, thread_main, &half) != 0)
		return 0;
	run_flat(half);
	pthread_join(other, NULL);
	return half;
}

/** The consumer gets the other CPUs. */
NOT_TRACED static void pin_to_first_cpu(void)
{
	cpu_set_t set, first;

	CPU_ZERO(&first);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set)) {
			CPU_SET(cpu, &first);
			sched_setaffinity(0, sizeof(first), &first);
			return;
		}
	}
}

NOT_TRACED static uint64_t run_mode(const char *mode, uint64_t pairs)
{
	if (strcmp(mode, "flat") == 0)
		return run_flat(pairs);
	if (strcmp(mode, "nested") == 0)
		return run_nested(pairs);
	if (strcmp(mode, "fib") == 0)
		return run_fib(pairs);
	return strcmp(mode, "threads") == 0 ? run_threads(pairs) : 0;
}

NOT_TRACED int main(int argc, char **argv)
{
	START();
	uint64_t pairs = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	double floor_ns, start, pair_ns;

	if (pairs < 16) {
		fputs("usage: workload flat|nested|fib|threads PAIRS\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "threads") != 0)
		pin_to_first_cpu();
	floor_ns = measure_floor();
	start = now_ns();
	pairs = run_mode(argv[1], pairs);
	if (pairs == 0)
		return 2;
	pair_ns = (now_ns() - start) / (double)pairs;
	printf("%s %llu %.1f %.1f %.2f\n", argv[1], (unsigned long long)pairs, pair_ns, floor_ns,
	       pair_ns / floor_ns);
	return 0;
}
