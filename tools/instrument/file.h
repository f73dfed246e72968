/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sources as files: read once, written whole or not at all.
 *
 * Thread: main. Allocates.
 */
#ifndef THAG_INSTRUMENT_FILE_H
#define THAG_INSTRUMENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/** All zero is valid and empty. */
struct thag_file {
	char *data; /* never NULL once it was read */
	size_t bytes;
	struct stat st; /* as it was read */
};

void thag_file_fini(struct thag_file *file);

/** Reads what `fd` has, to its end. 0, -EFBIG beyond `max` bytes, or a negative errno. */
int thag_file_take(struct thag_file *file, int fd, size_t max);

/** Reads a regular file. 0; -EINVAL for any other; -EFBIG; or a negative errno. */
int thag_file_read(struct thag_file *file, const char *path, size_t max);

/**
 * Makes the file at `path` consist of these bytes, if it still is what was read. Its mode stays,
 * and so does a link to it. 0, -ESTALE when it was changed meanwhile, or a negative errno.
 */
int thag_file_replace(const struct thag_file *file, const char *path, const void *data,
		      size_t bytes);

/** Writes what was read to `path` and `ending`, with the file's mode. 0 or a negative errno. */
int thag_file_back_up(const struct thag_file *file, const char *path, const char *ending);

/** Whether a regular file is open for output as `fd`, and is the one of `st`. */
bool thag_file_is_output(const struct stat *st, int fd);

#endif
