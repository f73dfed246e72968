/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * scenes NAME: a program in trouble of one kind. Prints, for each process that thagd should know,
 * "PID CALLS": how many calls it makes, its outermost included.
 */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <pthread.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenes.hpp"
#include "thag.h"

const char *self;

void expect(int calls)
{
	printf("%d %d\n", static_cast<int>(getpid()), calls);
	fflush(stdout);
}

void leaf()
{
	THAG_PROFILED();
	__asm__ volatile("");
}

void leaves(int count)
{
	while (count--)
		leaf();
}

static __attribute__((noinline)) void thrower(int depth)
{
	THAG_PROFILED();
	THAG_SECTION(section, "before the throw");
	if (depth == 0)
		throw std::runtime_error("on purpose");
	thrower(depth - 1);
}

static void exceptions()
{
	for (int i = 0; i < 1000; i++) {
		try {
			thrower(9);
		} catch (const std::exception &) {
			leaf();
		}
	}
	expect(1 + 1000 * 21);
}

static void *wait_to_be_cancelled(void *ready)
{
	THAG_PROFILED();
	__atomic_store_n(static_cast<int *>(ready), 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void *leave_by_pthread_exit(void *result)
{
	THAG_PROFILED();
	pthread_exit(result);
}

static void cancel()
{
	for (int i = 0; i < 100; i++) {
		int ready = 0;
		pthread_t thread;

		pthread_create(&thread, nullptr, wait_to_be_cancelled, &ready);
		while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
			sched_yield();
		pthread_cancel(thread);
		pthread_join(thread, nullptr);
		pthread_create(&thread, nullptr, leave_by_pthread_exit, nullptr);
		pthread_join(thread, nullptr);
	}
	expect(1 + 200);
}

static void fork_alone()
{
	leaves(10);
	if (fork() == 0) {
		leaves(20);
		expect(20); /* main was entered by the parent */
		exit(0);
	}
	wait(nullptr);
	leaves(10);
	expect(1 + 20);
}

static int go_on = 1;

static void *make_leaves(void *made)
{
	int *count = static_cast<int *>(made);

	for (; __atomic_load_n(&go_on, __ATOMIC_RELAXED); ++*count)
		leaf();
	return nullptr;
}

static void fork_with_threads()
{
	pthread_t threads[2];
	int made[2] = { 0, 0 };

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], nullptr, make_leaves, &made[i]);
	for (int i = 0; i < 20; i++) {
		if (fork() == 0) {
			leaves(50);
			expect(50);
			exit(0);
		}
	}
	while (wait(nullptr) > 0)
		;
	__atomic_store_n(&go_on, 0, __ATOMIC_RELAXED);
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
	expect(1 + made[0] + made[1]);
}

/* As a shell or a daemon does it: no library's fork handlers run. */
static void fork_raw()
{
	leaves(10);
	long child = syscall(SYS_fork);

	if (child == 0) {
		leaves(30);
		expect(30);
		exit(0);
	}
	waitpid(static_cast<pid_t>(child), nullptr, 0);
	leaves(10);
	expect(1 + 20);
}

static void spawns()
{
	char program[] = "/bin/true";
	char *arguments[] = { program, nullptr };
	pid_t child;

	for (volatile int i = 0; i < 20; i = i + 1) {
		leaf();
		if (posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0)
			waitpid(child, nullptr, 0);
		child = vfork();
		if (child == 0) {
			execl(program, program, static_cast<char *>(nullptr));
			_exit(1);
		}
		waitpid(child, nullptr, 0);
	}
	expect(1 + 20);
}

static void handle_on_small_stack(void (*handler)(int))
{
	static char memory[8192];
	stack_t stack = {};
	struct sigaction action = {};

	stack.ss_sp = memory;
	stack.ss_size = sizeof(memory);
	sigaltstack(&stack, nullptr);
	action.sa_handler = handler;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, nullptr);
}

static void on_small_stack(int)
{
	THAG_PROFILED();
	leaf();
}

static void small_stack()
{
	handle_on_small_stack(on_small_stack);
	for (int i = 0; i < 1000; i++)
		raise(SIGUSR1);
	expect(1 + 2000);
}

static sigjmp_buf out_of_handler;

static void jump_off_small_stack(int)
{
	THAG_PROFILED();
	siglongjmp(out_of_handler, 1);
}

static void small_stack_jump()
{
	handle_on_small_stack(jump_off_small_stack);
	for (volatile int i = 0; i < 1000; i = i + 1)
		if (sigsetjmp(out_of_handler, 1) == 0)
			raise(SIGUSR1);
	expect(1 + 1000);
}

#if defined(__SANITIZE_THREAD__)
#define DEEP 20000 /* as deep as TSan's own stack of calls goes */
#else
#define DEEP 1000000
#endif

static __attribute__((noinline)) int deep(int depth)
{
	THAG_PROFILED();
	return depth ? deep(depth - 1) + 1 : 0;
}

static void *go_deep(void *depth)
{
	return deep(*static_cast<int *>(depth)) < 0 ? depth : nullptr;
}

static void recursion()
{
	pthread_attr_t attributes;
	pthread_t thread;
	int depth = DEEP - 1;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, static_cast<size_t>(1) << 30);
	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, &attributes, go_deep, &depth);
		pthread_join(thread, nullptr);
	}
	expect(1 + 2 * DEEP);
}

void limit(decltype(RLIMIT_FSIZE) which, rlim_t value)
{
	struct rlimit both = { value, value };

	setrlimit(which, &both);
}

/* Limits come before thag does. */
static void set_limits(const char *name)
{
	if (strcmp(name, "limit-fsize") == 0)
		limit(RLIMIT_FSIZE, 1 << 20);
	else if (strcmp(name, "limit-nofile") == 0)
		limit(RLIMIT_NOFILE, 3);
	else if (strcmp(name, "limit-as") == 0)
		limit(RLIMIT_AS, static_cast<rlim_t>(2) << 30);
	else if (strcmp(name, "limit-as-tight") == 0)
		limit(RLIMIT_AS, 64 << 20);
}

static void unprofiled()
{
	leaves(1000);
}

static void some_leaves()
{
	leaves(1000);
	expect(1 + 1000);
}

static const scene scenes[] = { { "exceptions", exceptions, nullptr },
				{ "cancel", cancel, nullptr },
				{ "fork", fork_alone, nullptr },
				{ "fork-threads", fork_with_threads, nullptr },
				{ "fork-raw", fork_raw, nullptr },
				{ "spawn", spawns, nullptr },
				{ "small-stack", small_stack, nullptr },
				{ "small-stack-jump", small_stack_jump, nullptr },
				{ "recursion", recursion, nullptr },
				{ "limit-as", some_leaves, nullptr },
				{ "limit-as-tight", unprofiled, nullptr },
				{ "limit-fsize", unprofiled, nullptr },
				{ "limit-nofile", unprofiled, nullptr },
				{ nullptr, nullptr, nullptr } };

static const scene *find_scene(const char *name)
{
	for (const scene *list : { scenes, process_scenes, clock_scenes, kept_scenes })
		for (; list->name; list++)
			if (strcmp(list->name, name) == 0)
				return list;
	fprintf(stderr, "scenes: no scene '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	const scene *scene = find_scene(argc > 1 ? argv[1] : "");

	self = argv[0];
	set_limits(scene->name);
	if (scene->prepare)
		scene->prepare();
	THAG_ENABLE_PROFILING(time);
	scene->play();
	return 0;
}
