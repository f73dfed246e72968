/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * victim ORACLE THREADS [SECONDS]: calls functions until it is killed, or for SECONDS, and counts
 * in the file ORACLE, which outlives it, every call that has returned. Exits with 0.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"
#include "thag.h"

static struct oracle *oracle;
static uint64_t end_ns; /* 0: never */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A call, and one that calls it, some deep; each is counted once it has returned. */
static __attribute__((noinline)) void call(struct oracle_thread *mine, unsigned depth)
{
	THAG_PROFILED();
	if (depth) {
		call(mine, depth - 1);
		__atomic_store_n(&mine->returned, mine->returned + 1, __ATOMIC_RELAXED);
	}
}

static __attribute__((noinline)) void round_of_calls(struct oracle_thread *mine, unsigned *seed)
{
	THAG_SECTION(section, "round");
	for (int i = 0; i < 100; i++) {
		call(mine, (unsigned)rand_r(seed) % 20);
		__atomic_store_n(&mine->returned, mine->returned + 1, __ATOMIC_RELAXED);
	}
	THAG_END(section);
	__atomic_store_n(&mine->returned, mine->returned + 1, __ATOMIC_RELAXED);
}

static void *work(void *context)
{
	struct oracle_thread *mine = context;
	unsigned seed = (unsigned)getpid();

	while (end_ns == 0 || now_ns() < end_ns)
		round_of_calls(mine, &seed);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[ORACLE_THREADS];
	int count = argc > 2 ? atoi(argv[2]) : 1, fd = argc > 1 ? open(argv[1], O_RDWR) : -1;

	oracle = fd < 0 ? MAP_FAILED
			: mmap(NULL, sizeof(*oracle), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (oracle == MAP_FAILED || count < 1 || count > ORACLE_THREADS) {
		fprintf(stderr, "usage: victim ORACLE THREADS [SECONDS]\n");
		return 2;
	}
	if (argc > 3)
		end_ns = now_ns() + (uint64_t)(atof(argv[3]) * 1e9);
	THAG_ENABLE_PROFILING(time);
	__atomic_store_n(&oracle->started, 1, __ATOMIC_RELEASE);
	for (int i = 1; i < count; i++)
		pthread_create(&threads[i], NULL, work, &oracle->threads[i]);
	work(&oracle->threads[0]);
	for (int i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
