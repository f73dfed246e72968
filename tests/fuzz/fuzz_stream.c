/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Any words, cut anywhere: the decoder neither crashes nor disagrees with itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag_stream.h"

#define NODE_LIMIT 4096
#define THREADS_MAX 64

struct outcome {
	struct thag_thread threads[THREADS_MAX];
	uint32_t count;
	struct thag_stream stream;
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
	if (thread->depth != 0)
		abort();
}

static void feed(struct outcome *outcome, const uint64_t *words, size_t count, size_t piece)
{
	outcome->stream = (struct thag_stream){ .thread_start = start_thread,
						.thread_end = end_thread,
						.context = outcome };
	outcome->stream.thread = start_thread(outcome, 1);
	for (size_t at = 0; at < count; at += piece)
		thag_stream_feed(&outcome->stream, words + at,
				 count - at < piece ? count - at : piece);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	if (a->count != b->count || a->stream.events != b->stream.events ||
	    a->stream.invalid != b->stream.invalid || a->stream.skewed != b->stream.skewed)
		abort();
	for (uint32_t i = 0; i < a->count; i++) {
		const struct thag_tree *x = &a->threads[i].tree, *y = &b->threads[i].tree;

		if (x->count != y->count || a->threads[i].depth != b->threads[i].depth ||
		    memcmp(x->nodes, y->nodes, x->count * sizeof(*x->nodes)) != 0)
			abort();
	}
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct outcome whole, pieces;
	size_t count = bytes / 8;
	uint64_t *words = malloc(bytes + 8);

	memcpy(words, data, bytes);
	whole.count = pieces.count = 0;
	feed(&whole, words, count, count + 1);
	feed(&pieces, words, count, bytes % 8 + 1);
	compare(&whole, &pieces);
	for (uint32_t i = 0; i < whole.count; i++) {
		thag_thread_close(&whole.threads[i]);
		check_sums(&whole.threads[i]);
		thag_thread_fini(&whole.threads[i]);
		thag_thread_fini(&pieces.threads[i]);
	}
	free(words);
	return 0;
}
