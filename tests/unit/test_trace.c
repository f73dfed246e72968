/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Native stacks, beside those that libunwind finds. What is profiled is a child process, which
 * does the comparing, since its stack is there; it ends by abort where something doesn't hold.
 */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "internal.h"
#include "thag.h"
#include "trace.h"
#include "trace_shapes.h"

/* collector.h and internal.h each have a struct thag_stack: the daemon's, and the program's */
struct collector;
struct collector *collector_start(void);
void collector_accept(struct collector *collector);
int collector_run(struct collector *collector, void (*program)(void *), void *argument);
void collector_stop(struct collector *collector);

#define NOINLINE __attribute__((noinline, noclone))

#define DEPTH_MAX 2048

/* A stack by the addresses of its calls, innermost first. */
struct stack {
	uint32_t depth;
	uintptr_t calls[DEPTH_MAX];
};

static void check_at(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "test_trace.c:%d: %s\n", line, what);
	abort();
}

#define check(holds) check_at(holds, #holds, __LINE__)

/* --- what was told --- */

static const struct thag_shm_trace *traces(void)
{
	return (const void *)((const uint8_t *)thag_process.header + THAG_SHM_TRACES_OFFSET);
}

static uintptr_t address_of(uint32_t site)
{
	const struct thag_shm_module *modules =
		(const void *)((const uint8_t *)thag_process.header + THAG_SHM_MODULES_OFFSET);
	const struct thag_shm_site *entry = &thag_process.sites[site];

	check(entry->ready && entry->kind == THAG_SITE_FUNCTION);
	check(entry->flags == (THAG_SITE_ADDRESS | THAG_SITE_CALL));
	if (entry->module == THAG_MODULE_NONE)
		return entry->address;
	check(modules[entry->module].ready);
	return entry->address + modules[entry->module].bias;
}

static void read_trace(uint32_t id, struct stack *stack)
{
	for (stack->depth = 0; id; id = traces()[id].parent) {
		check(id < thag_process.header->trace_count);
		check(traces()[id].parent < id && stack->depth < DEPTH_MAX);
		stack->calls[stack->depth++] = address_of(traces()[id].site);
	}
}

/* --- what libunwind finds --- */

/* Of the callers of the function that calls this. */
static NOINLINE void read_by_libunwind(struct stack *stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t ip;

	stack->depth = 0;
	unw_getcontext(&context);
	check(unw_init_local(&cursor, &context) == 0 && unw_step(&cursor) > 0);
	while (unw_step(&cursor) > 0 && unw_get_reg(&cursor, UNW_REG_IP, &ip) == 0 && ip) {
		/* it was interrupted, and called from no call, as was the handler */
		bool is_exact = unw_is_signal_frame(&cursor) > 0;

		check(stack->depth < DEPTH_MAX);
		if (is_exact)
			stack->calls[stack->depth - 1]++;
		stack->calls[stack->depth++] = is_exact ? ip : ip - 1;
	}
}

static void show(const char *who, const struct stack *stack)
{
	fprintf(stderr, "%s:\n", who);
	for (uint32_t i = 0; i < stack->depth; i++) {
		Dl_info info = { 0 };

		dladdr((void *)stack->calls[i], &info);
		fprintf(stderr, "\t%#lx %s %s\n", (unsigned long)stack->calls[i],
			info.dli_sname ? info.dli_sname : "?",
			info.dli_fname ? info.dli_fname : "?");
	}
}

static bool is_equal(const struct stack *a, const struct stack *b)
{
	return a->depth == b->depth &&
	       memcmp(a->calls, b->calls, a->depth * sizeof(a->calls[0])) == 0;
}

/* --- the ids of stacks that were compared --- */

#define KNOWN_MAX 65536

static struct known {
	uint64_t hash;
	uint32_t id;
} known[KNOWN_MAX];

static pthread_mutex_t known_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t known_count;

