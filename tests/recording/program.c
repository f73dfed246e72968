/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * recorded-program FILE SEED ROUNDS THREADS: calls, sections, tasks, marks and values at random,
 * counted in FILE, which survives a kill. With ROUNDS 0 it goes on until FILE.stop is there.
 *
 * A round ends with a short nap, so that it lasts long enough to be disturbed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>

#include <thag.h>

#define THREADS_MAX 16
#define DEPTH_MAX 8

/** What a thread did; each number of its own writer. */
struct counts {
	uint64_t calls; /* and sections that were begun */
	uint64_t marks;
	uint64_t values;
	uint64_t tasks; /* that are over */
};

struct worker {
	pthread_t thread;
	uint32_t random;
	unsigned long rounds;
	const char *stop; /* a file that ends it, NULL: none */
	struct counts *counts;
};

static uint32_t next(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 17;
	worker->random ^= worker->random << 5;
	return worker->random;
}

static void work(struct worker *worker, unsigned depth);

static void odd(struct worker *worker, unsigned depth)
{
	THAG_PROFILED();
	worker->counts->calls++;
	work(worker, depth + 1);
}

static void even(struct worker *worker, unsigned depth)
{
	THAG_PROFILED();
	worker->counts->calls++;
	THAG_SECTION(first, "first");
	worker->counts->calls++;
	THAG_SECTION(second, "second");
	worker->counts->calls++;
	work(worker, depth + 1);
	THAG_END(first);
	work(worker, depth + 2);
	THAG_END(second);
}

static void leaf(struct worker *worker)
{
	THAG_PROFILED();
	worker->counts->calls++;
}

static void work(struct worker *worker, unsigned depth)
{
	for (uint32_t i = next(worker) % 3; depth < DEPTH_MAX && i > 0; i--)
		next(worker) % 2 ? odd(worker, depth) : even(worker, depth);
	leaf(worker);
}

static void run_task(struct worker *worker)
{
	struct thag_task task = thag_task_create("job");

	for (int i = 0; i < 3; i++) {
		thag_task_resume(task);
		odd(worker, DEPTH_MAX - 3);
		thag_task_suspend(task);
	}
	thag_task_destroy(task);
	worker->counts->tasks++;
}

static int goes_on(const struct worker *worker, unsigned long round)
{
	return worker->rounds ? round < worker->rounds : access(worker->stop, F_OK) != 0;
}

static void *run(void *arg)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	struct worker *worker = arg;

	for (unsigned long i = 0; goes_on(worker, i); i++) {
		for (int j = 0; j < 2; j++)
			work(worker, 0);
		run_task(worker);
		thag_mark("round");
		worker->counts->marks++;
		thag_value("number", (int64_t)i);
		worker->counts->values++;
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static struct counts *map_counts(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, THREADS_MAX * sizeof(struct counts)) == 0)
		map = mmap(NULL, THREADS_MAX * sizeof(struct counts), PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	static struct worker workers[THREADS_MAX];
	struct counts *counts = argc == 5 ? map_counts(argv[1]) : NULL;
	int threads = counts ? atoi(argv[4]) : 0;
	char stop[4096];

	if (threads < 1 || threads > THREADS_MAX) {
		fputs("usage: recorded-program FILE SEED ROUNDS THREADS\n", stderr);
		return 2;
	}
	snprintf(stop, sizeof(stop), "%s.stop", argv[1]);
	for (int i = 0; i < threads; i++) {
		workers[i] =
			(struct worker){ .random = (uint32_t)atoi(argv[2]) * 16 + (uint32_t)i + 1,
					 .rounds = strtoul(argv[3], NULL, 10),
					 .stop = stop,
					 .counts = &counts[i] };
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}
