/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_journal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "recording_sample.h"

#define SLOT_OFFSET(i) \
	((off_t)(THAG_RECORDING_JOURNAL_SLOTS_OFFSET + (i)*THAG_RECORDING_SLOT_BYTES))

static const uint64_t nothing[THAG_RECORDING_RINGS_MAX];

static struct thag_recording_journal *begin(int fd)
{
	struct thag_recording_journal *journal;

	cr_assert_eq(thag_recording_journal_create(&journal, fd, sample_identity.nonce), 0);
	return journal;
}

static struct thag_recording_slot *put(struct thag_recording_journal *journal, uint32_t ring,
				       uint64_t pos, uint32_t words)
{
	struct thag_recording_slot *slot;

	cr_assert_eq(thag_recording_journal_take(journal, ring, pos, &slot), 0);
	for (uint32_t i = 0; i < words; i++)
		slot->words[i] = sample_word(ring, pos + i);
	memcpy(slot->side, "opening", 7);
	thag_recording_slot_publish(slot, words, 7);
	return slot;
}

static void expect_words(const struct thag_recording_remainder *remainder, uint32_t i)
{
	const struct thag_recording_remains *remains = &remainder->remains[i];
	uint64_t *words = calloc(remains->words, sizeof(*words));
	uint8_t side[THAG_RECORDING_SIDE_BYTES];

	cr_assert_eq(thag_recording_remains_read(remainder, i, words, side), 0);
	for (uint32_t j = 0; j < remains->words; j++)
		cr_assert_eq(words[j], sample_word(remains->ring, remains->first_pos + j));
	cr_assert_eq(remains->side_bytes, 7);
	cr_expect_arr_eq(side, "opening", 7);
	free(words);
}

static uint32_t count(int fd, const uint64_t *next_pos)
{
	struct thag_recording_remainder remainder;

	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, next_pos),
		     0);
	cr_expect_eq(remainder.refused, 0);
	uint32_t found = remainder.count;

	for (uint32_t i = 0; i < found; i++)
		expect_words(&remainder, i);
	thag_recording_remains_fini(&remainder);
	return found;
}

Test(recording_journal, holds_what_was_published_until_it_is_released)
{
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);
	struct thag_recording_slot *first, *second;

	cr_expect_eq(count(fd, nothing), 0);
	first = put(journal, 1, 5000, 100);
	cr_expect_eq(count(fd, nothing), 1);
	second = put(journal, 2, 6000, THAG_RECORDING_CHUNK_WORDS);
	cr_expect_eq(count(fd, nothing), 2);
	thag_recording_journal_release(journal, first);
	cr_expect_eq(count(fd, nothing), 1);
	thag_recording_journal_release(journal, second);
	cr_expect_eq(count(fd, nothing), 0);
	put(journal, 1, 5100, 1);
	thag_recording_journal_destroy(journal);
	cr_expect_eq(count(fd, nothing), 1);
	thag_recording_journal_destroy(begin(fd));
	cr_expect_eq(count(fd, nothing), 0);
	close(fd);
}

Test(recording_journal, has_nothing_of_a_slot_that_was_only_taken)
{
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);
	struct thag_recording_slot *slot;

	cr_assert_eq(thag_recording_journal_take(journal, 3, 5000, &slot), 0);
	slot->words[0] = 1;
	thag_recording_slot_publish(slot, 0, 0);
	cr_expect_eq(count(fd, nothing), 0);
	thag_recording_journal_destroy(journal);
	close(fd);
}

Test(recording_journal, tells_by_ring_and_position_what_the_file_lacks)
{
	struct thag_recording_remainder remainder;
	uint64_t next_pos[THAG_RECORDING_RINGS_MAX] = { [4] = 5200, [1] = 300 };
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);

	put(journal, 4, 5300, 50);
	put(journal, 4, 5100, 100); /* in the file */
	put(journal, 1, 300, 10);
	put(journal, 4, 5200, 100);
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, next_pos),
		     0);
	cr_assert_eq(remainder.count, 3);
	cr_expect_eq(remainder.refused, 0);
	cr_expect_eq(remainder.remains[0].ring, 1);
	cr_expect_eq(remainder.remains[1].first_pos, 5200);
	cr_expect_eq(remainder.remains[2].first_pos, 5300);
	for (uint32_t i = 0; i < 3; i++)
		expect_words(&remainder, i);
	thag_recording_remains_fini(&remainder);
	thag_recording_journal_destroy(journal);
	close(fd);
}

