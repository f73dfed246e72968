/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A file of another tool, read whole: a regular file where it lies, anything else into memory.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_IMPORT_FILE_H
#define THAG_IMPORT_FILE_H

#include <stdbool.h>

#include "command.h"
#include "thag_import.h"

struct thag_import_wish {
	const char *path;		/* "-": stdin */
	enum thag_import_format format; /* THAG_IMPORT_FORMATS: by its content */
	const char *value;		/* NULL: the file's own */
	bool strict;			/* of folded stacks: a malformed line is an error */
};

/**
 * Reads it. THAG_EXIT_OK with `*out`, which the caller destroys, or the status to exit with after
 * one line for `command`. What was left out is told in one line, too.
 */
int thag_import_file_read(const struct thag_command *command, const struct thag_import_wish *wish,
			  struct thag_profile **out);

#endif
