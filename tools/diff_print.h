/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A difference on its way out: a table for people, JSON or CSV for programs.
 *
 * Thread: owner. Allocates; writes to `out`, whose errors show at the end.
 */
#ifndef THAG_DIFF_PRINT_H
#define THAG_DIFF_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "diff_rows.h"
#include "source.h"

struct thag_diff_view {
	const struct thag_source *before, *after;
	const struct thag_diff_rows *rows;
	uint32_t most; /* rows; 0: all */
	size_t width;  /* of the terminal; 0: lines are as long as they are */
	bool stacks;
	enum thag_diff_measure measure;
};

/** The word of what is measured, NULL for none. */
const char *thag_diff_measure_word(uint32_t measure);

/** 0 or -ENOMEM, each. */
int thag_diff_print_table(const struct thag_diff_view *view, FILE *out);
int thag_diff_print_json(const struct thag_diff_view *view, FILE *out);
int thag_diff_print_csv(const struct thag_diff_view *view, FILE *out);

#endif
