/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads files and counts the identifiers in them. Thread: owner. */
#ifndef TREESTAT_SCAN_H
#define TREESTAT_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "table.h"

/** What one thread has counted, and its buffer. */
struct scan {
	struct table table;
	char *buffer;
	size_t capacity;
	uint64_t files, bytes, unreadable;
};

void scan_init(struct scan *scan);
void scan_fini(struct scan *scan);

/** Counts the identifiers of the file `path`; one that can't be read is only counted. */
void scan_file(struct scan *scan, const char *path);

/** Counts the identifiers among the first `bytes` bytes of the buffer. */
void scan_text(struct scan *scan, size_t bytes);

#endif
