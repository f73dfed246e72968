/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any words anywhere in a ring, as a writer of the worst kind leaves them, through the reader to
 * the decoder: no word is read twice or before it is there, what is given back was read, and each
 * step over a hole is one. 4 bytes, where the reader begins, and then entries of 11: how many words
 * after the one before it is, its lap, what is done after it, and the word.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "thag/words.h"
#include "thag_ring.h"
#include "thag_stream.h"

#define NODES 1024
#define BATCH 64

struct entry {
	uint8_t skip;
	uint8_t lap; /* 0 to 2: the word is of this lap, of the one before or as it is */
	uint8_t action;
	uint64_t word;
} __attribute__((packed));

/* Words that were never written are of the first of each four laps: only there they look new. */
#define FIRSTS (3 * THAG_RING_WORDS - (UINT32_C(1) << 17))

static uint64_t words[THAG_RING_WORDS];
static uint64_t published;

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	return tid % 2 ? context : NULL;
}

static void end_thread(void *context, struct thag_thread *thread)
{
	check(context == thread);
}

static void read_all(struct thag_ring_reader *reader, struct thag_stream *stream)
{
	uint64_t batch[BATCH];
	size_t count, fed;

	do {
		uint64_t before = reader->tail;

		count = thag_ring_read(reader, batch, BATCH);
		check(count <= BATCH && reader->tail == before + count);
		for (size_t i = 0; i < count; i++)
			check(thag_word_is_at(batch[i], before + i));
		fed = thag_stream_feed(stream, batch, count);
		check(fed <= count);
	} while (count == BATCH);
}

static void skip(struct thag_ring_reader *reader, uint64_t now, int dead)
{
	uint64_t tail = reader->tail, holes = reader->holes;
	int stepped = thag_ring_skip_hole(reader, now, dead);

	check(reader->tail - tail == reader->holes - holes && reader->tail - tail <= 1);
	check(stepped || reader->tail == tail);
	thag_ring_has_hole(reader);
}

/* With the mark of its place and lap, as a writer puts it, unless it makes one up. */
static uint64_t mark(const struct entry *entry, uint64_t pos)
{
	uint64_t lap = (uint64_t)(entry->lap % 3) << THAG_RING_LOG2;

	if (entry->lap % 3 == 2)
		return entry->word;
	return (entry->word & ~THAG_WORD_PHASE) | ((pos - lap) & THAG_WORD_PHASE);
}

static void act(struct thag_ring_reader *reader, struct thag_stream *stream, uint8_t action)
{
	if (action & 1)
		read_all(reader, stream);
	if (action & 2)
		skip(reader, action & 4 ? UINT64_MAX : action, action & 8);
	if (action & 16)
		thag_ring_release(reader);
	check(published <= reader->tail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct thag_ring_reader reader = { .words = words, .published = &published };
	struct thag_thread thread;
	struct thag_stream stream = { .thread_start = start_thread,
				      .thread_end = end_thread,
				      .context = &thread,
				      .thread = &thread };
	struct entry entry;
	uint64_t pos;
	uint32_t first;

	if (size < sizeof(first))
		return 0;
	memcpy(&first, data, sizeof(first));
	first = first % FIRSTS + THAG_RING_WORDS;
	pos = reader.tail = first;
	check(thag_thread_init(&thread, 1, NODES) == 0);
	for (size_t at = sizeof(first); at + sizeof(entry) <= size; at += sizeof(entry)) {
		memcpy(&entry, data + at, sizeof(entry));
		pos += entry.skip;
		words[pos & THAG_RING_MASK] = mark(&entry, pos);
		pos++;
		act(&reader, &stream, entry.action);
	}
	read_all(&reader, &stream);
	thag_thread_fini(&thread);
	for (uint64_t i = first; i < pos; i++)
		words[i & THAG_RING_MASK] = 0;
	published = 0;
	return 0;
}
