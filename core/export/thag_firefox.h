/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Profiles in the processed format of the Firefox Profiler, as JSON: a thread for each profile, a
 * sample for each stack that has something itself, which is its weight. As in folded stacks the
 * root, and what it has itself, is left out.
 *
 * Samples follow each other as a walk by name comes to them, each as long as its weight, so that
 * the profiler's chart of stacks shows a flame graph, not when things happened. It takes such
 * weights in milliseconds (with six decimals here) or in bytes; what is counted are its "samples".
 *
 * Version 55 of the format is written, the last in which each thread has its own tables; the
 * profiler reads all older ones. Source: firefox-devtools/profiler, src/types/profile.ts and
 * docs-developer/CHANGELOG-formats.md.
 *
 * The text is written as it grows, without a tree of JSON. Names can't break out of it.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_FIREFOX_H
#define THAG_FIREFOX_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_profile.h"

/** What all of a file has. */
struct thag_firefox_options {
	const char *program; /* any bytes */
	uint32_t pid;
	uint64_t time_ns; /* when it began, since 1970; 0: not known */
};

/** A file that is being written. */
struct thag_firefox {
	struct thag_buffer *out;
	struct thag_firefox_options options;
	size_t start; /* of the file in it */
	uint32_t threads;
};

/** Begins a file at the end of `out`. 0 or -ENOMEM; either way thag_firefox_end must follow. */
int thag_firefox_begin(struct thag_firefox *firefox, struct thag_buffer *out,
		       const struct thag_firefox_options *options);

/** Adds a finished profile, of a thread called `title`: any bytes. 0 or -ENOMEM. */
int thag_firefox_add(struct thag_firefox *firefox, const struct thag_profile *profile,
		     const char *title, size_t title_bytes);

/** Ends the file, or with `ret` < 0 takes back what was written of it. Returns `ret`, or -ENOMEM.
 */
int thag_firefox_end(struct thag_firefox *firefox, int ret);

#endif
