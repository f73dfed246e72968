/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two texts of folded stacks put side by side: `a;b;c N M`, before and after, a line for each stack
 * of either, as inferno-diff-folded and difffolded.pl write them and flamegraph programs read them.
 *
 * A line is what inferno 0.12 takes for one: a stack, a space, a number, of which a fraction is
 * dropped; white space before the number and at the end is none of the stack's. Invalid UTF-8
 * becomes U+FFFD. Lines come out sorted bytewise, where inferno has them in the order of a table
 * with a random seed. Source: https://github.com/jonhoo/inferno, src/differential/mod.rs.
 *
 * Memory is that of the distinct stacks. Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_FOLDED_PAIR_H
#define THAG_FOLDED_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

enum thag_folded_side { THAG_FOLDED_BEFORE, THAG_FOLDED_AFTER };

struct thag_folded_pair;

/** Told of each malformed line of a side, counted from 1, and what is wrong with it. */
typedef void thag_folded_malformed_fn(void *context, enum thag_folded_side side, uint64_t line,
				      const char *what);

struct thag_folded_pair_options {
	bool strict;	/* a malformed line ends it, instead of being left out */
	bool strip_hex; /* addresses, 0x and digits, become 0x... */
	thag_folded_malformed_fn *malformed; /* or NULL */
	void *context;
};

/** 0 or -ENOMEM. */
int thag_folded_pair_create(struct thag_folded_pair **out,
			    const struct thag_folded_pair_options *options);
void thag_folded_pair_destroy(struct thag_folded_pair *pair);

/**
 * Reads on in a side. 0; -EBADMSG with `strict`; -EOVERFLOW when the values of a side have no room
 * in 64 bits; or -ENOMEM. After an error the pair can only be destroyed.
 */
int thag_folded_pair_feed(struct thag_folded_pair *pair, enum thag_folded_side side,
			  const void *text, size_t bytes);

/** The end of a side's text. Likewise. */
int thag_folded_pair_finish(struct thag_folded_pair *pair, enum thag_folded_side side);

/**
 * Appends the lines. `normalise`: values before are scaled so that both totals are equal. 0 or
 * -ENOMEM.
 */
int thag_folded_pair_write(const struct thag_folded_pair *pair, bool normalise,
			   struct thag_buffer *out);

#endif
