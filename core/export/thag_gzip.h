/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * gzip, RFC 1952, in memory.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_GZIP_H
#define THAG_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

/** Whether these bytes begin like a gzip file. */
bool thag_gzip_is(const void *data, size_t bytes);

/** Appends `data` compressed. 0 or -ENOMEM; `out` may have a part of it then. */
int thag_gzip_append(struct thag_buffer *out, const void *data, size_t bytes);

/**
 * Appends what a gzip file of one or more members has in it. 0; -ENOMEM; -EFBIG when that is more
 * than `bytes_max`; -EBADMSG when it is cut short or damaged. `*at`: the byte of `data` up to which
 * it was read. What follows the last member counts as damage.
 */
int thag_gunzip_append(struct thag_buffer *out, const void *data, size_t bytes, size_t bytes_max,
		       size_t *at);

#endif