static uint64_t hash_of(const struct stack *stack)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < stack->depth; i++)
		hash = (hash ^ stack->calls[i]) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	return hash;
}

/* A stack has one id, and an id is of one stack. */
static void check_known(const struct stack *stack, uint32_t id)
{
	uint64_t hash = hash_of(stack);

	pthread_mutex_lock(&known_mutex);
	for (uint32_t i = 0; i < known_count; i++) {
		if ((known[i].hash == hash) == (known[i].id == id))
			continue;
		fprintf(stderr, "stack %lx has id %u, and %lx has %u\n", (unsigned long)hash, id,
			(unsigned long)known[i].hash, known[i].id);
		abort();
	}
	for (uint32_t i = 0; i < known_count; i++)
		if (known[i].id == id)
			hash = 0;
	check(known_count < KNOWN_MAX);
	if (hash)
		known[known_count++] = (struct known){ hash, id };
	pthread_mutex_unlock(&known_mutex);
}

/* --- probes --- */

static __thread uint32_t last_id;
static uint32_t probes;

/* Takes the stack of its caller, as an allocation of it would. */
static NOINLINE uint32_t take_here(void)
{
	struct thag_trace_start start = THAG_TRACE_START();
	uint32_t id = thag_trace_take(&start);

	__asm__ volatile("" : : : "memory");
	return id;
}

/* Both stacks are of this function's callers. */
static NOINLINE void probe(void)
{
	static __thread struct stack ours, theirs;
	struct thag_trace_start start = THAG_TRACE_START();
	uint32_t id;

	errno = 4711;
	id = thag_trace_take(&start);
	check(errno == 4711);
	check(id != 0);
	read_trace(id, &ours);
	read_by_libunwind(&theirs);
	if (!is_equal(&ours, &theirs)) {
		show("ours", &ours);
		show("libunwind's", &theirs);
		abort();
	}
	check_known(&ours, id);
	last_id = id;
	__atomic_fetch_add(&probes, 1, __ATOMIC_RELAXED);
}

static void mix_shapes(void);

static void begin(void)
{
	mix_shapes();
	check(thag_enable(THAG_MEMORY) == 0);
	check(thag_thread_attach());
}

static int run(void (*program)(void *))
{
	struct collector *collector = collector_start();
	int status = collector_run(collector, program, NULL);

	collector_stop(collector);
	return status;
}

/* --- random call trees --- */

trace_shape *trace_shapes[256];

static void mix_shapes(void)
{
	static trace_shape *const *const sets[] = { trace_shapes_o0, trace_shapes_o2,
						    trace_shapes_fp, trace_shapes_os };

	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = sets[i % 4][i / 4 % TRACE_SHAPES];
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*state >> 33);
}

/* Calls of `depth` shapes, of which the outer ones are often those of the call before. */
static NOINLINE void call_at_random(uint64_t *random, uint8_t *steps, uint32_t depth,
				    void (*leaf)(void))
{
	struct trace_plan plan = { steps, depth, leaf };
	uint32_t from = next_random(random) % (depth + 1);

	for (uint32_t i = from; i < depth; i++)
		steps[i] = (uint8_t)next_random(random);
	if (depth == 0)
		leaf();
	else
		trace_shapes[(plan.left--, *plan.steps++)](&plan);
	__asm__ volatile("" : : : "memory");
}

static NOINLINE void call_trees(uint64_t seed, uint32_t count, uint32_t depth_max,
				void (*leaf)(void))
{
	uint8_t steps[256] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		call_at_random(&seed, steps, next_random(&seed) % depth_max, leaf);
	__asm__ volatile("" : : : "memory");
}

static void program_trees(void *unused)
{
	(void)unused;
	begin();
	call_trees(1, 3000, 40, probe);
	check(thag_process.header->lost_traces == 0);
}

Test(trace, is_what_libunwind_finds_in_functions_of_any_shape, .timeout = 120)
{
	cr_assert_eq(run(program_trees), 0);
}

