/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Statistics on their way out: a table for people, JSON or CSV for programs.
 *
 * Thread: owner. Allocates; writes to `out`, whose errors show at the end.
 */
#ifndef THAG_STAT_PRINT_H
#define THAG_STAT_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "source.h"
#include "stat_rows.h"

/** What is printed of rows. */
struct thag_stat_view {
	const struct thag_source *source;
	const struct thag_stat_rows *rows;
	uint32_t most;	   /* rows; 0: all */
	size_t width;	   /* of the terminal, 0: lines are as long as they are */
	bool uncut;	   /* nor are they with one: it says what columns there are */
	bool stacks;	   /* they are stacks */
	bool has_memory;   /* they have memory */
	bool is_of_thread; /* of one alone */
};

/** A line of totals, one of titles, and a line a row. 0 or -ENOMEM. */
int thag_stat_print_table(const struct thag_stat_view *view, FILE *out);

/** One object: what it is of, and an array of all that is known of each row. 0 or -ENOMEM. */
int thag_stat_print_json(const struct thag_stat_view *view, FILE *out);

/** A line of titles and one a row, as RFC 4180 has it but for its line ends. 0 or -ENOMEM. */
int thag_stat_print_csv(const struct thag_stat_view *view, FILE *out);

#endif
