/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text that comes in pieces of any size, line by line.
 *
 * A line is what is before a line feed, or at the end; a carriage return before that is its own.
 * Lines longer than a bound are passed on as too long, without their text.
 *
 * Thread: owner. Allocates as much as the longest line that is cut by pieces.
 */
#ifndef THAG_LINES_H
#define THAG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "thag_buffer.h"

/** Takes a line, borrowed, without its end; NULL: it was too long. 0, or an error that ends all. */
typedef int thag_lines_fn(void *context, const char *text, size_t bytes);

struct thag_lines {
	thag_lines_fn *line;
	void *context;
	size_t most; /* bytes of a line */
	struct thag_buffer partial;
	bool is_skipping; /* the rest of a line that is too long */
};

void thag_lines_fini(struct thag_lines *lines);

/** Passes on the lines that end in these bytes. 0, -ENOMEM, or what the function returned. */
int thag_lines_feed(struct thag_lines *lines, const void *text, size_t bytes);

/** The end: passes on a last line that has no line feed. Likewise. */
int thag_lines_finish(struct thag_lines *lines);

#endif
