/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What an address in a program's code is called, and how that is written down: on the way from
 * the process that reads symbols to thagd, and in the cache of a later day. Both may be any
 * bytes, so reading checks everything.
 *
 *   0 bytes 4, status 2, frame_count 2 | 8 address 8 | 16 the function, then the frames:
 *     0 line 4, name_bytes 2, file_bytes 2 | 8 name | file
 *
 * Thread: any. Appending allocates.
 */
#ifndef THAG_SYMBOL_H
#define THAG_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

#define THAG_SYMBOL_FRAMES_MAX 64  /* of one address; what is inlined deeper is left out */
#define THAG_SYMBOL_TEXT_MAX 16384 /* bytes of one name or path; longer ones are cut */
#define THAG_SYMBOL_BUILD_ID_MAX 32
#define THAG_SYMBOL_BUILD_ID_MIN 8 /* shorter ones don't tell builds apart */

/** Why an address has a name, or none. The numbers are part of the cache's format. */
enum thag_symbol_status {
	THAG_SYMBOL_FOUND = 0,
	THAG_SYMBOL_STRIPPED = 1,   /* its file has no symbols, and there is no debug file */
	THAG_SYMBOL_UNKNOWN = 2,    /* there are symbols, but none for this address */
	THAG_SYMBOL_MISSING = 3,    /* its file is not there */
	THAG_SYMBOL_CHANGED = 4,    /* the file there is of another build */
	THAG_SYMBOL_UNREADABLE = 5, /* its file is malformed, may not be read, or took too long */
	THAG_SYMBOL_NO_MODULE = 6,  /* it is in no file that is known */
	THAG_SYMBOL_LATE = 7,	    /* it was not looked for in time */
	THAG_SYMBOL_STATUS_COUNT
};

/** A function at a place in its source. Texts are borrowed, and not terminated. */
struct thag_symbol_frame {
	const char *name;
	const char *file; /* NULL or any when file_bytes is 0: not known */
	uint32_t name_bytes;
	uint32_t file_bytes;
	uint32_t line; /* 0: not known */
};

/**
 * What was found for an address. The frames begin with the innermost function that was inlined
 * there; the last is the function whose code it is. `function` is that again, at its declaration.
 */
struct thag_symbol {
	uint64_t address;
	uint32_t status; /* enum thag_symbol_status; all but FOUND have no names */
	uint32_t frame_count;
	struct thag_symbol_frame function;
	struct thag_symbol_frame frames[THAG_SYMBOL_FRAMES_MAX];
};

/** Appends `symbol`, texts cut to their limit. 0, or -ENOMEM with nothing appended. */
int thag_symbol_append(struct thag_buffer *out, const struct thag_symbol *symbol);

/**
 * Reads one from the head of `bytes` bytes into `out`, whose texts then point into them. Returns
 * the bytes it took, 0 when more are needed to tell, or -EPROTO when it makes no sense.
 */
long thag_symbol_read(const uint8_t *data, size_t bytes, struct thag_symbol *out);

/** "stripped", "missing" and so on: names of fields in reports. "" for an unknown one. */
const char *thag_symbol_status_name(uint32_t status);

#endif
