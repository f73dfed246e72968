/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "clock.h"
#include "memory.h"
#include "rings.h"
#include "thag_chunk.h"
#include "thag_prelude.h"
#include "thag/words.h"

#define NONE UINT32_MAX
#define POS_MAX (UINT64_C(1) << 62)
#define BEHIND (2 * THAG_RING_BATCH)	    /* words behind the last that are set to be not there */
#define WINDOW_WORDS (2 * THAG_CHUNK_WORDS) /* of a ring that are in memory */
#define WINDOW_BYTES (WINDOW_WORDS * sizeof(uint64_t))

_Static_assert(THAG_RING_BATCH + THAG_CHUNK_WORDS + BEHIND <= WINDOW_WORDS, "they don't overlap");

/* A ring that is played. */
struct source {
	uint64_t *words;		/* THAG_RING_WORDS of them; NULL: nothing to play */
	uint64_t published;		/* what the reader tells */
	uint64_t end;			/* position behind the last word that was put there */
	uint32_t chunk;			/* the next, by its entry; NONE: no more */
	uint32_t remains;		/* the next of the journal; NONE: no more */
	bool begins_late;		/* the next chunk is its prelude: see thag_prelude.h */
	struct thag_ring_reader reader; /* the ring's own, to be put back */
	struct thag_shm_stack *saved;
};

struct player {
	struct thag_replay *replay;
	struct source sources[THAG_SLOTS_MAX];
	uint32_t used;	/* rings below it have sources */
	uint32_t *next; /* for each entry of the reader the next one of its ring, or NONE */
	struct thag_recording_unpacker unpacker;
	struct thag_buffer head, openings, stored;
	struct thag_shm_stack saved;
	uint64_t words[THAG_CHUNK_WORDS];
	uint8_t side[THAG_RECORDING_SIDE_BYTES];
};

/* --- chunks --- */

static int read_part(struct player *player, const struct thag_recording_front *front,
		     enum thag_recording_kind kind, struct thag_buffer *out)
{
	int ret = thag_recording_kind_read(&player->replay->reader->file, front, kind,
					   THAG_RECORDING_PART_MAX, &player->unpacker, out);

	return ret == -ENOENT ? 0 : ret; /* it has no bytes */
}

/* Reads the words of the chunk that an entry tells of; `raw`, which is empty, is the caller's. */
static int read_chunk(struct player *player, uint32_t entry, struct thag_chunk_raw *raw)
{
	const struct thag_recording_chunk *told = &player->replay->reader->entries[entry].chunk;
	struct thag_chunk chunk = { 0 };
	struct thag_recording_front front;
	int ret = thag_recording_reader_front(player->replay->reader, entry, &front);

	if (ret == 0)
		ret = read_part(player, &front, THAG_RECORDING_CHUNK_HEAD, &player->head);
	if (ret == 0 && player->head.bytes < sizeof(chunk.head))
		ret = -EBADMSG;
	if (ret != 0)
		return ret;
	memcpy(&chunk.head, player->head.data, sizeof(chunk.head));
	if (!thag_chunk_head_check(&chunk.head) || chunk.head.words != told->words ||
	    chunk.head.first_pos != told->first_pos || chunk.head.ring != told->ring)
		return -EBADMSG;
	ret = read_part(player, &front, THAG_RECORDING_OPENINGS, &player->openings);
	if (ret == 0)
		ret = read_part(player, &front, THAG_RECORDING_WORDS, &player->stored);
	if (ret != 0)
		return ret;
	/* lent to it */
	chunk.parts[THAG_PART_OPENINGS] = player->openings;
	chunk.parts[THAG_PART_WORDS] = player->stored;
	return thag_chunk_decode(raw, &chunk, player->words);
}

/* --- rings --- */

static bool has_more(const struct source *source)
{
	return source->chunk != NONE || source->remains != NONE;
}

static void put_words(struct source *source, const uint64_t *words, uint64_t count)
{
	for (uint64_t done = 0; done < count;) {
		uint64_t at = (source->end + done) & THAG_RING_MASK;
		uint64_t run = THAG_RING_WORDS - at;

		run = run < count - done ? run : count - done;
		memcpy(source->words + at, words + done, run * sizeof(*words));
		done += run;
	}
	source->end += count;
	/* what was there before may look as if it were of this lap */
	for (uint64_t pos = source->end; pos < source->end + BEHIND; pos++)
		source->words[pos & THAG_RING_MASK] = thag_chunk_hole(pos);
}

static void end_source(struct player *player, struct source *source, uint64_t more)
{
	player->replay->unused += more;
	source->chunk = source->remains = NONE;
}

/* Words of all that a ring has not played, those of entry `chunk` and of `remains` included. */
static uint64_t count_rest(const struct player *player, const struct source *source)
{
	const struct thag_recording_remainder *remainder = player->replay->remainder;
	uint64_t rest = 0;

	for (uint32_t i = source->chunk; i != NONE; i = player->next[i])
		rest += player->replay->reader->entries[i].chunk.words;
	for (uint32_t i = source->remains; i != NONE; i++) {
		if (i == remainder->count ||
		    remainder->remains[i].ring != remainder->remains[source->remains].ring)
			break;
		rest += remainder->remains[i].words;
	}
	return rest;
}

