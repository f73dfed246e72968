/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that has the library do all it can: its start, threads, sections, names given at run
 * time, marks, tasks, frames left by longjmp, switches, a forked child, allocations. Whatever fails
 * in the library, it says the same and ends with 0. It is built with marks, and with hooks on every
 * function. With "wait" it waits for a line before the last part.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <thag.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define THREADS 3

static NOINLINE int leaf(int n)
{
	THAG_PROFILED();
	char *block = malloc(64 + (size_t)n % 64), *larger;

	if (!block)
		return -1;
	memset(block, n, 64);
	larger = realloc(block, 1000);
	n = larger ? larger[63] & 1 : -1;
	free(larger ? larger : block);
	return n;
}

static NOINLINE int branch(int n)
{
	THAG_PROFILED();
	int sum = 0;

	THAG_SECTION(section, "a section");
	for (int i = 0; i < n; i++)
		sum += leaf(i);
	THAG_END(section);
	return sum;
}

static NOINLINE void leave(jmp_buf out)
{
	THAG_PROFILED();
	longjmp(out, 1);
}

static NOINLINE int jump(void)
{
	THAG_PROFILED();
	jmp_buf out;

	if (setjmp(out) == 0)
		leave(out);
	return branch(3);
}

static NOINLINE int in_task(int n)
{
	THAG_PROFILED();
	struct thag_task task = thag_task_create("a task");
	int sum;

	thag_task_resume(task);
	sum = branch(n);
	thag_task_suspend(task);
	thag_task_destroy(task);
	return sum;
}

static void *thread(void *arg)
{
	int *sum = arg;

	thag_thread_name("helper");
	*sum = branch(100) + in_task(4);
	return NULL;
}

static NOINLINE int in_threads(void)
{
	THAG_PROFILED();
	pthread_t threads[THREADS];
	int sums[THREADS], sum = 0;

	for (int i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, thread, &sums[i]);
		pthread_join(threads[i], NULL);
		sum += sums[i];
	}
	return sum;
}

static NOINLINE int in_child(void)
{
	THAG_PROFILED();
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		status = branch(10) == 5 && in_threads() == 156 ? 0 : 1;
		exit(status);
	}
	waitpid(child, &status, 0);
	return status;
}

/* More than a ring's first pages, so that the slow side is met again. */
static NOINLINE int many(void)
{
	THAG_PROFILED();
	int sum = 0;

	for (int i = 0; i < 60; i++)
		sum += branch(100);
	return sum;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(runtime);
	char *text = strdup("text");

	thag_mark("begins");
	thag_value("a value", 42);
	printf("calls: %d\n", branch(100));
	printf("a jump: %d\n", jump());
	printf("threads: %d\n", in_threads());
	printf("a task: %d\n", in_task(20));
	thag_disable();
	printf("unrecorded: %d\n", branch(10));
	thag_enable(THAG_BOTH);
	printf("recorded again: %d\n", branch(10));
	printf("a child: %d\n", in_child());
	if (argc > 1 && strcmp(argv[1], "wait") == 0)
		getchar();
	printf("many: %d\n", many());
	free(text);
	return 0;
}
