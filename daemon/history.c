/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "budget.h"
#include "thag_recording_block.h"
#include "turns.h"

/* A recording that chunks lie in. */
struct source {
	char *path;
	uint64_t device, inode, seed;
};

/* A token is where a block lies, and in which of the recordings. */
#define SOURCE_SHIFT 48
#define OFFSET_MASK ((UINT64_C(1) << SOURCE_SHIFT) - 1)

_Static_assert(THAG_HISTORY_SOURCES_MAX <= 1 << (64 - SOURCE_SHIFT), "its number fits a token");

struct thag_history {
	struct thag_histories *all;
	struct thag_history *older, *newer;
	bool ended;
	struct thag_turns turns;
	struct thag_timeline *timeline;
	atomic_uint_least64_t bytes;
	struct source *sources; /* in the order they were told of; chunks are added to the last */
	uint32_t source_count;
	struct thag_recording_unpacker unpacker;
};

void thag_histories_init(struct thag_histories *all, const struct thag_budget *budget)
{
	*all = (struct thag_histories){ .budget_bytes = budget->timeline_bytes };
	pthread_mutex_init(&all->lock, NULL);
	thag_chunk_pool_init(&all->pool, budget->pool_chunks);
}

void thag_histories_fini(struct thag_histories *all)
{
	thag_chunk_pool_fini(&all->pool);
	pthread_mutex_destroy(&all->lock);
}

static uint64_t bytes_of(const struct thag_history *history)
{
	return atomic_load_explicit(&history->bytes, memory_order_relaxed);
}

static void note_bytes(struct thag_history *history)
{
	struct thag_timeline_facts facts;

	thag_timeline_facts(history->timeline, &facts);
	atomic_store_explicit(&history->bytes, facts.bytes, memory_order_relaxed);
}

static void put_newest(struct thag_history *history)
{
	struct thag_histories *all = history->all;

	pthread_mutex_lock(&all->lock);
	history->older = all->newest;
	if (all->newest)
		all->newest->newer = history;
	else
		all->oldest = history;
	all->newest = history;
	pthread_mutex_unlock(&all->lock);
}

static void take_out(struct thag_history *history)
{
	struct thag_histories *all = history->all;

	pthread_mutex_lock(&all->lock);
	if (history->older)
		history->older->newer = history->newer;
	else
		all->oldest = history->newer;
	if (history->newer)
		history->newer->older = history->older;
	else
		all->newest = history->older;
	pthread_mutex_unlock(&all->lock);
}

/* The recording, if it is still there. A descriptor or a negative errno. */
static int open_file(const struct source *source)
{
	int fd = (int)TEMP_FAILURE_RETRY(open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_dev == source->device && st.st_ino == source->inode)
		return fd;
	close(fd);
	return -ESTALE;
}

static int load_part(struct thag_history *history, const struct thag_recording_file *file,
		     uint64_t offset, enum thag_chunk_part part, struct thag_buffer *out)
{
	struct thag_recording_front front;
	int ret;

	if (thag_recording_front_read(file, offset, &front) != THAG_RECORDING_WHOLE)
		return -EBADMSG;
	ret = thag_recording_kind_read(file, &front, thag_recording_kind_of(part),
				       THAG_RECORDING_PART_MAX, &history->unpacker, out);
	return ret == -ENOENT ? 0 : ret; /* it has no bytes */
}

/* A part of the chunk whose block `token` tells of. */
static int load(void *context, uint64_t token, const struct thag_chunk_head *head,
		enum thag_chunk_part part, struct thag_buffer *out)
{
	struct thag_history *history = context;
	struct thag_recording_file file = { .bytes = INT64_MAX };
	const struct source *source;
	int ret;

	(void)head;
	if (token >> SOURCE_SHIFT >= history->source_count)
		return -EBADMSG;
	source = &history->sources[token >> SOURCE_SHIFT];
	file.seed = source->seed;
	file.fd = open_file(source);
	if (file.fd < 0)
		return file.fd;
	ret = load_part(history, &file, token & OFFSET_MASK, part, out);
	close(file.fd);
	return ret;
}

int thag_history_create(struct thag_history **out, struct thag_histories *all)
{
	struct thag_history *history;

	if (all->budget_bytes == 0)
		return -ENOTSUP;
	history = calloc(1, sizeof(*history));

	struct thag_timeline_options options = { .budget_bytes = all->budget_bytes,
						 .load = load,
						 .context = history };

	if (!history || thag_timeline_create(&history->timeline, &options) != 0) {
		free(history);
		return -ENOMEM;
	}
	history->all = all;
	thag_turns_init(&history->turns);
	put_newest(history);
	*out = history;
	return 0;
}

