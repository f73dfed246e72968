/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Texts of what is written for programs.
 *
 * Thread: any. Allocates; 0 or -ENOMEM.
 */
#ifndef THAG_FIELDS_H
#define THAG_FIELDS_H

#include <stdint.h>
#include <stdio.h>

#include "thag_buffer.h"

/** Appends a text as it is. */
int thag_fields_text(struct thag_buffer *out, const char *text);

/**
 * Appends a field of CSV, in quotes: valid UTF-8 whatever the bytes are, with spaces for control
 * characters.
 */
int thag_fields_csv(struct thag_buffer *out, const char *text, size_t bytes);

/** Appends a string of JSON, valid UTF-8 whatever the bytes are. */
int thag_fields_json(struct thag_buffer *out, const char *text, size_t bytes);

/** Appends row `index` of what `context` is. 0 or -ENOMEM. */
typedef int thag_fields_row_fn(struct thag_buffer *out, const void *context, uint32_t index);

/**
 * Writes to `out`, whose errors show at its end: what is in `head`, which is emptied, `count` rows
 * with `between` after all but the last, and `end`. 0 or -ENOMEM.
 */
int thag_fields_rows(FILE *out, struct thag_buffer *head, uint32_t count, const char *between,
		     const char *end, thag_fields_row_fn *row, const void *context);

#endif
