/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The timelines of all sessions (core/thag_timeline.h), each with its lock, within one budget.
 *
 * When together they are beyond it, those of sessions that have ended give first, the oldest before
 * others, and then those that take most. What is dropped of one that was read from a recording is
 * read again when it is asked for.
 *
 * | part                        | under                                  |
 * |-----------------------------|----------------------------------------|
 * | the list, budget            | the lock of all                        |
 * | a timeline                  | its own, taken after that of all       |
 * | what it takes               | relaxed: a number that stands for itself |
 *
 * Thread: any.
 */
#ifndef THAG_HISTORY_H
#define THAG_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

#include "chunk_pool.h"
#include "thag_timeline.h"

struct thag_budget;
struct thag_history;

/** Make it with thag_histories_init. */
struct thag_histories {
	pthread_mutex_t lock;
	uint64_t budget_bytes; /* 0: no timelines are kept */
	struct thag_history *oldest, *newest;
	struct thag_chunk_pool pool; /* of words that are not in a timeline yet */
};

void thag_histories_init(struct thag_histories *all, const struct thag_budget *budget);

/** After all of them were destroyed. */
void thag_histories_fini(struct thag_histories *all);

/** An empty one. 0, -ENOMEM, or -ENOTSUP when none are kept. */
int thag_history_create(struct thag_history **out, struct thag_histories *all);

/** NULL is ignored. */
void thag_history_destroy(struct thag_history *history);

/**
 * From now on chunks are added that lie in a recording, too, which is open as `fd` and was as
 * `path`. It is opened whenever something is read, so that nobody has to do without the file
 * because of a timeline. `seed`: see thag_recording_seed. 0, -EMFILE: there were too many, or
 * another negative errno. The second time in a row nothing happens. Any thread.
 */
int thag_history_read_from(struct thag_history *history, int fd, const char *path, uint64_t seed);

struct thag_chunk_pool *thag_history_pool(struct thag_history *history);

/** Nobody else uses the timeline until thag_history_unlock: briefly, since words wait meanwhile. */
struct thag_timeline *thag_history_lock(struct thag_history *history);
void thag_history_unlock(struct thag_history *history);

/** As thag_timeline_add. `offset`: where its block lies in the recording told of last; 0: in none.
 */
int thag_history_add(struct thag_history *history, struct thag_chunk *chunk, uint64_t offset);

/** Its session has ended: it gives before those of others. */
void thag_history_end(struct thag_history *history);

#endif