void thag_history_destroy(struct thag_history *history)
{
	if (!history)
		return;
	take_out(history);
	thag_timeline_destroy(history->timeline);
	thag_recording_unpacker_fini(&history->unpacker);
	for (uint32_t i = 0; i < history->source_count; i++)
		free(history->sources[i].path);
	free(history->sources);
	thag_turns_fini(&history->turns);
	free(history);
}

static bool is_last(const struct thag_history *history, const struct source *source)
{
	const struct source *last;

	if (history->source_count == 0)
		return false;
	last = &history->sources[history->source_count - 1];
	return last->device == source->device && last->inode == source->inode &&
	       strcmp(last->path, source->path) == 0;
}

/* Under its lock. */
static int add_source(struct thag_history *history, const struct source *source)
{
	struct source *grown;

	if (history->source_count == THAG_HISTORY_SOURCES_MAX)
		return -EMFILE;
	grown = reallocarray(history->sources, history->source_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	history->sources = grown;
	grown[history->source_count] = *source;
	grown[history->source_count].path = strdup(source->path);
	if (!grown[history->source_count].path)
		return -ENOMEM;
	history->source_count++;
	return 0;
}

int thag_history_read_from(struct thag_history *history, int fd, const char *path, uint64_t seed)
{
	struct source source = { .path = (char *)(uintptr_t)path, .seed = seed };
	struct stat st;
	int ret = 0;

	if (fstat(fd, &st) != 0)
		return -errno;
	source.device = st.st_dev;
	source.inode = st.st_ino;
	thag_turns_take(&history->turns);
	if (!is_last(history, &source))
		ret = add_source(history, &source);
	thag_turns_give_up(&history->turns);
	return ret;
}

/* Under its lock. 0: what is added lies in no recording. */
static uint64_t make_token(const struct thag_history *history, uint64_t offset)
{
	if (offset == 0 || offset > OFFSET_MASK || history->source_count == 0)
		return 0;
	return (uint64_t)(history->source_count - 1) << SOURCE_SHIFT | offset;
}

struct thag_chunk_pool *thag_history_pool(struct thag_history *history)
{
	return &history->all->pool;
}

static uint64_t sum_bytes(const struct thag_histories *all)
{
	uint64_t sum = 0;

	for (const struct thag_history *at = all->oldest; at; at = at->newer)
		sum += bytes_of(at);
	return sum;
}

/* What it takes becomes at most `bytes`, as far as that can be. */
static void shrink(struct thag_history *history, uint64_t bytes)
{
	thag_turns_take(&history->turns);
	thag_timeline_shrink(history->timeline, bytes);
	note_bytes(history);
	thag_turns_give_up(&history->turns);
}

static void shrink_ended(struct thag_histories *all)
{
	uint64_t sum = sum_bytes(all);

	for (struct thag_history *at = all->oldest; at && sum > all->budget_bytes; at = at->newer) {
		uint64_t excess = sum - all->budget_bytes, before = bytes_of(at);

		if (!at->ended)
			continue;
		shrink(at, before > excess ? before - excess : 0);
		sum = sum_bytes(all);
	}
}

/* The most that each may take, so that all together are within the budget. */
static uint64_t find_level(const struct thag_histories *all)
{
	uint64_t level = 0, last = UINT64_MAX;

	while (level != last) {
		uint64_t small = 0, large = 0;

		last = level;
		for (const struct thag_history *at = all->oldest; at; at = at->newer) {
			small += bytes_of(at) <= level ? bytes_of(at) : 0;
			large += bytes_of(at) > level;
		}
		if (large && all->budget_bytes > small &&
		    (all->budget_bytes - small) / large > level)
			level = (all->budget_bytes - small) / large;
	}
	return level;
}

static void balance(struct thag_histories *all)
{
	uint64_t level;

	pthread_mutex_lock(&all->lock);
	if (sum_bytes(all) > all->budget_bytes)
		shrink_ended(all);
	if (sum_bytes(all) > all->budget_bytes) {
		level = find_level(all);
		for (struct thag_history *at = all->oldest; at; at = at->newer)
			if (bytes_of(at) > level)
				shrink(at, level);
	}
	pthread_mutex_unlock(&all->lock);
}

struct thag_timeline *thag_history_lock(struct thag_history *history)
{
	thag_turns_take(&history->turns);
	return history->timeline;
}

void thag_history_unlock(struct thag_history *history)
{
	note_bytes(history);
	thag_turns_give_up(&history->turns);
	balance(history->all);
}

int thag_history_add(struct thag_history *history, struct thag_chunk *chunk, uint64_t offset)
{
	struct thag_timeline *timeline = thag_history_lock(history);
	int ret = thag_timeline_add(timeline, chunk, make_token(history, offset));

	thag_history_unlock(history);
	return ret;
}

void thag_history_end(struct thag_history *history)
{
	pthread_mutex_lock(&history->all->lock);
	history->ended = true;
	pthread_mutex_unlock(&history->all->lock);
}
