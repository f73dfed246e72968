/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TREESTAT_WALK_H
#define TREESTAT_WALK_H

#include "queue.h"

/**
 * Puts every regular file below `directory` into the queue. Symbolic links are not followed,
 * directories that can't be read are left out below the first. Returns 0, or -1 with errno when
 * `directory` itself can't be read.
 */
int walk_directory(struct queue *queue, const char *directory);

#endif
