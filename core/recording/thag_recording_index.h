/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * INDEX blocks: what a block tells an index, and reading one back.
 *
 * Thread: any; what is written to is the caller's. Loading blocks on the disk.
 */
#ifndef THAG_RECORDING_INDEX_H
#define THAG_RECORDING_INDEX_H

#include "thag_recording_block.h"

/**
 * What is told of a block of `front`; FIELDS when that makes no sense for its type. Blocks of
 * types that aren't known are told of, too.
 */
enum thag_recording_fault thag_recording_entry_make(const struct thag_recording_front *front,
						    struct thag_recording_entry *out);

/** An INDEX as it was read. */
struct thag_recording_loaded {
	struct thag_recording_index index;
	uint64_t end;	   /* offset of the block after it */
	uint64_t sequence; /* its own */
	const uint8_t *entries;
};

/**
 * Reads and checks the INDEX at `offset`: itself, and that the blocks it tells of fill the file
 * from where the first lies up to itself. `entries` is for its bytes, which `out` borrows. 0,
 * -EBADMSG when it is none, or what reading says.
 */
int thag_recording_index_load(const struct thag_recording_file *file, uint64_t offset,
			      struct thag_recording_unpacker *unpacker, struct thag_buffer *entries,
			      struct thag_recording_loaded *out);

/** Number `i` of the blocks that a loaded INDEX tells of. */
struct thag_recording_entry thag_recording_index_get(const struct thag_recording_loaded *loaded,
						     uint32_t i);

#endif
