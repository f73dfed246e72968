/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * victim [-t THREADS] [-s SECONDS] [-p PAUSE_US | -n COUNT] ORACLE: calls functions until it is
 * killed or told to end by SIGTERM, or for SECONDS, and counts in the file ORACLE, which outlives
 * it, every call that has returned. With pauses after each hundred calls it allocates as well, and
 * starts a thread now and then; with a COUNT each of its threads starts so many, one after the
 * other, and ends. Profiles time, unless THAG_PROFILER says otherwise. Exits with 0.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"
#include "thag.h"

#define BLOCKS 64		 /* that a thread keeps */
#define ROUNDS_FOR_A_THREAD 1000 /* each so many rounds one is started */

static struct oracle *oracle;
static struct {
	int threads;
	uint64_t end_ns; /* 0: never */
	long pause_us;
	long short_threads;
} wanted = { .threads = 1 };

static int told_to_end; /* atomic: the handler runs in any thread */

static void on_term(int number)
{
	(void)number;
	__atomic_store_n(&told_to_end, 1, __ATOMIC_RELAXED);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void count(struct oracle_thread *mine)
{
	__atomic_store_n(&mine->returned, mine->returned + 1, __ATOMIC_RELAXED);
}

/* A call, and one that calls it, some deep; each is counted once it has returned. */
static __attribute__((noinline)) void call(struct oracle_thread *mine, unsigned depth)
{
	THAG_PROFILED();
	if (depth) {
		call(mine, depth - 1);
		count(mine);
	}
}

static __attribute__((noinline)) void round_of_calls(struct oracle_thread *mine, unsigned *seed)
{
	THAG_SECTION(section, "round");
	for (int i = 0; i < 100; i++) {
		call(mine, (unsigned)rand_r(seed) % 20);
		count(mine);
	}
	THAG_END(section);
	count(mine);
}

static void *live_shortly(void *mine)
{
	call(mine, 0);
	count(mine);
	return NULL;
}

static void start_threads(struct oracle_thread *mine, long threads)
{
	pthread_t thread;

	while (threads-- > 0) {
		if (pthread_create(&thread, NULL, live_shortly, mine) != 0)
			abort();
		pthread_join(thread, NULL);
	}
}

/* What a program does besides calling, one that lives long. */
static void live_on(struct oracle_thread *mine, unsigned *seed, void **blocks)
{
	static __thread unsigned rounds;
	unsigned which = (unsigned)rand_r(seed) % BLOCKS;

	free(blocks[which]);
	blocks[which] = malloc((unsigned)rand_r(seed) % 4096);
	if (++rounds % ROUNDS_FOR_A_THREAD == 0)
		start_threads(mine, 1);
	usleep((useconds_t)wanted.pause_us);
}

static int goes_on(void)
{
	return !__atomic_load_n(&told_to_end, __ATOMIC_RELAXED) && !wanted.short_threads &&
	       (wanted.end_ns == 0 || now_ns() < wanted.end_ns);
}

static void *work(void *context)
{
	struct oracle_thread *mine = context;
	unsigned seed = (unsigned)getpid();
	void *blocks[BLOCKS] = { NULL };

	start_threads(mine, wanted.short_threads);
	while (goes_on()) {
		round_of_calls(mine, &seed);
		if (wanted.pause_us)
			live_on(mine, &seed, blocks);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	return NULL;
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:s:p:n:")) != -1) {
		if (option == 't')
			wanted.threads = atoi(optarg);
		else if (option == 's')
			wanted.end_ns = now_ns() + (uint64_t)(atof(optarg) * 1e9);
		else if (option == 'p')
			wanted.pause_us = atol(optarg);
		else if (option == 'n')
			wanted.short_threads = atol(optarg);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[ORACLE_THREADS];
	int fd;

	read_options(argc, argv);
	fd = optind < argc ? open(argv[optind], O_RDWR | O_CLOEXEC) : -1;
	oracle = fd < 0 ? MAP_FAILED
			: mmap(NULL, sizeof(*oracle), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (oracle == MAP_FAILED || wanted.threads < 1 || wanted.threads > ORACLE_THREADS) {
		fprintf(stderr, "victim: needs the file of an oracle, and 1 to %d threads\n",
			ORACLE_THREADS);
		return 2;
	}
	signal(SIGTERM, on_term);
	setenv("THAG_PROFILER", "time", 0);
	THAG_ENABLE_PROFILING(runtime);
	__atomic_store_n(&oracle->started, 1, __ATOMIC_RELEASE);
	for (int i = 1; i < wanted.threads; i++)
		pthread_create(&threads[i], NULL, work, &oracle->threads[i]);
	work(&oracle->threads[0]);
	for (int i = 1; i < wanted.threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
