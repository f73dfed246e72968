/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a session says about itself, made fit for JSON and for file names.
 *
 * Thread: any.
 */
#ifndef THAG_FORMAT_H
#define THAG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/** A JSON string of any bytes, invalid UTF-8 replaced; NUL ends it. NULL without memory. */
json_t *thag_format_json(const char *text, size_t bytes);

/** A list of JSON strings of texts that are separated, or ended, by NUL. */
json_t *thag_format_list(const char *texts, size_t bytes);

/**
 * Before any use of jansson: what it can't allocate is noted, by thread. A part that can't be made
 * is left out of its object, and nothing else tells.
 */
void thag_format_begin(void);

/** Whether the thread made all parts that it wanted since it last asked, dumped or loaded. */
bool thag_format_is_whole(void);

/**
 * What json_dumps makes of `json`; free() it. NULL of NULL, without memory, and unless
 * thag_format_is_whole, which then begins anew.
 */
char *thag_format_dump(const json_t *json, size_t flags);

/** What json_loadb makes of a text: 0, -ENOMEM, or -EBADMSG with `*out` NULL. */
int thag_format_load(json_t **out, const char *text, size_t bytes, size_t flags);

/**
 * Makes a file name of any bytes: only letters, digits and `._+-` stay, others become `_`; it is
 * never empty, never starts with a dot or a hyphen, and is cut to `size` - 1 bytes.
 */
void thag_format_file_name(char *out, size_t size, const char *text, size_t bytes);

/** Local time as yyyymmdd-HHmmss. */
void thag_format_stamp(char out[static 16], uint64_t real_ns);

/** UTC as 2026-11-22T22:10:01.123Z. */
void thag_format_iso(char out[static 32], uint64_t real_ns);

#endif
