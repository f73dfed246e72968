/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whether a text holds what a regular expression describes, in a time that is bounded whatever
 * both are: the expression runs as a set of states (Thompson 1968), never backtracks, and each
 * step it makes is taken from a budget.
 *
 * The syntax is POSIX extended's: `.` `[a-z]` `[^a-z]` `*` `+` `?` `{2,5}` `|` `(…)` `^` `$`,
 * and Perl's `\d` `\w` `\s` `\b` with their opposites, `\t` `\n`, `(?:…)`, and quantifiers with a
 * `?` behind, which here changes nothing. A backslash before anything but a letter or a digit
 * stands for that. Characters are those of UTF-8, an invalid byte is U+FFFD; letters of ASCII
 * match in either case. References back and looks around are refused.
 *
 * Thread: owner. Only creating allocates; no I/O.
 */
#ifndef THAG_REGEX_H
#define THAG_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAG_REGEX_INSTRUCTIONS_MAX 4096 /* after repetitions are written out */
#define THAG_REGEX_RANGES_MAX 1024	 /* of all classes, likewise */
#define THAG_REGEX_NESTED_MAX 64	 /* groups in each other */
#define THAG_REGEX_REPEAT_MAX 1000

struct thag_regex;

/** Why an expression is refused, and at which of its bytes. */
struct thag_regex_error {
	const char *why; /* constant */
	uint32_t at;
};

/** 0; -EINVAL with `*error` set; or -ENOMEM. */
int thag_regex_create(struct thag_regex **out, const char *pattern, size_t bytes,
		      struct thag_regex_error *error);

/** NULL is ignored. */
void thag_regex_destroy(struct thag_regex *regex);

/**
 * Whether the expression matches anywhere in `text`. Takes what it does from `*budget`, in steps
 * of some nanoseconds; when that is spent the answer is false, and the budget 0.
 */
bool thag_regex_match(struct thag_regex *regex, const char *text, size_t bytes, uint64_t *budget);

#endif
