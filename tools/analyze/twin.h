/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A command line that does without a screen what one of its actions does: what is run is what is
 * shown.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_ANALYZE_TWIN_H
#define THAG_ANALYZE_TWIN_H

#include <stdbool.h>
#include <stddef.h>

#include "thag_buffer.h"

/** All zero is one of no words. */
struct thag_twin {
	char **words; /* NULL after the last: the command's name first, "stat" */
	size_t count, capacity;
	bool failed; /* memory ran out */
};

void thag_twin_fini(struct thag_twin *twin);

/** Adds a word, any bytes. */
void thag_twin_add(struct thag_twin *twin, const char *word);

/** Adds the name of a profile: a file whose name looks like an option is named otherwise. */
void thag_twin_add_input(struct thag_twin *twin, const char *input);

/** Appends all as a shell takes it, "thag" first, in printable characters. 0 or -ENOMEM. */
int thag_twin_write(const struct thag_twin *twin, struct thag_buffer *out);

#endif
