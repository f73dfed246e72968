/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings of a program with tasks, written by a test and read cut anywhere. In static memory. */
#ifndef THAG_TASK_RINGS_H
#define THAG_TASK_RINGS_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "thag_stream.h"
#include "thag/shm.h"

#define RINGS 3
#define WORDS_MAX 40000

/* A program's rings, and how far they were read. */
static struct {
	uint64_t words[WORDS_MAX];
	size_t count, read;
	struct thag_stream stream;
	struct thag_thread thread;
} rings[RINGS];

static struct thag_tasks tasks;

static inline void begin(void)
{
	cr_assert_eq(thag_tasks_init(&tasks), 0);
	for (uint32_t i = 0; i < RINGS; i++) {
		rings[i].count = rings[i].read = 0;
		cr_assert_eq(thag_thread_init(&rings[i].thread, i + 1, 1 << 20), 0);
		rings[i].stream =
			(struct thag_stream){ .tasks = &tasks, .thread = &rings[i].thread };
	}
}

static inline void end(void)
{
	thag_tasks_fini(&tasks);
	for (uint32_t i = 0; i < RINGS; i++)
		thag_thread_fini(&rings[i].thread);
}

static inline void put_word(uint32_t ring, uint64_t word)
{
	cr_assert_lt(rings[ring].count, WORDS_MAX);
	rings[ring].words[rings[ring].count++] = word;
}

static inline void put(uint32_t ring, enum thag_kind kind, uint32_t arg, uint64_t ticks)
{
	put_word(ring, THAG_WORD(kind, arg) | ticks << THAG_WORD_TIME_SHIFT);
}

static inline void put_step(uint32_t ring, enum thag_task_op op, uint64_t id, uint64_t step,
			    uint32_t site, uint32_t open, uint64_t ticks)
{
	put(ring, THAG_KIND_EXT, THAG_EXT_TASK << THAG_EXT_SHIFT | op, ticks);
	put_word(ring, thag_payload_pack(id));
	put_word(ring, thag_payload_pack(id ? THAG_TASK_STEP(step, site) : 0));
	put_word(ring, thag_payload_pack(open));
}

/* Reads up to `piece` words of a ring; returns how many it took. */
static inline size_t read_ring(uint32_t ring, size_t piece)
{
	size_t left = rings[ring].count - rings[ring].read;
	size_t taken = thag_stream_feed(&rings[ring].stream, &rings[ring].words[rings[ring].read],
					left < piece ? left : piece);

	rings[ring].read += taken;
	return taken;
}

static inline void read_all(void)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 0; i < RINGS; i++)
			more |= read_ring(i, SIZE_MAX) != 0;
	}
}

/** The site that names tasks. */
#define NAME 5

#endif
