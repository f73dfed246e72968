/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reading one block of a recording, and its parts one by one.
 *
 * Files are read with pread, never mapped: one that shrinks meanwhile is an error, not a SIGBUS.
 *
 * Thread: any; what is written to is the caller's. Blocks on the disk.
 */
#ifndef THAG_RECORDING_BLOCK_H
#define THAG_RECORDING_BLOCK_H

#include <stdint.h>

#include "thag_buffer.h"
#include "thag_recording_format.h"

/** Why what lies in a file is not a whole block. */
enum thag_recording_fault {
	THAG_RECORDING_WHOLE = 0,
	THAG_RECORDING_CUT,	 /* the file ends within it */
	THAG_RECORDING_NO_BLOCK, /* none begins there */
	THAG_RECORDING_LENGTHS,	 /* they don't fit each other, or the limits */
	THAG_RECORDING_CHECKSUM, /* its front is not what was written */
	THAG_RECORDING_SEQUENCE, /* it isn't the one that follows the block before */
	THAG_RECORDING_FIELDS,	 /* its front makes no sense */
	THAG_RECORDING_CONTENT,	 /* a part of it is not what was written */
	THAG_RECORDING_TRAILING, /* it lies behind the END */
	THAG_RECORDING_TOO_MANY, /* blocks */
	THAG_RECORDING_IO,	 /* reading failed */
	THAG_RECORDING_NO_MEMORY,
	THAG_RECORDING_FAULTS
};

/** The rest of a sentence: "the recording is damaged at byte 123: …". "" for none. */
const char *thag_recording_fault_text(enum thag_recording_fault fault);

/** An open file, as far as it is looked at. The descriptor is borrowed. */
struct thag_recording_file {
	int fd;
	uint64_t bytes; /* what lies beyond isn't looked at */
	uint64_t seed;	/* thag_recording_seed */
};

/** A part, and where in the file it lies. */
struct thag_recording_place {
	struct thag_recording_part part;
	uint64_t offset;
};

/** The front of a block, checked. */
struct thag_recording_front {
	uint64_t offset;
	uint64_t sequence;
	uint32_t bytes;
	uint16_t type;
	uint16_t info_bytes;
	uint32_t part_count;
	uint8_t info[THAG_RECORDING_INFO_MAX]; /* zeros beyond info_bytes */
	struct thag_recording_place parts[THAG_RECORDING_PARTS_MAX];
};

/** Working memory for parts, to be used again. All zero is valid. */
struct thag_recording_unpacker {
	void *zstd;
	void *hash;
	struct thag_buffer stored;
};

/** What the checksums of the fronts of a recording begin with. */
uint64_t thag_recording_seed(const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES]);

/** The checksum of a front of `bytes` bytes, whatever its checksum field holds. */
uint64_t thag_recording_front_checksum(const uint8_t *front, uint32_t bytes, uint64_t seed);

/** Reads exactly `bytes` bytes. 0, -ENODATA when the file has fewer, or what pread says. */
int thag_recording_read(int fd, void *to, size_t bytes, uint64_t offset);

/**
 * Reads and checks the front of the block at `offset`; its parts are not looked at. `out` is
 * written to in any case, and is of use only when the block is WHOLE, or CUT in its parts.
 */
enum thag_recording_fault thag_recording_front_read(const struct thag_recording_file *file,
						    uint64_t offset,
						    struct thag_recording_front *out);

/** Checks the parts of a block; allocates a little. */
enum thag_recording_fault thag_recording_parts_check(const struct thag_recording_file *file,
						     const struct thag_recording_front *front,
						     struct thag_recording_unpacker *unpacker);

/** The block's part of that kind, or NULL. */
const struct thag_recording_place *
thag_recording_part_find(const struct thag_recording_front *front, enum thag_recording_kind kind);

/**
 * Reads, checks and decompresses a part into `out`, replacing what that holds. 0; -E2BIG when it
 * is larger than `max` bytes, decompressed; -EBADMSG when it isn't what was written; -ENOTSUP for
 * a codec that isn't known; -ENOMEM; or what pread says. On errors `out` is empty.
 */
int thag_recording_part_read(const struct thag_recording_file *file,
			     const struct thag_recording_place *place, size_t max,
			     struct thag_recording_unpacker *unpacker, struct thag_buffer *out);

/** The same of the block's part of that kind. -ENOENT with an empty `out` when there is none. */
int thag_recording_kind_read(const struct thag_recording_file *file,
			     const struct thag_recording_front *front,
			     enum thag_recording_kind kind, size_t max,
			     struct thag_recording_unpacker *unpacker, struct thag_buffer *out);

void thag_recording_unpacker_fini(struct thag_recording_unpacker *unpacker);

#endif
