/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A timeline of what a random program did, and, where that is wanted, a store of its chunks. */
#ifndef TIMELINE_PROGRAM_H
#define TIMELINE_PROGRAM_H

#include "chunk_program.h"
#include "thag_timeline.h"

static struct thag_timeline *timeline;
static struct thag_chunk_maker *maker;

/* What is added, to be loaded again: as a recording has it. */
static struct thag_chunk stored[4 * PROGRAM_CHUNKS_MAX];
static uint32_t stored_count;
static uint64_t loads;

static inline int load(void *context, uint64_t token, const struct thag_chunk_head *head,
		       enum thag_chunk_part part, struct thag_buffer *out)
{
	const struct thag_chunk *chunk = &stored[token - 1];

	(void)context;
	cr_assert_leq(token, stored_count);
	cr_assert_eq(chunk->head.first_pos, head->first_pos);
	cr_assert_eq(chunk->head.level, head->level);
	loads++;
	return thag_buffer_append(out, chunk->parts[part].data, chunk->parts[part].bytes);
}

/* Keeps a copy; returns its token. */
static inline uint64_t store(void *context, const struct thag_chunk *chunk)
{
	struct thag_chunk *copy = &stored[stored_count++];

	(void)context;
	*copy = (struct thag_chunk){ .head = chunk->head };
	for (uint32_t i = 0; i < THAG_PART_COUNT; i++)
		cr_assert_eq(thag_buffer_append(&copy->parts[i], chunk->parts[i].data,
						chunk->parts[i].bytes),
			     0);
	return stored_count;
}

static inline void forget_stored(void)
{
	while (stored_count)
		thag_chunk_fini(&stored[--stored_count]);
}

static inline void make_chunk(struct thag_chunk *chunk, const struct thag_chunk_raw *raw)
{
	*chunk = (struct thag_chunk){ 0 };
	cr_assert_eq(thag_chunk_make(maker, chunk, raw), 0);
}

static inline void create(uint64_t budget, bool stores)
{
	const struct thag_timeline_options options = { .budget_bytes = budget,
						       .load = load,
						       .made = stores ? store : NULL };

	cr_assert_eq(thag_chunk_maker_create(&maker), 0);
	cr_assert_eq(thag_timeline_create(&timeline, &options), 0);
}

static inline void destroy(void)
{
	thag_timeline_destroy(timeline);
	thag_chunk_maker_destroy(maker);
	forget_stored();
}

/* Adds the chunks of all rings, each ring's in order, but for the last `left` of each. */
static inline void add_chunks(uint32_t left, bool stores)
{
	uint32_t added[PROGRAM_RINGS] = { 0 }, more = PROGRAM_RINGS;

	while (more) {
		more = 0;
		for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
			const struct program_ring *ring = &program.rings[i];
			struct thag_chunk chunk;
			uint64_t token = 0;

			if (added[i] + left >= ring->chunk_count)
				continue;
			make_chunk(&chunk, &ring->chunks[added[i]++]);
			if (stores)
				token = store(NULL, &chunk);
			cr_assert_eq(thag_timeline_add(timeline, &chunk, token), 0);
			more++;
		}
	}
}

static inline void random_window(uint64_t *from, uint64_t *to)
{
	uint64_t length = program.now / (1 + program_random(200));

	*from = program_random((uint32_t)program.now);
	*to = *from + 1 + length;
}

static inline void make_program(unsigned round, uint32_t steps)
{
	program_begin(round, (struct program_options){ .steps = steps,
						       .ticks_max = 1 + round * 5,
						       .depth = 8,
						       .tasks = round % 2,
						       .threads = round % 3 == 0,
						       .other = true });
	program_read(40 + round * 5);
	program_add_open();
}

#endif
