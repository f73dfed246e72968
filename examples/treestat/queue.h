/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Paths waiting for a thread. Thread: any; take blocks until there is a path or the queue is
 * closed and empty.
 */
#ifndef TREESTAT_QUEUE_H
#define TREESTAT_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	char **paths;
	size_t head, count, capacity;
	bool closed;
};

void queue_init(struct queue *queue);
void queue_fini(struct queue *queue);

/** Adds `path`, which the queue now owns. */
void queue_put(struct queue *queue, char *path);

/** The oldest path, which the caller frees; NULL when there will be no more. */
char *queue_take(struct queue *queue);

/** Nothing will be put any more. */
void queue_close(struct queue *queue);

#endif