/* Such a journal is no work of a writer's. */
Test(recording_journal, refuses_words_that_others_hold_in_part)
{
	struct thag_recording_remainder remainder;
	uint64_t next_pos[THAG_RECORDING_RINGS_MAX] = { [4] = 5150 };
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);

	put(journal, 4, 5100, 100);
	put(journal, 4, 5150, 100);
	put(journal, 4, 5249, 10);
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, next_pos),
		     0);
	cr_assert_eq(remainder.count, 1);
	cr_expect_eq(remainder.refused, 2);
	cr_expect_eq(remainder.remains[0].first_pos, 5150);
	thag_recording_remains_fini(&remainder);
	thag_recording_journal_destroy(journal);
	close(fd);
}

static int open_remains(int fd)
{
	struct thag_recording_remainder remainder;
	int ret = thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing);

	if (ret == 0)
		thag_recording_remains_fini(&remainder);
	return ret;
}

/* Opens a journal whose head was changed, and signed again. */
static int open_changed(const struct thag_recording_journal_head *head, bool sign)
{
	struct thag_recording_journal_head copy = *head;
	int fd, ret;

	if (sign)
		copy.checksum = XXH3_64bits(&copy, offsetof(typeof(copy), checksum));
	fd = sample_file_of(&copy, sizeof(copy));
	ret = open_remains(fd);
	close(fd);
	return ret;
}

Test(recording_journal, of_others_is_not_read)
{
	struct thag_recording_journal_head head, changed;
	int fd = sample_file();

	cr_expect_eq(open_remains(fd), 0);
	thag_recording_journal_destroy(begin(fd));
	cr_assert_eq(thag_recording_read(fd, &head, sizeof(head), 0), 0);
	cr_expect_eq(open_changed(&head, true), 0);
	changed = head;
	changed.boot[0] ^= 1; /* the machine was restarted */
	cr_expect_eq(open_changed(&changed, false), -EBADMSG);
	cr_expect_eq(open_changed(&changed, true), -ESTALE);
	changed = head;
	changed.nonce[15] ^= 1;
	cr_expect_eq(open_changed(&changed, true), -ESTALE);
	changed = head;
	changed.version++;
	cr_expect_eq(open_changed(&changed, true), -ENOTSUP);
	changed = head;
	changed.byte_order = __builtin_bswap32(head.byte_order);
	cr_expect_eq(open_changed(&changed, true), -ENOTSUP);
	changed = head;
	changed.slot_bytes--;
	cr_expect_eq(open_changed(&changed, true), -EBADMSG);
	changed = head;
	changed.magic++;
	cr_expect_eq(open_changed(&changed, true), -EPROTO);
	cr_assert_eq(ftruncate(fd, 20), 0);
	cr_expect_eq(open_remains(fd), -EPROTO);
	close(fd);
}

Test(recording_journal, slots_that_make_no_sense_are_left_out)
{
	struct thag_recording_slot_head bad[] = {
		{ .published = 10, .ring = THAG_RECORDING_RINGS_MAX },
		{ .published = THAG_RECORDING_CHUNK_WORDS + 1 },
		{ .published = UINT64_MAX },
		{ .published = (uint64_t)(THAG_RECORDING_SIDE_BYTES + 1) << 32 | 5 },
		{ .published = 10, .first_pos = UINT64_MAX - 5 },
	};
	struct thag_recording_remainder remainder;
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(journal, 1, 5000 + i, 1);
		cr_assert_eq(pwrite(fd, &bad[i], sizeof(bad[i]), SLOT_OFFSET(i)),
			     (ssize_t)sizeof(bad[i]));
	}
	put(journal, 1, 6000, 10);
	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	cr_expect_eq(remainder.count, 1);
	cr_expect_eq(remainder.refused, 5);
	thag_recording_remains_fini(&remainder);
	thag_recording_journal_destroy(journal);
	close(fd);
}

