/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Native stacks: in handlers, on threads, in children, on other stacks, in code that comes and
 * goes. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "trace_probe.h"

/* --- signals --- */

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
		call_trees(seed % 8, 200, 30, leaf_work);
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
				call_trees(seed % 8, 200, 30, leaf_take);
		}
		setitimer(ITIMER_PROF, &(struct itimerval){ 0 }, NULL);
		call_trees(seed % 8, 5, 30, probe);
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
		forget_known();
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
#define PAGE_BYTES 4096

static ucontext_t outside, inside;
static uint64_t coroutine_seed;
static void (*coroutine_leaf)(void);

static void coroutine(void)
{
	/* frames of 100 kB don't fit */
	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = trace_shapes_o2[i % 3];
	call_trees(coroutine_seed++, 30, 20, coroutine_leaf);
	swapcontext(&inside, &outside);
	call_trees(coroutine_seed++, 30, 20, coroutine_leaf);
}

/* libunwind looks above the end of a stack, and where memory was once, it takes it to be still
 * there: so it is only asked, by `probe`, where there is a page. */
static void run_coroutine(size_t bytes, void *place, void (*leaf)(void))
{
	size_t mapped = bytes + (leaf == probe ? PAGE_BYTES : 0);
	char *stack = mmap(place, mapped, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | (place ? MAP_FIXED : 0), -1, 0);

	check(stack != MAP_FAILED);
	check(getcontext(&inside) == 0);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = bytes;
	inside.uc_link = &outside;
	coroutine_leaf = leaf;
	makecontext(&inside, coroutine, 0);
	swapcontext(&outside, &inside);
	probe();
	swapcontext(&outside, &inside);
	/* a place stays reserved */
	if (place)
		check(mmap(place, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == place);
	else
		munmap(stack, mapped);
}

static void *run_coroutines(void *unused)
{
	static void (*const leaves[])(void) = { probe, leaf_take };
	char *place = mmap(NULL, 2 * COROUTINE_BYTES + PAGE_BYTES, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	check(thag_thread_attach());
	check(place != MAP_FAILED);
	for (int i = 0; i < 20; i++) {
		probe();
		run_coroutine(COROUTINE_BYTES, NULL, leaves[i % 2]);
		/* at the same place, but of another size: what was above is gone */
		run_coroutine(2 * COROUTINE_BYTES, place, leaves[i % 2]);
		run_coroutine(COROUTINE_BYTES, place, leaves[i % 2]);
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
		forget_known();
		handle = open_plugin(TRACE_PLUGIN_B, &b);
		check(a == b);
		check(last_is_in(TRACE_PLUGIN_B));
		dlclose(handle);
		thag_trace_recheck();
		forget_known();
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
