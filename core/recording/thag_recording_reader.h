/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reading a recording: what blocks it has, whole as it should be or not.
 *
 * With an END, or an INDEX not far from the end of the file, nothing else is read to open it. What
 * follows the last INDEX is looked at block by block, up to the first that isn't whole; so is what
 * lies before the first INDEX when those in between can't be followed. No more than
 * THAG_RECORDING_BLOCKS_MAX entries are held, and no more than a part at a time.
 *
 * | may run together     | open, fini | front, part                            |
 * |----------------------|------------|----------------------------------------|
 * | front, part          | no         | yes, each with an unpacker of its own  |
 *
 * Thread: see there. Allocates; blocks on the disk.
 */
#ifndef THAG_RECORDING_READER_H
#define THAG_RECORDING_READER_H

#include <stdbool.h>

#include "thag_recording_block.h"

#define THAG_RECORDING_DAMAGES_MAX 2 /* where the indices end, and at the end of the file */

/** What can't be read: the bytes from `offset` up to `until`, because of what is at `offset`. */
struct thag_recording_damage {
	uint64_t offset;
	uint64_t until;
	enum thag_recording_fault fault;
};

/** For others to read only. */
struct thag_recording_reader {
	struct thag_recording_file file;
	struct thag_recording_header header;
	struct thag_recording_entry *entries; /* of whole blocks, in order; without INDEX and END */
	uint32_t entry_count;
	uint32_t entry_capacity;
	struct thag_recording_damage damages[THAG_RECORDING_DAMAGES_MAX];
	uint32_t damage_count;
	uint32_t repeated; /* chunks left out: they hold words that others before them hold */
	bool ended;	   /* there is an END */
	struct thag_recording_end end;
	/* of the chunks in `entries` */
	uint64_t chunks;
	uint64_t words;
	uint64_t events;
	uint64_t missing; /* words between a ring's chunks that were not kept, or can't be read */
	uint64_t next_pos[THAG_RECORDING_RINGS_MAX]; /* of the word after the last, 0: none */
	/* for who goes on writing the file */
	uint64_t last_index;	/* offset of the last INDEX, 0: none */
	uint64_t next_offset;	/* where the last whole block ends */
	uint64_t next_sequence; /* of a block there */
	uint32_t pending;	/* entries that no INDEX tells of, at the end */
	struct thag_recording_unpacker unpacker;
};

/**
 * Opens the recording in `fd`, which is borrowed until fini. 0, and `reader` must be given to
 * fini; damage is no error, see there. Otherwise -EINVAL when it is no file, -ENODATA when it is
 * shorter than a header, -EPROTO when it is no recording, -ENOTSUP when it is one of another
 * version, -EBADMSG when its header is damaged, -ENOMEM, or what reading says.
 */
int thag_recording_reader_open(struct thag_recording_reader *reader, int fd);

/**
 * The front of the block that entry `i` tells of. 0, -EBADMSG when something else is there, or -EIO
 * when it can't be read. The parts are read by thag_recording_part_read, with `file`.
 */
int thag_recording_reader_front(const struct thag_recording_reader *reader, uint32_t i,
				struct thag_recording_front *out);

/**
 * Says in one line what is wrong with the recording, where, and what can be read; false when
 * nothing is.
 */
bool thag_recording_reader_explain(const struct thag_recording_reader *reader, char *out,
				   size_t size);

void thag_recording_reader_fini(struct thag_recording_reader *reader);

#endif
