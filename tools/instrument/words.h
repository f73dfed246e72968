/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The words that THAG_ENABLE_PROFILING knows, and what a source's name says of it.
 *
 * Thread: any. Nothing here allocates.
 */
#ifndef THAG_INSTRUMENT_WORDS_H
#define THAG_INSTRUMENT_WORDS_H

#include <stdbool.h>

enum thag_language { THAG_LANGUAGE_UNKNOWN, THAG_LANGUAGE_C, THAG_LANGUAGE_CPP };

/** What THAG_ENABLE_PROFILING can be told, up to a NULL. */
extern const char *const thag_words_modes[];

bool thag_words_is_mode(const char *word);

/** The language of a file by the end of its name, and whether it is a header; a .h is C. */
enum thag_language thag_words_language(const char *path, bool *header);

#endif
