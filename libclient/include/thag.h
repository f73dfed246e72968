/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file thag.h
 * Exact, live profiling of C and C++ programs.
 *
 *     #include <thag.h>
 *
 *     static void parse(void)
 *     {
 *             THAG_PROFILED();                  // this function, on every way out
 *             …
 *             THAG_SECTION(lex, "lex");         // a part of it …
 *             …
 *             THAG_END(lex);                    // … to here, or to the end of its scope
 *     }
 *
 *     int main(void)
 *     {
 *             THAG_ENABLE_PROFILING(time);      // and main is profiled, too
 *             parse();
 *     }
 *
 * Compile with -DTHAG_TIME_PROFILING (or -DTHAG_FULL_PROFILING) and link with -lthag; without
 * the define everything here expands to nothing and nothing need be linked. Start `thagd`,
 * then the program; or run it by `thag run -- program`.
 *
 * Thread: all of it may be used on any thread. Context: all of it may be used in signal handlers,
 * and a handler may interrupt any of it anywhere, with two exceptions: the call that first
 * connects to thagd (THAG_ENABLE_PROFILING, thag_enable) is not for handlers, and a handler must
 * not leave a switch of tasks by siglongjmp. Nothing else here allocates from the heap, changes
 * errno, or waits for thagd longer than about 10 ms in all, but for the one handshake with thagd
 * (2 s at most when that hangs). Needs gcc ≥ 10 or clang ≥ 14, on Linux; C11 or C++17.
 */
#ifndef THAG_H
#define THAG_H

#include <errno.h>
#include <stdint.h>

/** What is profiled. */
enum thag_kinds { THAG_TIME = 1, THAG_MEMORY = 2, THAG_BOTH = 3 };

/** A task; see thag_task_create. A plain value, to be copied at will; id 0 is none. */
struct thag_task {
	uint64_t id;
};

#if !defined(THAG_TIME_PROFILING) && !defined(THAG_FULL_PROFILING)
#include "thag/nothing.h"
#else

#include "thag/emit.h"

#define THAG_KINDS_ THAG_BOTH
#define THAG_KINDS_both THAG_BOTH
#define THAG_KINDS_time THAG_TIME
#define THAG_KINDS_memory THAG_MEMORY

/**
 * First statement of main: connects to thagd, starts recording, and profiles main itself.
 *
 * @param mode  time, memory, both (or yes): record that. no: nothing, until thag_enable. runtime:
 *              as the environment variable THAG_PROFILER=type,dir,log,detail says (type time,
 *              memory, both or none; dir: where the profile is written, by default the current
 *              directory). In every mode THAG_PROFILER's dir, log and detail are heeded, and its
 *              type none turns profiling off. Memory profiling records calls as time profiling
 *              does; allocations are not in this version.
 *
 * When no thagd answers, or THAG_PROFILER makes no sense, says so in one line on stderr, and the
 * program runs unprofiled. Does nothing in setuid programs. Call it once.
 */
