/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The files a session leaves: STEM.folded, STEM.json and others. All of them are written whole or
 * none at all, under a name that nobody had before.
 *
 * Thread: any; blocks on the disk.
 */
#ifndef THAG_FILES_H
#define THAG_FILES_H

#include <dirent.h>
#include <stddef.h>

#include "thagd_limits.h"

#define THAG_DRAFT_BYTES 48

/** A file that has a name only once all of them are whole. */
struct thag_file {
	const char *suffix; /* after the stem: ".folded"; NULL: there is none. Borrowed */
	int fd;
	char draft[THAG_DRAFT_BYTES]; /* its name meanwhile; "" while it has none at all */
};

/** Files on their way. */
struct thag_files {
	const char *directory; /* borrowed */
	int dir_fd;
	struct thag_file files[THAG_SESSION_FILES_MAX];
};

/** Writes all of it, however many calls that takes. 0 or a negative errno. Any thread. */
int thag_write_all(int fd, const void *data, size_t bytes);

/** The entries of `path`, seen from `dir_fd`; for closedir. NULL with errno. */
DIR *thag_files_list(int dir_fd, const char *path);

/** None yet. 0, or a negative errno, after which thag_files_end is allowed, but nothing else. */
int thag_files_begin(struct thag_files *files, const char *directory);

/**
 * Writes one of them, whose place among them is `index`, each once; the disk begins to take it.
 * Several threads may do so at once, for different ones. 0 or a negative errno.
 */
int thag_files_put(struct thag_files *files, int index, const char *suffix, const void *data,
		   size_t bytes);

/**
 * Waits until the disk has all of them, then gives them names: `stem`, a safe file name (see
 * thag_format_file_name), else STEM-PID, else STEM-PID-2 and so on; the last of them first, so that
 * whoever sees the first sees all. On success `paths` has them, by index but without gaps.
 * Otherwise a negative errno, and none of them is there.
 */
int thag_files_name(struct thag_files *files, const char *stem, int pid,
		    char paths[static THAG_SESSION_FILES_MAX][THAG_PATH_BYTES]);

/** Waits until the disk has their names, too, where it can say that. */
void thag_files_settle(const struct thag_files *files);

/** What has no name by now is gone. */
void thag_files_end(struct thag_files *files);

/**
 * Writes `path`, replacing it at once with what is whole; the mode is 0600. For our own records
 * in our own directory `dir_fd`. 0 or a negative errno.
 */
int thag_files_replace(int dir_fd, const char *name, const void *data, size_t bytes);

#endif
