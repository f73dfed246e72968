/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files a session leaves: STEM.folded, STEM.json and others. All of them are written whole or
 * none at all, under a name that nobody had before.
 *
 * Thread: any; blocks on the disk.
 */
#ifndef THAG_FILES_H
#define THAG_FILES_H

#include <stddef.h>

#include "thagd_limits.h"

/** What goes into one file. Borrowed. */
struct thag_file {
	const char *suffix; /* after the stem: ".folded" */
	const void *data;
	size_t bytes;
};

/** What is written, and where to. Borrowed. */
struct thag_files {
	const char *directory;
	const char *stem; /* a safe file name: see thag_format_file_name */
	int pid;	  /* told apart by it, when the stem is taken */
	struct thag_file files[THAG_SESSION_FILES_MAX];
	int count;
};

/**
 * Writes all of them, under the stem, else STEM-PID, else STEM-PID-2 and so on. On success `paths`
 * has their names, in the same order. Otherwise a negative errno, and none of them is there.
 */
int thag_files_write(const struct thag_files *files,
		     char paths[static THAG_SESSION_FILES_MAX][THAG_PATH_BYTES]);

/**
 * Writes `path`, replacing it at once with what is whole; the mode is 0600. For our own records
 * in our own directory `dir_fd`. 0 or a negative errno.
 */
int thag_files_replace(int dir_fd, const char *name, const void *data, size_t bytes);

#endif
