/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * All that is known of a program's memory, as thagd tells it: the object "memory" of STEM.json, or
 * what `thag export --format memory` writes; and how it is shown.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_MEMORY_FACTS_H
#define THAG_MEMORY_FACTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "command.h"

struct thag_memory_facts_of {
	json_t *memory; /* an object */
	char *title;	/* what it is of */
};

/**
 * Loads what `input` names: a session, a recording, a report STEM.json, or a folded file that has
 * one beside it. THAG_EXIT_OK with `*out`, which thag_memory_facts_fini frees, or the status to
 * exit with after one line for `command`.
 */
int thag_memory_facts_load(const struct thag_command *command, const char *input,
			   struct thag_memory_facts_of *out);
void thag_memory_facts_fini(struct thag_memory_facts_of *facts);

/**
 * Writes totals, the distribution of sizes with bars, and the `most` places (0: all that are known)
 * that allocated most and that leaked most. Lines are cut to `width` columns, 0: not. 0 or -ENOMEM.
 */
int thag_memory_facts_print(const struct thag_memory_facts_of *facts, uint32_t most, size_t width,
			    FILE *out);

#endif
