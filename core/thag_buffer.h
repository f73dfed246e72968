/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A growing byte buffer, what the writers of this folder write to.
 *
 * Thread: owner. Reserve and append allocate.
 */
#ifndef THAG_BUFFER_H
#define THAG_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/** All zero is valid and empty. */
struct thag_buffer {
	uint8_t *data;
	size_t bytes;
	size_t capacity;
};

void thag_buffer_fini(struct thag_buffer *buffer);

/** Makes room for `more` bytes after those in use. 0 or -ENOMEM with nothing changed. */
int thag_buffer_reserve(struct thag_buffer *buffer, size_t more);

/** Appends `bytes` bytes. 0 or -ENOMEM with nothing changed. */
int thag_buffer_append(struct thag_buffer *buffer, const void *data, size_t bytes);

/** Gives back the memory beyond what is in use, if that can be done. */
void thag_buffer_fit(struct thag_buffer *buffer);

/** Appends `value` in decimal. 0 or -ENOMEM with nothing changed. */
int thag_buffer_append_decimal(struct thag_buffer *buffer, uint64_t value);

#endif
