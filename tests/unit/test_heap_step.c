/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The way of an allocation's event, stopped at single instructions: killed there, or interrupted
 * there by a signal whose handler has events of memory, too (pages that it maps: malloc may not
 * be called there, and the way is the same). Each run takes every 51st instruction, a different
 * one each time; THAG_STEP_STRIDE=1 takes every one.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "heap_words.h"
#include "stepping.h"
#include "thag.h"

#define STEPS_MAX 20000

static void *volatile kept;
static volatile size_t asked;

static int stride_of(void)
{
	const char *text = getenv("THAG_STEP_STRIDE");
	int stride = text ? atoi(text) : 51;

	return stride > 0 ? stride : 1;
}

static __attribute__((noinline)) void path(void)
{
	kept = malloc(11);
	kept = realloc(kept, 22);
	free(kept);
	kept = calloc(3, 11);
	free(kept);
	asked = (size_t)1 << 20; /* a long size */
	kept = malloc(asked);
	free(kept);
}

static const struct {
	enum heap_kind kind;
	uint64_t size;
} expected[] = { { HEAP_ALLOC, 11 }, { HEAP_MOVES, 0 }, { HEAP_MOVED, 22 },	 { HEAP_FREE, 0 },
		 { HEAP_ALLOC, 33 }, { HEAP_FREE, 0 },	{ HEAP_ALLOC, 1 << 20 }, { HEAP_FREE, 0 } };

#define PATH_EVENTS (sizeof(expected) / sizeof(expected[0]))

static void on_signal(int number)
{
	void *at = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)number;
	munmap(at, 12288);
}

static void run_program(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	setenv("THAG_MAPS", "1", 1);
	THAG_ENABLE_PROFILING(memory);
	sigaction(SIGUSR1, &action, NULL);
	path();
	on_signal(0);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	path();
}

static pid_t start(struct collector *collector)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run_program();
		_exit(0);
	}
	collector_accept(collector);
	waitpid(child, &status, 0);
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return child;
}

/* The path's events but for those of handlers, up to `count`, are those that it should have. */
static void expect_path(const struct heap_words *words, size_t count, int steps)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		const struct heap_event *event = &words->events[i];

		if (event->kind == HEAP_MAPPED || event->kind == HEAP_UNMAPPED) {
			cr_assert_eq(event->size, 12288, "step %d", steps);
			continue;
		}
		cr_assert_eq(event->kind, expected[at % PATH_EVENTS].kind, "step %d", steps);
		cr_assert_eq(event->size, expected[at % PATH_EVENTS].size, "step %d", steps);
		at++;
	}
}

Test(heap_step, survives_a_kill_at_any_instruction, .timeout = 600)
{
	for (int stride = stride_of(), steps = getpid() % stride; steps < STEPS_MAX;
	     steps += stride) {
		struct collector *collector = collector_start();
		pid_t child = start(collector);
		bool alive = step(child, steps);
		struct heap_words *words;

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		words = heap_words_read(collector, 0);
		cr_assert_eq(words->invalid, 0, "step %d", steps);
		cr_assert_geq(words->count, PATH_EVENTS + 2, "step %d", steps);
		/* the last one may lack words */
		expect_path(words, words->count - 1, steps);
		heap_words_destroy(words);
		while (collector_drain(collector, true) != 0)
			;
		cr_assert_eq(collector_counts(collector).invalid, 0, "step %d", steps);
		collector_stop(collector);
		if (!alive)
			return;
	}
	cr_assert_fail("the path is longer than %d steps", STEPS_MAX);
}

/* What a handler said lies behind the words of an event that it interrupted, never among them. */
Test(heap_step, survives_a_signal_at_any_instruction, .timeout = 600)
{
	for (int stride = stride_of(), steps = getpid() % stride; steps < STEPS_MAX;
	     steps += stride) {
		struct collector *collector = collector_start();
		pid_t child = start(collector);
		struct heap_words *words;
		int status = 0;

		if (!step(child, steps)) {
			collector_stop(collector);
			return;
		}
		ptrace(PTRACE_DETACH, child, NULL, (void *)(intptr_t)SIGUSR1);
		waitpid(child, &status, 0);
		cr_assert_eq(status, 0, "step %d", steps);
		words = heap_words_read(collector, 0);
		cr_assert_eq(words->invalid, 0, "step %d", steps);
		cr_assert_eq(words->count, 2 * PATH_EVENTS + 4, "step %d: %zu", steps,
			     words->count);
		expect_path(words, words->count, steps);
		heap_words_destroy(words);
		collector_stop(collector);
	}
	cr_assert_fail("the path is longer than %d steps", STEPS_MAX);
}
