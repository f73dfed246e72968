/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The sources below folders.
 *
 * Left out are hidden files and folders, links, `node_modules`, and folders that a build system
 * made (with a CMakeCache.txt, a build.ninja or a meson-private in them), unless named.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_INSTRUMENT_WALK_H
#define THAG_INSTRUMENT_WALK_H

#include <stdbool.h>
#include <stddef.h>

/** All zero is valid and empty. */
struct thag_paths {
	char **list;
	size_t count;
	size_t capacity;
};

void thag_paths_fini(struct thag_paths *paths);

/** Adds a copy of `path`. 0 or -ENOMEM. */
int thag_paths_add(struct thag_paths *paths, const char *path);

/**
 * Adds the sources below the folder `top`, in the order of their names, with headers if wanted.
 * 0, or a negative errno with what can't be read added to `failed` (never empty then, but for
 * -ENOMEM). What can be read is added all the same.
 */
int thag_walk(struct thag_paths *paths, const char *top, bool headers, struct thag_paths *failed);

#endif
