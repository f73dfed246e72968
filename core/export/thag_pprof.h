/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Profiles in pprof's format: profile.proto, gzipped. A sample for each stack that has calls or
 * something itself, with both; of several profiles each sample has the label "thread". As in folded
 * stacks the root, and what it has itself, is left out.
 *
 * A function is a name, with the file and the line that are known of it first, and has one
 * location, which has no address. Names are valid UTF-8. A value beyond 2^63 - 1 is that.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_PPROF_H
#define THAG_PPROF_H

#include <stdint.h>

#include "thag_buffer.h"
#include "thag_profile.h"
#include "thag_strings.h"

/** Before it is compressed; what is deeper than there is room for is THAG_FOLDED_DEEPER. */
#define THAG_PPROF_BYTES_MAX THAG_FOLDED_BYTES_MAX

/** What all of a file has. */
struct thag_pprof_options {
	const char *program;  /* any bytes */
	uint64_t time_ns;     /* when it began, since 1970; 0: not known */
	uint64_t duration_ns; /* 0: not known */
};

struct thag_pprof_function;

/** A file that is being written. */
struct thag_pprof {
	struct thag_buffer *out;
	struct thag_pprof_options options;
	struct thag_buffer message; /* so far */
	struct thag_strings texts;
	struct thag_strings names;
	struct thag_pprof_function *functions; /* by name */
	uint32_t capacity;
	uint32_t profiles;
};

/** Begins a file, which will be appended to `out`. 0 or -ENOMEM; thag_pprof_end must follow. */
int thag_pprof_begin(struct thag_pprof *pprof, struct thag_buffer *out,
		     const struct thag_pprof_options *options);

/**
 * Adds a finished profile of the same metric as those before, of a thread called `title`: any
 * bytes; "": of all. 0 or -ENOMEM.
 */
int thag_pprof_add(struct thag_pprof *pprof, const struct thag_profile *profile, const char *title,
		   size_t title_bytes);

/** Ends the file, or with `ret` < 0 appends nothing. Returns `ret`, or -ENOMEM. */
int thag_pprof_end(struct thag_pprof *pprof, int ret);

#endif
