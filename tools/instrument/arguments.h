/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a source is compiled: the words of its command, from a compile_commands.json or by default.
 *
 * Thread: owner. Allocates; reads files.
 */
#ifndef THAG_INSTRUMENT_ARGUMENTS_H
#define THAG_INSTRUMENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "words.h"

/** All zero is valid and empty. */
struct thag_arguments {
	char **list; /* the compiler first; without the source, its output and dependencies */
	size_t count;
	size_t capacity;
};

void thag_arguments_fini(struct thag_arguments *arguments);

/** Adds a copy of `word`. 0 or -ENOMEM. */
int thag_arguments_add(struct thag_arguments *arguments, const char *word);

/** Adds what a file is compiled by without a command of its own. 0 or -ENOMEM. */
int thag_arguments_add_default(struct thag_arguments *arguments, enum thag_language language);

/** Adds the command of `path`, which was started in `directory`, as far as it says what the source
 * means. 0 or -ENOMEM. */
int thag_arguments_add_command(struct thag_arguments *arguments, const char *directory,
			       const char *path, const char *const *words, size_t count);

/** The language that the words say, or `language` where they say nothing. */
enum thag_language thag_arguments_language(const struct thag_arguments *arguments,
					   enum thag_language language);

/** Whether it is a C++ older than 17. */
bool thag_arguments_is_old(const struct thag_arguments *arguments);

#endif
