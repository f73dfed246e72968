/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writing a recording: blocks are appended to a file, each by one write, and never changed.
 *
 * A writer that is killed leaves whole blocks and at most one half block at the end, which readers
 * leave alone and thag_recording_resume cuts off. What was appended survives the process, not a
 * power cut: nothing here waits for the disk. When writing fails (the disk is full, the file may
 * not grow, an I/O error) what was written of that block is cut off, and the file stays as it is
 * from then on: only an END that says why may still follow.
 *
 * The file is locked (flock) while its descriptor is open, so that no second writer appends to it.
 * SIGXFSZ must be ignored, or a limit on file sizes ends the process.
 *
 * Thread: one at a time. Allocates; blocks on the disk.
 */
#ifndef THAG_RECORDING_WRITER_H
#define THAG_RECORDING_WRITER_H

#include <sys/types.h>

#include "thag_recording_pack.h"

/** What the system does; tests put faults in its place. */
struct thag_recording_calls {
	ssize_t (*pwrite)(int fd, const void *data, size_t bytes, off_t offset);
	int (*ftruncate)(int fd, off_t bytes);
};

/** Who is recorded. */
struct thag_recording_identity {
	uint8_t nonce[THAG_RECORDING_NONCE_BYTES]; /* of the program's shared memory */
	uint64_t session;
	uint64_t start_real_ns; /* when the recording began */
};

/** For others to read only. */
struct thag_recording_writer {
	int fd; /* borrowed */
	struct thag_recording_calls calls;
	uint64_t seed;
	uint64_t offset;     /* where the next block goes */
	uint64_t sequence;   /* its number */
	uint64_t last_index; /* offset of the last INDEX, 0: none */
	uint64_t unindexed_bytes;
	uint32_t pending_count;
	struct thag_recording_entry pending[THAG_RECORDING_INDEX_MAX]; /* no INDEX tells of them */
	uint32_t blocks;					       /* without INDEX */
	uint64_t chunks;
	uint64_t words;
	uint64_t events;
	uint64_t next_pos[THAG_RECORDING_RINGS_MAX]; /* of the word after the last, 0: none yet */
	int error;				     /* what made it stop, 0: nothing did */
	bool finished;
	struct thag_recording_pack own; /* INDEX and END */
};

/**
 * Begins a recording in the empty file `fd`, open for reading and writing. `calls` may be NULL.
 * 0; -EBUSY when another writer has the file; -EINVAL when it isn't an empty file; -ENOMEM; or
 * what writing says. On success thag_recording_writer_destroy must follow.
 */
int thag_recording_writer_create(struct thag_recording_writer **out, int fd,
				 const struct thag_recording_identity *identity,
				 const struct thag_recording_calls *calls);

/**
 * Appends a block, and an INDEX when one is due. `offset`, which may be NULL, is set to where the
 * block lies. 0 when it is in the file. -EINVAL for one whose fields make no sense, for INDEX and
 * END, and for a chunk whose words don't follow those of its ring's chunk before: with
 * THAG_RECORDING_GAP they may begin later, never earlier. -EFBIG when there are
 * THAG_RECORDING_BLOCKS_MAX. Otherwise what made the writer stop, now or before.
 */
int thag_recording_writer_put(struct thag_recording_writer *writer,
			      struct thag_recording_pack *pack, uint64_t *offset);

/**
 * Ends the file: INDEX and END, whose counts, offset and error are filled in here. Nothing can be
 * put afterwards. When writing had failed this is tried all the same, since so little may still
 * fit. 0, or the first error there was; -EALREADY the second time.
 */
int thag_recording_writer_finish(struct thag_recording_writer *writer,
				 const struct thag_recording_end *end);

/** Lets go of the memory. The file stays as it is, the descriptor open. */
void thag_recording_writer_destroy(struct thag_recording_writer *writer);

/* for thag_recording_resume.c */

/** Takes the lock of `fd`, for as long as it is open. 0, -EBUSY, or what flock says. */
int thag_recording_writer_lock(int fd);

/** A writer that has written nothing yet. NULL without memory. */
struct thag_recording_writer *thag_recording_writer_alloc(int fd,
							  const struct thag_recording_calls *calls);

#endif
