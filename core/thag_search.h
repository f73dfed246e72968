/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a user searches names for. Text without any of the characters that mean something in a
 * regular expression is found wherever a name holds it, and so is, letter by letter, text with
 * some: a name can be looked for as it is. There letters of ASCII match in either case.
 *
 * Expressions are PCRE2's, without groups by number, and match letters in either case. Characters
 * are those of UTF-8; an invalid byte matches nothing. An expression looks at the first
 * THAG_SEARCH_NAME_BYTES of a name. Both text and names may be hostile: what is tried is counted
 * and bounded for all names together, and memory is bounded.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_SEARCH_H
#define THAG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What all names together may take, in items of an expression that are tried; about a second. */
#define THAG_SEARCH_STEPS_MAX (UINT32_C(1) << 24)
#define THAG_SEARCH_NAME_BYTES 4096
#define THAG_SEARCH_NESTED_MAX 64    /* groups in each other */
#define THAG_SEARCH_HEAP_KB_MAX 8192 /* to go back in, while one name is searched */

struct thag_search;

/** Why an expression makes no sense, and behind how many of its bytes that shows. */
struct thag_search_error {
	char why[120];
	uint32_t at;
};

/**
 * Begins a search for `text`, which must outlive it. 0; -EINVAL for an expression that makes no
 * sense, with `*error` set; or -ENOMEM.
 */
int thag_search_create(struct thag_search **out, const char *text, struct thag_search_error *error);

/** NULL is ignored. */
void thag_search_destroy(struct thag_search *search);

/** Whether a name is looked for. No name is by an empty text. */
bool thag_search_finds(struct thag_search *search, const char *name, size_t bytes);

/** Whether names went unsearched because the expression took too long. */
bool thag_search_gave_up(const struct thag_search *search);

#endif
