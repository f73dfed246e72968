/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes from a profiled program, made fit to be read: as UTF-8, as a frame of a folded stack, on
 * a terminal.
 *
 * Invalid UTF-8 becomes U+FFFD, one for each maximal part of a character that is cut short and
 * for each other byte, as browsers do.
 *
 * Thread: any. The appending functions allocate: they return 0, or -ENOMEM with what they had
 * appended left in the buffer.
 */
#ifndef THAG_TEXT_H
#define THAG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

#define THAG_TEXT_REPLACEMENT UINT32_C(0xfffd)
#define THAG_TEXT_ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

/**
 * Reads one character of the `bytes` (at least 1) bytes at `text` into `*point`, and returns how
 * many bytes it took; U+FFFD when it is not valid.
 */
size_t thag_text_decode(const char *text, size_t bytes, uint32_t *point);

/** Appends `text` as valid UTF-8 of at most `max` bytes (3 or more), cut with U+2026. */
int thag_text_append_utf8(struct thag_buffer *out, const char *text, size_t bytes, size_t max);

/**
 * Appends `text` as the name of a frame in a folded stack, at most `max` bytes (3 or more), cut
 * with U+2026. What separates frames, counts and lines can't come out of it:
 *
 * - `;` becomes `:`;
 * - white space and the Unicode line ends become one space, none at either end;
 * - other control characters are dropped, and so is a byte order mark;
 * - a space before a last word that looks like a number becomes `_`: readers take two numbers at
 *   the end of a line for the two sides of a difference;
 * - nothing becomes `<unnamed>`.
 */
int thag_text_append_frame(struct thag_buffer *out, const char *text, size_t bytes, size_t max);

/** Appends `text` as a string of JSON, quotes included, of at most `max` bytes as UTF-8. */
int thag_text_append_json(struct thag_buffer *out, const char *text, size_t bytes, size_t max);

/**
 * Appends any bytes as a field of RFC 4180, always in quotes: so a reader knows it for a text, be
 * it a number. What a spreadsheet would run as a formula has an apostrophe before it.
 */
int thag_text_append_csv(struct thag_buffer *out, const char *text, size_t bytes);

/**
 * Appends `text` for a terminal: control characters, invisible and direction-changing ones as
 * `\n`, `\t`, `\x1b`, `\u202e`; a backslash doubled; invalid bytes as `\xff`.
 */
int thag_text_append_terminal(struct thag_buffer *out, const char *text, size_t bytes);

/**
 * Whether `text` holds `part`; letters of ASCII in either case are equal, all else is compared
 * byte by byte. Nothing holds an empty `part`.
 */
bool thag_text_holds(const char *text, size_t bytes, const char *part, size_t part_bytes);

/** Whether `text` ends with `end`. */
bool thag_text_ends_with(const char *text, const char *end);

#endif
