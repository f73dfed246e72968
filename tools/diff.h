/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What `thag diff` was asked for, and the parts that do it.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_DIFF_COMMAND_H
#define THAG_DIFF_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diff_rows.h"
#include "look.h"

#define THAG_DIFF_FUNCTIONS_MAX 64

enum thag_diff_format {
	THAG_DIFF_TABLE,
	THAG_DIFF_JSON,
	THAG_DIFF_CSV,
	THAG_DIFF_FOLDED,
	THAG_DIFF_SVG
};

struct thag_diff_options {
	const char *inputs[2]; /* before, after */
	const char *file;      /* NULL: stdout */
	const char *filter;    /* NULL: all rows */
	struct thag_look look;
	enum thag_diff_format format;
	enum thag_diff_measure measure;
	enum thag_diff_order order;
	double limit_percent;				/* with has_limit */
	const char *functions[THAG_DIFF_FUNCTIONS_MAX]; /* that the limit is for; none: the sum */
	uint32_t function_count;
	uint32_t most; /* rows, 0: all */
	size_t width;  /* lines are cut to it; 0: they are not */
	bool has_most, has_limit, stacks, normalise, strip_hex;
};

/** Does it all. The status to exit with. */
int thag_diff_show(const struct thag_diff_options *options);

/** Whether more was added than is allowed, which is said. The status to exit with. */
int thag_diff_judge(const struct thag_diff_options *options, const struct thag_source *before,
		    const struct thag_source *after);

#endif