#define THAG_ENABLE_PROFILING(mode) \
	thag_start(#mode); \
	THAG_PROFILED()

/**
 * First statement of a function: every call of it is recorded, up to whichever way it is left
 * (return, a C++ exception, longjmp).
 *
 * @param kinds  none, or one of time, memory and both: the call is recorded while profiling of
 *               one of these kinds is on
 */
#define THAG_PROFILED(...) THAG_PROFILED_AS(THAG_KINDS_##__VA_ARGS__, 0, __func__)

/** The same with bits of enum thag_site_flags, and a name of static storage. */
#define THAG_PROFILED_AS(kinds, flags, name) \
	static struct thag_site thag_this_site = { \
		0, THAG_SITE_FUNCTION, kinds, flags, __LINE__, 0, name, __FILE__ \
	}; \
	__attribute__((cleanup(thag_span_exit), unused)) struct thag_span thag_this_span = \
		thag_span_enter(&thag_this_site)

/**
 * Records from here to THAG_END(var) or, without one, to the end of the scope. Sections may
 * nest and overlap.
 *
 * @param var   a new variable, of type struct thag_section
 * @param name  a string that outlives the program's run; a literal
 */
#define THAG_SECTION(var, name) \
	static struct thag_site var##_thag_site = { 0,	  THAG_SITE_SECTION, THAG_BOTH, \
						    0,	  __LINE__,	     0, \
						    name, __FILE__ }; \
	__attribute__((cleanup(thag_section_end), unused)) struct thag_section var = \
		thag_section_begin(&var##_thag_site)

/**
 * Begins a section whose end is elsewhere: on another path, in another function.
 *
 *     request->open = THAG_BEGIN("open");     // a struct thag_section
 *     …
 *     THAG_END(request->open);                // on the same thread, or in the same task
 *
 * Without an end it ends with the profiled function it was begun in, if there is one.
 */
#define THAG_BEGIN(name) \
	__extension__({ \
		static struct thag_site thag_site_here = { 0,	 THAG_SITE_SECTION, THAG_BOTH, \
							   0,	 __LINE__,	    0, \
							   name, __FILE__ }; \
		thag_section_begin(&thag_site_here); \
	})

/**
 * Ends a section early. Ending one that is over (twice, or after the function it was begun in),
 * was never begun, or is another thread's, is harmless; it is counted as a mistake.
 */
#define THAG_END(var) thag_section_end_early(&(var))

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * Switches recording on in this process, or changes what is recorded, on all threads at once;
 * connects to thagd if that has not been done. Calls that are open now were not recorded, and
 * stay so.
 *
 * @param kinds  enum thag_kinds
 * @return 0; -EINVAL; -ECANCELED when THAG_PROFILER's type is none, in setuid programs, and once
 *         the user has ended the session; -EBUSY while another thread is at it; or why thagd
 *         can't be reached, which is said in one line on stderr
 */
int thag_enable(unsigned kinds);

/**
 * Switches recording off, on all threads at once: no call that begins from now on is recorded.
 * Calls that are open now are recorded to their ends. A call made while it is off costs about a
 * nanosecond.
 */
void thag_disable(void);

/** Notes an instant: it gets a place on the timeline. Costs about 40 ns. */
void thag_mark(const char *name);

/** Notes that a round of a loop ends here and the next begins: a frame of a game, a tick. */
void thag_frame(const char *name);

/** Notes the value of a counter from now on: a queue's length, bytes sent. */
void thag_value(const char *name, int64_t value);

/** Names the calling thread in its profile. The kernel's name for it stays as it is. */
void thag_thread_name(const char *name);

/*
 * Tasks: work that is done in pieces, on one thread or several: a request that an event loop
 * serves, a coroutine, a job. Each has a stack of its own, so that calls and sections which are
 * open when a piece ends are still open when the next begins, wherever that runs; the time
 * between counts as waiting, not as running.
 *
 *     struct thag_task task = thag_task_create("request");
 *     …
 *     thag_task_resume(task);   // what happens on this thread from here belongs to the task …
 *     …
 *     thag_task_suspend(task);  // … to here
 *     …
 *     thag_task_destroy(task);
 *
 * A task runs on one thread at a time. Handing it to another is up to the program, and needs the
 * synchronisation that handing over work needs anyway. A resume and a suspend cost about as much
 * as five calls. What can't be right (a task that is resumed while it runs, or is gone) changes
 * nothing and is counted as a misuse.
 */

/**
 * Creates a task. Tasks with the same name are added up.
 *
 * @return the task; of id 0 while nothing is recorded, or when there are too many (1,048,575 at
 *         once): all calls accept that, and do nothing
 */
struct thag_task thag_task_create(const char *name);

/** From here on what this thread records is the task's. One that runs here so far is put aside. */
void thag_task_resume(struct thag_task task);

/**
 * The same where it can't be known whether the task is free: when it isn't, that is no misuse.
 *
 * @return 0: it runs here now; -EBUSY: it runs already; -ESRCH: there is no such task;
 *         -ECANCELED: nothing is recorded here
 */
int thag_task_try_resume(struct thag_task task);

/** The task that was resumed here last stops running; what ran before it goes on. */
void thag_task_suspend(struct thag_task task);

/** Ends a task, suspended or running here. What it has open is closed as truncated. */
void thag_task_destroy(struct thag_task task);

/** The task that runs on this thread. */
struct thag_task thag_task_current(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
#endif
