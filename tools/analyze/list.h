/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A list on the screen of which one line is chosen, with a filter that is typed.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_LIST_H
#define THAG_ANALYZE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screen.h"
#include "thag_buffer.h"

#define THAG_LIST_LEFT (-1) /* with q or Esc, or by a signal */

struct thag_list {
	const char *title;
	const char *keys;   /* beside those of every list; or "" */
	const char *accept; /* characters that end it as Enter does; or "" */
	const char *help;   /* what ? shows */
	size_t count;
	/** Appends the text of an item, UTF-8 fit for a terminal. 0 or -ENOMEM. */
	int (*write)(const void *context, size_t item, struct thag_buffer *out);
	/** A line above an item, of a group that begins with it; "": none. NULL: there are none. */
	const char *(*group)(const void *context, size_t item);
	/** What stands on the line of messages for an item; NULL: nothing does. */
	const char *(*hint)(const void *context, size_t item);
	const void *context;
	bool is_numbered; /* 1 to 9, and 0 the tenth, choose at once */
};

/**
 * Shows it until one is chosen. `*chosen` is the item to begin at and the one it ended at; returns
 * the key that ended it, THAG_KEY_ENTER or one of `accept`, or THAG_LIST_LEFT.
 */
int thag_list_choose(struct thag_screen *screen, const struct thag_list *list, size_t *chosen);

#endif
