/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * SIGKILL of who writes a recording, at any moment, again and again.
 *
 * A child does what thagd does, as fast as it can: it copies words of some rings to the journal,
 * publishes them, gives the ring's room back, and some chunks later writes them to the file. A page
 * that outlives it says how far each ring was given back. After each kill every word before that
 * must be in the file or in the journal, once; and the next child goes on from there, and is killed
 * in turn, at times while it still makes good what the one before left.
 *
 * THAG_KILLS in the environment: how many times, for longer runs.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "recording_sample.h"
#include "thag_recording_resume.h"

#define RINGS 4
#define WAITING 6 /* chunks that wait to be written */
#define BATCH_MAX 512
#define KILLS 200
#define KILLS_OF_ONE 50 /* before the recording is ended, and another begun */

/* Shared with the child, and there after its death. */
struct oracle {
	uint64_t steps;
	uint64_t tails[RINGS]; /* words before it were given back: nobody else has them */
};

/* What the test knows. */
struct ordeal {
	struct oracle *oracle;
	int fd;
	int journal_fd;
	uint64_t random;
	uint32_t halves; /* blocks of which a kill left a half */
	uint32_t left;	 /* words found in journals */
	uint32_t early;	 /* kills before the first word */
};

/* The child's side. */
struct ring {
	uint64_t pos; /* of the next word to be read */
	struct thag_recording_slot *slot;
	uint32_t words;
	uint32_t limit; /* words of this chunk */
};

struct waiting {
	struct thag_recording_slot *slot;
	uint32_t words;
};

struct child {
	struct oracle *oracle;
	struct thag_recording_writer *writer;
	struct thag_recording_journal *journal;
	struct thag_recording_pack pack;
	struct ring rings[RINGS];
	struct waiting waiting[WAITING];
	uint32_t waiting_count;
	uint64_t random;
};

static uint32_t next_random(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*random >> 33);
}

/* In the child nothing is asserted: it leaves with a status of its own. */
static void must(int ret)
{
	if (ret != 0)
		_exit(-ret & 0x7f);
}

static void put(struct child *child, uint32_t ring, uint64_t pos, const uint64_t *words,
		uint32_t count)
{
	must(sample_pack_words(&child->pack, ring, pos, words, count));
	must(thag_recording_writer_put(child->writer, &child->pack, NULL));
}

/* Writes what the one before left in the journal. */
static void make_good(struct child *child, int journal_fd)
{
	static uint64_t words[THAG_RECORDING_CHUNK_WORDS];
	static uint8_t side[THAG_RECORDING_SIDE_BYTES];
	struct thag_recording_remainder remainder;

	must(thag_recording_remains_open(&remainder, journal_fd, sample_identity.nonce,
					 child->writer->next_pos));
	for (uint32_t i = 0; i < remainder.count; i++) {
		const struct thag_recording_remains *remains = &remainder.remains[i];

		must(thag_recording_remains_read(&remainder, i, words, side));
		put(child, remains->ring, remains->first_pos, words, remains->words);
	}
	thag_recording_remains_fini(&remainder);
}

static void begin(struct child *child, int fd, int journal_fd)
{
	struct thag_recording_resumed resumed;
	int ret = thag_recording_resume(&child->writer, fd, sample_identity.nonce, NULL, &resumed);

	if (ret == -ENODATA) { /* killed before there was a header */
		must(ftruncate(fd, 0));
		ret = thag_recording_writer_create(&child->writer, fd, &sample_identity, NULL);
	}
	must(ret);
	make_good(child, journal_fd);
	must(thag_recording_journal_create(&child->journal, journal_fd, sample_identity.nonce));
	for (uint32_t i = 0; i < RINGS; i++) {
		uint64_t next = child->writer->next_pos[i];

		child->rings[i].pos = next ? next : SAMPLE_FIRST_POS;
	}
}

/* The chunk that has waited longest goes to the file. */
static void write_first(struct child *child)
{
	struct waiting first = child->waiting[0];

	put(child, first.slot->head.ring, first.slot->head.first_pos, first.slot->words,
	    first.words);
	thag_recording_journal_release(child->journal, first.slot);
	child->waiting_count--;
	memmove(child->waiting, child->waiting + 1, child->waiting_count * sizeof(first));
}

static void end_chunk(struct child *child, struct ring *ring)
{
	if (child->waiting_count == WAITING)
		write_first(child);
	child->waiting[child->waiting_count++] = (struct waiting){ ring->slot, ring->words };
	ring->slot = NULL;
	if (next_random(&child->random) % 4 == 0)
		write_first(child);
}