static NOINLINE uint32_t take_in_between(void)
{
	uint32_t id = take_here();

	__asm__ volatile("" : "+r"(id));
	return id;
}

/* Libunwind loses its way where there is no unwind information. But the outermost frames are known.
 */
static struct stack outermost;

static const struct stack *take_bare(const struct thag_trace_start *start)
{
	static __thread struct stack ours;
	uint32_t id = thag_trace_take(start);

	check(id != 0);
	read_trace(id, &ours);
	check_known(&ours, id);
	check(ours.depth > outermost.depth);
	check(memcmp(ours.calls + ours.depth - outermost.depth, outermost.calls,
		     outermost.depth * sizeof(ours.calls[0])) == 0);
	return &ours;
}

static NOINLINE void probe_mixed(void)
{
	struct thag_trace_start start = THAG_TRACE_START();

	take_bare(&start);
}

/* All that call_at_random called has frame pointers. */
static NOINLINE void probe_bare(void)
{
	struct thag_trace_start start = THAG_TRACE_START();
	const struct stack *ours = take_bare(&start);
	const uintptr_t *frame = __builtin_frame_address(0);

	/* but for the calls in call_trees and in its caller */
	for (uint32_t i = 0; i < ours->depth - outermost.depth - 2; i++) {
		check(ours->calls[i] == frame[1] - 1);
		frame = (const uintptr_t *)frame[0];
	}
}

static void program_bare(void *unused)
{
	/*
	 * Not those that align the stack: where their callers' frames are, only they know. The last
	 * one comes by a function of the C library.
	 */
	static const uint8_t usable[] = { 0, 1, 2, 3, 4, 7, 8, 10, 9 };

	(void)unused;
	begin();
	read_by_libunwind(&outermost);
	check(outermost.depth > 3);
	for (uint32_t i = 0; i < 256; i += 2)
		trace_shapes[i] = trace_shapes_bare[usable[i / 2 % 9]];
	call_trees(4, 3000, 40, probe_mixed);
	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = trace_shapes_bare[usable[i % 8]];
	call_trees(5, 3000, 40, probe_bare);
}

Test(trace, goes_by_frame_pointers_without_unwind_information, .timeout = 120)
{
	cr_assert_eq(run(program_bare), 0);
}

static void program_same(void *unused)
{
	uint32_t ids[100], other, count = 0;

	(void)unused;
	begin();
	for (volatile int i = 0; i < 100; i++) {
		ids[i] = take_in_between();
		if (i == 0)
			count = thag_process.header->trace_count;
	}
	check(thag_process.header->trace_count == count);
	for (int i = 0; i < 100; i++)
		check(ids[i] && ids[i] == ids[0]);
	other = take_in_between();
	check(other && other != ids[0]);
}

Test(trace, is_told_once)
{
	cr_assert_eq(run(program_same), 0);
}

/* --- the same place in memory, but another caller further out --- */

static NOINLINE void inner(void)
{
	probe();
	__asm__ volatile("" : : : "memory");
}

static NOINLINE void middle(void)
{
	inner();
	__asm__ volatile("" : : : "memory");
}

#define OUTER(name) \
	static NOINLINE void name(void) \
	{ \
		middle(); \
		__asm__ volatile("" : : : "memory"); \
	}
OUTER(outer_a)
OUTER(outer_b)

static void program_outer(void *unused)
{
	uint32_t a, b;

	(void)unused;
	begin();
	for (int i = 0; i < 10; i++) {
		void (*volatile call)(void) = outer_a;

		call();
		a = last_id;
		call = outer_b;
		call();
		b = last_id;
		check(a != b);
	}
}

Test(trace, sees_that_an_outer_frame_changed)
{
	cr_assert_eq(run(program_outer), 0);
}

/* --- depth --- */

#define RECURSION 1000000
#define RECURSION_STACK (UINT64_C(1) << 30)

static uint32_t recursion_ids[4];

