/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Folded stacks read: a line a stack, `a;b;c N`, as thag, inferno, flamegraph.pl and stackcollapse
 * scripts write them; or `a;b;c N M`, before and after, as inferno-diff-folded and difffolded.pl
 * do. Which of them, the first stack says; after it the other kind is malformed.
 *
 * A frame may hold anything but `;` and line ends: spaces, digits, bytes that are no UTF-8. Lines
 * may end in CR LF, the last in nothing; empty ones are passed over, and so are headers, lines
 * before the first stack that begin with `#`, of which the first is kept for a title. A byte order
 * mark is dropped. N is at most 2^64 - 1; a fraction, as some tools write, is dropped and counted.
 * The same stack may come again, anywhere: values are summed.
 *
 * The text comes in pieces of any size, and memory is that of the distinct stacks and the longest
 * line.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_FOLDED_READ_H
#define THAG_FOLDED_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_profile.h"

#define THAG_FOLDED_LINE_MAX (UINT32_C(256) << 20) /* bytes; as long as thag itself writes them */
#define THAG_FOLDED_SIDES 2

struct thag_folded_options {
	const char *root_name;
	uint32_t stacks_most; /* distinct ones; 0: no bound but memory */
	bool strict;	      /* a malformed line ends it, instead of being left out */
	/**
	 * Takes each stack, `a;b;c`, in the order they come, instead of the profiles, which stay
	 * empty. 0 or a negative errno, which ends it. May be NULL.
	 */
	int (*stack)(void *context, const char *text, size_t bytes,
		     const uint64_t values[static THAG_FOLDED_SIDES]);
	/** Told of each malformed line, counted from 1, and what is wrong with it. May be NULL. */
	void (*malformed)(void *context, uint64_t line, const char *what);
	void *context;
};

struct thag_folded_counts {
	uint64_t lines;	    /* begun so far */
	uint64_t stacks;    /* lines that were one */
	uint64_t malformed; /* lines left out */
	uint64_t fractions; /* values that had one */
	uint32_t sides;	    /* values a line: 0 before the first stack, 1, or 2 of a difference */
};

struct thag_folded_reader;

/** Borrows the texts of `options`. 0 or -ENOMEM. */
int thag_folded_reader_create(struct thag_folded_reader **out,
			      const struct thag_folded_options *options);
void thag_folded_reader_destroy(struct thag_folded_reader *reader);

/**
 * Reads on. 0; or, after which the reader can only be asked for its counts and destroyed,
 *
 *   -EBADMSG    with `strict`: the last line is malformed, as has been told
 *   -E2BIG      more than `stacks_most`
 *   -EOVERFLOW  the sum of all values has no room in 64 bits
 *   -ENOMEM
 *
 * or what `stack` returned.
 */
int thag_folded_reader_feed(struct thag_folded_reader *reader, const void *text, size_t bytes);

/**
 * The end of the text: a last line without an end is read, too. Makes a finished profile of each
 * side, of which the caller destroys those that are not NULL: the second is NULL unless there are
 * two. Errors as above.
 */
int thag_folded_reader_finish(struct thag_folded_reader *reader,
			      struct thag_profile *profiles[static THAG_FOLDED_SIDES]);

void thag_folded_reader_count(const struct thag_folded_reader *reader,
			      struct thag_folded_counts *counts);

/** The first header without its `#`, "" when there is none; borrowed, any bytes, terminated. */
const char *thag_folded_reader_title(const struct thag_folded_reader *reader);

#endif
