/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The file of a recording, byte by byte; docs/recording-format.md says what it means, and by which
 * rules it may change. All numbers are little-endian.
 *
 *   0     +-----------------------------+
 *         | struct thag_recording_header|  64 bytes
 *   64    +-----------------------------+
 *         | block                       |  each begins at a multiple of 8, where the one before
 * ends
 *         +-----------------------------+
 *         | block                       |
 *         …
 *
 * A block:
 *
 *   0     +-----------------------------+ ----
 *         | struct thag_recording_head  |  ^     the front: what its checksum covers
 *   32    +-----------------------------+  |
 *         | info, by its type           |  |     info_bytes, a multiple of 8
 *         +-----------------------------+  |
 *         | struct thag_recording_part  |  v     part_count of them, 24 bytes each
 *         +-----------------------------+ ----
 *         | part 0, zeros up to 8 bytes |        with a checksum of its own: it can be read alone
 *         +-----------------------------+
 *         …
 *
 * Blocks are appended, never changed. Nothing in a file is trusted when it is read.
 */
#ifndef THAG_RECORDING_FORMAT_H
#define THAG_RECORDING_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "thag_chunk.h"

#define THAG_RECORDING_MAGIC UINT64_C(0x0063657267616874) /* "thagrec\0" */
#define THAG_RECORDING_VERSION 1
#define THAG_RECORDING_BYTE_ORDER UINT32_C(0x01020304)
#define THAG_RECORDING_BLOCK_MAGIC UINT32_C(0x4b4c4274) /* "tBLK" */
#define THAG_RECORDING_NONCE_BYTES 16

/* What a file may make its reader hold: all of it is refused beyond. */
#define THAG_RECORDING_INFO_MAX 256		      /* bytes of a block's info */
#define THAG_RECORDING_PARTS_MAX 8		      /* of one block */
#define THAG_RECORDING_PART_MAX (UINT32_C(32) << 20)  /* bytes of a part, decompressed */
#define THAG_RECORDING_BLOCK_MAX (UINT32_C(64) << 20) /* bytes of a block as stored */
#define THAG_RECORDING_BLOCKS_MAX \
	(UINT32_C(1) << 21)			       /* of a file, without INDEX: 72 bytes each \
							*/
#define THAG_RECORDING_INDEX_MAX 1024		       /* blocks that one INDEX tells of */
#define THAG_RECORDING_ENTRY_MAX 256		       /* bytes of what it tells of one */
#define THAG_RECORDING_RINGS_MAX 1024		       /* THAG_SLOTS_MAX */
#define THAG_RECORDING_CHUNK_WORDS (UINT32_C(1) << 16) /* of a chunk */
#define THAG_RECORDING_LEVELS_MAX 16		       /* of summaries */

/* When a writer adds an INDEX: what a reader of a file without END has to read is bounded by it. */
#define THAG_RECORDING_INDEX_BLOCKS 64
#define THAG_RECORDING_INDEX_BYTES (UINT64_C(16) << 20)

/**
 * The beginning of a file. `checksum`: XXH3, 64 bits, of the bytes before it.
 *
 *   0 magic 8 | 8 version 4, byte_order 4 | 16 nonce 16 | 32 session | 40 start_real_ns
 *  48 header_bytes 4, 0 4 | 56 checksum
 */
struct thag_recording_header {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint8_t nonce[THAG_RECORDING_NONCE_BYTES]; /* the program's: names the session */
	uint64_t session;			   /* its id when it was recorded */
	uint64_t start_real_ns;			   /* CLOCK_REALTIME when the recording began */
	uint32_t header_bytes;			   /* where the first block begins */
	uint32_t reserved;
	uint64_t checksum;
};

/** What a block is. Readers skip types that they don't know. */
enum thag_recording_type {
	THAG_RECORDING_SESSION = 1, /* part JSON: what is known of the session so far */
	THAG_RECORDING_SITES = 2,   /* part TABLE, thag_recording_tables.h; so are the next */
	THAG_RECORDING_MODULES = 3,
	THAG_RECORDING_TRACES = 4,
	THAG_RECORDING_NAMES = 5, /* parts TABLE and FRAMES */
	THAG_RECORDING_CLOCK = 6, /* info: struct thag_recording_clock; no parts */
	THAG_RECORDING_CHUNK = 7, /* info: struct thag_recording_chunk; parts from CHUNK_HEAD on */
	THAG_RECORDING_SUMMARY = 8, /* the same of several chunks of a ring, without words */
	THAG_RECORDING_INDEX = 9,   /* info: struct thag_recording_index; part ENTRIES */
	THAG_RECORDING_END = 10,    /* info: struct thag_recording_end; no parts: the last block */
};

