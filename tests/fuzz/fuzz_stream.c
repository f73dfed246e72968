/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any words in three rings, cut anywhere: the decoder neither crashes nor disagrees with itself,
 * nor does the heap. The words are dealt out in runs: behind a NOP whose lower bits are 1 those of
 * the next ring begin. The program's table of traces is made of the same words.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "thag_heap_profile.h"
#include "thag_stream.h"

#define NODE_LIMIT 4096
#define THREADS_MAX 64
#define RINGS 3
#define DEAL (THAG_EXT_NOP << THAG_EXT_SHIFT | 1)
#define LIVE_LIMIT 64

struct outcome {
	struct thag_thread threads[THREADS_MAX];
	uint32_t count;
	struct thag_tasks tasks;
	struct thag_stream streams[RINGS];
	struct thag_heap *heap;
	struct thag_heap_queue queues[RINGS];
};

static const uint64_t *table;
static size_t table_count;

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

static bool read_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	(void)context;
	if (table_count == 0 || trace % 7 == 0)
		return false;
	*out = (struct thag_shm_trace){ .parent = (uint32_t)table[trace % table_count] % trace,
					.site = 1 + trace % 3 };
	/* of most traces an earlier one is the parent; of the rest anything is */
	if (trace % 5 == 0) {
		out->parent = (uint32_t)table[trace % table_count];
		out->site = (uint32_t)(table[trace % table_count] >> 32);
	}
	return true;
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

/* What none of the rings can have anything older than. */
static bool apply(struct outcome *outcome, const struct ring *rings)
{
	struct thag_heap_queue *queues[RINGS];
	uint64_t watermark = UINT64_MAX;

	for (uint32_t i = 0; i < RINGS; i++) {
		const struct thag_stream *stream = &outcome->streams[i];

		queues[i] = &outcome->queues[i];
		if ((rings[i].read < rings[i].count || stream->blocked) &&
		    stream->last_ticks < watermark)
			watermark = stream->last_ticks;
	}
	return thag_heap_queues_apply(outcome->heap, queues, RINGS, watermark) != 0;
}

static void begin_heap(struct outcome *outcome)
{
	const struct thag_heap_options options = { .slice_ticks = 64,
						   .slice_limit = 8,
						   .record_limit = 64,
						   .live_limit = LIVE_LIMIT,
						   .node_limit = { 256, 256 },
						   .sample_bytes = table_count % 3 ? 0 : 4096,
						   .trace = read_trace };

	if (thag_heap_create(&outcome->heap, &options) != 0)
		abort();
	for (uint32_t i = 0; i < RINGS; i++)
		outcome->queues[i] =
			(struct thag_heap_queue){ .heap = outcome->heap, .ring = (uint16_t)i };
}