static void play_prelude(struct thag_session_ring *ring, const struct thag_chunk_raw *prelude)
{
	pthread_rwlock_rdlock(&ring->session->lock);
	thag_prelude_play(&ring->stream, prelude);
	pthread_rwlock_unlock(&ring->session->lock);
}

static void play_chunk(struct player *player, uint32_t index)
{
	struct source *source = &player->sources[index];
	const struct thag_recording_chunk *told =
		&player->replay->reader->entries[source->chunk].chunk;
	struct thag_chunk_raw raw = { 0 };

	if (told->first_pos != source->end || read_chunk(player, source->chunk, &raw) != 0) {
		thag_openings_fini(&raw.openings);
		end_source(player, source, count_rest(player, source));
		return;
	}
	if (source->begins_late)
		play_prelude(&player->replay->session->rings[index], &raw);
	source->begins_late = false;
	thag_openings_fini(&raw.openings);
	put_words(source, player->words, told->words);
	source->chunk = player->next[source->chunk];
}

static void play_remains(struct player *player, struct source *source)
{
	const struct thag_recording_remainder *remainder = player->replay->remainder;
	const struct thag_recording_remains *remains = &remainder->remains[source->remains];
	uint32_t next = source->remains + 1;

	if (remains->first_pos != source->end ||
	    thag_recording_remains_read(remainder, source->remains, player->words, player->side) !=
		    0) {
		end_source(player, source, count_rest(player, source));
		return;
	}
	put_words(source, player->words, remains->words);
	source->remains = NONE;
	if (next < remainder->count && remainder->remains[next].ring == remains->ring)
		source->remains = next;
}

/* Puts the next words behind those that wait; a hole is seen by the words behind it. */
static bool play(struct player *player, uint32_t index)
{
	struct source *source = &player->sources[index];
	struct thag_session_ring *ring = &player->replay->session->rings[index];

	if (!has_more(source) || source->end - ring->reader.tail >= THAG_RING_BATCH)
		return false;
	if (source->chunk != NONE)
		play_chunk(player, index);
	else
		play_remains(player, source);
	return true;
}

/* --- beginning and end --- */