/** What a part is. Readers skip kinds that they don't know. */
enum thag_recording_kind {
	THAG_RECORDING_JSON = 1,
	THAG_RECORDING_TABLE = 2,
	THAG_RECORDING_FRAMES = 3,
	THAG_RECORDING_ENTRIES = 4,
	/* of CHUNK and SUMMARY: thag_chunk.h says what they hold; one without bytes is left out */
	THAG_RECORDING_CHUNK_HEAD = 16,
	THAG_RECORDING_OPENINGS = 17,
	THAG_RECORDING_WORDS = 18,
	THAG_RECORDING_TREE = 19,
	THAG_RECORDING_SLICES = 20,
	THAG_RECORDING_NOTES = 21,
};

/** The kind of a chunk's part: both are in the same order. */
static inline enum thag_recording_kind thag_recording_kind_of(enum thag_chunk_part part)
{
	return (enum thag_recording_kind)(THAG_RECORDING_OPENINGS + (uint32_t)part);
}

enum thag_recording_codec {
	THAG_RECORDING_RAW = 0,
	THAG_RECORDING_ZSTD = 1, /* one frame that says how long its content is */
};

/**
 * The head of a block. `checksum`: XXH3, 64 bits, seeded with thag_recording_seed, of the front
 * with this field as 0: a block of another recording, found where a disk was not written, is none.
 *
 *   0 magic 4, type 2, flags 2 | 8 sequence | 16 bytes 4, info_bytes 2, part_count 2 | 24 checksum
 */
struct thag_recording_head {
	uint32_t magic;
	uint16_t type;	     /* enum thag_recording_type */
	uint16_t flags;	     /* 0; readers ignore it */
	uint64_t sequence;   /* 0 for the first block, then one more for each */
	uint32_t bytes;	     /* of the whole block, a multiple of 8 */
	uint16_t info_bytes; /* a multiple of 8; may grow: readers ignore what they don't know */
	uint16_t part_count;
	uint64_t checksum;
};

/**
 * A part, as its block's front tells. `checksum`: XXH3, 64 bits, of the bytes as stored and the
 * zeros after them.
 *
 *   0 kind 2, codec 2, bytes 4 | 8 raw_bytes 4, 0 4 | 16 checksum
 */
struct thag_recording_part {
	uint16_t kind;	    /* enum thag_recording_kind */
	uint16_t codec;	    /* enum thag_recording_codec */
	uint32_t bytes;	    /* as stored, without the zeros; at most raw_bytes */
	uint32_t raw_bytes; /* decompressed */
	uint32_t reserved;
	uint64_t checksum;
};

/**
 * One moment by two clocks, CLOCK block. The program's ticks of other moments lie on the line
 * through two of them.
 *
 *   0 ticks | 8 mono_ns | 16 real_ns | 24 error_ns
 */
struct thag_recording_clock {
	uint64_t ticks;
	uint64_t mono_ns;
	uint64_t real_ns;
	uint64_t error_ns; /* how far apart the readings may be; 0: not known */
};

/** Bits of a chunk's flags, as in its own head: enum thag_chunk_flags. */
enum thag_recording_chunk_flags {
	THAG_RECORDING_GAP =
		2, /* words between the ring's chunk before and this one were not kept */
};

/**
 * What an index tells of a chunk. A summary's words and events are those of its chunks together.
 *
 *   0 first_pos | 8 first_ticks | 16 last_ticks | 24 words | 32 events | 40 ring 4, tid 4
 *  48 flags 4, level 2, 0 2
 */
struct thag_recording_chunk {
	uint64_t first_pos; /* free-running position of its first word in the ring */
	uint64_t first_ticks;
	uint64_t last_ticks;
	uint64_t words;
	uint64_t events;
	uint32_t ring;
	uint32_t tid;	/* of the thread that wrote when it began; 0: none yet */
	uint32_t flags; /* enum thag_recording_chunk_flags, and others */
	uint16_t level; /* of a summary, from 1; 0: a chunk */
	uint16_t reserved;
};

