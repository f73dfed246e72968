/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is known of places in the code that stacks were met at: for each its site, and how to get
 * from its frame to the caller's. Tables of open addressing; an entry is two words:
 *
 *   ra    the return address; never changes once it is there
 *   data  63      44 43             24 23      14 13  11 10         0
 *        +----------+-----------------+----------+------+------------+
 *        |   site   | CFA offset / 8  |   saved  | rule | generation |
 *        +----------+-----------------+----------+------+------------+
 *
 *   CFA    the value of the caller's stack pointer, counted from this frame's stack pointer or
 *          frame pointer, as the rule says
 *   saved  the caller's frame pointer lies at the CFA - 8 * saved; 0: it is as it was
 *
 * The generation counts how often files of code may have been unloaded: what was found out before
 * is found out anew, since others may have come to lie at their addresses.
 *
 * The table is the process's, and a forked child's goes on with it: sites keep their ids.
 */
#ifndef THAG_TRACE_CODE_H
#define THAG_TRACE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_cfi.h"

struct thag_code {
	uintptr_t ra;  /* 0: the entry is free */
	uint64_t data; /* 0: whoever took the entry hasn't filled it in yet */
};

enum thag_code_rule {
	THAG_CODE_SP = 0,  /* CFA = stack pointer + offset */
	THAG_CODE_FP,	   /* CFA = frame pointer + offset */
	THAG_CODE_FP_LOAD, /* the CFA lies at frame pointer + offset, the caller's pointer at it */
	THAG_CODE_CHAIN,  /* nothing is said: if the frame pointer is one, the caller's lie there */
	THAG_CODE_END,	  /* the outermost frame */
	THAG_CODE_SIGNAL, /* the kernel called a signal handler: registers lie on the stack */
	THAG_CODE_COMPLEX, /* needs more than these two registers */
};

#define THAG_CODE_GENERATION_MAX 2047

#define THAG_CODE_NEAR (UINT32_C(1) << 14)
#define THAG_CODE_LINE 4
#define THAG_CODE_FAR (UINT32_C(1) << 20)
#define THAG_CODE_PROBES 256 /* of the far entries that a new one may lie at */

static inline enum thag_code_rule thag_code_rule(uint64_t data)
{
	return (enum thag_code_rule)(data >> 11 & 7);
}

static inline uint32_t thag_code_saved(uint64_t data)
{
	return (uint32_t)(data >> 14 & 1023);
}

/** In bytes. */
static inline int64_t thag_code_offset(uint64_t data)
{
	return ((int64_t)(data << 20) >> 44) * 8;
}

static inline uint32_t thag_code_site(uint64_t data)
{
	return (uint32_t)(data >> 44);
}

/**
 * The first that were met are near each other, four to a line of the cache; the others find their
 * places in a large table, the last of which stays free.
 */
struct thag_codes {
	struct thag_code *near;
	struct thag_code *far;
	uint64_t generation;
};

extern struct thag_codes thag_codes;

/** Makes the table if need be. False: there is no memory. Lock-free, signal-safe. */
bool thag_codes_ready(void);

/** Finds out about a return address (an interrupted one + 1). Lock-free, signal-safe. */
uint64_t thag_code_learn(uintptr_t ra);

/** What unwind information says of an address. False: nothing. Lock-free, signal-safe. */
bool thag_code_row(uintptr_t address, struct thag_cfi_section *section, struct thag_cfi_row *row);

/** Files of code may have been unloaded. */
void thag_codes_recheck(void);

static inline struct thag_code *thag_code_near(uintptr_t ra)
{
	return &thag_codes.near[ra * UINT64_C(0x9e3779b97f4a7c15) >> 50 & ~UINT64_C(3)];
}

/**
 * A page of code has a page of the table, so that few are touched: an entry stands for 16 bytes,
 * in which there are rarely two calls.
 */
static inline struct thag_code *thag_code_far(uintptr_t ra)
{
	uint64_t page = (ra >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> 52;

	return &thag_codes.far[page << 8 | (ra >> 4 & 255)];
}

/** The address's entry; NULL: there is none. `ra` is not 0. */
static inline struct thag_code *thag_code_entry(uintptr_t ra)
{
	struct thag_code *entry = thag_code_near(ra);

	for (int i = 0; i < THAG_CODE_LINE; i++) {
		uintptr_t found = __atomic_load_n(&entry[i].ra, __ATOMIC_RELAXED);

		if (found == ra)
			return &entry[i];
		/* places here are taken in order, and before any there: none of that is touched */
		if (!found)
			return NULL;
	}
	for (entry = thag_code_far(ra); __atomic_load_n(&entry->ra, __ATOMIC_RELAXED); entry++)
		if (entry->ra == ra)
			return entry;
	return NULL;
}

/** What is known of it. `ra` is not 0. */
static inline uint64_t thag_code_find(uintptr_t ra)
{
	const struct thag_code *entry = thag_code_entry(ra);
	uint64_t data = entry ? __atomic_load_n(&entry->data, __ATOMIC_ACQUIRE) : 0;

	if ((data & THAG_CODE_GENERATION_MAX) ==
	    __atomic_load_n(&thag_codes.generation, __ATOMIC_RELAXED))
		return data;
	return thag_code_learn(ra);
}

#endif
