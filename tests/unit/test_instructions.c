/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every way that an event goes, instruction by instruction, each of them: what a kill there would
 * leave in the shared memory, and what becomes of it when a signal comes there, whose handler has
 * events, too. One program goes the whole way: a kill leaves what is there, so a reader looks at
 * each instruction; a signal is delivered at each. test_step.c and test_heap_step.c do both to a
 * program of its own each time, at some instructions.
 */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "stepped.h"
#include "thag.h"

#define STEPS_MAX 400000
#define TIMEOUT 300

/* Shared with the program, which counts calls of leaf that have returned. */
static struct {
	uint64_t leaves;
	uint64_t handlers;
	uint64_t over;	/* the way is at its end */
	uint64_t *head; /* of far_forward's program: where that is */
} * done;

static __attribute__((noinline)) void leaf_itself(void)
{
	THAG_PROFILED_AS(THAG_BOTH, 0, "leaf");
	__asm__ volatile("");
}

static __attribute__((noinline)) void leaf(void)
{
	leaf_itself();
	__atomic_store_n(&done->leaves, done->leaves + 1, __ATOMIC_RELAXED);
}

/* --- the ways --- */

static __attribute__((noinline)) void calls(void)
{
	THAG_PROFILED();
	leaf();
	THAG_SECTION(outer, "outer");
	THAG_SECTION(inner, "inner");
	leaf();
	THAG_END(outer);
	THAG_END(inner);
	leaf();
}

static void says(void)
{
	leaf();
	thag_mark("mark");
	thag_frame("frame");
	thag_value("value", -7);
	thag_thread_name("name");
	leaf();
}

static void switches(void)
{
	struct thag_task first = thag_task_create("first"), second = thag_task_create("second");

	thag_task_resume(first);
	leaf();
	THAG_SECTION(open, "open");
	thag_task_resume(second);
	leaf();
	thag_task_suspend(second);
	thag_task_suspend(first);
	leaf();
	thag_task_resume(first);
	THAG_END(open);
	thag_task_suspend(first);
	thag_task_destroy(second);
	thag_task_destroy(first);
}

static void turns_off_and_on(void)
{
	leaf();
	thag_disable();
	leaf_itself();
	thag_enable(THAG_TIME);
	leaf();
}

static jmp_buf target;

static __attribute__((noinline)) void jump(void)
{
	THAG_PROFILED();
	THAG_SECTION(section, "left");
	longjmp(target, 1);
}

static __attribute__((noinline)) void jumps(void)
{
	THAG_PROFILED();
	leaf();
	if (setjmp(target) == 0)
		jump();
	leaf();
}

static void allocates(void)
{
	void *volatile kept = malloc(11);

	kept = realloc(kept, 22);
	free(kept);
	kept = calloc(3, 11);
	free(kept);
	leaf();
}

/* --- where the program is before it is stepped --- */

static void stop(void)
{
	raise(SIGSTOP);
}

static uint64_t words_to_the_lap(void)
{
	return THAG_RING_WORDS - (thag_head_get(thag_this_producer) & THAG_RING_MASK);
}

/* A few words before the ring's last; thagd has read the others. */
static void near_the_laps_end(void)
{
	while (words_to_the_lap() > THAG_RING_WORDS / 2)
		leaf();
	stop();
	while (words_to_the_lap() > 8)
		leaf();
}

/* Nothing finds room any more. */
static void full(void)
{
	while (done->leaves < THAG_RING_WORDS / 2)
		leaf();
}

/* There is room again, and a number of lost calls to tell. */
static void told(void)
{
	full();
	stop();
}

static void full_to_the_brim(void)
{
	while (thag_head_get(thag_this_producer) < thag_limit_get(thag_this_producer) ||
	       words_to_the_lap() > 200)
		leaf();
}

/* Far enough for the indices to be put back; thagd, who has read all, is as far. */
#define FORWARD UINT64_C(0x80000000)

static void far_forward(void)
{
	stop();
	thag_head_add(thag_this_producer, FORWARD << 32 | FORWARD);
	thag_this_producer->limit = 0; /* it was of before */
	done->head = &thag_this_producer->head;
}

static void at_another_time(void)
{
	thag_this_producer->time_high ^= 1;
}

struct path {
	void (*walk)(void);
	void (*prepare)(void);
	const char *mode;    /* NULL: time */
	const char *on_full; /* NULL: wait */
	bool first;	     /* nothing happened before */
	bool loses;	     /* some calls find no room */
	bool reads;	     /* the reader goes on once the program waits */
	bool late;	     /* the reader doesn't look at the ring's beginning */
};

static const struct path *path;

static __attribute__((noinline)) void handle(void)
{
	THAG_PROFILED_AS(THAG_BOTH, 0, "handler");
	if (path->mode) {
		void *at = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(at, 12288);
	}
}

/* Tells who steps that it is done, by an instruction that traps. */
static void on_signal(int number)
{
	(void)number;
	handle();
	__atomic_store_n(&done->handlers, done->handlers + 1, __ATOMIC_RELAXED);
	__asm__ volatile("int3");
}

