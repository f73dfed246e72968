/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a user searches names for. Text without any of the characters that mean something in a
 * regular expression (thag_regex.h) is found wherever a name holds it, and so is, letter by
 * letter, text with some: a name can be looked for as it is. Letters of ASCII match in either case.
 *
 * Thread: owner. Only creating allocates; no I/O.
 */
#ifndef THAG_SEARCH_H
#define THAG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "thag_regex.h"

/** What all names together may take, in steps of thag_regex_match: a tenth of a second or two. */
#define THAG_SEARCH_STEPS_MAX (UINT64_C(1) << 25)

struct thag_search;

/**
 * Begins a search for `text`, which must outlive it. 0; -EINVAL for an expression that makes no
 * sense, with `*error` set; or -ENOMEM.
 */
int thag_search_create(struct thag_search **out, const char *text, struct thag_regex_error *error);

/** NULL is ignored. */
void thag_search_destroy(struct thag_search *search);

/** Whether a name is looked for. No name is by an empty text. */
bool thag_search_finds(struct thag_search *search, const char *name, size_t bytes);

/** Whether names went unsearched because the expression took too long. */
bool thag_search_gave_up(const struct thag_search *search);

#endif
