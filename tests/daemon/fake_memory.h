/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Events of memory of a program played by hand, written by fake_program's put.
 *
 *   alloc=ADDRESS:SIZE[:TRACE]   free=ADDRESS[:TRACE]   realloc=OLD:NEW:SIZE[:TRACE]
 *   map=ADDRESS:BYTES:TRACE      unmap=ADDRESS:BYTES:TRACE
 *   trace=ID:PARENT:SITE         an entry of the table of traces
 *   site=ADDRESS                 one more site, an address without a module
 *   churn=N                      N blocks, each freed at once
 *   back=N                       none of memory's, but N calls that end before they begin
 *   rubbish=SEED                 a table of random traces, and events that name them
 */
#ifndef THAG_FAKE_MEMORY_H
#define THAG_FAKE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"

typedef void fake_put_fn(uint64_t word);

/** How it is written. */
struct fake_memory {
	fake_put_fn *put;
	uint64_t (*now)(void);
	char *shm;
};

static inline void fake_event(const struct fake_memory *to, uint64_t word)
{
	to->put(to->now() << THAG_WORD_TIME_SHIFT | word);
}

static inline void fake_alloc(const struct fake_memory *to, uint64_t address, uint64_t size,
			      uint64_t trace)
{
	bool is_long = trace || size >= THAG_ALLOC_LONG;
	uint64_t arg = is_long ? THAG_ALLOC_LONG | (size >> 40 & 0x7ffff) : size;

	fake_event(to, THAG_WORD(THAG_KIND_ALLOC, arg));
	to->put(thag_payload_pack(address));
	if (is_long)
		to->put(thag_payload_pack(THAG_TRACE_SIZE(trace, size)));
}

static inline void fake_free(const struct fake_memory *to, uint64_t address, uint64_t trace,
			     uint32_t bits)
{
	fake_event(to, THAG_WORD(THAG_KIND_FREE, bits | (trace ? THAG_FREE_TRACE : 0)));
	to->put(thag_payload_pack(address));
	if (trace)
		to->put(thag_payload_pack(trace));
}

static inline void fake_realloc(const struct fake_memory *to, const uint64_t *n)
{
	fake_free(to, n[0], 0, THAG_FREE_MOVES);
	fake_event(to, THAG_WORD_EXT(THAG_EXT_REALLOC) | (n[2] >> 40 & 0xfff));
	to->put(thag_payload_pack(n[0]));
	to->put(thag_payload_pack(n[1]));
	to->put(thag_payload_pack(THAG_TRACE_SIZE(n[3], n[2])));
}

static inline void fake_map(const struct fake_memory *to, enum thag_map_op op, const uint64_t *n)
{
	fake_event(to, THAG_WORD_EXT(THAG_EXT_MAP) | (uint64_t)op);
	to->put(thag_payload_pack(n[0]));
	to->put(thag_payload_pack(n[1]));
	to->put(thag_payload_pack(n[2]));
}

static inline void fake_trace(const struct fake_memory *to, uint64_t id, uint32_t parent,
			      uint32_t site)
{
	struct thag_shm_trace trace = { .parent = parent, .site = site };
	uint64_t entry;

	memcpy(&entry, &trace, sizeof(entry));
	__atomic_store_n((uint64_t *)(to->shm + THAG_SHM_TRACES_OFFSET) + id % THAG_TRACES_MAX,
			 entry, __ATOMIC_RELEASE);
}

static inline uint64_t fake_random(void)
{
	return (uint64_t)random() << 31 ^ (uint64_t)random();
}

/* Of traces any, of addresses few, so that they meet. */
static inline void fake_rubbish(const struct fake_memory *to, unsigned seed)
{
	srandom(seed);
	for (uint64_t i = 0; i < 4096; i++)
		fake_trace(to, i, (uint32_t)random() >> (random() % 31),
			   (uint32_t)random() >> (random() % 31));
	for (int i = 0; i < 200000; i++) {
		uint64_t n[4] = { fake_random() % 1000, fake_random() % 1000,
				  fake_random() >> (random() % 62),
				  fake_random() % THAG_TRACES_MAX >> (random() % 22) };

		if (random() % 8 == 0)
			n[0] = fake_random();
		if (random() % 4 == 0)
			fake_realloc(to, n);
		else if (random() % 16 == 0)
			fake_map(to, random() % 2 ? THAG_MAP_MAPPED : THAG_MAP_UNMAPPED, n);
		else if (random() % 2)
			fake_alloc(to, n[0], n[2], n[3]);
		else
			fake_free(to, n[0], n[3], random() % 8 ? 0 : THAG_FREE_MOVES);
	}
}

/** Does the step of that name, if it is one of these. */
/* N calls of the first function whose ends were timed a millisecond before their beginnings. */
static inline void fake_back(const struct fake_memory *to, uint64_t count)
{
	for (; count; count--) {
		uint64_t now = to->now();

		to->put(now << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_ENTER, THAG_SITE_FIRST));
		to->put((now - 1000000) << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_EXIT, 0));
	}
}

static inline bool fake_memory_step(const struct fake_memory *to, const char *name,
				    const char *value)
{
	uint64_t n[4] = { 0 };
	char *at = (char *)(uintptr_t)value;

	for (int i = 0; i < 4 && *at; i++) {
		n[i] = strtoull(at, &at, 0);
		at += *at == ':';
	}
	if (strcmp(name, "alloc") == 0)
		fake_alloc(to, n[0], n[1], n[2]);
	else if (strcmp(name, "free") == 0)
		fake_free(to, n[0], n[1], 0);
	else if (strcmp(name, "realloc") == 0)
		fake_realloc(to, n);
	else if (strcmp(name, "map") == 0)
		fake_map(to, THAG_MAP_MAPPED, n);
	else if (strcmp(name, "unmap") == 0)
		fake_map(to, THAG_MAP_UNMAPPED, n);
	else if (strcmp(name, "trace") == 0)
		fake_trace(to, n[0], (uint32_t)n[1], (uint32_t)n[2]);
	else if (strcmp(name, "rubbish") == 0)
		fake_rubbish(to, (unsigned)n[0]);
	else if (strcmp(name, "back") == 0)
		fake_back(to, n[0]);
	else if (strcmp(name, "churn") == 0)
		for (uint64_t i = 0; i < n[0]; i++) {
			fake_alloc(to, 4096 + i % 512 * 16, 16, 0);
			fake_free(to, 4096 + i % 512 * 16, 0, 0);
		}
	else
		return false;
	return true;
}

/** Sets the field of that name, if there is one. */
static inline bool fake_header_step(struct thag_shm_header *header, const char *name,
				    uint64_t value)
{
	if (strcmp(name, "modes") == 0)
		header->modes = header->active = (uint32_t)value;
	else if (strcmp(name, "flags") == 0)
		header->flags = (uint32_t)value;
	else if (strcmp(name, "threshold") == 0)
		header->size_threshold = value;
	else if (strcmp(name, "sample") == 0)
		header->sample_bytes = value;
	else if (strcmp(name, "claims") == 0)
		header->pid = (uint32_t)value;
	else if (strcmp(name, "pauses") == 0)
		header->memory_pauses = (uint32_t)value;
	else
		return false;
	return true;
}

#endif