static void run_program(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	setenv("THAG_MAPS", "1", 1);
	setenv("THAG_ON_FULL", path->on_full ? path->on_full : "wait", 1);
	sigaction(SIGUSR1, &action, NULL);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	thag_start(path->mode ? path->mode : "time");
	if (!path->first)
		leaf();
	if (path->prepare)
		path->prepare();
	stop();
	path->walk();
	__atomic_store_n(&done->over, 1, __ATOMIC_RELAXED);
	_exit(0);
}

static void drain_all(struct collector *collector, bool dead)
{
	while (collector_drain(collector, dead) != 0)
		;
}

/* One that stands before the first instruction of the way. */
static pid_t start(struct collector *collector)
{
	bool stops_before = path->prepare == near_the_laps_end || path->prepare == told ||
			    path->prepare == far_forward;
	int status;
	pid_t child;

	*done = (typeof(*done)){ 0 };
	child = fork();
	if (child == 0)
		run_program();
	collector_accept(collector);
	waitpid(child, &status, 0);
	if (stops_before) {
		cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		drain_all(collector, false);
		if (path->prepare == far_forward) {
			collector->rings[0].reader.tail += FORWARD;
			thag_ring_release(&collector->rings[0].reader);
		}
		ptrace(PTRACE_CONT, child, NULL, NULL);
		waitpid(child, &status, 0);
	}
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return child;
}

/* The next instruction; false at the end of the way. */
static bool step(pid_t child)
{
	int status = 0;

	cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	waitpid(child, &status, 0);
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "status %#x", status);
	return !done->over;
}

/*
 * Which of the next words to be read are there: what a kill leaves changes with them alone.
 * `*pos`: up to where all were, the last time.
 */
static uint64_t words_there(const struct collector *collector, uint64_t *pos)
{
	const uint64_t *words = collector->rings[0].reader.words;
	uint64_t there = 0;

	while (thag_word_is_at(words[*pos & THAG_RING_MASK], *pos))
		++*pos;
	for (uint64_t i = *pos; i < *pos + 32; i++)
		there = there << 1 | (uint64_t)thag_word_is_at(words[i & THAG_RING_MASK], i);
	return *pos << 32 | there;
}

static void expect_whole(const struct collector *collector, int steps)
{
	uint64_t leaves = 0, returned = done->leaves;
	struct collector_counts counts = collector_peek(collector, "leaf", &leaves);

	cr_assert_eq(counts.invalid, 0, "step %d", steps);
	cr_assert_eq(counts.task_gaps, 0, "step %d", steps);
	if (path->late)
		return;
	cr_assert_eq(counts.orphans + counts.unmatched, 0, "step %d", steps);
	cr_assert_leq(leaves, returned + 1, "step %d", steps);
	if (!path->loses)
		cr_assert_geq(leaves, returned, "step %d", steps);
}

/* It waits, asks and sleeps until there is room: nobody need step through that for long. */
static void read_on(struct collector *collector, int steps)
{
	if (path->reads && steps > 3000 && steps % 100 == 0)
		collector_drain(collector, false);
}

static void kill_everywhere(const struct path *way)
{
	struct collector *collector = collector_start();
	uint64_t seen = 0, pos;
	int steps = 0;
	pid_t child;

	path = way;
	child = start(collector);
	pos = collector->rings[0].reader.tail;
	do {
		uint64_t there = words_there(collector, &pos);

		cr_assert_lt(steps, STEPS_MAX);
		if (there != seen)
			expect_whole(collector, steps);
		seen = there;
		read_on(collector, steps++);
	} while (step(child));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	cr_log_info("%d instructions", steps);
	collector_stop(collector);
}

static void go_on_to_a_trap(pid_t child, int signal)
{
	int status = 0;

	ptrace(PTRACE_CONT, child, NULL, (void *)(intptr_t)signal);
	waitpid(child, &status, 0);
	cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "status %#x", status);
}

/*
 * At this instruction the handler runs, and the program is back here: it traps at the handler's
 * end, and for so long there is a trap here, too.
 */
static bool interrupt(pid_t child)
{
	struct user_regs_struct here;
	uint64_t blocked = 0, code;
	void *at;

	cr_assert_eq(ptrace(PTRACE_GETSIGMASK, child, (void *)sizeof(blocked), &blocked), 0);
	if (blocked >> (SIGUSR1 - 1) & 1)
		return false; /* where it has the thread for itself */
	ptrace(PTRACE_GETREGS, child, NULL, &here);
	at = (void *)(uintptr_t)here.rip;
	go_on_to_a_trap(child, SIGUSR1);
	code = (uint64_t)ptrace(PTRACE_PEEKTEXT, child, at, NULL);
	cr_assert_eq(ptrace(PTRACE_POKETEXT, child, at, (void *)((code & ~UINT64_C(0xff)) | 0xcc)),
		     0);
	go_on_to_a_trap(child, 0);
	ptrace(PTRACE_POKETEXT, child, at, (void *)code);
	ptrace(PTRACE_SETREGS, child, NULL, &here);
	return true;
}

