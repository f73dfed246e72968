/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "deep.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES_MAX ((size_t)1 << 30)
#define STACK_BYTES_MIN ((size_t)8 << 20)
#define HANDLER_STACK_BYTES 65536

/** All that a process has of this: its signal handler can't be given anything. */
static struct {
	const char *command;
	const char *volatile name;
	int status;
} deep;

struct call {
	int (*work)(void *context);
	void *context;
	int result;
};

void thag_deep_name(const char *name)
{
	deep.name = name;
}

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(deep.status);
}

static void on_fault(int number)
{
	const char *name = deep.name;

	if (!name) { /* it is ours, not libclang's */
		signal(number, SIG_DFL);
		return;
	}
	put("thag ");
	put(deep.command);
	put(": ");
	put(name);
	put(": libclang broke down on it (is it nested too deeply?); it stays as it is\n");
	_exit(deep.status);
}

static void *run(void *argument)
{
	struct call *call = argument;
	stack_t stack = { .ss_size = HANDLER_STACK_BYTES, .ss_sp = malloc(HANDLER_STACK_BYTES) };
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };

	if (stack.ss_sp && sigaltstack(&stack, NULL) == 0) {
		sigaction(SIGSEGV, &action, NULL);
		sigaction(SIGBUS, &action, NULL);
	}
	call->result = call->work(call->context);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	free(stack.ss_sp);
	return NULL;
}

static bool run_on_thread(struct call *call, size_t stack_bytes)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started = false;

	if (pthread_attr_init(&attributes))
		return false;
	if (pthread_attr_setstacksize(&attributes, stack_bytes) == 0)
		started = pthread_create(&thread, &attributes, run, call) == 0;
	pthread_attr_destroy(&attributes);
	if (started)
		pthread_join(thread, NULL);
	return started;
}

int thag_deep_run(int (*work)(void *context), void *context, const char *command, int status)
{
	struct call call = { .work = work, .context = context, .result = status };

	deep.command = command;
	deep.status = status;
	/* libclang's own threads have 8 MiB, and its handler needs the stack that is used up */
	setenv("LIBCLANG_NOTHREADS", "1", 1);
	setenv("LIBCLANG_DISABLE_CRASH_RECOVERY", "1", 1);
	for (size_t bytes = STACK_BYTES_MAX; bytes >= STACK_BYTES_MIN; bytes /= 2)
		if (run_on_thread(&call, bytes))
			return call.result;
	return work(context);
}
