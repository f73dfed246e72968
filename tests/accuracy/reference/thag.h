/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stand-in for thag.h that has nothing of thag in it: each mark adds the wall time between two
 * clock_gettime calls to a table, which is printed at the end. As a reference for times: slow,
 * but simple enough to be right. For programs of one thread.
 */
#ifndef REFERENCE_THAG_H
#define REFERENCE_THAG_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct reference_site {
	const char *name;
	uint64_t self_ns;
	int known;
	struct reference_site *next;
};

struct reference_frame {
	struct reference_site *site;
	uint64_t start_ns;
	uint64_t children_ns;
};

#define REFERENCE_DEPTH 1024

/* One of each in the program: the first file that is linked brings them. */
__attribute__((weak)) struct reference_site *reference_sites;
__attribute__((weak)) struct reference_frame reference_stack[REFERENCE_DEPTH];
__attribute__((weak)) int reference_depth;

static inline uint64_t reference_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Opens a frame; returns how deep it is. */
static inline int reference_enter(struct reference_site *site)
{
	if (!site->known) {
		site->known = 1;
		site->next = reference_sites;
		reference_sites = site;
	}
	if (reference_depth == REFERENCE_DEPTH)
		abort();
	reference_stack[reference_depth] = (struct reference_frame){ .site = site };
	reference_stack[reference_depth].start_ns = reference_now_ns();
	return ++reference_depth;
}

static inline void reference_leave(const int *depth)
{
	const struct reference_frame *top = &reference_stack[*depth - 1];
	uint64_t took = reference_now_ns() - top->start_ns;

	if (reference_depth != *depth)
		return; /* ended already */
	top->site->self_ns += took - top->children_ns;
	if (--reference_depth)
		reference_stack[reference_depth - 1].children_ns += took;
}

__attribute__((weak)) void reference_print(void);
__attribute__((weak)) void reference_print(void)
{
	for (struct reference_site *site = reference_sites; site; site = site->next)
		fprintf(stderr, "%s %llu\n", site->name, (unsigned long long)site->self_ns);
}

/* Started as the first statement of main, so it ends last. */
static inline void reference_finish(int *unused)
{
	(void)unused;
	reference_print();
}

#define REFERENCE_SPAN(span, title) \
	static struct reference_site span##_site = { title, 0, 0, NULL }; \
	__attribute__((cleanup(reference_leave))) int span = reference_enter(&span##_site)

#define THAG_ENABLE_PROFILING(mode) \
	__attribute__((cleanup(reference_finish), unused)) int reference_main = 0; \
	THAG_PROFILED()
#define THAG_PROFILED() REFERENCE_SPAN(reference_function, __func__)
#define THAG_SECTION(var, name) REFERENCE_SPAN(var, name)
#define THAG_END(var) reference_leave(&var)

#endif
