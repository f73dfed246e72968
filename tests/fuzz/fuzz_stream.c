/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any words in three rings, cut anywhere: the decoder neither crashes nor disagrees with itself.
 * The words are dealt out in runs: behind one of kind ALLOC those of the next ring begin.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag_stream.h"

#define NODE_LIMIT 4096
#define THREADS_MAX 64
#define RINGS 3

struct outcome {
	struct thag_thread threads[THREADS_MAX];
	uint32_t count;
	struct thag_tasks tasks;
	struct thag_stream streams[RINGS];
};

/* The words of one ring, and how far they were read. */
struct ring {
	uint64_t *words;
	size_t count;
	size_t read;
};

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	struct outcome *outcome = context;
	struct thag_thread *thread;

	if (outcome->count == THREADS_MAX)
		return NULL;
	thread = &outcome->threads[outcome->count];
	if (thag_thread_init(thread, tid, NODE_LIMIT) != 0)
		return NULL;
	outcome->count++;
	return thread;
}

static void end_thread(void *context, struct thag_thread *thread)
{
	(void)context;
	if (thread->own.depth != 0 || thread->task)
		abort();
}

static bool feed(struct outcome *outcome, struct ring *rings, uint32_t at, size_t piece)
{
	struct ring *ring = &rings[at];
	size_t left = ring->count - ring->read;
	bool blocked = outcome->streams[at].blocked;
	size_t taken = thag_stream_feed(&outcome->streams[at], ring->words + ring->read,
					left < piece ? left : piece);

	if (taken > left)
		abort();
	ring->read += taken;
	return taken || blocked != outcome->streams[at].blocked;
}

/* What waits for a step that isn't there goes on without it, the first ring first. */
static bool force(struct outcome *outcome)
{
	for (uint32_t i = 0; i < RINGS; i++)
		if (outcome->streams[i].blocked)
			return thag_stream_retry(&outcome->streams[i], true);
	return false;
}

static void run(struct outcome *outcome, const struct ring *from, size_t piece)
{
	struct ring rings[RINGS];
	bool more;

	memcpy(rings, from, sizeof(rings));
	outcome->count = 0;
	if (thag_tasks_init(&outcome->tasks) != 0)
		abort();
	for (uint32_t i = 0; i < RINGS; i++) {
		outcome->streams[i] = (struct thag_stream){ .thread_start = start_thread,
							    .thread_end = end_thread,
							    .tasks = &outcome->tasks,
							    .context = outcome };
		outcome->streams[i].thread = start_thread(outcome, i + 1);
	}
	do {
		more = false;
		for (uint32_t i = 0; i < RINGS; i++)
			while (feed(outcome, rings, i, piece))
				more = true;
	} while (more || force(outcome));
}

static void compare_threads(const struct thag_thread *a, const struct thag_thread *b)
{
	const struct thag_tree *x = &a->tree, *y = &b->tree;

	if (x->count != y->count || a->own.depth != b->own.depth ||
	    memcmp(x->nodes, y->nodes, x->count * sizeof(*x->nodes)) != 0)
		abort();
	for (uint32_t i = 0; i < x->count; i++)
		if (thag_tree_wait(x, i) != thag_tree_wait(y, i))
			abort();
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	if (a->count != b->count || a->tasks.gaps != b->tasks.gaps ||
	    a->tasks.refused != b->tasks.refused)
		abort();
	for (uint32_t i = 0; i < RINGS; i++)
		if (a->streams[i].events != b->streams[i].events ||
		    a->streams[i].invalid != b->streams[i].invalid ||
		    a->streams[i].skewed != b->streams[i].skewed)
			abort();
	for (uint32_t i = 0; i < a->count; i++)
		compare_threads(&a->threads[i], &b->threads[i]);
}

/* No node's children took longer than itself, where all its calls are over. */
static void check_sums(const struct thag_thread *thread)
{
	const struct thag_tree *tree = &thread->tree;
	uint64_t *children = calloc(tree->count, sizeof(*children));

	for (uint32_t i = 1; children && i < tree->count; i++)
		children[tree->nodes[i].parent] += tree->nodes[i].total;
	for (uint32_t i = 1; children && i < tree->count; i++)
		if (children[i] > tree->nodes[i].total)
			abort();
	free(children);
}

/* As thagd does when a program is gone. */
static void finish(struct outcome *outcome)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < outcome->count; i++) {
		struct thag_thread *thread = &outcome->threads[i];

		if (thread->last_ticks > last)
			last = thread->last_ticks;
		if (thread->task)
			thag_tasks_leave(&outcome->tasks, thread, thread->last_ticks);
		if (!thread->ended)
			thag_thread_close(thread);
	}
	thag_tasks_end(&outcome->tasks, last);
	for (uint32_t i = 0; i < outcome->count; i++)
		check_sums(&outcome->threads[i]);
	thag_tasks_fini(&outcome->tasks);
	for (uint32_t i = 0; i < outcome->count; i++)
		thag_thread_fini(&outcome->threads[i]);
}

static void deal(struct ring *rings, const uint64_t *words, size_t count)
{
	uint32_t at = 0;

	for (size_t i = 0; i < count; i++) {
		rings[at].words[rings[at].count++] = words[i];
		if (thag_word_kind(words[i]) == THAG_KIND_ALLOC)
			at = (at + 1) % RINGS;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct outcome whole, pieces;
	size_t count = bytes / 8;
	uint64_t *words = malloc((RINGS + 1) * (bytes + 8));
	struct ring rings[RINGS] = { 0 };

	memcpy(words, data, bytes);
	for (uint32_t i = 0; i < RINGS; i++)
		rings[i].words = words + (i + 1) * (count + 1);
	deal(rings, words, count);
	run(&whole, rings, count + 1);
	run(&pieces, rings, bytes % 8 + 1);
	compare(&whole, &pieces);
	finish(&whole);
	finish(&pieces);
	free(words);
	return 0;
}
