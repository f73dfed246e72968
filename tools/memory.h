/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Running any program with its memory profiled: `thag run --memory`. Thread: main. */
#ifndef THAG_MEMORY_H
#define THAG_MEMORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "program.h"

struct thag_memory_options {
	bool no_free_traces;
	bool maps;
	uint64_t sample_bytes; /* 0: every allocation is recorded */
};

/** Reads a number of bytes, with K, M or G (of 1024) behind it or not; 0 or -EINVAL. */
int thag_memory_parse_bytes(const char *text, uint64_t *bytes);

/** Whether memory of `program`, which is run as `name`, can't be seen; says why. */
bool thag_memory_refuses(const struct thag_command *command, const char *name,
			 const struct thag_program *program);

/**
 * Has what this process runs from here on, and what that runs, load libthag-preload and record
 * memory as asked; with time beside it when `both`, or when THAG_PROFILER or `program` is made
 * for that. Complains when that can't be. 0, or -1.
 */
int thag_memory_prepare(const struct thag_command *command,
			const struct thag_memory_options *options,
			const struct thag_program *program, bool both);

/** Says on stderr what a session used, as "list" describes it. */
void thag_memory_report(const json_t *session);

#endif