static NOINLINE long recurse(long left, void (*leaf)(void))
{
	long result;

	if (left == 0) {
		leaf();
		return 0;
	}
	result = recurse(left - 1, leaf);
	__asm__ volatile("" : : "r"(left), "r"(&result) : "memory");
	return result + 1;
}

static NOINLINE void leaf_take(void)
{
	last_id = take_here();
	__asm__ volatile("" : : : "memory");
}

/* What is left of it: one call in the middle of recurse, but for the innermost; and its root. */
static void check_cut(uint32_t id)
{
	const struct thag_shm_trace *entries = traces();
	uint32_t site = 0, depth = 0;

	check(id != 0);
	for (; entries[id].parent; id = entries[id].parent, depth++) {
		if (depth == 3)
			site = entries[id].site;
		check(depth <= 3 || depth >= 900 || entries[id].site == site);
	}
	check(depth + 1 == THAG_TRACE_DEPTH_MAX);
	check(memcmp(thag_process.strings + thag_process.sites[entries[id].site].name_offset,
		     "<truncated>", 11) == 0);
	check(thag_process.sites[entries[id].site].name_bytes == 11);
}

static void *recurse_deep(void *unused)
{
	(void)unused;
	check(thag_thread_attach());
	recurse(RECURSION, leaf_take);
	recursion_ids[0] = last_id;
	check_cut(last_id);
	recurse(RECURSION, leaf_take);
	recursion_ids[1] = last_id;
	recurse(RECURSION - 1, leaf_take);
	recursion_ids[2] = last_id;
	return NULL;
}

static void program_deep(void *unused)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)unused;
	begin();
	pthread_attr_init(&attributes);
	check(pthread_attr_setstacksize(&attributes, RECURSION_STACK) == 0);
	check(pthread_create(&thread, &attributes, recurse_deep, NULL) == 0);
	pthread_join(thread, NULL);
	/* cut, they are all alike */
	check(recursion_ids[0] == recursion_ids[1] && recursion_ids[1] == recursion_ids[2]);
}

Test(trace, of_a_recursion_a_million_deep_is_cut, .timeout = 120)
{
	cr_assert_eq(run(program_deep), 0);
}

static void program_around_the_limit(void *unused)
{
	(void)unused;
	begin();
	/* whole up to the limit, and cut from there on, whatever was taken before */
	for (int round = 0; round < 3; round++)
		for (long depth = 900; depth < 1100; depth += 1 + round) {
			struct stack *stack = malloc(sizeof(*stack));
			uint32_t root;

			recurse(depth, leaf_take);
			for (root = last_id; traces()[root].parent; root = traces()[root].parent)
				;
			if (thag_process.sites[traces()[root].site].name_bytes) {
				check_cut(last_id);
			} else {
				read_trace(last_id, stack);
				check(stack->depth > depth && stack->depth <= THAG_TRACE_DEPTH_MAX);
			}
			free(stack);
		}
}

Test(trace, is_whole_up_to_the_limit)
{
	cr_assert_eq(run(program_around_the_limit), 0);
}

/* --- frames that are found by other registers than the stack and the frame pointer --- */

#if defined(__x86_64__)
long odd_next(struct trace_plan *plan);
long odd_register(struct trace_plan *plan);
long odd_expression(struct trace_plan *plan);
void odd_trap(void);

NOINLINE long odd_next(struct trace_plan *plan)
{
	if (plan->left == 0) {
		plan->leaf();
		return 1;
	}
	plan->left--;
	return trace_shapes[*plan->steps++](plan) + 1;
}

/* As the dynamic linker's resolver does it: the CFA is RBX + 16. */
#define ODD(name, cfa) \
	__asm__(".text\n.type " name ", @function\n.globl " name "\n" name ":\n" \
		".cfi_startproc\npushq %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset rbx, -16\n" \
		"movq %rsp, %rbx\n" cfa "\nandq $-64, %rsp\nsubq $64, %rsp\ncall odd_next\n" \
		"movq %rbx, %rsp\n.cfi_def_cfa rsp, 16\npopq %rbx\n.cfi_def_cfa_offset 8\n" \
		"ret\n.cfi_endproc\n.size " name ", . - " name "\n")
