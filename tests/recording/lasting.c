/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lasting-program STOP: calls that stay open for as long as it runs, in two named threads and in
 * tasks that go from one to the other, each suspended in a call; and blocks that are freed long
 * after they were allocated. Until the file STOP is there.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <thag.h>

#define THREADS 2
#define TASKS 6
#define BLOCKS 64
#define STACK_BYTES (256 * 1024)

/** A task: a stack of its own, that runs on one thread at a time. */
struct job {
	struct thag_task task;
	ucontext_t here, back;
	char *stack;
	pthread_mutex_t lock;
};

static struct job jobs[TASKS];
static const char *stop;

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static __attribute__((noinline)) void step(void)
{
	THAG_PROFILED();
	leaf();
	leaf();
}

/* Never returns: its calls are open until its task is destroyed. */
static void live(unsigned number)
{
	THAG_PROFILED();
	THAG_SECTION(held, "held");

	for (;;) {
		step();
		swapcontext(&jobs[number].here, &jobs[number].back);
	}
}

static void begin_job(unsigned number)
{
	struct job *job = &jobs[number];

	job->stack = malloc(STACK_BYTES);
	job->task = thag_task_create("lasting");
	pthread_mutex_init(&job->lock, NULL);
	getcontext(&job->here);
	job->here.uc_stack.ss_sp = job->stack;
	job->here.uc_stack.ss_size = STACK_BYTES;
	makecontext(&job->here, (void (*)(void))live, 1, number);
}

static void run_job(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	thag_task_resume(job->task);
	swapcontext(&job->back, &job->here);
	thag_task_suspend(job->task);
	pthread_mutex_unlock(&job->lock);
}

static __attribute__((noinline)) void work(unsigned round, void **blocks)
{
	THAG_PROFILED();

	for (int i = 0; i < 20; i++)
		step();
	run_job(&jobs[rand() % TASKS]);
	free(blocks[round % BLOCKS]);
	blocks[round % BLOCKS] = malloc(100 + round % 1000);
	thag_mark("round");
	thag_value("number", (int64_t)round);
}

static __attribute__((noinline)) void stay(void)
{
	THAG_PROFILED();
	const struct timespec nap = { .tv_nsec = 500000 };
	void *blocks[BLOCKS] = { 0 };

	for (unsigned round = 0; access(stop, F_OK) != 0; round++) {
		work(round, blocks);
		nanosleep(&nap, NULL);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void *run(void *name)
{
	thag_thread_name(name);
	stay();
	return NULL;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(both);
	static char *names[THREADS] = { "one", "two" };
	pthread_t threads[THREADS];

	if (argc != 2) {
		fputs("usage: lasting-program STOP\n", stderr);
		return 2;
	}
	stop = argv[1];
	for (unsigned i = 0; i < TASKS; i++)
		begin_job(i);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, names[i]) != 0)
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < TASKS; i++) {
		thag_task_destroy(jobs[i].task);
		free(jobs[i].stack);
	}
	return 0;
}
