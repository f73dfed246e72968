/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_switch THAG PAUSE_US [ROUNDS]: how long after `thag disable` is started a program still
 * records calls, and how long it takes until the command says that it is so.
 *
 * The program is this one: a thread of it calls a function, again and again, with a pause of
 * PAUSE_US microseconds in between (0: flat out). Prints "PAUSE_US ROUNDS LAST_US LAST_MAX_US
 * SAID_US": the median and the maximum until the last call, and the median until the command
 * returned.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "thag.h"

#define ROUNDS_MAX 1000

static uint64_t last_recorded_ns; /* atomic */
static useconds_t pause_us;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static __attribute__((noinline)) void call(void)
{
	THAG_PROFILED();
	if (thag_this_span.index < THAG_SPAN_DROP_ROOT)
		__atomic_store_n(&last_recorded_ns, now_ns(), __ATOMIC_RELAXED);
}

static void *call_on(void *unused)
{
	(void)unused;
	for (;;) {
		call();
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

static void run_thag(const char *thag, const char *command)
{
	char *argv[] = { "thag", (char *)(uintptr_t)command, "latest", NULL };
	posix_spawn_file_actions_t silent;
	int status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&silent);
	posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, thag, &silent, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "bench_switch: '%s %s latest' failed\n", thag, command);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&silent);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static uint64_t last[ROUNDS_MAX], said[ROUNDS_MAX];
	long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 21;
	pthread_t thread;

	if (argc < 3 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: %s THAG PAUSE_US [ROUNDS]\n", argv[0]);
		return 2;
	}
	pause_us = (useconds_t)strtoul(argv[2], NULL, 10);
	thag_start("time");
	if (pthread_create(&thread, NULL, call_on, NULL) != 0)
		return 1;
	for (long i = 0; i < rounds; i++) {
		uint64_t start, stop;

		/* a thread that makes few calls looks at its wish every 2^32 ticks: at any moment
		 * of that */
		usleep(100000 + (useconds_t)(i * 617 % 1400) * 1000);
		start = now_ns();
		run_thag(argv[1], "disable");
		said[i] = now_ns() - start;
		usleep(20000);
		stop = __atomic_load_n(&last_recorded_ns, __ATOMIC_RELAXED);
		last[i] = stop > start ? stop - start : 0;
		run_thag(argv[1], "enable");
	}
	qsort(last, (size_t)rounds, sizeof(*last), compare);
	qsort(said, (size_t)rounds, sizeof(*said), compare);
	printf("%u %ld %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (unsigned)pause_us, rounds,
	       last[rounds / 2] / 1000, last[rounds - 1] / 1000, said[rounds / 2] / 1000);
	return 0;
}