ODD("odd_register", ".cfi_def_cfa_register rbx");
ODD("odd_expression", ".cfi_escape 0x0f, 0x04, 0x73, 0x00, 0x23, 0x10");

/* Interrupted where the CFA is R10, which no call keeps. */
__asm__(".text\n.type odd_trap, @function\n.globl odd_trap\nodd_trap:\n.cfi_startproc\n"
	"leaq 8(%rsp), %r10\n.cfi_def_cfa r10, 0\nandq $-64, %rsp\nint3\n"
	"leaq -8(%r10), %rsp\n.cfi_def_cfa rsp, 8\nret\n.cfi_endproc\n.size odd_trap, . - "
	"odd_trap\n");

static void handle(int signal);
static void set_handler(int number, void (*handler)(int), int flags);

static void program_odd(void *unused)
{
	(void)unused;
	begin();
	for (uint32_t i = 0; i < 256; i += 8) {
		trace_shapes[i] = odd_register;
		trace_shapes[i + 3] = odd_expression;
	}
	call_trees(6, 2000, 40, probe);
	set_handler(SIGTRAP, handle, 0);
	call_trees(7, 200, 20, odd_trap);
}

Test(trace, goes_by_whatever_register_there_is, .timeout = 120)
{
	cr_assert_eq(run(program_odd), 0);
}
#endif

/* --- signals --- */

static volatile sig_atomic_t handled;

static void handle(int signal)
{
	(void)signal;
	probe();
	handled++;
}

static void set_handler(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	check(sigaction(number, &action, NULL) == 0);
}

static NOINLINE void leaf_raise(void)
{
	raise(SIGUSR1);
	probe();
}

static void program_signals(void *unused)
{
	static char alternate[65536];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	(void)unused;
	begin();
	set_handler(SIGUSR1, handle, 0);
	call_trees(2, 300, 20, leaf_raise);
	check(sigaltstack(&stack, NULL) == 0);
	set_handler(SIGUSR1, handle, SA_ONSTACK);
	call_trees(3, 300, 20, leaf_raise);
	check(handled == 600);
}

Test(trace, goes_on_below_a_signal_handler, .timeout = 120)
{
	cr_assert_eq(run(program_signals), 0);
}

static void leaf_work(void)
{
	for (int i = 0; i < 20; i++) {
		char *volatile block = malloc((size_t)i * 100);

		if (block)
			memset(block, i, (size_t)i * 100);
		free(block);
	}
	leaf_take();
}

/* A walk under way is interrupted here and there, and the handler walks, too. */
static void program_timer(void *unused)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } };

	(void)unused;
	begin();
	/* while longjmp loads the registers, libunwind doesn't know where they are */
	for (uint32_t i = 0; i < 256; i++)
		if (trace_shapes[i] == trace_shapes_o0[8] ||
		    trace_shapes[i] == trace_shapes_o2[8] ||
		    trace_shapes[i] == trace_shapes_fp[8] || trace_shapes[i] == trace_shapes_os[8])
			trace_shapes[i] = trace_shapes_o2[0];
	set_handler(SIGPROF, handle, SA_RESTART);
	setitimer(ITIMER_PROF, &often, NULL);
	for (uint64_t seed = 1; handled < 300; seed++)
		call_trees(seed, 200, 30, leaf_work);
	setitimer(ITIMER_PROF, &(struct itimerval){ 0 }, NULL);
}

Test(trace, may_be_taken_anywhere, .timeout = 120)
{
	cr_assert_eq(run(program_timer), 0);
}

static sigjmp_buf way_out;

static void leave(int signal)
{
	(void)signal;
	handled++;
	take_here();
	siglongjmp(way_out, 1);
}