static void begin_chunk(struct child *child, struct ring *ring, uint32_t number)
{
	must(thag_recording_journal_take(child->journal, number, ring->pos, &ring->slot));
	ring->words = 0;
	ring->limit = next_random(&child->random) % 64 == 0
			      ? THAG_RECORDING_CHUNK_WORDS
			      : 1 + next_random(&child->random) % 4000;
}

/* A batch of words: into the journal, then given back. */
static void read_batch(struct child *child, uint32_t number)
{
	struct ring *ring = &child->rings[number];
	uint32_t count = 1 + next_random(&child->random) % BATCH_MAX;

	if (!ring->slot)
		begin_chunk(child, ring, number);
	if (count > ring->limit - ring->words)
		count = ring->limit - ring->words;
	for (uint32_t i = 0; i < count; i++)
		ring->slot->words[ring->words + i] = sample_word(number, ring->pos + i);
	ring->words += count;
	ring->pos += count;
	thag_recording_slot_publish(ring->slot, ring->words, 0);
	__atomic_store_n(&child->oracle->tails[number], ring->pos, __ATOMIC_RELEASE);
	__atomic_fetch_add(&child->oracle->steps, 1, __ATOMIC_RELEASE);
	if (ring->words == ring->limit)
		end_chunk(child, ring);
}

static void write_on(struct ordeal *ordeal)
{
	struct child child = { .oracle = ordeal->oracle,
			       .pack = { .level = 1 },
			       .random = ordeal->random };

	begin(&child, sample_open_again(ordeal->fd), sample_open_again(ordeal->journal_fd));
	for (;;)
		read_batch(&child, next_random(&child.random) % RINGS);
}

/* Returns when the child went so many steps, or is no more. */
static void wait_for_steps(const struct ordeal *ordeal, pid_t child, uint64_t steps)
{
	siginfo_t info = { 0 };

	while (__atomic_load_n(&ordeal->oracle->steps, __ATOMIC_ACQUIRE) < steps) {
		waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid != 0)
			return;
		sched_yield();
	}
}

/* Some time between two steps, or before the first. */
static void dawdle(struct ordeal *ordeal, uint32_t most)
{
	for (uint32_t i = next_random(&ordeal->random) % most; i > 0; i--)
		__asm__ volatile("" ::: "memory");
}

/* Starts a child, and kills it. */
static void strike(struct ordeal *ordeal)
{
	bool early = next_random(&ordeal->random) % 4 == 0;
	uint64_t before = ordeal->oracle->steps;
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0)
		write_on(ordeal);
	if (early)
		dawdle(ordeal, 4000000);
	else
		wait_for_steps(ordeal, child, before + next_random(&ordeal->random) % 400);
	dawdle(ordeal, 100000);
	kill(child, SIGKILL);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child failed: %d",
		  WEXITSTATUS(status));
	ordeal->early += ordeal->oracle->steps == before;
}

/* What the journal holds follows what the file holds. Sets the ends of rings. */
static void check_journal(struct ordeal *ordeal, uint64_t *ends)
{
	static uint64_t words[THAG_RECORDING_CHUNK_WORDS];
	static uint8_t side[THAG_RECORDING_SIDE_BYTES];
	struct thag_recording_remainder remainder;

	cr_assert_eq(thag_recording_remains_open(&remainder, ordeal->journal_fd,
						 sample_identity.nonce, ends),
		     0);
	cr_assert_eq(remainder.refused, 0);
	for (uint32_t i = 0; i < remainder.count; i++) {
		const struct thag_recording_remains *remains = &remainder.remains[i];
		uint64_t *end = &ends[remains->ring], wrong = 0;

		cr_assert_lt(remains->ring, RINGS);
		cr_assert_eq(remains->first_pos, *end ? *end : SAMPLE_FIRST_POS);
		cr_assert_eq(thag_recording_remains_read(&remainder, i, words, side), 0);
		for (uint32_t j = 0; j < remains->words; j++)
			wrong += words[j] != sample_word(remains->ring, remains->first_pos + j);
		cr_assert_eq(wrong, 0);
		*end = remains->first_pos + remains->words;
		ordeal->left += remains->words;
	}
	thag_recording_remains_fini(&remainder);
}

/* The file as the kill left it: whole but for a half block; the last chunks are looked at. */
static void check_file(struct ordeal *ordeal, struct thag_recording_reader *reader)
{
	cr_assert_leq(reader->damage_count, 1);
	cr_assert_eq(reader->missing, 0);
	cr_assert_eq(reader->repeated, 0);
	cr_assert_not(reader->ended);
	if (reader->damage_count) {
		cr_assert_eq(reader->damages[0].fault, THAG_RECORDING_CUT);
		ordeal->halves++;
	}
	for (uint32_t i = reader->entry_count; i > 0 && i + 16 > reader->entry_count; i--)
		cr_assert_eq(sample_check_entry(reader, i - 1), 0);
}

