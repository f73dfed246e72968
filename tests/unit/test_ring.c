/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "thag_ring.h"
#include "thag/words.h"

struct ring {
	uint64_t *words;
	uint64_t published;
	struct thag_ring_reader reader;
};

static void setup(struct ring *ring, uint64_t start)
{
	*ring = (struct ring){ .words = calloc(THAG_RING_WORDS, 8), .published = start };
	ring->reader = (struct thag_ring_reader){ .words = ring->words,
						  .published = &ring->published,
						  .tail = start };
}

/* Writes `value` as the word at `pos`, around its phase. */
static void put(struct ring *ring, uint64_t pos, uint64_t value)
{
	__atomic_store_n(&ring->words[pos & THAG_RING_MASK],
			 thag_payload_pack(value) | (pos & THAG_WORD_PHASE), __ATOMIC_RELAXED);
}

Test(ring, is_empty_when_zeroed)
{
	struct ring ring;
	uint64_t out[8];

	setup(&ring, THAG_RING_WORDS);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 0);
	cr_expect_not(thag_ring_skip_hole(&ring.reader, 1, true));
	free(ring.words);
}

Test(ring, gives_words_in_order_over_many_laps)
{
	struct ring ring;
	uint64_t out[1000], next = 0, pos = THAG_RING_WORDS;
	unsigned seed = 2;

	setup(&ring, pos);
	while (pos < THAG_RING_WORDS * UINT64_C(9)) {
		for (int n = rand_r(&seed) % 3000; n > 0; n--, pos++)
			put(&ring, pos, pos);
		for (size_t count; (count = thag_ring_read(&ring.reader, out, 1000));)
			for (size_t i = 0; i < count; i++, next++)
				cr_assert_eq(thag_payload_unpack(out[i]), THAG_RING_WORDS + next);
		thag_ring_release(&ring.reader);
		cr_assert_eq(ring.published, pos);
	}
	free(ring.words);
}

/* Where positions pass 32 bits, a multiple of four laps, and where they wrap. */
Test(ring, starts_anywhere_and_wraps)
{
	static const uint64_t starts[] = { (UINT64_C(1) << 32) - 1000,
					   (UINT64_C(1) << 32) - THAG_RING_WORDS,
					   (UINT64_C(1) << 63) - 1, UINT64_MAX - 1000,
					   UINT64_MAX - THAG_RING_WORDS };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct ring ring;
		uint64_t out[1000], next = starts[i], pos = next;

		setup(&ring, pos);
		/* the lap before */
		for (uint64_t old = pos - THAG_RING_WORDS; old != pos; old++)
			put(&ring, old, 0);
		while (pos - starts[i] < 3 * (uint64_t)THAG_RING_WORDS) {
			cr_assert_eq(thag_ring_read(&ring.reader, out, 1000), 0);
			for (int n = 0; n < 3001; n++, pos++)
				put(&ring, pos, pos & 0xffffff);
			for (size_t count; (count = thag_ring_read(&ring.reader, out, 1000));)
				for (size_t w = 0; w < count; w++, next++)
					cr_assert_eq(thag_payload_unpack(out[w]), next & 0xffffff);
			thag_ring_release(&ring.reader);
			cr_assert_eq(ring.published, pos);
		}
		free(ring.words);
	}
}

Test(ring, waits_at_a_hole_then_steps_over_it)
{
	struct ring ring;
	uint64_t out[8], pos = THAG_RING_WORDS;

	setup(&ring, pos);
	put(&ring, pos + 1, 1);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 0);
	cr_expect_not(thag_ring_skip_hole(&ring.reader, 1000, false));
	cr_expect_not(thag_ring_skip_hole(&ring.reader, THAG_RING_HOLE_NS, false));
	cr_expect(thag_ring_skip_hole(&ring.reader, 1000 + THAG_RING_HOLE_NS, false));
	cr_expect_eq(ring.reader.holes, 1);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 1);
	free(ring.words);
}

Test(ring, takes_a_late_word_for_what_it_is)
{
	struct ring ring;
	uint64_t out[8], pos = THAG_RING_WORDS;

	setup(&ring, pos);
	put(&ring, pos + 1, 1);
	cr_expect_not(thag_ring_skip_hole(&ring.reader, 1000, false));
	put(&ring, pos, 0);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 2);
	cr_expect_eq(ring.reader.holes, 0);
	free(ring.words);
}

Test(ring, steps_over_holes_of_the_dead_at_once)
{
	struct ring ring;
	uint64_t out[8], pos = THAG_RING_WORDS;

	setup(&ring, pos);
	put(&ring, pos + 1, 1);
	put(&ring, pos + 3, 3);
	cr_expect(thag_ring_skip_hole(&ring.reader, 0, true));
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 1);
	cr_expect(thag_ring_skip_hole(&ring.reader, 0, true));
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 1);
	cr_expect_not(thag_ring_skip_hole(&ring.reader, 0, true));
	cr_expect_eq(ring.reader.holes, 2);
	free(ring.words);
}

Test(ring, sees_words_close_behind_a_hole)
{
	struct ring ring;
	uint64_t out[8];

	setup(&ring, THAG_RING_WORDS);
	put(&ring, THAG_RING_WORDS, 1);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 1);
	cr_expect_not(thag_ring_has_hole(&ring.reader));
	put(&ring, THAG_RING_WORDS + 5, 2); /* behind one of four words */
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 0);
	cr_expect(thag_ring_has_hole(&ring.reader));
	for (uint64_t i = 1; i < 5; i++)
		put(&ring, THAG_RING_WORDS + i, 3);
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 5);
	cr_expect_not(thag_ring_has_hole(&ring.reader));
	free(ring.words);
}

Test(ring, does_not_take_a_word_of_two_laps_ago_for_todays)
{
	struct ring ring;
	uint64_t out[8], pos = THAG_RING_WORDS;

	setup(&ring, pos);
	put(&ring, pos, 0); /* and its slot is skipped in the next lap */
	ring.reader.tail = pos + 2 * THAG_RING_WORDS;
	cr_expect_eq(thag_ring_read(&ring.reader, out, 8), 0);
	free(ring.words);
}

#define RACE_WORDS (UINT64_C(6) * THAG_RING_WORDS)

static void *produce(void *context)
{
	struct ring *ring = context;

	for (uint64_t pos = THAG_RING_WORDS; pos < THAG_RING_WORDS + RACE_WORDS; pos++) {
		while (pos - __atomic_load_n(&ring->published, __ATOMIC_ACQUIRE) >= THAG_RING_WORDS)
			sched_yield();
		put(ring, pos, pos * 3);
	}
	return NULL;
}

Test(ring, loses_nothing_between_two_threads)
{
	struct ring ring;
	pthread_t producer;
	uint64_t out[THAG_RING_BATCH], next = THAG_RING_WORDS;

	setup(&ring, THAG_RING_WORDS);
	pthread_create(&producer, NULL, produce, &ring);
	while (next < THAG_RING_WORDS + RACE_WORDS) {
		size_t count = thag_ring_read(&ring.reader, out, THAG_RING_BATCH);

		for (size_t i = 0; i < count; i++, next++)
			cr_assert_eq(thag_payload_unpack(out[i]), next * 3);
		thag_ring_release(&ring.reader);
		if (count == 0)
			sched_yield();
	}
	pthread_join(producer, NULL);
	free(ring.words);
}
