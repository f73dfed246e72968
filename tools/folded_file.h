/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files of folded stacks, of any size.
 *
 * Thread: any. Blocks; errors are one line each on stderr, and so is how far it is, where that is a
 * terminal and it takes more than a second.
 */
#ifndef THAG_FOLDED_FILE_H
#define THAG_FOLDED_FILE_H

#include "source.h"

/**
 * Reads the folded stacks at `path`, NULL for stdin, of which `fd` is open at its start. As
 * thag_source_load. What is malformed is said, the first five lines by their numbers.
 */
int thag_folded_file_load(const struct thag_command *command, const char *path, int fd,
			  const struct thag_source_query *query, struct thag_source *out);

#endif
