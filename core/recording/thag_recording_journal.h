/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The journal of a recording, FILE.thag.open: the words that are in no chunk of the file yet.
 *
 * Each chunk that is being filled, or waits to be written, lies in a slot of the journal, which is
 * shared memory of a file: a drain thread copies a batch of words there, publishes them, and only
 * then gives the ring's room back to the program. So when thagd is killed, each word is in the
 * file, in the journal or in the ring; positions say where two of them hold the same. A slot is
 * released once its chunk is in the file. A recording that was ended has no journal.
 *
 *   0      +---------------------------------+
 *          | struct thag_recording_journal_head, zeros |
 *   4096   +---------------------------------+
 *          | slot 0: head, side 65,472, words 524,288  |  struct thag_recording_slot
 *          +---------------------------------+
 *          | slot 1                          |
 *          …
 *
 * It is for the machine that wrote it until that is restarted: what a power cut leaves of it
 * may be of different moments, so the journal of an earlier boot is not read.
 *
 * A slot's room is allocated in the file system before it is mapped, so that a full disk is an
 * error here and no SIGBUS later. File systems that copy on each write can't promise that, and
 * whoever may truncate the file can cause one: it belongs into the user's own directory.
 *
 * | may run together                | take, release | publish | destroy |
 * |---------------------------------|---------------|---------|---------|
 * | take, release                   | yes           | yes     | no      |
 * | publish                         | yes           | yes, of different slots | no |
 *
 * Thread: see there. Take blocks on the disk when it makes a new slot.
 */
#ifndef THAG_RECORDING_JOURNAL_H
#define THAG_RECORDING_JOURNAL_H

#include <stdbool.h>

#include <pthread.h>

#include "thag_recording_format.h"

#define THAG_RECORDING_JOURNAL_MAGIC UINT64_C(0x006e726a67616874) /* "thagjrn\0" */
#define THAG_RECORDING_JOURNAL_VERSION 1
#define THAG_RECORDING_JOURNAL_SLOTS_OFFSET 4096
#define THAG_RECORDING_JOURNAL_SLOTS_MAX 2048 /* a ring's chunk being filled, and those waiting */
#define THAG_RECORDING_BOOT_BYTES 36	      /* the kernel's random id of a boot, as text */
#define THAG_RECORDING_SIDE_BYTES 65472

/**
 * The beginning of a journal. `checksum`: XXH3, 64 bits, of the bytes before it.
 *
 *   0 magic 8 | 8 version 4, byte_order 4 | 16 nonce 16 | 32 boot 36 | 68 slot_bytes 4
 *  72 checksum
 */
struct thag_recording_journal_head {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint8_t nonce[THAG_RECORDING_NONCE_BYTES]; /* that of the recording */
	char boot[THAG_RECORDING_BOOT_BYTES];
	uint32_t slot_bytes;
	uint64_t checksum;
};

/**
 * What a slot says of itself. Writer: who took it; `published` and `generation`: also take and
 * release.
 *
 *   0 published | 8 generation | 16 first_pos | 24 ring 4, 0 4 | 32 reserved
 */
struct thag_recording_slot_head {
	uint64_t published;  /* words, side bytes << 32: what may be read of them */
	uint64_t generation; /* one more each time it is taken: words belong to one */
	uint64_t first_pos;
	uint32_t ring;
	uint32_t reserved0;
	uint8_t reserved[32];
};

/**
 * A chunk on its way. `side` holds bytes that its user needs to make a chunk of the words: its
 * opening, and what was added while it was filled.
 *
 *   0 head | 64 side | 65536 words
 */
struct thag_recording_slot {
	struct thag_recording_slot_head head;
	uint8_t side[THAG_RECORDING_SIDE_BYTES];
	uint64_t words[THAG_RECORDING_CHUNK_WORDS];
};

#define THAG_RECORDING_SLOT_BYTES sizeof(struct thag_recording_slot)

#ifndef __cplusplus
_Static_assert(sizeof(struct thag_recording_journal_head) == 80, "part of the format");
_Static_assert(offsetof(struct thag_recording_slot, side) == 64, "part of the format");
_Static_assert(offsetof(struct thag_recording_slot, words) == 65536, "part of the format");
_Static_assert(THAG_RECORDING_SLOT_BYTES % 4096 == 0, "mapped one by one");
#endif

struct thag_recording_journal;

/**
 * Makes the file `fd`, open for reading and writing, an empty journal of the recording with that
 * `nonce`; what it held is gone. The lock of the recording is the journal's, too. The descriptor
 * is borrowed until destroy. 0, -ENOMEM, or what writing says.
 */
int thag_recording_journal_create(struct thag_recording_journal **out, int fd,
				  const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES]);

/**
 * A slot for the words of `ring` from position `first_pos` on, which has none yet. Its words and
 * side are to be written before they are published. 0; -ENOSPC and the like when the file system
 * has no room for one more, -EMFILE when there are THAG_RECORDING_JOURNAL_SLOTS_MAX, -ENOMEM.
 */
int thag_recording_journal_take(struct thag_recording_journal *journal, uint32_t ring,
				uint64_t first_pos, struct thag_recording_slot **out);

/** The first `words` words and `side_bytes` bytes of `side` are there, and stay as they are. */
static inline void thag_recording_slot_publish(struct thag_recording_slot *slot, uint32_t words,
					       uint32_t side_bytes)
{
	/* release: words and side come before it. Its partners: a reader's look at the slot, and
	 * the tail of the ring, which the caller stores after it: a kill between any two of these
	 * stores leaves a word in the ring, the journal, or both. */
	__atomic_store_n(&slot->head.published, (uint64_t)side_bytes << 32 | words,
			 __ATOMIC_RELEASE);
}

/** The slot's chunk is in the file, or was given up: its words are no longer needed. */
void thag_recording_journal_release(struct thag_recording_journal *journal,
				    struct thag_recording_slot *slot);

/** Lets go of the memory; the file stays as it is. */
void thag_recording_journal_destroy(struct thag_recording_journal *journal);

/** What a slot holds that was not released. */
struct thag_recording_remains {
	uint64_t first_pos;
	uint64_t generation;
	uint32_t ring;
	uint32_t words;
	uint32_t side_bytes;
	uint32_t slot;
};

/** All of a journal, by ring and position. */
struct thag_recording_remainder {
	int fd; /* borrowed */
	struct thag_recording_remains *remains;
	uint32_t count;
	uint32_t refused; /* slots that make no sense, or whose words others hold: left out */
};

/**
 * Finds what the journal in `fd` holds of the recording with that `nonce`, beyond `next_pos`, which
 * has THAG_RECORDING_RINGS_MAX positions: those of a reader or a writer of it. An empty file holds
 * nothing. 0; -EPROTO when it is no journal, -ENOTSUP when it is one of another version, -EBADMSG
 * when its head is damaged, -ESTALE when it is of another recording, or the machine was restarted
 * since; -ENOMEM; or what reading says. On success fini must follow.
 */
int thag_recording_remains_open(struct thag_recording_remainder *out, int fd,
				const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES],
				const uint64_t *next_pos);

/**
 * Reads words and side of one of them; `words` and `side` have room for as many as it says. 0,
 * -EAGAIN when its slot was released meanwhile (by a writer that lives) and holds another chunk,
 * or what reading says.
 */
int thag_recording_remains_read(const struct thag_recording_remainder *remainder, uint32_t i,
				uint64_t *words, uint8_t *side);

void thag_recording_remains_fini(struct thag_recording_remainder *remainder);

#endif
