/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <xxhash.h>

#include "thag_recording_block.h"
#include "thag_recording_boot.h"

#define HEAD_TRIES 64

static int check_head(const struct thag_recording_journal_head *head, const uint8_t *nonce)
{
	const size_t checked = offsetof(struct thag_recording_journal_head, checksum);
	char boot[THAG_RECORDING_BOOT_BYTES];
	int ret;

	if (head->magic != THAG_RECORDING_JOURNAL_MAGIC)
		return -EPROTO;
	if (head->byte_order != THAG_RECORDING_BYTE_ORDER ||
	    head->version != THAG_RECORDING_JOURNAL_VERSION)
		return -ENOTSUP;
	if (head->checksum != XXH3_64bits(head, checked) ||
	    head->slot_bytes != THAG_RECORDING_SLOT_BYTES)
		return -EBADMSG;
	ret = thag_recording_boot(boot);
	if (ret != 0)
		return ret;
	if (memcmp(head->nonce, nonce, sizeof(head->nonce)) != 0 ||
	    memcmp(head->boot, boot, sizeof(boot)) != 0)
		return -ESTALE;
	return 0;
}

static uint64_t slot_offset(uint32_t slot)
{
	return THAG_RECORDING_JOURNAL_SLOTS_OFFSET + (uint64_t)slot * THAG_RECORDING_SLOT_BYTES;
}

/*
 * Two looks that agree are of one moment, though a look isn't: a writer withdraws `published`, then
 * changes `generation`, then ring and position, then publishes. So a look that had a field from
 * before such a change, and one from after it, is followed by one that has both from after it.
 */
static int read_slot_head(int fd, uint32_t i, struct thag_recording_slot_head *slot)
{
	struct thag_recording_slot_head first;
	int ret = 0;

	for (int tries = 0; ret == 0 && tries < HEAD_TRIES; tries++) {
		ret = thag_recording_read(fd, &first, sizeof(first), slot_offset(i));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (ret == 0)
			ret = thag_recording_read(fd, slot, sizeof(*slot), slot_offset(i));
		if (ret == 0 && memcmp(&first, slot, sizeof(first)) == 0)
			return 0;
	}
	return ret ? ret : -EAGAIN;
}

/* Whether the slot makes sense. */
static bool check_slot(const struct thag_recording_slot_head *slot)
{
	uint64_t words = (uint32_t)slot->published;

	return slot->ring < THAG_RECORDING_RINGS_MAX && words <= THAG_RECORDING_CHUNK_WORDS &&
	       slot->published >> 32 <= THAG_RECORDING_SIDE_BYTES &&
	       words <= UINT64_MAX - slot->first_pos;
}

static void take_slot(struct thag_recording_remainder *out, uint32_t i,
		      const struct thag_recording_slot_head *slot)
{
	if ((uint32_t)slot->published == 0)
		return;
	if (!check_slot(slot)) {
		out->refused++;
		return;
	}
	out->remains[out->count++] = (struct thag_recording_remains){
		.first_pos = slot->first_pos,
		.generation = slot->generation,
		.ring = slot->ring,
		.words = (uint32_t)slot->published,
		.side_bytes = (uint32_t)(slot->published >> 32),
		.slot = i,
	};
}

static int compare(const void *a, const void *b)
{
	const struct thag_recording_remains *left = a, *right = b;

	if (left->ring != right->ring)
		return left->ring < right->ring ? -1 : 1;
	if (left->first_pos != right->first_pos)
		return left->first_pos < right->first_pos ? -1 : 1;
	return left->slot < right->slot ? -1 : left->slot > right->slot;
}

/* Leaves out what the file holds. What it holds in part was not left by a writer of it. */
static void drop_known(struct thag_recording_remainder *out, const uint64_t *next_pos)
{
	uint64_t next = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < out->count; i++) {
		const struct thag_recording_remains *remains = &out->remains[i];
		uint64_t end = remains->first_pos + remains->words;

		if (kept == 0 || out->remains[kept - 1].ring != remains->ring)
			next = next_pos[remains->ring];
		if (remains->first_pos < next) {
			out->refused += end > next;
			continue;
		}
		next = end;
		out->remains[kept++] = *remains;
	}
	out->count = kept;
}

static uint32_t count_slots(uint64_t file_bytes)
{
	uint64_t count = 0;

	if (file_bytes > THAG_RECORDING_JOURNAL_SLOTS_OFFSET)
		count = (file_bytes - THAG_RECORDING_JOURNAL_SLOTS_OFFSET) /
			THAG_RECORDING_SLOT_BYTES;
	return count < THAG_RECORDING_JOURNAL_SLOTS_MAX ? (uint32_t)count
							: THAG_RECORDING_JOURNAL_SLOTS_MAX;
}

static int read_slots(struct thag_recording_remainder *out, uint32_t count)
{
	struct thag_recording_slot_head slot;

	out->remains = calloc(count ? count : 1, sizeof(*out->remains));
	if (!out->remains)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		int ret = read_slot_head(out->fd, i, &slot);

		if (ret == 0)
			take_slot(out, i, &slot);
		else if (ret == -EAGAIN)
			out->refused++;
		else
			return ret;
	}
	return 0;
}

int thag_recording_remains_open(struct thag_recording_remainder *out, int fd,
				const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES],
				const uint64_t *next_pos)
{
	struct thag_recording_journal_head head;
	struct stat st;
	int ret;

	*out = (struct thag_recording_remainder){ .fd = fd };
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size == 0)
		return 0;
	ret = thag_recording_read(fd, &head, sizeof(head), 0);
	if (ret == 0)
		ret = check_head(&head, nonce);
	else if (ret == -ENODATA)
		ret = -EPROTO;
	if (ret == 0)
		ret = read_slots(out, count_slots((uint64_t)st.st_size));
	if (ret != 0) {
		thag_recording_remains_fini(out);
		return ret;
	}
	if (out->count)
		qsort(out->remains, out->count, sizeof(*out->remains), compare);
	drop_known(out, next_pos);
	return 0;
}

int thag_recording_remains_read(const struct thag_recording_remainder *remainder, uint32_t i,
				uint64_t *words, uint8_t *side)
{
	const struct thag_recording_remains *remains = &remainder->remains[i];
	uint64_t at = slot_offset(remains->slot), generation;
	int ret = thag_recording_read(remainder->fd, words, remains->words * sizeof(*words),
				      at + offsetof(struct thag_recording_slot, words));

	if (ret == 0 && remains->side_bytes)
		ret = thag_recording_read(remainder->fd, side, remains->side_bytes,
					  at + offsetof(struct thag_recording_slot, side));
	/* acquire: looked at again after the words; its partner is begin_slot, which changes it
	 * before them */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (ret == 0)
		ret = thag_recording_read(
			remainder->fd, &generation, sizeof(generation),
			at + offsetof(struct thag_recording_slot_head, generation));
	if (ret == 0 && generation != remains->generation)
		ret = -EAGAIN;
	return ret;
}

void thag_recording_remains_fini(struct thag_recording_remainder *remainder)
{
	free(remainder->remains);
	*remainder = (struct thag_recording_remainder){ .fd = -1 };
}
