/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of thag_chunk.c have in common. */
#ifndef THAG_CHUNK_PRIVATE_H
#define THAG_CHUNK_PRIVATE_H

#include "thag_chunk.h"

/** thag_chunk_encode with memory to be used again, which may be empty. */
int thag_chunk_encode_with(struct thag_buffer *memory, struct thag_chunk *chunk,
			   const struct thag_chunk_raw *raw);

/**
 * Appends the stored form of raw->words to `out`, and sets the times and events of `head`, whose
 * base_ticks is set. `memory`: as above. 0, -ENOMEM, or -ERANGE: the times are beyond
 * THAG_CHUNK_TICKS_MAX.
 */
int thag_chunk_encode_words(struct thag_buffer *memory, const struct thag_chunk_raw *raw,
			    struct thag_chunk_head *head, struct thag_buffer *out);

/** The head->words words of a stored form. 0 or -EBADMSG. */
int thag_chunk_decode_words(uint64_t *words, const struct thag_chunk_head *head,
			    const uint8_t *data, size_t bytes);

#endif
