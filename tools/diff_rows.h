/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The rows of a difference: functions, or stacks, of two profiles side by side.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_DIFF_ROWS_H
#define THAG_DIFF_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "stat_rows.h"

enum thag_diff_measure { THAG_DIFF_SELF, THAG_DIFF_TOTAL, THAG_DIFF_CALLS, THAG_DIFF_MEASURES };

enum thag_diff_order {
	THAG_DIFF_BY_CHANGE,   /* the largest, up or down, first */
	THAG_DIFF_BY_RELATIVE, /* likewise; what came new first of all */
	THAG_DIFF_BY_AFTER,
	THAG_DIFF_BY_BEFORE,
	THAG_DIFF_BY_NAME,
	THAG_DIFF_ORDERS
};

struct thag_diff_query {
	const struct thag_profile *before, *after;
	struct thag_search *search; /* rows with no name of these are left out; NULL: none */
	bool stacks;		    /* not functions */
	bool normalise;		    /* before is scaled so that both sums of self are equal */
	enum thag_diff_measure measure;
	enum thag_diff_order order;
};

struct thag_diff_row {
	struct thag_stat_row of; /* its name */
	double before, after;	 /* in what is measured, before scaled or not */
	double key;
};

struct thag_diff_rows {
	struct thag_diff_row *list;
	uint32_t count;
	uint32_t changed;  /* of them, those whose sides differ */
	double before_sum; /* of all self values, or calls; not scaled */
	double after_sum;
	double scale; /* what before was multiplied by */
};

/** 0 or -ENOMEM. The profiles must stay as long as the rows. */
int thag_diff_rows_make(struct thag_diff_rows *rows, const struct thag_diff_query *query);
void thag_diff_rows_fini(struct thag_diff_rows *rows);

/** What after is more than before, by before: 0.5 is half as much more; infinite of what is new. */
double thag_diff_relative(double before, double after);

#endif
