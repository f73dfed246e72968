/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * alone|together TASKS: the same work, task after task on one thread, or all of it interleaved on
 * four, cut at random. Prints the same either way.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thag.h>

#define THREADS 4
#define TASKS_MAX 1000000
#define ROUNDS 12

static const char *const kinds[] = { "parse", "render", "query" };

struct job {
	struct thag_task task;
	struct job *next;
	uint64_t number, random;
	int kind, round;
	bool open;
	struct thag_span whole, part; /* of a call that is open over the cuts */
};

static struct {
	pthread_mutex_t mutex;
	struct job *first, **last;
	long left;
	uint64_t sum;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER, .last = &queue.first };

static uint64_t mix(uint64_t x, int steps)
{
	THAG_PROFILED();
	while (steps-- > 0)
		x = (x ^ x >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	return x;
}

/* Time of its own for a call, once what recording costs is taken off: folded stacks have no line
 * of 0. */
static void spend(int steps)
{
	for (volatile int i = 0; i < steps; i++)
		;
}

static uint64_t walk(uint64_t x, int depth)
{
	THAG_PROFILED();
	spend(100);
	return depth ? walk(mix(x, 10), depth - 1) : mix(x, 30);
}

static void begin(struct job *job, uint64_t seed)
{
	*job = (struct job){ .number = seed, .random = seed, .kind = (int)(seed % 3) };
	job->task = thag_task_create(kinds[job->kind]);
}

/* From one place where it may be cut to the next. Returns whether there is more. */
static bool advance(struct job *job)
{
	static struct thag_site whole = { 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 1, 0, "whole", "" };
	static struct thag_site part = { 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 2, 0, "part", "" };

	if (job->round == 0)
		job->whole = thag_span_enter(&whole);
	spend(100);
	if (job->round % 3 == 0)
		job->part = thag_span_enter(&part);
	spend(100);
	job->number = job->kind ? walk(job->number, job->kind) : mix(job->number, 50);
	if (job->round % 3 == 2)
		thag_span_exit(&job->part);
	if (++job->round < ROUNDS)
		return true;
	thag_span_exit(&job->whole);
	return false;
}

/* As long as chance wills; alone, to the end. */
static bool go_on(struct job *job, bool alone)
{
	bool more = true;

	thag_task_resume(job->task);
	do {
		job->random = job->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		more = advance(job);
	} while (more && (alone || job->random >> 62));
	thag_task_suspend(job->task);
	if (!more)
		thag_task_destroy(job->task);
	return more;
}

static struct job *take(void)
{
	struct job *job;

	pthread_mutex_lock(&queue.mutex);
	job = queue.first;
	if (job && !(queue.first = job->next))
		queue.last = &queue.first;
	pthread_mutex_unlock(&queue.mutex);
	return job;
}

static void put(struct job *job, bool more)
{
	pthread_mutex_lock(&queue.mutex);
	if (more) {
		job->next = NULL;
		*queue.last = job;
		queue.last = &job->next;
	} else {
		queue.sum += job->number;
		__atomic_fetch_sub(&queue.left, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&queue.mutex);
}

static void *work(void *argument)
{
	THAG_PROFILED();
	struct job *job;

	while (__atomic_load_n(&queue.left, __ATOMIC_RELAXED) > 0)
		if ((job = take()))
			put(job, go_on(job, false));
	return argument;
}

static void run_together(struct job *jobs, long count)
{
	pthread_t threads[THREADS];

	for (long i = 0; i < count; i++) {
		begin(&jobs[i], (uint64_t)i);
		put(&jobs[i], true);
	}
	queue.left = count;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void run_alone(struct job *jobs, long count)
{
	for (long i = 0; i < count; i++) {
		begin(&jobs[i], (uint64_t)i);
		go_on(&jobs[i], true);
		put(&jobs[i], false);
	}
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	struct job *jobs =
		count > 0 && count <= TASKS_MAX ? calloc((size_t)count, sizeof(*jobs)) : NULL;

	if (!jobs) {
		fprintf(stderr, "usage: tasks-alone alone|together TASKS\n");
		return 2;
	}
	if (strcmp(argv[1], "alone") == 0)
		run_alone(jobs, count);
	else
		run_together(jobs, count);
	printf("%016llx\n", (unsigned long long)queue.sum);
	free(jobs);
	return 0;
}
