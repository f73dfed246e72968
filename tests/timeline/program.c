/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * timeline-program PAIRS [FILE]: calls that last, on three threads, with the times between which
 * they began and ended, then PAIRS short ones. It prints a line a call, "TID ROW NAME T0 T1 T2 T3":
 * it began between T0 and T1 and ended between T2 and T3, nanoseconds of CLOCK_MONOTONIC. With FILE
 * it goes on until that is there.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <thag.h>

#define THREADS 2
#define ROUNDS 8
#define CALLS_MAX 64
#define NAP_NS 2000000

struct call {
	const char *name;
	int row;
	uint64_t times[4];
};

struct worker {
	pthread_t thread;
	int number;
	pid_t tid;
	int count;
	struct call calls[CALLS_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void nap(void)
{
	struct timespec rest = { .tv_nsec = NAP_NS };

	nanosleep(&rest, NULL);
}

static struct call *begin_call(struct worker *worker, const char *name, int row)
{
	struct call *call = &worker->calls[worker->count++];

	call->name = name;
	call->row = row;
	call->times[0] = now_ns();
	return call;
}

static void inner(struct call *call)
{
	THAG_PROFILED();
	call->times[1] = now_ns();
	nap();
	call->times[2] = now_ns();
}

static void outer(struct worker *worker, struct call *call)
{
	struct call *below;

	THAG_PROFILED();
	call->times[1] = now_ns();
	thag_mark("turn");
	thag_value("depth", worker->count);
	below = begin_call(worker, "inner", 1);
	inner(below);
	below->times[3] = now_ns();
	nap();
	call->times[2] = now_ns();
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	char name[32];

	snprintf(name, sizeof(name), "worker %d", worker->number);
	thag_thread_name(name);
	worker->tid = gettid();
	for (int i = 0; i < ROUNDS; i++) {
		struct call *call = begin_call(worker, "outer", 0);

		outer(worker, call);
		call->times[3] = now_ns();
		nap();
	}
	return NULL;
}

static void tiny(void)
{
	THAG_PROFILED();
}

static void print(const struct worker *worker)
{
	for (int i = 0; i < worker->count; i++) {
		const struct call *call = &worker->calls[i];

		printf("%d %d %s", (int)worker->tid, call->row, call->name);
		for (int j = 0; j < 4; j++)
			printf(" %llu", (unsigned long long)call->times[j]);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	static struct worker workers[THREADS];
	unsigned long pairs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i].number = i;
		pthread_create(&workers[i].thread, NULL, run, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned long i = 0; i < pairs; i++)
		tiny();
	for (int i = 0; i < THREADS; i++)
		print(&workers[i]);
	fflush(stdout);
	while (argc > 2 && access(argv[2], F_OK) != 0) {
		tiny();
		nap();
	}
	return 0;
}
