/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Texts of what is written for programs.
 *
 * Thread: any. Allocates; 0 or -ENOMEM.
 */
#ifndef THAG_FIELDS_H
#define THAG_FIELDS_H

#include <stdio.h>

#include "thag_buffer.h"

/** Appends a text as it is. */
int thag_fields_text(struct thag_buffer *out, const char *text);

/** Appends a field of RFC 4180: in quotes where it needs them. Any bytes. */
int thag_fields_csv(struct thag_buffer *out, const char *text, size_t bytes);

/** Appends a string of JSON, valid UTF-8 whatever the bytes are. */
int thag_fields_json(struct thag_buffer *out, const char *text, size_t bytes);

/** Writes what there is to `out`, whose errors show at its end, and empties the buffer. */
void thag_fields_flush(struct thag_buffer *text, FILE *out);

#endif
