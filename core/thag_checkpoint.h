/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a reader stood when it was killed: the tail of its ring and the open frames of the thread
 * that writes it, in memory that outlives the reader (struct thag_shm_stack).
 *
 * A batch is read, decoded, saved here, and only then released to the producer. Killed before the
 * save, the next reader finds the state before the batch and its words still in the ring; killed
 * after it, the state behind the batch. Only a kill within the save loses the stack, never words.
 *
 * Thread: the ring's one reader.
 */
#ifndef THAG_CHECKPOINT_H
#define THAG_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_stream.h"
#include "thag/shm.h"

/**
 * Saves that everything before `tail` has been decoded by `stream`. Returns false, with nothing
 * changed, in the middle of an event of several words, or at one that has to wait for another
 * ring: then the batch must not be released yet.
 */
bool thag_checkpoint_save(struct thag_shm_stack *to, const struct thag_stream *stream,
			  uint64_t tail);

/**
 * Opens in `thread`, which is new, the frames that `from` tells of, if it was saved at `*tail` or
 * later; `*tail` is set to where it was saved and `*ticks` to the time of the last event. `*task`
 * is set to the step of the task that ran there, its id 0 for none. Returns whether so. Nothing in
 * `from` is trusted: its bytes come from memory the program holds.
 */
bool thag_checkpoint_load(const struct thag_shm_stack *from, struct thag_thread *thread,
			  uint64_t *tail, uint64_t *ticks, struct thag_task_event *task);

#endif