/**
 * What an INDEX tells of one block; of a CHUNK or SUMMARY its info, else zeros.
 *
 *   0 offset | 8 bytes 4, type 2, 0 2 | 16 chunk 56
 */
struct thag_recording_entry {
	uint64_t offset;
	uint32_t bytes;
	uint16_t type;
	uint16_t reserved;
	struct thag_recording_chunk chunk;
};

/**
 * INDEX: all blocks between the INDEX before, or the header, and itself, in order, without gaps.
 *
 *   0 offset | 8 previous | 16 first_sequence | 24 count 4, entry_bytes 4
 */
struct thag_recording_index {
	uint64_t offset;	 /* its own */
	uint64_t previous;	 /* offset of the INDEX before; 0: there is none */
	uint64_t first_sequence; /* of the first block it tells of */
	uint32_t count;
	uint32_t entry_bytes; /* may grow: readers ignore what they don't know */
};

/** Why a recording ends. */
enum thag_recording_ending {
	THAG_RECORDING_PROGRAM_ENDED = 1, /* exit_status says how */
	THAG_RECORDING_STOPPED = 2,	  /* by the user, while the program went on */
	THAG_RECORDING_FAILED = 3,	  /* by an error in writing it: `error` */
};

/**
 * END. It is always as long, so its place is known from the end of the file.
 *
 *   0 index_offset | 8 chunks | 16 words | 24 events | 32 lost | 40 end_real_ns
 *  48 ending 4, exit_status 4 | 56 error 4, 0 4
 */
struct thag_recording_end {
	uint64_t index_offset; /* of the last INDEX; 0: there is none */
	uint64_t chunks;       /* in the file, and the words and events in them */
	uint64_t words;
	uint64_t events;
	uint64_t lost;	      /* events that the program or thagd could not keep */
	uint64_t end_real_ns; /* CLOCK_REALTIME */
	uint32_t ending;      /* enum thag_recording_ending */
	uint32_t exit_status; /* as wait(2) tells it; 0 where it isn't known */
	uint32_t error;	      /* an errno of Linux, 0: none */
	uint32_t reserved;
};

#define THAG_RECORDING_END_BYTES \
	(sizeof(struct thag_recording_head) + sizeof(struct thag_recording_end))

/** The longest front of a block. */
#define THAG_RECORDING_FRONT_MAX \
	(sizeof(struct thag_recording_head) + THAG_RECORDING_INFO_MAX + \
	 THAG_RECORDING_PARTS_MAX * sizeof(struct thag_recording_part))

/** `bytes` with the zeros that follow them. */
static inline uint64_t thag_recording_padded(uint64_t bytes)
{
	return (bytes + 7) & ~UINT64_C(7);
}

#ifndef __cplusplus
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored as they lie in memory");
_Static_assert(sizeof(struct thag_recording_header) == 64, "part of the format");
_Static_assert(THAG_RECORDING_WORDS - THAG_RECORDING_OPENINGS == THAG_PART_WORDS &&
		       THAG_RECORDING_TREE - THAG_RECORDING_OPENINGS == THAG_PART_TREE &&
		       THAG_RECORDING_SLICES - THAG_RECORDING_OPENINGS == THAG_PART_SLICES &&
		       THAG_RECORDING_NOTES - THAG_RECORDING_OPENINGS == THAG_PART_NOTES,
	       "see thag_recording_kind_of");
_Static_assert(offsetof(struct thag_recording_header, checksum) == 56, "part of the format");
_Static_assert(sizeof(struct thag_recording_head) == 32, "part of the format");
_Static_assert(sizeof(struct thag_recording_part) == 24, "part of the format");
_Static_assert(sizeof(struct thag_recording_clock) == 32, "part of the format");
_Static_assert(sizeof(struct thag_recording_chunk) == 56, "part of the format");
_Static_assert(sizeof(struct thag_recording_entry) == 72, "part of the format");
_Static_assert(sizeof(struct thag_recording_index) == 32, "part of the format");
_Static_assert(sizeof(struct thag_recording_end) == 64, "part of the format");
#endif

#endif