/* A ring that shows the same few pages again and again: they stay in the processor's cache. */
static void *map_ring(void)
{
	char *ring = mmap(NULL, THAG_RING_BYTES, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = memfd_create("thag-replay", MFD_CLOEXEC);
	bool done = ring != MAP_FAILED && fd >= 0 &&
		    TEMP_FAILURE_RETRY(ftruncate(fd, WINDOW_BYTES)) == 0;

	for (uint64_t at = 0; done && at < THAG_RING_BYTES; at += WINDOW_BYTES)
		done = mmap(ring + at, WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    fd, 0) != MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (done)
		return ring;
	if (ring != MAP_FAILED)
		munmap(ring, THAG_RING_BYTES);
	return NULL;
}

/* Where the ring's words begin: at its own beginning, or with a prelude. */
static uint64_t find_begin(const struct player *player, struct source *source)
{
	const struct thag_recording_chunk *first;

	if (source->chunk == NONE)
		return THAG_RING_WORDS;
	first = &player->replay->reader->entries[source->chunk].chunk;
	source->begins_late = first->flags & THAG_CHUNK_PRELUDE &&
			      first->first_pos >= THAG_RING_WORDS && first->first_pos < POS_MAX;
	if (!source->begins_late)
		return THAG_RING_WORDS;
	player->replay->skipped += first->first_pos + 1 - THAG_RING_WORDS;
	return first->first_pos;
}

static int begin_source(struct player *player, uint32_t index)
{
	struct source *source = &player->sources[index];
	struct thag_session_ring *ring = &player->replay->session->rings[index];
	void *words = map_ring();

	if (!words)
		return -ENOMEM;
	source->words = words;
	source->end = source->published = find_begin(player, source);
	put_words(source, NULL, 0);
	pthread_rwlock_wrlock(&ring->session->lock);
	source->reader = ring->reader;
	source->saved = ring->saved;
	ring->reader = (struct thag_ring_reader){ .words = words,
						  .published = &source->published,
						  .tail = source->end };
	ring->saved = &player->saved;
	pthread_rwlock_unlock(&ring->session->lock);
	return 0;
}

/* Holes at the end have nothing behind them any more. */
static void skip_holes(const struct source *source, struct thag_session_ring *ring)
{
	for (; ring->reader.tail < source->end && !ring->stream.blocked; ring->reader.holes++) {
		if (thag_word_is_at(source->words[ring->reader.tail & THAG_RING_MASK],
				    ring->reader.tail))
			break;
		thag_stream_gap(&ring->stream);
		ring->reader.tail++;
	}
}

static void fini_source(struct player *player, uint32_t index)
{
	struct source *source = &player->sources[index];
	struct thag_session_ring *ring = &player->replay->session->rings[index];
	uint64_t holes;

	if (!source->words)
		return;
	pthread_rwlock_wrlock(&ring->session->lock);
	skip_holes(source, ring);
	player->replay->ends[index] = ring->reader.tail;
	holes = ring->reader.holes;
	ring->reader = source->reader;
	ring->reader.holes = holes;
	ring->saved = source->saved;
	pthread_rwlock_unlock(&ring->session->lock);
	munmap(source->words, THAG_RING_BYTES);
}

/* Chains the chunks of each ring, in their order. */
static int find_chunks(struct player *player)
{
	const struct thag_recording_reader *reader = player->replay->reader;
	uint32_t slots = player->replay->session->header.slots;

	player->next = malloc(((size_t)reader->entry_count + 1) * sizeof(*player->next));
	if (!player->next)
		return -ENOMEM;
	for (uint32_t i = reader->entry_count; i-- > 0;) {
		const struct thag_recording_entry *entry = &reader->entries[i];

		player->next[i] = NONE;
		if (entry->type != THAG_RECORDING_CHUNK)
			continue;
		if (entry->chunk.ring >= slots) {
			player->replay->unused += entry->chunk.words;
			continue;
		}
		player->next[i] = player->sources[entry->chunk.ring].chunk;
		player->sources[entry->chunk.ring].chunk = i;
	}
	return 0;
}

static void find_remains(struct player *player)
{
	const struct thag_recording_remainder *remainder = player->replay->remainder;
	uint32_t slots = player->replay->session->header.slots;

	for (uint32_t i = remainder ? remainder->count : 0; i-- > 0;)
		if (remainder->remains[i].ring < slots)
			player->sources[remainder->remains[i].ring].remains = i;
}

static int begin(struct player *player)
{
	int ret;

	for (uint32_t i = 0; i < THAG_SLOTS_MAX; i++)
		player->sources[i].chunk = player->sources[i].remains = NONE;
	ret = find_chunks(player);
	if (ret == 0)
		find_remains(player);
	for (uint32_t i = 0; ret == 0 && i < THAG_SLOTS_MAX; i++) {
		if (!has_more(&player->sources[i]))
			continue;
		ret = begin_source(player, i);
		player->used = i + 1;
	}
	/* a ring may go on with what another one's prelude tells of */
	for (uint32_t i = 0; ret == 0 && i < player->used; i++)
		if (player->sources[i].begins_late)
			play_chunk(player, i);
	return ret;
}

static bool read_ring(struct thag_session_ring *ring, uint64_t *batch)
{
	bool more;

	pthread_rwlock_rdlock(&ring->session->lock);
	more = thag_rings_read(ring, batch, thag_clock_mono_ns(), true) != THAG_FOUND_NOTHING;
	pthread_rwlock_unlock(&ring->session->lock);
	return more;
}

/* One round over all rings, as a drain thread does it. */
static bool play_round(struct player *player, uint64_t *batch)
{
	struct thag_session *session = player->replay->session;
	bool more = false, wait;

	for (uint32_t i = 0; i < player->used; i++) {
		struct thag_session_ring *ring = &session->rings[i];

		if (!player->sources[i].words)
			continue;
		more |= play(player, i);
		more |= read_ring(ring, batch);
		if (has_more(&player->sources[i]))
			ring->empty = false;
	}
	pthread_rwlock_rdlock(&session->lock);
	more |= thag_memory_apply(session, player->used, UINT64_MAX, &wait) != 0;
	pthread_rwlock_unlock(&session->lock);
	return more;
}

static bool unblock(struct thag_session *session)
{
	bool unblocked;

	pthread_rwlock_rdlock(&session->lock);
	unblocked = thag_rings_unblock(session, thag_clock_mono_ns(), true);
	pthread_rwlock_unlock(&session->lock);
	return unblocked;
}

static bool is_quarantined(const struct thag_session *session)
{
	return atomic_load_explicit(&session->quarantined, memory_order_relaxed);
}

int thag_replay_run(struct thag_replay *replay)
{
	struct player *player = calloc(1, sizeof(*player));
	uint64_t batch[THAG_RING_BATCH];
	int ret = player ? 0 : -ENOMEM;

	if (!player)
		return ret;
	player->replay = replay;
	ret = begin(player);
	while (ret == 0 && !is_quarantined(replay->session) &&
	       (play_round(player, batch) || unblock(replay->session)))
		continue;
	for (uint32_t i = 0; i < player->used; i++)
		fini_source(player, i);
	thag_recording_unpacker_fini(&player->unpacker);
	thag_buffer_fini(&player->head);
	thag_buffer_fini(&player->openings);
	thag_buffer_fini(&player->stored);
	free(player->next);
	free(player);
	return ret;
}
