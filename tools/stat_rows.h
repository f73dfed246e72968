/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rows of statistics: a profile's functions, or its stacks, in order.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_STAT_ROWS_H
#define THAG_STAT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_functions.h"
#include "thag_heap_profile.h"
#include "thag_search.h"

enum thag_stat_sort {
	THAG_STAT_SELF,
	THAG_STAT_TOTAL,
	THAG_STAT_CALLS,
	THAG_STAT_MEAN,
	THAG_STAT_MIN,
	THAG_STAT_P50,
	THAG_STAT_P90,
	THAG_STAT_P99,
	THAG_STAT_MAX,
	THAG_STAT_NAME,
	THAG_STAT_ALLOCATED, /* of memory, these: */
	THAG_STAT_ALLOCATIONS,
	THAG_STAT_LIVE,
	THAG_STAT_PEAK,
	THAG_STAT_LEAKED,
	THAG_STAT_TEMPORARY,
	THAG_STAT_SORTS
};

/** The word of an order, NULL for none. */
const char *thag_stat_sort_word(uint32_t sort);

struct thag_stat_row {
	const struct thag_profile *profile; /* whose name, and node, it is */
	uint32_t name;
	uint32_t node;			       /* of a stack, where it ends; 0 of functions */
	uint64_t calls, self, total, min, max; /* self and total in what the profile counts */
	double mean;
	struct thag_quantiles quantiles;
	double key;		     /* what it is in the order by */
	struct thag_frame_heap heap; /* where there is memory; of a stack with all below it */
};

struct thag_stat_query {
	const struct thag_profile *profile; /* of time, or of what a file counts */
	const struct thag_profile *memory;  /* of the same program, or NULL */
	struct thag_search *search; /* rows with no name of these are left out; NULL: none */
	bool stacks;		    /* not functions */
	enum thag_stat_sort sort;
};

struct thag_stat_rows {
	struct thag_stat_row *list; /* most first, equal ones by name */
	uint32_t count;
	uint32_t all; /* without the search */
	uint64_t sum; /* of all self values, without the search */
	uint64_t calls;
};

/** What a row is known by in every profile: its function, or its stack. */
uint64_t thag_stat_row_id(const struct thag_stat_row *row);

/** Appends its name: a function's, or a stack's frames with `;` between them. 0 or -ENOMEM. */
int thag_stat_row_name(const struct thag_stat_row *row, struct thag_buffer *out);

/** 0 or -ENOMEM. The profiles must stay as long as the rows. */
int thag_stat_rows_make(struct thag_stat_rows *rows, const struct thag_stat_query *query);
void thag_stat_rows_fini(struct thag_stat_rows *rows);

#endif
