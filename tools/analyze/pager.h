/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Text on the screen, line by line: a table keeps its head, and its columns but the last, while the
 * rest is moved over.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_PAGER_H
#define THAG_ANALYZE_PAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "screen.h"

#define THAG_PAGER_TWIN " The same from a shell"

struct thag_pager {
	const char *title;
	const char *keys;   /* beside those of every text; or "" */
	const char *accept; /* characters that end it; or "" */
	const char *help;
	const char *twin; /* or NULL */
	char *text;	  /* UTF-8, lines; changed while it is shown */
	/**
	 * The title of a table's last column, with which its head ends: lines are gone through one
	 * by one below it, and moved from there. NULL: it is no table.
	 */
	const char *last_column;
	bool shows_ends; /* of what stands in it, when it is too long */
};

/** Where it is; all zero is the top. */
struct thag_pager_place {
	size_t top, at;
	size_t shift; /* columns that the last one is moved */
};

/** Shows it until a key ends it, which it returns: one of `accept`, or 'q'. */
int thag_pager_show(struct thag_screen *screen, const struct thag_pager *pager,
		    struct thag_pager_place *place);

/** Shows a help, which any way back leaves. */
void thag_pager_help(struct thag_screen *screen, const char *help);

/** Shows a line whole, however long it is. */
void thag_pager_wrap(struct thag_screen *screen, const char *title, const char *line);

#endif
