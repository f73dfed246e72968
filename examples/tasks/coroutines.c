/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * coroutines: ucontext coroutines, taken in turn by a scheduler. Each is a task named by what it
 * does: its calls are under its name, though hundreds of others run between them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <thag.h>
#include <thag_coroutine.h>

#define STACK_BYTES 65536
#define COUNT_MAX 10000

struct coroutine {
	ucontext_t context;
	struct thag_task task;
	uint64_t (*body)(struct coroutine *, uint64_t);
	uint64_t seed, result;
	int done;
	void *stack;
};

static ucontext_t scheduler;
static struct coroutine *running;

/* In a coroutine: the others' turn. */
static void yield(struct coroutine *self)
{
	swapcontext(&self->context, &scheduler);
}

static uint64_t mix(uint64_t x, int steps)
{
	THAG_PROFILED();
	while (steps-- > 0)
		x = (x ^ x >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	return x;
}

static uint64_t collatz(struct coroutine *self, uint64_t seed)
{
	THAG_PROFILED();
	uint64_t steps = 0;

	for (seed = seed % 100000 + 1; seed != 1; steps++) {
		seed = seed % 2 ? 3 * seed + 1 : seed / 2;
		if (steps % 16 == 0)
			yield(self);
	}
	return steps;
}

/* Recursive, and it yields at every depth: all these calls stay open while others run. */
static uint64_t tree(struct coroutine *self, uint64_t seed, int depth)
{
	THAG_PROFILED();
	if (depth == 0)
		return mix(seed, 50);
	yield(self);
	return tree(self, seed + 1, depth - 1) ^ tree(self, seed + 2, depth - 1);
}

static uint64_t grow(struct coroutine *self, uint64_t seed)
{
	THAG_PROFILED();
	return tree(self, seed, 4);
}

static void begin(void)
{
	struct coroutine *self = running;

	self->result = self->body(self, self->seed);
	self->done = 1;
}

static int create(struct coroutine *self, uint64_t seed)
{
	self->stack = malloc(STACK_BYTES);
	if (!self->stack || getcontext(&self->context) != 0)
		return -1;
	self->context.uc_stack.ss_sp = self->stack;
	self->context.uc_stack.ss_size = STACK_BYTES;
	self->context.uc_link = &scheduler;
	self->seed = seed;
	self->body = seed % 2 ? collatz : grow;
	self->task = thag_task_create(seed % 2 ? "numbers" : "trees");
	makecontext(&self->context, begin, 0);
	return 0;
}

/* Each in turn, until all are done. */
static uint64_t run_all(struct coroutine *all, long count)
{
	THAG_PROFILED();
	uint64_t sum = 0;
	long left = count;

	for (long i = 0; left > 0; i = (i + 1) % count) {
		if (all[i].done)
			continue;
		running = &all[i];
		thag_swapcontext(&scheduler, &running->context, running->task);
		if (!running->done)
			continue;
		thag_task_destroy(running->task);
		sum += running->result;
		left--;
	}
	return sum;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 300;
	struct coroutine *all = NULL;
	int status = 1;

	if (argc > 2 || count < 1 || count > COUNT_MAX) {
		fprintf(stderr, "usage: tasks-coroutines [COUNT]   (1 to %d; 300)\n", COUNT_MAX);
		return 2;
	}
	all = calloc((size_t)count, sizeof(*all));
	if (!all)
		goto out;
	for (long i = 0; i < count; i++)
		if (create(&all[i], (uint64_t)i) != 0)
			goto out;
	printf("%016llx\n", (unsigned long long)run_all(all, count));
	status = 0;
out:
	for (long i = 0; all && i < count; i++)
		free(all[i].stack);
	free(all);
	return status;
}
