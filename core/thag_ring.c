/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_ring.h"

#include "thag/words.h"

#define HOLE_WORDS 32 /* looked at behind a word that isn't there */

/*
 * Words order nothing between them, so each is loaded relaxed; the acquire fence after a batch
 * pairs with the release fence that ends the registration of a site (libclient): who has seen a
 * word that names a site sees the site's entry.
 */
static uint64_t load_word(const struct thag_ring_reader *reader, uint64_t pos)
{
	return __atomic_load_n(&reader->words[pos & THAG_RING_MASK], __ATOMIC_RELAXED);
}

/*
 * Release: the loads of a batch are done before the producer may overwrite their words. Its
 * partner is the producer's acquire load of the same index when it looks for room.
 */
void thag_ring_release(struct thag_ring_reader *reader)
{
	__atomic_store_n(reader->published, reader->tail, __ATOMIC_RELEASE);
}

size_t thag_ring_read(struct thag_ring_reader *reader, uint64_t *out, size_t max)
{
	uint64_t pos = reader->tail;
	size_t count = 0;

	for (; count < max; count++, pos++) {
		uint64_t word = load_word(reader, pos);

		if (!thag_word_is_at(word, pos))
			break;
		out[count] = word;
	}
	if (count == 0)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	reader->tail = pos;
	reader->hole_pos = 0;
	return count;
}

/* Whether any of the `count` words from `pos` on has been written in its lap. */
static bool any_is_there(const struct thag_ring_reader *reader, uint64_t pos, uint64_t count)
{
	for (uint64_t end = pos + count; pos < end; pos++)
		if (thag_word_is_at(load_word(reader, pos), pos))
			return true;
	return false;
}

/*
 * Whether the producer is half a ring ahead: to wait longer would cost more than one word. Holes
 * are likely where a page is first touched, so a single word would tell little.
 */
static bool is_crowded(const struct thag_ring_reader *reader)
{
	return any_is_there(reader, reader->tail + THAG_RING_WORDS / 2, 64);
}

bool thag_ring_has_hole(const struct thag_ring_reader *reader)
{
	/* each handler that interrupts another leaves one event's words to be filled in later */
	return any_is_there(reader, reader->tail + 1, HOLE_WORDS);
}

bool thag_ring_skip_hole(struct thag_ring_reader *reader, uint64_t now_ns, bool writer_dead)
{
	if (thag_word_is_at(load_word(reader, reader->tail), reader->tail))
		return true; /* filled by now */
	if (!any_is_there(reader, reader->tail + 1, THAG_RING_BATCH))
		return false;
	if (reader->hole_pos != reader->tail) {
		reader->hole_pos = reader->tail;
		reader->hole_since_ns = now_ns;
	}
	if (!writer_dead && !is_crowded(reader) &&
	    now_ns - reader->hole_since_ns < THAG_RING_HOLE_NS)
		return false;
	/* no word may go unread that was written while we looked */
	if (thag_word_is_at(load_word(reader, reader->tail), reader->tail))
		return true;
	reader->holes++;
	reader->tail++;
	reader->hole_pos = 0;
	return true;
}
