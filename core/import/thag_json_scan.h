/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * JSON, RFC 8259, read piece by piece where it lies: no tree is made of it, so that a trace of a
 * gigabyte takes no memory but its own. Nothing recurses; a value that is passed over may be nested
 * THAG_JSON_DEPTH_MAX deep.
 *
 * Thread: owner. Nothing here allocates but thag_json_text.
 */
#ifndef THAG_JSON_SCAN_H
#define THAG_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

#define THAG_JSON_DEPTH_MAX 512

/** Where it is read. The first thing that is wrong is kept, and ends it. */
struct thag_json_scan {
	const char *at, *end;
	const char *wrong; /* a constant text; NULL: nothing so far */
};

/** Borrowed of the JSON, as it stands there. */
struct thag_json_piece {
	const char *text;
	size_t bytes;
};

/** The next character that isn't white space, which isn't taken; '\0' at the end, or when wrong. */
char thag_json_peek(struct thag_json_scan *scan);

/** Takes that character, or is wrong. */
bool thag_json_take(struct thag_json_scan *scan, char expected);

/** Takes a string; the piece is what is between its quotes. */
bool thag_json_string(struct thag_json_scan *scan, struct thag_json_piece *piece);

/** Takes a value of any kind; the piece is all of it. */
bool thag_json_value(struct thag_json_scan *scan, struct thag_json_piece *piece);

/**
 * Takes the next key of an object whose `{` was taken, and the colon; `*first` begins as true.
 * False at the `}`, which is taken, or when wrong.
 */
bool thag_json_key(struct thag_json_scan *scan, bool *first, struct thag_json_piece *key);

/** Whether an array whose `[` was taken has another value; false: its `]` was taken, or wrong. */
bool thag_json_next(struct thag_json_scan *scan, bool *first);

/** Appends what a string's piece means: halves of characters replaced. 0 or -ENOMEM. */
int thag_json_text(struct thag_json_piece piece, struct thag_buffer *out);

/** Whether a string's piece, without escapes, is that text. */
bool thag_json_is(struct thag_json_piece piece, const char *text);

#endif
