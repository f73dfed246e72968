/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Source files of a session. Their paths come from programs and recordings that are not trusted:
 * what isn't a regular file is never opened for reading, nothing waits, and no more is read than
 * such files have.
 *
 * Thread: any; does I/O, so meant for the pool.
 */
#ifndef THAG_SOURCE_FILE_H
#define THAG_SOURCE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "thag_buffer.h"

/** A file that was found; all zero but the fd -1 is empty. */
struct thag_source_file {
	int fd;	     /* stands for it, but can't be read from (O_PATH); -1: it wasn't found */
	int error;   /* why: a negative errno */
	bool beside; /* its path is relative, and was found from where the program's file is */
	uint64_t device, inode, bytes, changed_ns;
	uint32_t mode;
	char path[THAG_PATH_BYTES]; /* absolute; where it is, or isn't */
};

/**
 * Finds the file that sites of the session call `name`, terminated. A relative path is looked for
 * in the program's working directory, then from the directory of its executable and a few above.
 * End it with thag_source_file_fini in any case.
 */
void thag_source_file_find(struct thag_source_file *out, const struct thag_session *session,
			   const char *name);

void thag_source_file_fini(struct thag_source_file *file);

/** Whether both were found and are the same file. */
bool thag_source_file_same(const struct thag_source_file *a, const struct thag_source_file *b);

/** Its text, appended to `out`. 0, or a negative errno with `*why` set to a constant sentence. */
int thag_source_file_read(const struct thag_source_file *file, struct thag_buffer *out,
			  const char **why);

#endif
