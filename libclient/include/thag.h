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
 * the define every macro here expands to nothing and nothing need be linked. Start `thagd`,
 * then the program; or run it by `thag run -- program`.
 *
 * Thread: all of it may be used on any thread. Context: spans may be opened and closed in
 * signal handlers, and a handler may interrupt one anywhere. Nothing here allocates from the
 * heap, changes errno, or waits for thagd longer than about 10 ms in all.
 * Needs gcc ≥ 10 or clang ≥ 14, on Linux; C11 or C++17.
 */
#ifndef THAG_H
#define THAG_H

#if !defined(THAG_TIME_PROFILING) && !defined(THAG_FULL_PROFILING)

#define THAG_ENABLE_PROFILING(mode)
#define THAG_PROFILED()
#define THAG_SECTION(var, name)
#define THAG_END(var)

#else

#include "thag/emit.h"

/**
 * First statement of main: connects to thagd, starts recording, and profiles main itself.
 *
 * @param mode  time, both or yes: record calls. no: don't. runtime: as the environment variable
 *              THAG_PROFILER=type,dir,log,detail says (type time, both or none; dir: where the
 *              profile is written, by default the current directory). memory: not in this
 *              version, nothing is recorded. In every mode THAG_PROFILER's dir is heeded, and
 *              its type none turns recording off.
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
 */
#define THAG_PROFILED() \
	static struct thag_site thag_this_site = { 0, THAG_SITE_FUNCTION, __LINE__, __func__, \
						   __FILE__ }; \
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
	static struct thag_site var##_thag_site = { 0, THAG_SITE_SECTION, __LINE__, name, \
						    __FILE__ }; \
	__attribute__((cleanup(thag_section_end), unused)) struct thag_section var = \
		thag_section_begin(&var##_thag_site)

/** Ends a section early. Ending it twice is harmless. */
#define THAG_END(var) thag_section_end(&(var))

#endif
#endif
