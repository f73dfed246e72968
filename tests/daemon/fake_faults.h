/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be wrong with the memory of a program played by hand; see make=KIND of fake_program. */
#ifndef THAG_FAKE_FAULTS_H
#define THAG_FAKE_FAULTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "thag/shm.h"

/** Spoils the header in the way of that kind, if it is one. */
static inline void fake_spoil_header(struct thag_shm_header *h, const char *kind)
{
	if (strcmp(kind, "magic") == 0)
		h->magic++;
	else if (strcmp(kind, "version") == 0)
		h->version++;
	else if (strcmp(kind, "order") == 0)
		h->byte_order = __builtin_bswap32(h->byte_order);
	else if (strcmp(kind, "slots") == 0)
		h->slots = UINT32_MAX;
	else if (strcmp(kind, "rings") == 0)
		h->ring_words = 16;
	else if (strcmp(kind, "clock") == 0)
		h->clock = 9;
	else if (strcmp(kind, "mode") == 0)
		h->modes = 0x80;
	else if (strcmp(kind, "text") == 0)
		h->text_bytes[0] = UINT32_MAX;
}

/** The size of its memfd, of `bytes` bytes where the kind is no fault of that. */
static inline size_t fake_file_bytes(size_t bytes, const char *kind)
{
	if (strcmp(kind, "short") == 0)
		return bytes - 4096;
	if (strcmp(kind, "long") == 0)
		return bytes + 4096;
	if (strcmp(kind, "huge") == 0)
		return (size_t)1 << 42;
	return bytes;
}

#endif
