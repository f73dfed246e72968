/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * endings NAME: a program that ends in that way, in the midst of its calls. Prints "PID CALLS": how
 * many of them have returned by then; its own handlers say that they ran. Where it has a say in
 * its status that is 7.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "thag.h"

static void expect(int calls)
{
	printf("%d %d\n", (int)getpid(), calls);
	fflush(stdout);
}

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static __attribute__((noinline)) void fault(void)
{
	THAG_PROFILED();
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}

static __attribute__((noinline)) void give_up(void)
{
	THAG_PROFILED();
	abort();
}

static __attribute__((noinline)) void leave(void (*end)(int))
{
	THAG_PROFILED();
	end(7);
}

/* As a handler that writes a report does, on a stack of its own: then the signal has its way. */
static void on_signal(int number)
{
	static const char text[] = "handler ran\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)written;
	leaf();
	signal(number, SIG_DFL);
}

static void handle(int number)
{
	static char memory[65536];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(number, &action, NULL);
}

static void raise_fault(void)
{
	signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would have another status */
	raise(SIGSEGV);
}

static void fault_handled(void)
{
	handle(SIGSEGV);
	fault();
}

static void abort_handled(void)
{
	handle(SIGABRT);
	give_up();
}

static void exit_inside(void)
{
	leave(exit);
}

static void exit_raw(void)
{
	leave(_exit);
}

static void exit_quickly(void)
{
	leave(quick_exit);
}

static void *leave_thread(void *end)
{
	THAG_PROFILED();
	leave(*(void (**)(int))end);
	return NULL;
}

/* It ends beside a thread, main's, that is in the midst of its calls, too. */
static __attribute__((noinline)) void wait_for_the_end(void (*end)(int))
{
	THAG_PROFILED();
	pthread_t thread;

	if (pthread_create(&thread, NULL, leave_thread, &end) != 0)
		abort();
	for (;;)
		pause();
}

static void exit_in_a_thread(void)
{
	wait_for_the_end(exit);
}

static void exit_raw_in_a_thread(void)
{
	wait_for_the_end(_exit);
}

static void *go_on_alone(void *thread_of_main)
{
	pthread_join(*(pthread_t *)thread_of_main, NULL);
	leaf();
	exit(7);
}

static void main_leaves(void)
{
	static pthread_t mine;
	pthread_t thread;

	mine = pthread_self();
	if (pthread_create(&thread, NULL, go_on_alone, &mine) != 0)
		abort();
	pthread_exit(NULL);
}

/* `calls` beyond the three that each makes first: a handler's, or of a thread that goes on */
static const struct {
	const char *name;
	void (*end)(void);
	int calls;
} endings[] = { { "raised", raise_fault, 0 },
		{ "fault", fault, 0 },
		{ "fault-handled", fault_handled, 1 },
		{ "abort", give_up, 0 },
		{ "abort-handled", abort_handled, 1 },
		{ "exit", exit_inside, 0 },
		{ "_exit", exit_raw, 0 },
		{ "quick_exit", exit_quickly, 0 },
		{ "exit-in-a-thread", exit_in_a_thread, 0 },
		{ "_exit-in-a-thread", exit_raw_in_a_thread, 0 },
		{ "main-leaves", main_leaves, 1 } };

static void end_as(const char *name)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		if (strcmp(endings[i].name, name) != 0)
			continue;
		for (int call = 0; call < 3; call++)
			leaf();
		expect(3 + endings[i].calls);
		endings[i].end();
	}
}

int main(int argc, char **argv)
{
	setenv("THAG_PROFILER", "time", 0);
	THAG_ENABLE_PROFILING(runtime);
	end_as(argc > 1 ? argv[1] : "");
	fprintf(stderr, "endings: no such ending\n");
	return 2;
}
