/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where in a source an include of our own may stand: behind the file's own includes, and before
 * anything that needs it, whatever conditions the source is compiled with.
 *
 * That is behind the last #include, or the last #endif of a group with includes in it, that comes
 * before the first function, and is in no braces and in no group of #if but one that all functions
 * are in as well (an include guard, a file's own `#ifdef FEATURE`). Where there is none: behind the
 * comment, guard, #pragma once, #define and #undef that the file begins with.
 *
 * Thread: any. Allocates.
 */
#ifndef THAG_INSTRUMENT_PLACE_H
#define THAG_INSTRUMENT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct thag_place {
	size_t at;     /* where a line begins */
	bool has_thag; /* one of the includes of such a place is of thag's */
};

/**
 * `first` and `last` are where the first and the last function's body opens. 0, or -ENOMEM, or
 * -EINVAL when the source's #if and #endif don't match.
 */
int thag_place_find(struct thag_place *place, const char *source, size_t bytes, size_t first,
		    size_t last);

#endif
