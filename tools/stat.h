/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What `thag stat` and `thag top` have in common: a source summed up, and how it is to be shown.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_STAT_H
#define THAG_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "look.h"
#include "stat_rows.h"

enum thag_stat_format { THAG_STAT_TABLE, THAG_STAT_JSON, THAG_STAT_CSV };

struct thag_stat_options {
	struct thag_look look;
	const char *input;
	const char *filter; /* NULL: all rows */
	enum thag_stat_sort sort;
	enum thag_stat_format format;
	uint32_t most; /* rows, 0: all */
	size_t width;  /* lines are cut to it; 0: they are not */
	bool uncut;    /* nor are they with one: it says what columns there are */
	bool stacks;
	bool memory;
};

/** The order of that name. -1 with `*sort` set, or the status to exit with after one line. */
int thag_stat_parse_sort(const struct thag_command *command, const char *name,
			 enum thag_stat_sort *sort);

/** A whole number, likewise. */
int thag_stat_parse_count(const struct thag_command *command, const char *text, uint32_t *count);

/** Loads the source, and writes what is asked for to `out`. The status to exit with. */
int thag_stat_show(const struct thag_command *command, const struct thag_stat_options *options,
		   FILE *out);

/**
 * Does what the command does with these arguments, in a table for `width` columns whose lines are
 * as long as they are.
 */
int thag_stat_run_for(int argc, char **argv, size_t width);

/** Lines and columns of the terminal that stdout is; false: it is none. */
bool thag_stat_terminal(uint32_t *lines, size_t *columns);

#endif
