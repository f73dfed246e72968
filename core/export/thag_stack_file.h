/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stacks in any of the file formats that there are for them, written alike: a beginning, a profile
 * for each thread or one for all, an end.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_STACK_FILE_H
#define THAG_STACK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_firefox.h"
#include "thag_pprof.h"
#include "thag_profile.h"
#include "thag_speedscope.h"

enum thag_stack_format {
	THAG_STACK_FOLDED,
	THAG_STACK_SPEEDSCOPE,
	THAG_STACK_PPROF,
	THAG_STACK_FIREFOX,
	THAG_STACK_CSV,
	THAG_STACK_FORMATS
};

/** What is known of the run beside its stacks. */
struct thag_stack_facts {
	const char *program;  /* any bytes */
	const char *title;    /* of what is of all threads; "": none */
	uint32_t pid;	      /* 0: not known */
	uint64_t time_ns;     /* when it began, since 1970; 0: not known */
	uint64_t duration_ns; /* 0: not known */
};

/** A file that is being written. */
struct thag_stack_file {
	enum thag_stack_format format;
	struct thag_buffer *out;
	size_t start;
	struct thag_stack_facts facts;
	uint32_t profiles;
	union {
		struct thag_speedscope speedscope;
		struct thag_pprof pprof;
		struct thag_firefox firefox;
	} as;
};

/** The format of that name; THAG_STACK_FORMATS for none. */
enum thag_stack_format thag_stack_format_find(const char *name);

/** What names of its files end with. */
const char *thag_stack_format_suffix(enum thag_stack_format format);

/** Whether it has a place for threads: otherwise one profile, of all, can be added. */
bool thag_stack_format_has_threads(enum thag_stack_format format);

/**
 * Begins a file at the end of `out`, which stays the caller's, as do the texts of `facts`. 0 or
 * -ENOMEM; either way thag_stack_file_end must follow.
 */
int thag_stack_file_begin(struct thag_stack_file *file, enum thag_stack_format format,
			  struct thag_buffer *out, const struct thag_stack_facts *facts);

/**
 * Adds a finished profile, of a thread called `title`: any bytes; "": of all. All of a file have
 * the same metric. 0 or -ENOMEM.
 */
int thag_stack_file_add(struct thag_stack_file *file, const struct thag_profile *profile,
			const char *title, size_t title_bytes);

/** Ends it, or with `ret` < 0 takes back what was written of it. Returns `ret`, or -ENOMEM. */
int thag_stack_file_end(struct thag_stack_file *file, int ret);

#endif
