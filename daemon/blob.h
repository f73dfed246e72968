/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes to be sent to any number of browsers, with the room in front that libwebsockets wants.
 *
 * Thread: made by any; references are counted on the main loop only.
 */
#ifndef THAG_BLOB_H
#define THAG_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct thag_blob {
	uint32_t refs;
	size_t bytes;
	unsigned char *data; /* LWS_PRE bytes before it are ours as well */
};

/** A copy of `data`, with one reference. NULL without memory. */
struct thag_blob *thag_blob_create(const void *data, size_t bytes);

struct thag_blob *thag_blob_ref(struct thag_blob *blob);

/** NULL is ignored. */
void thag_blob_unref(struct thag_blob *blob);

/** Makes `*place` refer to `blob` instead of what it referred to. */
void thag_blob_set(struct thag_blob **place, struct thag_blob *blob);

#endif