/* Nothing that was given back is missing, and nothing is there twice. */
static void check(struct ordeal *ordeal)
{
	struct thag_recording_reader reader;
	uint64_t ends[THAG_RECORDING_RINGS_MAX] = { 0 };
	int ret = thag_recording_reader_open(&reader, ordeal->fd);

	cr_assert(ret == 0 || ret == -ENODATA);
	if (ret == 0) {
		check_file(ordeal, &reader);
		memcpy(ends, reader.next_pos, sizeof(ends));
		thag_recording_reader_fini(&reader);
	}
	check_journal(ordeal, ends);
	for (uint32_t i = 0; i < RINGS; i++) {
		uint64_t tail = ordeal->oracle->tails[i];

		cr_assert_geq(ends[i], tail, "ring %u lost words", i);
		/* words that were published, but not given back yet, are read again */
		cr_assert_leq(ends[i], (tail ? tail : SAMPLE_FIRST_POS) + BATCH_MAX);
	}
}

/* All words from first to last, once. */
static void check_whole(const struct ordeal *ordeal, const uint64_t *next_pos)
{
	uint64_t at[RINGS];
	struct thag_recording_reader reader;

	for (uint32_t i = 0; i < RINGS; i++)
		at[i] = SAMPLE_FIRST_POS;
	cr_assert_eq(thag_recording_reader_open(&reader, ordeal->fd), 0);
	cr_assert_eq(reader.damage_count, 0);
	cr_assert(reader.ended);
	for (uint32_t i = 0; i < reader.entry_count; i++) {
		const struct thag_recording_chunk *chunk = &reader.entries[i].chunk;

		cr_assert_eq(chunk->first_pos, at[chunk->ring]);
		cr_assert_eq(sample_check_entry(&reader, i), 0);
		at[chunk->ring] += chunk->words;
	}
	for (uint32_t i = 0; i < RINGS; i++) {
		cr_assert_eq(at[i], next_pos[i] ? next_pos[i] : SAMPLE_FIRST_POS);
		cr_assert_geq(at[i], ordeal->oracle->tails[i]);
	}
	thag_recording_reader_fini(&reader);
}

/* Goes on once more, and ends the recording as it should be. */
static void end_recording(struct ordeal *ordeal)
{
	const struct thag_recording_end ended = { .ending = THAG_RECORDING_STOPPED };
	struct child child = { .pack = { .level = 1 } };
	int fd = sample_open_again(ordeal->fd), journal_fd = sample_open_again(ordeal->journal_fd);

	begin(&child, fd, journal_fd);
	cr_assert_eq(thag_recording_writer_finish(child.writer, &ended), 0);
	check_whole(ordeal, child.writer->next_pos);
	thag_recording_writer_destroy(child.writer);
	thag_recording_journal_destroy(child.journal);
	thag_recording_pack_fini(&child.pack);
	close(fd);
	close(journal_fd);
}

static void begin_recording(struct ordeal *ordeal)
{
	memset(ordeal->oracle, 0, sizeof(*ordeal->oracle));
	ordeal->fd = sample_file();
	ordeal->journal_fd = sample_file();
	cr_assert_geq(ordeal->fd, 0);
	cr_assert_geq(ordeal->journal_fd, 0);
}

static int kills_wanted(void)
{
	const char *text = getenv("THAG_KILLS");

	return text ? atoi(text) : KILLS;
}

Test(recording_kill, sigkill_while_recording_loses_no_word_and_repeats_none)
{
	struct ordeal ordeal = { .random = (uint64_t)getpid() };
	int kills = kills_wanted();

	ordeal.oracle = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(ordeal.oracle, MAP_FAILED);
	for (int i = 0; i < kills; i++) {
		if (i % KILLS_OF_ONE == 0)
			begin_recording(&ordeal);
		strike(&ordeal);
		check(&ordeal);
		if (i % KILLS_OF_ONE == KILLS_OF_ONE - 1 || i + 1 == kills) {
			end_recording(&ordeal);
			close(ordeal.fd);
			close(ordeal.journal_fd);
		}
	}
	cr_log_info("%d kills: %u before the first word, %u within a block, %u words in journals",
		    kills, ordeal.early, ordeal.halves, ordeal.left);
	cr_expect_gt(ordeal.left, 0);
	munmap(ordeal.oracle, 4096);
}
