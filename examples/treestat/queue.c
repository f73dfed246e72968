/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "queue.h"

#include <stdlib.h>

#include <thag.h>

#include "memory.h"

void queue_init(struct queue *queue)
{
	*queue = (struct queue){ .paths = NULL };
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->changed, NULL);
}

void queue_fini(struct queue *queue)
{
	for (size_t i = queue->head; i < queue->count; i++)
		free(queue->paths[i]);
	free(queue->paths);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->mutex);
}

void queue_put(struct queue *queue, char *path)
{
	THAG_PROFILED();
	pthread_mutex_lock(&queue->mutex);
	if (queue->count == queue->capacity) {
		queue->capacity = queue->capacity ? queue->capacity * 2 : 1024;
		queue->paths = memory_resize(queue->paths, queue->capacity * sizeof(char *));
	}
	queue->paths[queue->count++] = path;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

char *queue_take(struct queue *queue)
{
	THAG_PROFILED();
	char *path = NULL;

	pthread_mutex_lock(&queue->mutex);
	while (queue->head == queue->count && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->mutex);
	if (queue->head < queue->count)
		path = queue->paths[queue->head++];
	pthread_mutex_unlock(&queue->mutex);
	return path;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}
