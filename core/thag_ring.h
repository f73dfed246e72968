/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The reading side of a ring (proto/thag/words.h): copies words out so that what is decoded
 * can't change under the decoder, and gives the room back.
 *
 * | may run together       | read, …   | the producer's emit path |
 * |------------------------|-----------|--------------------------|
 * | all of them (one ring) | no        | yes                      |
 *
 * Thread: the ring's one reader. Doesn't allocate, block, or do I/O.
 */
#ifndef THAG_RING_H
#define THAG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAG_RING_BATCH 2048 /* words: a batch and a tree's hot nodes fit the first-level cache */
#define THAG_RING_HOLE_NS UINT64_C(100000000) /* how long a reserved word may stay unwritten */

/** Set `words`, `published` and `tail`; zero the rest. */
struct thag_ring_reader {
	const uint64_t *words; /* THAG_RING_WORDS of them, shared with the producer */
	uint64_t *published;   /* where the producer reads how far we are */
	uint64_t tail;	       /* position of the next word to read */
	uint64_t holes;	       /* reserved words skipped because they were never written */
	uint64_t hole_pos;     /* the hole we are waiting at, 0 for none */
	uint64_t hole_since_ns;
};

/**
 * Copies up to `max` words into `out`, in order. Returns how many; 0 when the next word isn't
 * there yet. The producer may not overwrite them before thag_ring_release.
 */
size_t thag_ring_read(struct thag_ring_reader *reader, uint64_t *out, size_t max);

/** Gives the producer the room of all words read so far. */
void thag_ring_release(struct thag_ring_reader *reader);

/**
 * To be called when thag_ring_read gave 0: when words wait behind one that was reserved but
 * never written (a signal handler left by siglongjmp, or the writer died), and that has been so
 * for THAG_RING_HOLE_NS, or the ring is half full behind it, or `writer_dead`, steps over it.
 * `now_ns`: any monotonic clock.
 * Returns whether it stepped, and reading can go on.
 */
bool thag_ring_skip_hole(struct thag_ring_reader *reader, uint64_t now_ns, bool writer_dead);

/**
 * To be called when thag_ring_read gave 0: whether words wait close behind one that isn't there
 * yet, as those of a signal handler do that interrupted its writer.
 */
bool thag_ring_has_hole(const struct thag_ring_reader *reader);

#endif
