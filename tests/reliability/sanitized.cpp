/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that is built with a sanitizer; says "PID CALLS". */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "thag.h"

static __attribute__((noinline)) int leaf(int depth)
{
	THAG_PROFILED();
	THAG_SECTION(section, "leaf");
	if (depth)
		return leaf(depth - 1);
	THAG_END(section);
	return static_cast<int>(std::string(100, 'x').size());
}

static __attribute__((noinline)) void thrower()
{
	THAG_PROFILED();
	throw std::runtime_error("on purpose");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static std::vector<int> shared;

static void *work(void *)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		shared.push_back(leaf(1));
		pthread_mutex_unlock(&lock);
		try {
			thrower();
		} catch (const std::exception &) {
			struct thag_task task = thag_task_create("task");

			thag_task_resume(task);
			leaf(0);
			thag_task_suspend(task);
			thag_task_destroy(task);
		}
		thag_mark("mark");
		thag_value("value", i);
	}
	return nullptr;
}

static void on_signal(int)
{
	THAG_PROFILED();
	THAG_SECTION(section, "handler");
}

static void say(int calls)
{
	printf("%d %d\n", static_cast<int>(getpid()), calls);
	fflush(stdout);
}

int main()
{
	THAG_ENABLE_PROFILING(both);
	pthread_t threads[3];

	for (pthread_t &thread : threads)
		pthread_create(&thread, nullptr, work, nullptr);
	for (pthread_t thread : threads)
		pthread_join(thread, nullptr);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	/* a call, its section, and those below it */
	say(1 + 3 * 100 * (4 + 1 + 2) + 2);
	pid_t child = fork();

	if (child == 0) {
		leaf(0);
		say(2);
		return 0;
	}
	return waitpid(child, nullptr, 0) != child;
}
