/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * full_rings THREADS THAGD: stops the process THAGD, has THREADS threads nearly fill their rings,
 * with calls first and then with calls that allocate, and kills itself. So thagd finds more in the
 * rings than it makes a timeline of at once, and events of memory that wait for each other's rings.
 * Prints its pid, and how many calls have returned.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "thag.h"

#define PLAIN 200000 /* of 2 words */
#define HEAVY 60000  /* of 8 */

static pthread_barrier_t barrier;

static __attribute__((noinline)) void plain(void)
{
	THAG_PROFILED();
}

static __attribute__((noinline)) void heavy(void)
{
	THAG_PROFILED();
	void *volatile block = malloc(16);

	free(block);
}

static void *work(void *context)
{
	plain();
	pthread_barrier_wait(&barrier); /* all have rings */
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < PLAIN; i++)
		plain();
	for (int i = 0; i < HEAVY; i++)
		heavy();
	return context;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	pid_t thagd = argc == 3 ? (pid_t)strtol(argv[2], NULL, 10) : 0;
	pthread_t ids[16];

	if (threads < 1 || threads > 16 || thagd <= 0) {
		fprintf(stderr, "usage: full_rings THREADS THAGD\n");
		return 2;
	}
	THAG_ENABLE_PROFILING(both);
	pthread_barrier_init(&barrier, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, work, NULL);
	pthread_barrier_wait(&barrier);
	kill(thagd, SIGSTOP);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("%d %u\n", getpid(), threads * (1 + PLAIN + HEAVY));
	fflush(stdout);
	kill(getpid(), SIGKILL);
	return 1;
}
