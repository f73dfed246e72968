/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text in columns, as wide as what stands in them; hostile text can't leave its cell.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_COLUMNS_H
#define THAG_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct thag_column {
	const char *title;
	bool right; /* numbers */
};

struct thag_columns {
	const struct thag_column *columns;
	size_t count;
	char **cells; /* row by row */
	size_t cell_count;
	size_t capacity;
	bool failed;	    /* memory ran out */
	size_t width;	    /* of the terminal, that lines are cut to; 0: they are not */
	bool has_no_titles; /* the line of them is left out */
	bool cuts_front;    /* of the last column: its end says more */
};

/** Columns as described by `columns`, which must stay. */
void thag_columns_init(struct thag_columns *table, const struct thag_column *columns, size_t count);
void thag_columns_fini(struct thag_columns *table);

/** Adds the next cell, left to right; "" and NULL become "-". */
void thag_columns_add(struct thag_columns *table, const char *text);

/** Prints a line of titles and one a row, without trailing spaces. 0 or -ENOMEM. */
int thag_columns_print(const struct thag_columns *table, FILE *out);

#endif
