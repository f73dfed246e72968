/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be wrong with the memory of a program played by hand; see make=KIND of fake_program. */
#ifndef THAG_FAKE_FAULTS_H
#define THAG_FAKE_FAULTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"

/** Spoils the header in the way of that kind, if it is one. */
static inline void fake_spoil_header(struct thag_shm_header *h, const char *kind)
{
	if (strcmp(kind, "magic") == 0)
		h->magic++;
	else if (strcmp(kind, "version") == 0)
		h->version++;
	else if (strcmp(kind, "order") == 0)
		h->byte_order = __builtin_bswap32(h->byte_order);
	else if (strcmp(kind, "slots") == 0)
		h->slots = UINT32_MAX;
	else if (strcmp(kind, "rings") == 0)
		h->ring_words = 16;
	else if (strcmp(kind, "clock") == 0)
		h->clock = 9;
	else if (strcmp(kind, "mode") == 0)
		h->modes = 0x80;
	else if (strcmp(kind, "text") == 0)
		h->text_bytes[0] = UINT32_MAX;
}

/** The size of its memfd, of `bytes` bytes where the kind is no fault of that. */
static inline size_t fake_file_bytes(size_t bytes, const char *kind)
{
	if (strcmp(kind, "short") == 0)
		return bytes - 4096;
	if (strcmp(kind, "long") == 0)
		return bytes + 4096;
	if (strcmp(kind, "huge") == 0)
		return (size_t)1 << 42;
	return bytes;
}

/** Random words in the rings, a random table of sites, random counters. */
static inline void fake_noise(char *shm, uint32_t slots, unsigned seed)
{
	struct thag_shm_header *header = (struct thag_shm_header *)shm;
	uint64_t *words = (uint64_t *)(shm + THAG_SHM_RINGS_OFFSET);
	char *sites = shm + THAG_SHM_SITES_OFFSET;
	char *threads = shm + THAG_SHM_THREADS_OFFSET;

	srandom(seed);
	for (size_t i = 0; i < sizeof(struct thag_shm_thread) * slots; i++)
		threads[i] = (char)random();
	for (size_t i = 0; i < 1000 * sizeof(struct thag_shm_site); i++)
		sites[i] = (char)random();
	for (uint32_t i = 0; i < 1000; i++)
		((struct thag_shm_site *)sites)[i].ready = 1;
	for (uint32_t i = 0; i < 1000; i++)
		((uint32_t *)(shm + THAG_SHM_TRACES_OFFSET))[i] = (uint32_t)random();
	header->site_count = (uint32_t)random();
	header->trace_count = (uint32_t)random();
	header->strings_used = UINT32_MAX;
	header->slots_used = UINT32_MAX;
	/* with the phase of the first lap, so that they are read */
	for (size_t i = 0; i < slots * (size_t)THAG_RING_WORDS; i++) {
		uint64_t word =
			(uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();

		words[i] = (word & ~THAG_WORD_PHASE) | (THAG_RING_WORDS & THAG_WORD_PHASE);
	}
}

#endif
