/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Making a block of a recording ready to be written: what takes time (compression, checksums of
 * parts) is done here, by as many threads as one likes, and what must be done in order (sequence,
 * place) by the writer.
 *
 * Thread: owner of the packer. Allocates; no I/O.
 */
#ifndef THAG_RECORDING_PACK_H
#define THAG_RECORDING_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_recording_format.h"

#define THAG_RECORDING_PACK_LEVEL 1 /* of zstd: more costs time that a live profile hasn't got */

/** A block that is being made. All zero, with `level` set, is valid. */
struct thag_recording_pack {
	int level; /* of zstd; 0: parts are stored as they are */
	void *zstd;
	struct thag_recording_head head;
	uint8_t info[THAG_RECORDING_INFO_MAX];
	struct thag_recording_part parts[THAG_RECORDING_PARTS_MAX];
	struct thag_buffer body; /* room for a front, then the parts */
};

/** Begins a block; `info` is copied, at most THAG_RECORDING_INFO_MAX bytes. 0 or -ENOMEM. */
int thag_recording_pack_begin(struct thag_recording_pack *pack, enum thag_recording_type type,
			      const void *info, size_t info_bytes);

/**
 * Appends a part, compressed when that makes it smaller. 0; -E2BIG when the part, the block, or
 * their number goes beyond the format's limits; -ENOMEM. On errors the block is as before.
 */
int thag_recording_pack_part(struct thag_recording_pack *pack, enum thag_recording_kind kind,
			     const void *data, size_t bytes);

/**
 * Ends the block: it is number `sequence` of a recording with that seed. Returns its bytes, of
 * which there are `*bytes`, borrowed until the next begin. May be called again.
 */
const uint8_t *thag_recording_pack_end(struct thag_recording_pack *pack, uint64_t sequence,
				       uint64_t seed, uint32_t *bytes);

void thag_recording_pack_fini(struct thag_recording_pack *pack);

#endif
