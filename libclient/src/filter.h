/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which functions are wanted: THAG_FUNCTIONS, THAG_FUNCTIONS_MIN_SIZE and THAG_MODULES. */
#ifndef THAG_FILTER_H
#define THAG_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modules.h"

#define THAG_FILTER_TEXT_BYTES 16384 /* of all patterns of one variable */

/**
 * Patterns as in THAG_FUNCTIONS: separated by commas; `!` or `-` before one excludes what it
 * matches. In patterns: * any bytes, ? one, [a-z] one of these, [!a-z] none of these, \ takes the
 * next as it is.
 */
struct thag_patterns {
	char text[THAG_FILTER_TEXT_BYTES]; /* each pattern ends with a NUL; an empty one is last */
	bool includes;			   /* some pattern includes: the rest is not wanted */
};

/** 0; -EINVAL for what is no list of patterns, with `patterns` empty. */
int thag_patterns_parse(const char *text, struct thag_patterns *patterns);

/** Bits of what patterns say of a name. */
enum thag_verdict { THAG_VERDICT_INCLUDED = 1, THAG_VERDICT_EXCLUDED = 2 };

unsigned thag_patterns_match(const struct thag_patterns *patterns, const char *name, size_t bytes);

/** Whether a thing with these verdicts, of all of its names, is wanted. */
static inline bool thag_patterns_want(const struct thag_patterns *patterns, unsigned verdicts)
{
	return !(verdicts & THAG_VERDICT_EXCLUDED) &&
	       (!patterns->includes || verdicts & THAG_VERDICT_INCLUDED);
}

/**
 * Reads the environment. What makes no sense is said in one line on stderr, and then not heeded.
 * Once a process, before thag_filter_wants.
 */
void thag_filter_read(void);

/**
 * Whether the function at `address`, in the module with that index, is wanted. Signal-safe, but
 * reads the symbols of the module's file when it is asked for the first of its functions.
 */
bool thag_filter_wants(uint32_t module, const struct thag_module_image *image, uintptr_t address);

#endif