/* A walk that a handler doesn't come back to doesn't spoil those after it. */
static void program_leaves(void *unused)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } };
	volatile uint64_t seed = 1;

	(void)unused;
	begin();
	set_handler(SIGPROF, leave, 0);
	while (handled < 300) {
		if (sigsetjmp(way_out, 1) == 0) {
			setitimer(ITIMER_PROF, &often, NULL);
			for (;; seed++)
				call_trees(seed, 200, 30, leaf_take);
		}
		setitimer(ITIMER_PROF, &(struct itimerval){ 0 }, NULL);
		call_trees(seed, 5, 30, probe);
	}
}

Test(trace, may_be_left_by_siglongjmp, .timeout = 120)
{
	cr_assert_eq(run(program_leaves), 0);
}

/* --- threads --- */

static void *run_trees(void *seed)
{
	check(thag_thread_attach());
	/* the same trees on each, and some of its own */
	call_trees(77, 500, 30, probe);
	call_trees((uintptr_t)seed, 200, 30, probe);
	return NULL;
}

static void program_threads(void *unused)
{
	pthread_t threads[8];

	(void)unused;
	begin();
	for (int round = 0; round < 3; round++) {
		for (uintptr_t i = 0; i < 8; i++)
			check(pthread_create(&threads[i], NULL, run_trees, (void *)i) == 0);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	check(thag_process.header->lost_traces == 0);
}

Test(trace, is_the_same_on_all_threads, .timeout = 120)
{
	cr_assert_eq(run(program_threads), 0);
}

/* --- forked children --- */

static void program_forks(void *unused)
{
	int status = 0;
	uint32_t count;
	pid_t child;

	(void)unused;
	begin();
	call_trees(8, 300, 30, probe);
	count = thag_process.header->trace_count;
	child = fork();
	if (child == 0) {
		/* its stacks are told to a session of its own */
		known_count = 0;
		check(thag_thread_attach());
		check(thag_process.header->trace_count <= 1);
		probe();
		check(thag_process.header->trace_count < 100);
		call_trees(9, 300, 30, probe);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	check(thag_process.header->trace_count == count);
	call_trees(10, 300, 30, probe);
}

Test(trace, of_a_forked_child_is_of_its_own_session)
{
	struct collector *collector = collector_start();
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		program_forks(NULL);
		_exit(0);
	}
	collector_accept(collector);
	collector_accept(collector);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	collector_stop(collector);
}

/* --- other stacks --- */

#define COROUTINE_BYTES (256 * 1024)

static ucontext_t outside, inside;
static uint64_t coroutine_seed;

static void coroutine(void)
{
	/* frames of 100 kB don't fit */
	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = trace_shapes_o2[i % 3];
	call_trees(coroutine_seed++, 30, 20, probe);
	swapcontext(&inside, &outside);
	call_trees(coroutine_seed++, 30, 20, probe);
}

static void run_coroutine(size_t bytes, void *place)
{
	char *stack = mmap(place, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | (place ? MAP_FIXED : 0), -1, 0);

	check(stack != MAP_FAILED);
	check(getcontext(&inside) == 0);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = bytes;
	inside.uc_link = &outside;
	makecontext(&inside, coroutine, 0);
	swapcontext(&outside, &inside);
	probe();
	swapcontext(&outside, &inside);
	munmap(stack, bytes);
}

static void *run_coroutines(void *unused)
{
	char *place =
		mmap(NULL, COROUTINE_BYTES * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	check(thag_thread_attach());
	check(place != MAP_FAILED);
	for (int i = 0; i < 10; i++) {
		probe();
		run_coroutine(COROUTINE_BYTES, NULL);
		/* at the same place, but of another size: what was above is gone */
		run_coroutine(COROUTINE_BYTES * 2, place);
		run_coroutine(COROUTINE_BYTES, place);
	}
	return NULL;
}

static void program_coroutines(void *unused)
{
	pthread_t thread;

	begin();
	run_coroutines(unused);
	check(pthread_create(&thread, NULL, run_coroutines, NULL) == 0);
	pthread_join(thread, NULL);
}

Test(trace, goes_over_the_stacks_of_coroutines, .timeout = 120)
{
	cr_assert_eq(run(program_coroutines), 0);
}

/* Anything may be in these registers, and in memory. */
static void program_nonsense(void *unused)
{
	static uintptr_t garbage[4096];
	uint64_t random = 5;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), starts[] = {
		here,
		here - 4096,
		here + 64,
		here + 100000,
		(uintptr_t)garbage,
		(uintptr_t)garbage + sizeof(garbage) - 8,
		0,
		8,
		UINTPTR_MAX,
		UINTPTR_MAX - 7,
		UINT64_C(1) << 47,
		UINT64_C(0xffff800000000000),
		(uintptr_t)program_nonsense,
		(uintptr_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	uintptr_t codes[] = { (uintptr_t)program_nonsense + 20,
			      (uintptr_t)qsort + 30,
			      (uintptr_t)trace_shapes_bare[0] + 9,
			      (uintptr_t)trace_shapes_fp[3] + 40,
			      (uintptr_t)garbage,
			      1,
			      0,
			      UINTPTR_MAX,
			      4096,
			      UINT64_C(1) << 47,
			      (uintptr_t)trace_shapes_o2[5] + 60 };

	(void)unused;
	begin();
	for (int i = 0; i < 4096; i++)
		garbage[i] = i % 3 ? (uintptr_t)&garbage[next_random(&random) % 4096]
				   : codes[next_random(&random) % 11] + next_random(&random) % 32;
	for (int i = 0; i < 20000; i++) {
		struct thag_trace_start start = {
			codes[next_random(&random) % 11] + next_random(&random) % 64,
			starts[next_random(&random) % 14] + next_random(&random) % 4 * 8,
			starts[next_random(&random) % 14] + next_random(&random) % 4 * 8,
		};

		thag_trace_take(&start);
	}
	probe();
}

Test(trace, of_a_stack_that_is_nonsense_does_no_harm)
{
	cr_assert_eq(run(program_nonsense), 0);
}

/* --- files of code that come and go --- */

typedef void plugin_call(void (*leaf)(void));

static void *open_plugin(const char *path, uintptr_t *at)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	plugin_call *call = handle ? (plugin_call *)dlsym(handle, "trace_plugin_call") : NULL;

	check(call);
	*at = (uintptr_t)call;
	call(probe);
	return handle;
}

/* The path of the module that the second frame of the last stack is in. */
static bool last_is_in(const char *path)
{
	const struct thag_shm_module *modules =
		(const void *)((const uint8_t *)thag_process.header + THAG_SHM_MODULES_OFFSET);
	const struct thag_shm_module *module =
		&modules[thag_process.sites[traces()[last_id].site].module];

	return module->path_bytes == strlen(path) &&
	       memcmp(thag_process.strings + module->path_offset, path, strlen(path)) == 0;
}

static void program_plugins(void *unused)
{
	uintptr_t a = 0, b = 0;
	uint32_t count = 0;

	(void)unused;
	begin();
	for (int i = 0; i < 20; i++) {
		void *handle = open_plugin(TRACE_PLUGIN_A, &a);

		check(last_is_in(TRACE_PLUGIN_A));
		dlclose(handle);
		thag_trace_recheck();
		known_count = 0;
		handle = open_plugin(TRACE_PLUGIN_B, &b);
		check(a == b);
		check(last_is_in(TRACE_PLUGIN_B));
		dlclose(handle);
		thag_trace_recheck();
		known_count = 0;
		/* what stays loaded keeps its sites; where two take turns, each turn has its own */
		if (i == 10)
			count = thag_process.header->site_count;
	}
	check(thag_process.header->site_count - count < 40);
}

Test(trace, is_of_the_plugin_that_is_loaded_now)
{
	cr_assert_eq(run(program_plugins), 0);
}