static void run(struct outcome *outcome, const struct ring *from, size_t piece)
{
	struct ring rings[RINGS];
	bool more;

	memcpy(rings, from, sizeof(rings));
	outcome->count = 0;
	if (thag_tasks_init(&outcome->tasks) != 0)
		abort();
	begin_heap(outcome);
	for (uint32_t i = 0; i < RINGS; i++) {
		outcome->streams[i] = (struct thag_stream){ .thread_start = start_thread,
							    .thread_end = end_thread,
							    .tasks = &outcome->tasks,
							    .memory = &outcome->queues[i],
							    .context = outcome };
		outcome->streams[i].thread = start_thread(outcome, i + 1);
	}
	do {
		more = false;
		for (uint32_t i = 0; i < RINGS; i++)
			while (feed(outcome, rings, i, piece))
				more = true;
		more |= apply(outcome, rings);
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

/* Each path's numbers add up to those of all, and are of a path that is there. */
static void check_paths(const struct thag_heap_copy *copy, enum thag_heap_kind kind)
{
	const struct thag_heap_paths *paths = &copy->paths[kind];
	struct thag_heap_account sum = { 0 };

	for (uint32_t i = 0; i < paths->tree.count; i++) {
		const struct thag_heap_account *account = &paths->accounts[i];

		sum.allocated_bytes += account->allocated_bytes;
		sum.freed_bytes += account->freed_bytes;
		sum.temporary += account->temporary;
		sum.peak_bytes += thag_heap_at_peak(account, copy->epoch);
	}
	if (sum.allocated_bytes != copy->totals.allocated_bytes ||
	    sum.freed_bytes != copy->totals.freed_bytes ||
	    sum.temporary != copy->totals.temporary || sum.peak_bytes != copy->totals.peak_bytes)
		abort();
	for (uint32_t i = 0; i < copy->slice_count; i++)
		for (uint32_t j = 0; j < copy->slices[i].record_count[kind]; j++)
			if (copy->slices[i].records[kind][j].path >= paths->tree.count)
				abort();
}

/* What a browser gets of it, over the whole run and in the range of the copy. */
static void show_heap(const struct thag_heap_copy *copy, enum thag_heap_kind kind, uint64_t to)
{
	const struct thag_heap_query query = {
		.kind = kind, .metric = THAG_METRIC_ALLOCATED, .to = to, .ns_per_tick = 0.5
	};
	const struct thag_flame_query flame = { .width_px = 1000 };
	const struct thag_frame_facts facts = { 0 };
	const struct thag_memory_facts memory = { 0 };
	struct thag_buffer out = { 0 };
	struct thag_profile *profile;
	struct thag_names *names;
	uint32_t count;

	if (thag_names_create(&names) != 0 ||
	    thag_heap_profile(&profile, copy, names, &query, "program") != 0)
		abort();
	const struct thag_frame_heap *all = thag_profile_heaps(profile);

	/*
	 * In a range: a block that a reallocation has in its hands isn't looked at, and bytes of
	 * nonsense may be so many that what is live seems less than none.
	 */
	if (thag_profile_nodes(profile, &count)[0].total_ns != copy->totals.allocated_bytes ||
	    all->live != copy->totals.live || all->leaked > copy->totals.live ||
	    all->released > copy->totals.frees || all->temporary != copy->totals.temporary ||
	    (!to &&
	     (all->leaked != copy->totals.live || all->live_bytes != copy->totals.live_bytes ||
	      all->peak_bytes != copy->totals.peak_bytes)))
		abort();
	if (thag_flame_write(profile, &flame, &facts, &out) != 0 ||
	    thag_table_write(profile, THAG_SORT_SELF, "", &facts, &out) != 0 ||
	    thag_memory_write(profile, copy, &query, &memory, "a", &facts, &out) != 0)
		abort();
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
	thag_names_destroy(names);
}

static void check_heap(const struct thag_heap *heap)
{
	struct thag_heap_copy copy;
	uint64_t allocated = 0;

	if (thag_heap_copy(&copy, heap, 0, UINT64_MAX) != 0)
		abort();
	check_paths(&copy, THAG_HEAP_CALLS);
	check_paths(&copy, THAG_HEAP_TRACES);
	for (uint32_t i = 0; i < copy.slice_count; i++)
		allocated += copy.slices[i].allocated_bytes;
	if (allocated != copy.totals.allocated_bytes || copy.slice_count > 8 ||
	    copy.totals.live_bytes != copy.totals.allocated_bytes - copy.totals.freed_bytes ||
	    copy.totals.live != copy.totals.allocations - copy.totals.frees)
		abort();
	show_heap(&copy, THAG_HEAP_TRACES, copy.totals.allocations % 2 ? UINT64_MAX : 0);
	thag_heap_copy_fini(&copy);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	if (a->count != b->count || a->tasks.gaps != b->tasks.gaps ||
	    a->tasks.refused != b->tasks.refused)
		abort();
	for (uint32_t i = 0; i < RINGS; i++)
		if (a->streams[i].events != b->streams[i].events ||
		    a->streams[i].invalid != b->streams[i].invalid ||
		    a->streams[i].skewed != b->streams[i].skewed ||
		    a->streams[i].lost_memory != b->streams[i].lost_memory)
			abort();
	if (memcmp(thag_heap_totals(a->heap), thag_heap_totals(b->heap),
		   sizeof(struct thag_heap_totals)) != 0)
		abort();
	check_heap(a->heap);
	for (uint32_t i = 0; i < a->count; i++)
		compare_threads(&a->threads[i], &b->threads[i]);
}

/* No node's children took longer than itself, where all its calls are over. */
static void check_sums(const struct thag_thread *thread)
{
	const struct thag_tree *tree = &thread->tree;
	uint64_t *children = calloc(tree->count, sizeof(*children));

	check(children != NULL);

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
	for (uint32_t i = 0; i < RINGS; i++)
		thag_heap_queue_fini(&outcome->queues[i]);
	thag_heap_destroy(outcome->heap);
}

static void deal(struct ring *rings, const uint64_t *words, size_t count)
{
	uint32_t at = 0;

	for (size_t i = 0; i < count; i++) {
		rings[at].words[rings[at].count++] = words[i];
		if (thag_word_kind(words[i]) == THAG_KIND_EXT && thag_word_arg(words[i]) == DEAL)
			at = (at + 1) % RINGS;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct outcome whole, pieces;
	size_t count = bytes / 8;
	uint64_t *words = take((RINGS + 1) * (bytes + 8));
	struct ring rings[RINGS] = { 0 };

	memcpy(words, data, bytes);
	table = words;
	table_count = count;
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