Test(recording_journal, cut_short_has_the_slots_that_are_whole)
{
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);

	put(journal, 1, 5000, 100);
	put(journal, 2, 6000, 100);
	thag_recording_journal_destroy(journal);
	cr_assert_eq(ftruncate(fd, SLOT_OFFSET(2) - 1), 0);
	cr_expect_eq(count(fd, nothing), 1);
	cr_assert_eq(ftruncate(fd, SLOT_OFFSET(1) - 1), 0);
	cr_expect_eq(count(fd, nothing), 0);
	close(fd);
}

Test(recording_journal, says_when_a_slot_holds_another_chunk_by_now)
{
	struct thag_recording_remainder remainder;
	uint64_t words[10];
	uint8_t side[7];
	int fd = sample_file();
	struct thag_recording_journal *journal = begin(fd);
	struct thag_recording_slot *slot = put(journal, 1, 5000, 10);

	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	thag_recording_journal_release(journal, slot);
	/* its words are still there */
	cr_expect_eq(thag_recording_remains_read(&remainder, 0, words, side), 0);
	put(journal, 1, 5010, 10);
	cr_expect_eq(thag_recording_remains_read(&remainder, 0, words, side), -EAGAIN);
	thag_recording_remains_fini(&remainder);
	thag_recording_journal_destroy(journal);
	close(fd);
}

struct live {
	struct thag_recording_journal *journal;
	bool stop; /* atomic */
};

/* Chunks of two rings, published word by word, a slot each in turn. */
static void *write_on(void *context)
{
	struct live *live = context;
	uint64_t pos = 5000;

	while (!__atomic_load_n(&live->stop, __ATOMIC_ACQUIRE)) {
		struct thag_recording_slot *slots[2];

		for (uint32_t ring = 0; ring < 2; ring++)
			slots[ring] = put(live->journal, ring, pos, 3);
		for (uint32_t i = 3; i < 40; i++) {
			for (uint32_t ring = 0; ring < 2; ring++) {
				slots[ring]->words[i] = sample_word(ring, pos + i);
				thag_recording_slot_publish(slots[ring], i + 1, 7);
			}
		}
		pos += 40;
		for (uint32_t ring = 0; ring < 2; ring++)
			thag_recording_journal_release(live->journal, slots[ring]);
	}
	return NULL;
}

static uint32_t read_live(int fd)
{
	struct thag_recording_remainder remainder;
	uint64_t words[64];
	uint8_t side[7];
	uint32_t read = 0;

	cr_assert_eq(thag_recording_remains_open(&remainder, fd, sample_identity.nonce, nothing),
		     0);
	for (uint32_t i = 0; i < remainder.count; i++) {
		const struct thag_recording_remains *remains = &remainder.remains[i];
		int ret = thag_recording_remains_read(&remainder, i, words, side);

		cr_assert(ret == 0 || ret == -EAGAIN);
		for (uint32_t j = 0; ret == 0 && j < remains->words; j++)
			cr_assert_eq(words[j], sample_word(remains->ring, remains->first_pos + j));
		read += ret == 0;
	}
	thag_recording_remains_fini(&remainder);
	return read;
}

Test(recording_journal, of_a_writer_that_lives_is_read_untorn)
{
	int fd = sample_file();
	struct live live = { .journal = begin(fd) };
	pthread_t thread;
	uint32_t read = 0;

	cr_assert_eq(pthread_create(&thread, NULL, write_on, &live), 0);
	while (read < 20000)
		read += read_live(fd);
	__atomic_store_n(&live.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	thag_recording_journal_destroy(live.journal);
	close(fd);
}
