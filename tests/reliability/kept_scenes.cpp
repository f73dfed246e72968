/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Scenes of what is the program's own state, whatever thag does; see scenes.cpp. */
#include "kept.h"

#include <csetjmp>
#include <csignal>
#include <sys/wait.h>

#include "scenes.hpp"
#include "thag.h"

static jmp_buf landing;

static __attribute__((noinline)) void jump()
{
	THAG_PROFILED();
	longjmp(landing, 1);
}

static __attribute__((noinline)) void calls_within()
{
	THAG_PROFILED();
	leaf();
}

static void overlapping()
{
	THAG_SECTION(outer, "outer");
	THAG_SECTION(inner, "inner");
	leaf();
	THAG_END(outer);
	leaf();
}

static void within_task()
{
	struct thag_task task = thag_task_create("task");

	thag_task_resume(task);
	leaf();
	thag_task_suspend(task);
	thag_task_destroy(task);
}

static void *first_event_of_thread(void *)
{
	KEPT(leaf());
	return nullptr;
}

static void *first_block_of_thread(void *)
{
	KEPT(free(malloc(100)));
	return nullptr;
}

static void use_the_heap()
{
	for (size_t size = 1; size < 100000; size += 1000)
		free(realloc(malloc(size), 2 * size));
}

/* A child, for whom there is a thagd or not. */
static void child_keeps(bool alone)
{
	pid_t child = fork();

	if (child == 0) {
		if (alone)
			setenv("THAG_SOCKET", "/nowhere", 1);
		KEPT(leaf());
		KEPT(use_the_heap());
		_exit(0);
	}
	int status;

	need(waitpid(child, &status, 0) == child);
	need(status == 0);
}

static void keep_it()
{
	KEPT(leaf());
	KEPT(calls_within());
	KEPT(overlapping());
	KEPT(within_task());
	KEPT(thag_mark("mark"));
	KEPT(thag_frame("frame"));
	KEPT(thag_value("value", 7));
	KEPT(thag_thread_name("name"));
	KEPT(use_the_heap());
	KEPT(thag_disable());
	KEPT(leaf());
	KEPT(thag_enable(THAG_BOTH));
	KEPT(leaf());
	KEPT(if (setjmp(landing) == 0) jump());
	run_thread(first_event_of_thread);
	run_thread(first_block_of_thread);
	child_keeps(false);
	child_keeps(true);
}

static void first_event_keeps()
{
	kept_begin();
}

/* More than a ring holds, while nobody reads it: thagd (DAEMON) is stopped. */
static void fill_the_ring(int daemon)
{
	need(kill(daemon, SIGSTOP) == 0);
	for (int i = 0; i < 600000; i++)
		KEPT(leaf());
	KEPT(overlapping());
	KEPT(within_task());
	KEPT(use_the_heap());
	need(kill(daemon, SIGCONT) == 0);
}

static void keeps()
{
	int daemon = number_of("DAEMON", 0);

	kept_check("the first event of the process");
	keep_it();
	if (daemon)
		fill_the_ring(daemon);
	keep_it();
}

const scene kept_scenes[] = {
	{ "keeps", keeps, first_event_keeps },
	{ nullptr, nullptr, nullptr },
};
