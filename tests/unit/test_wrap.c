/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The emit path where its indices wrap, which a program reaches after 2^31 words: it and its reader
 * are put forward to shortly before that, by whole laps, between two of its calls.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "thag.h"

#define WRAPS 4
#define CALLS 4000000 /* from one shift to the next: eight laps, over the place where they wrap */
/* a multiple of four laps, that a position goes on from in the same slot and phase */
#define SHIFT (UINT64_C(0x80000000) - 4 * THAG_RING_WORDS)

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

static void run_program(void)
{
	THAG_ENABLE_PROFILING(time);
	for (int wrap = 0; wrap < WRAPS; wrap++) {
		raise(SIGSTOP);
		thag_head_add(thag_this_producer, SHIFT << 32 | SHIFT);
		thag_this_producer->limit = 0; /* it was of before */
		for (int i = 0; i < CALLS; i++)
			leaf();
	}
}

/* Reads until it has stopped, or ended. */
static int drain_until_it_waits(struct collector *collector, pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, WNOHANG | WUNTRACED) == 0)
		if (collector_drain(collector, false) == 0)
			usleep(100);
	collector_drain(collector, !WIFSTOPPED(status));
	return status;
}

Test(wrap, counts_every_call_where_its_indices_wrap, .timeout = 300)
{
	struct collector *collector = collector_start();
	struct thag_ring_reader *reader = &collector->rings[0].reader;
	struct collector_counts counts;
	pid_t child = fork();

	if (child == 0) {
		run_program();
		_exit(0);
	}
	collector_accept(collector);
	for (int wrap = 0; wrap < WRAPS; wrap++) {
		cr_assert(WIFSTOPPED(drain_until_it_waits(collector, child)));
		reader->tail += SHIFT;
		thag_ring_release(reader);
		kill(child, SIGCONT);
	}
	cr_expect_eq(drain_until_it_waits(collector, child), 0);
	counts = collector_counts(collector);
	cr_expect_gt(reader->tail, UINT64_C(1) << 32);
	cr_expect_eq(collector_calls(collector, "leaf"), (uint64_t)WRAPS * CALLS);
	cr_expect_eq(counts.invalid + counts.unmatched + counts.orphans + counts.holes, 0);
	cr_expect_eq(collector_lost(collector), 0);
	collector_stop(collector);
}
