/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <xxhash.h>

#include "thag_recording_boot.h"

struct thag_recording_journal {
	int fd;
	pthread_mutex_t lock; /* of what follows */
	uint32_t slot_count;
	uint32_t free_count;
	struct thag_recording_slot *slots[THAG_RECORDING_JOURNAL_SLOTS_MAX];
	struct thag_recording_slot
		*free[THAG_RECORDING_JOURNAL_SLOTS_MAX]; /* the last was used last */
};

static int write_head(int fd, const uint8_t *nonce)
{
	struct thag_recording_journal_head head = {
		.magic = THAG_RECORDING_JOURNAL_MAGIC,
		.version = THAG_RECORDING_JOURNAL_VERSION,
		.byte_order = THAG_RECORDING_BYTE_ORDER,
		.slot_bytes = THAG_RECORDING_SLOT_BYTES,
	};
	int ret = thag_recording_boot(head.boot);
	ssize_t wrote;

	if (ret != 0)
		return ret;
	memcpy(head.nonce, nonce, sizeof(head.nonce));
	head.checksum = XXH3_64bits(&head, offsetof(struct thag_recording_journal_head, checksum));
	if (TEMP_FAILURE_RETRY(ftruncate(fd, 0)) != 0)
		return -errno;
	for (size_t done = 0; done < sizeof(head); done += (size_t)wrote) {
		wrote = TEMP_FAILURE_RETRY(pwrite(fd, (const uint8_t *)&head + done,
						  sizeof(head) - done, (off_t)done));
		if (wrote <= 0)
			return wrote < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

int thag_recording_journal_create(struct thag_recording_journal **out, int fd,
				  const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES])
{
	struct thag_recording_journal *journal;
	int ret = write_head(fd, nonce);

	if (ret != 0)
		return ret;
	journal = calloc(1, sizeof(*journal));
	if (!journal)
		return -ENOMEM;
	journal->fd = fd;
	pthread_mutex_init(&journal->lock, NULL);
	*out = journal;
	return 0;
}

/* The file grows by one slot, which is all zero. */
static int add_slot(struct thag_recording_journal *journal)
{
	off_t offset = (off_t)(THAG_RECORDING_JOURNAL_SLOTS_OFFSET +
			       journal->slot_count * THAG_RECORDING_SLOT_BYTES);
	void *map;
	int ret;

	if (journal->slot_count >= THAG_RECORDING_JOURNAL_SLOTS_MAX)
		return -EMFILE;
	do
		ret = posix_fallocate(journal->fd, offset, (off_t)THAG_RECORDING_SLOT_BYTES);
	while (ret == EINTR);
	if (ret != 0)
		return -ret;
	map = mmap(NULL, THAG_RECORDING_SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, journal->fd,
		   offset);
	if (map == MAP_FAILED)
		return -errno;
	journal->slots[journal->slot_count++] = map;
	journal->free[journal->free_count++] = map;
	return 0;
}

/* Nothing is published of it. */
static void begin_slot(struct thag_recording_slot *slot, uint32_t ring, uint64_t first_pos)
{
	/* release: after the publication was withdrawn, and by the fence before ring, position or
	 * any word changes. Its partners are the looks of thag_recording_remains.c: who finds the
	 * same generation before and after reading words has read those it was told of. */
	__atomic_store_n(&slot->head.generation, slot->head.generation + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->head.ring = ring;
	slot->head.first_pos = first_pos;
}

int thag_recording_journal_take(struct thag_recording_journal *journal, uint32_t ring,
				uint64_t first_pos, struct thag_recording_slot **out)
{
	struct thag_recording_slot *slot = NULL;
	int ret = 0;

	pthread_mutex_lock(&journal->lock);
	if (journal->free_count == 0)
		ret = add_slot(journal);
	if (ret == 0)
		slot = journal->free[--journal->free_count];
	pthread_mutex_unlock(&journal->lock);
	if (ret != 0)
		return ret;
	begin_slot(slot, ring, first_pos);
	*out = slot;
	return 0;
}

void thag_recording_journal_release(struct thag_recording_journal *journal,
				    struct thag_recording_slot *slot)
{
	/* release: after the chunk was written to the file. Killed before it, a successor finds the
	 * words in both, and knows by their positions. */
	__atomic_store_n(&slot->head.published, 0, __ATOMIC_RELEASE);
	pthread_mutex_lock(&journal->lock);
	journal->free[journal->free_count++] = slot;
	pthread_mutex_unlock(&journal->lock);
}

void thag_recording_journal_destroy(struct thag_recording_journal *journal)
{
	if (!journal)
		return;
	for (uint32_t i = 0; i < journal->slot_count; i++)
		munmap(journal->slots[i], THAG_RECORDING_SLOT_BYTES);
	pthread_mutex_destroy(&journal->lock);
	free(journal);
}