static void expect_path_whole(const struct collector *collector, uint64_t interrupts)
{
	struct collector_counts counts = collector_counts(collector);
	static const char *const others[] = { "calls", "outer", "inner" };
	uint64_t lost = collector_lost(collector);
	uint64_t recorded =
		collector_calls(collector, "leaf") + collector_calls(collector, "handler");

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.orphans, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.task_gaps, 0);
	cr_expect_eq(counts.holes, 0);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(done->handlers, interrupts);
	if (!path->loses)
		cr_expect_eq(lost, 0);
	else /* which: a call of `calls`, a section or a leaf */
		cr_expect_gt(lost, 0);
	for (size_t i = 0; path->loses && i < sizeof(others) / sizeof(*others); i++)
		recorded += collector_calls(collector, others[i]);
	if (path->walk != turns_off_and_on)
		cr_expect_eq(recorded + lost, done->leaves + interrupts + (path->loses ? 3 : 0));
}

/* Lets the program go on to its end, and looks at what it left. */
static void finish(struct collector *collector, pid_t child, uint64_t interrupts)
{
	int status = 0;

	ptrace(PTRACE_DETACH, child, NULL, NULL);
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
	drain_all(collector, true);
	expect_path_whole(collector, interrupts);
	collector_stop(collector);
}

static void interrupt_everywhere(const struct path *way)
{
	struct collector *collector = collector_start();
	uint64_t interrupts = 0;
	int steps = 0;
	pid_t child;

	path = way;
	child = start(collector);
	while (step(child)) {
		cr_assert_lt(++steps, STEPS_MAX);
		interrupts += interrupt(child);
		read_on(collector, steps);
	}
	cr_assert_gt(interrupts, 100);
	cr_log_info("%d instructions, %llu signals", steps, (unsigned long long)interrupts);
	finish(collector, child, interrupts);
}

/* One signal, at that instruction: nothing that happens once has happened in a handler before. */
static void interrupt_once(const struct path *way, int instruction)
{
	struct collector *collector = collector_start();
	pid_t child;

	path = way;
	child = start(collector);
	while (instruction--)
		cr_assert(step(child));
	finish(collector, child, interrupt(child));
}

static int steps_until_put_back(const struct path *way)
{
	struct collector *collector = collector_start();
	int steps = 0;
	pid_t child;

	path = way;
	child = start(collector);
	while ((uint32_t)ptrace(PTRACE_PEEKDATA, child, done->head, NULL) >= FORWARD) {
		cr_assert(step(child));
		steps++;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	collector_stop(collector);
	return steps;
}

static void share(void)
{
	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(done, MAP_FAILED);
}

TestSuite(instructions, .init = share, .timeout = TIMEOUT);

#define WAY(name, ...) \
	static const struct path name##_way = { __VA_ARGS__ }; \
	Test(instructions, name##_survives_a_kill) \
	{ \
		kill_everywhere(&name##_way); \
	}

#define WAY_WITH_SIGNALS(name, ...) \
	WAY(name, __VA_ARGS__) \
	Test(instructions, name##_survives_signals) \
	{ \
		interrupt_everywhere(&name##_way); \
	}

WAY_WITH_SIGNALS(calls, .walk = calls)
WAY_WITH_SIGNALS(first_use, .walk = calls, .first = true)
WAY_WITH_SIGNALS(compilers_calls, .walk = stepped_functions)
WAY_WITH_SIGNALS(cpp, .walk = stepped_guards)
WAY_WITH_SIGNALS(says, .walk = says)
WAY_WITH_SIGNALS(tasks, .walk = switches)
WAY_WITH_SIGNALS(switching, .walk = turns_off_and_on)
WAY_WITH_SIGNALS(longjmp, .walk = jumps)
WAY_WITH_SIGNALS(memory, .walk = allocates, .mode = "memory")
WAY_WITH_SIGNALS(time_word, .walk = calls, .prepare = at_another_time)
WAY_WITH_SIGNALS(laps_end, .walk = calls, .prepare = near_the_laps_end, .late = true)
WAY_WITH_SIGNALS(indices_put_back, .walk = calls, .prepare = far_forward, .late = true)
/* Around the one instruction that does so: elsewhere a handler would have done so before. */
Test(instructions, indices_put_back_survives_one_signal)
{
	int put_back = steps_until_put_back(&indices_put_back_way);

	for (int instruction = put_back - 100; instruction < put_back + 20; instruction++)
		interrupt_once(&indices_put_back_way, instruction);
}
WAY_WITH_SIGNALS(drop, .walk = calls, .prepare = full, .on_full = "drop", .loses = true)
WAY_WITH_SIGNALS(loss_told, .walk = calls, .prepare = told, .on_full = "drop", .loses = true,
		 .late = true)
/* a handler there would wait as well, and nobody would read meanwhile */
WAY(wait, .walk = calls, .prepare = full_to_the_brim, .reads = true, .late = true)
