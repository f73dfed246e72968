/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile with less in it: without some functions, of the stacks that hold one function, without
 * recursion, of the user's own code alone. Self values of what is left add up to its root's total,
 * as in any profile.
 *
 * Of a function that is left out its own time, or memory, is its caller's, and what it calls its
 * caller calls. The numbers of calls and of durations stay those of the functions that are left:
 * a histogram is of all calls of its function, in whatever stacks.
 *
 * What is dropped, by its functions or for being too little, is in no total any more.
 *
 * Thread: owner. Allocates; no I/O. Nothing here recurses, and all takes one walk of the tree.
 */
#ifndef THAG_SIEVE_H
#define THAG_SIEVE_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_profile.h"

#define THAG_SIEVE_HIDDEN_MAX 32
#define THAG_SIEVE_MINE_BYTES 256 /* with its end */

/** What becomes of a function, beside what struct thag_sieve says of hashes. */
enum thag_sieve_fate {
	THAG_SIEVE_HIDE = 1,	    /* as a hidden one */
	THAG_SIEVE_WITHOUT = 2,	    /* it and all that it calls are dropped */
	THAG_SIEVE_WITHOUT_OWN = 4, /* what is its own is dropped; what it calls stays */
	THAG_SIEVE_ONLY = 8,	    /* stacks must hold it, or another such one */
};

/** All zero leaves everything. Functions are hashes of names, as frames have them. */
struct thag_sieve {
	uint64_t hidden[THAG_SIEVE_HIDDEN_MAX]; /* functions that are left out */
	uint32_t hidden_count;
	/**
	 * A call of a function inside a call of the same one is part of the outermost, and so is
	 * what it calls; what lies in between stays where it is.
	 */
	bool collapse;
	/**
	 * 0, or the function that a stack must hold: others are dropped, with what they count.
	 * Above it a frame has the part of its total that is spent in it, and the calls it has.
	 */
	uint64_t only;
	/**
	 * "", or what the path of a function's source file begins with, or goes on with behind a
	 * "/": functions elsewhere, or of no known file, are left out. Tasks, of no file, stay.
	 */
	char mine[THAG_SIEVE_MINE_BYTES];
	const unsigned char *fates; /* by name, of enum thag_sieve_fate; NULL: none; borrowed */
	uint64_t at_least;	    /* what is a stack's own is dropped when it is less */
};

bool thag_sieve_is_empty(const struct thag_sieve *sieve);
bool thag_sieve_equal(const struct thag_sieve *a, const struct thag_sieve *b);

/**
 * Makes of a finished profile, which must outlive it, one of what passes, its siblings by name.
 * The caller destroys it. 0 or -ENOMEM.
 */
int thag_sieve_apply(struct thag_profile **out, const struct thag_profile *profile,
		     const struct thag_sieve *sieve);

#endif
