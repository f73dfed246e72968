/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random programs against a naive model of memory: several threads call, allocate, free what any
 * of them allocated, and reallocate. Their rings are cut anywhere and read in rounds of any kind;
 * at any watermark each number of the heap must be the model's, and at the end.
 */
#include "heap_program.h"

/* The model: what was live and what became of it, event by event. */
struct block {
	uint64_t address, size, ticks;
	uint32_t ring, by[THAG_HEAP_KINDS];
};

/* What one path did in one event: the slices are sums of these. */
struct change {
	uint64_t ticks;
	uint32_t path;
	struct thag_heap_record did;
};

static struct block blocks[BLOCKS_MAX], moved_blocks[RINGS];
static struct event moved_by[RINGS];
static uint64_t latest[RINGS];
static struct thag_heap_totals sums;
static struct change changes[EVENTS_MAX * 6];
static uint32_t change_count, applied;

/* Live bytes after each event, for the slices. */
static struct {
	uint64_t ticks, bytes, count;
} history[EVENTS_MAX * 2];
static uint32_t history_count;

static struct thag_heap_record *change(uint32_t path, uint64_t ticks)
{
	cr_assert_lt(change_count, EVENTS_MAX * 6);
	changes[change_count] = (struct change){ .ticks = ticks, .path = path };
	return &changes[change_count++].did;
}

static void remember(uint64_t ticks)
{
	history[history_count].ticks = ticks;
	history[history_count].bytes = sums.live_bytes;
	history[history_count++].count = sums.live;
}

static void check_peak(uint64_t ticks)
{
	if (sums.live_bytes <= sums.peak_bytes)
		return;
	sums.peak_bytes = sums.live_bytes;
	sums.peak_blocks = sums.live;
	sums.peak_ticks = ticks;
	for (uint32_t i = 0; i < path_count; i++)
		paths[i].at_peak = paths[i].sums.allocated_bytes - paths[i].sums.freed_bytes;
}

static void model_alloc(const struct event *event, bool reallocated)
{
	static const uint64_t highs[] = { 64, 256, 1024, 4096, 16384, 65536, UINT64_MAX };
	uint32_t at = 0, class = 0;

	while (blocks[at].address)
		at++;
	blocks[at] = (struct block){ event->address,
				     event->size,
				     event->ticks,
				     event->ring,
				     { event->by[0], event->by[1] } };
	latest[event->ring] = event->address;
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_heap_account *account = &paths[event->by[kind]].sums;
		struct thag_heap_record *did = change(event->by[kind], event->ticks);

		account->allocated_bytes += event->size;
		account->allocations++;
		account->reallocations += reallocated;
		if (account->allocated_bytes - account->freed_bytes > account->high_bytes)
			account->high_bytes = account->allocated_bytes - account->freed_bytes;
		did->allocated_bytes = event->size;
		did->allocations = 1;
	}
	while (event->size > highs[class])
		class ++;
	sums.classes[class].count++;
	sums.classes[class].bytes += event->size;
	sums.size_count[thag_hist_bucket(event->size)]++;
	sums.size_bytes[thag_hist_bucket(event->size)] += event->size;
	sums.allocated_bytes += event->size;
	sums.allocations++;
	sums.reallocations += reallocated;
	sums.live_bytes += event->size;
	sums.live++;
	remember(event->ticks);
	check_peak(event->ticks);
}

/* `now`: when it counts; `by`: what freed it. */
static void model_free(const struct block *block, const struct event *by, uint64_t now)
{
	bool temporary = latest[block->ring] == block->address;
	uint64_t lifetime = by->ticks - block->ticks;

	if (temporary)
		latest[block->ring] = 0;
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct path *path = &paths[block->by[kind]], *end = &paths[by->by[kind]];
		struct thag_heap_record *did = change(block->by[kind], now);

		path->sums.freed_bytes += block->size;
		path->sums.frees++;
		path->sums.temporary_bytes += temporary ? block->size : 0;
		path->sums.temporary += temporary;
		path->lifetimes[thag_hist_bucket(lifetime)]++;
		if (lifetime > path->sums.lifetime_max)
			path->sums.lifetime_max = lifetime;
		did->freed_bytes = block->size;
		did->frees = 1;
		did->temporary_bytes = temporary ? block->size : 0;
		did->temporary = temporary;
		end->sums.released_bytes += block->size;
		end->sums.released++;
		did = change(by->by[kind], now);
		did->released_bytes = block->size;
		did->released = 1;
	}
	sums.temporary_bytes += temporary ? block->size : 0;
	sums.temporary += temporary;
	sums.freed_bytes += block->size;
	sums.frees++;
	sums.live_bytes -= block->size;
	sums.live--;
	remember(now);
}

static bool model_take(uint64_t address, struct block *out)
{
	for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
		if (blocks[i].address != address)
			continue;
		*out = blocks[i];
		blocks[i].address = 0;
		return true;
	}
	return false;
}

static void model_moved(const struct event *event)
{
	struct block *block = &moved_blocks[event->ring];

	if (block->address && event->address == 0 && event->size) {
		for (uint32_t i = 0; i < BLOCKS_MAX && block->address; i++) {
			if (blocks[i].address)
				continue;
			blocks[i] = *block;
			block->address = 0;
		}
		return;
	}
	if (block->address)
		model_free(block, &moved_by[event->ring], event->ticks);
	else if (event->address || event->size == 0)
		sums.unmatched++;
	block->address = 0;
	if (event->address)
		model_alloc(event, true);
}

static void model_apply(const struct event *event)
{
	struct block block;

	switch (event->op) {
	case THAG_HEAP_ALLOC:
		model_alloc(event, false);
		break;
	case THAG_HEAP_FREE:
		if (model_take(event->address, &block))
			model_free(&block, event, event->ticks);
		else
			sums.unmatched++;
		break;
	case THAG_HEAP_MOVE:
		moved_by[event->ring] = *event;
		if (!model_take(event->address, &moved_blocks[event->ring]))
			moved_blocks[event->ring].address = 0;
		break;
	default:
		model_moved(event);
	}
}

/* Comparing. */
static struct path *path_of(const struct thag_heap_copy *copy, uint32_t kind, uint32_t node)
{
	const struct thag_node *nodes = copy->paths[kind].tree.nodes;
	uint32_t sites[TRACES], depth = 0;

	for (uint32_t at = node; at; at = nodes[at].parent)
		depth++;
	for (uint32_t at = node, i = depth; at; at = nodes[at].parent)
		sites[--i] = nodes[at].site;
	return &paths[find_path(kind, sites, depth)];
}

#define EXPECT_SAME(field) cr_assert_eq(got->field, wanted->field, "seed %u: " #field, seed_at)

static unsigned seed_at;

static void compare_path(const struct thag_heap_copy *copy, uint32_t kind, uint32_t node)
{
	const struct thag_heap_account *got = &copy->paths[kind].accounts[node];
	const struct path *path = path_of(copy, kind, node);
	const struct thag_heap_account *wanted = &path->sums;
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	EXPECT_SAME(allocated_bytes);
	EXPECT_SAME(allocations);
	EXPECT_SAME(freed_bytes);
	EXPECT_SAME(frees);
	EXPECT_SAME(temporary_bytes);
	EXPECT_SAME(temporary);
	EXPECT_SAME(reallocations);
	EXPECT_SAME(released_bytes);
	EXPECT_SAME(released);
	EXPECT_SAME(high_bytes);
	EXPECT_SAME(lifetime_max);
	cr_assert_eq(thag_heap_at_peak(got, copy->epoch), path->at_peak, "seed %u", seed_at);
	thag_hist_sum(&copy->paths[kind].lifetimes, got->lifetimes, counts);
	cr_assert_eq(memcmp(counts, path->lifetimes, sizeof(counts)), 0, "seed %u", seed_at);
	cr_assert_eq(copy->kept[kind][node], path->kept_bytes);
	cr_assert_eq(copy->kept[kind][copy->paths[kind].tree.count + node], path->kept);
}

static void compare_totals(const struct thag_heap_totals *got)
{
	const struct thag_heap_totals *wanted = &sums;

	EXPECT_SAME(allocated_bytes);
	EXPECT_SAME(allocations);
	EXPECT_SAME(freed_bytes);
	EXPECT_SAME(frees);
	EXPECT_SAME(live_bytes);
	EXPECT_SAME(live);
	EXPECT_SAME(peak_bytes);
	EXPECT_SAME(peak_blocks);
	EXPECT_SAME(peak_ticks);
	EXPECT_SAME(temporary_bytes);
	EXPECT_SAME(temporary);
	EXPECT_SAME(reallocations);
	EXPECT_SAME(displaced);
	EXPECT_SAME(untracked);
	EXPECT_SAME(unknown_traces);
	cr_assert_eq(memcmp(got->size_count, wanted->size_count, sizeof(got->size_count)), 0);
	cr_assert_eq(memcmp(got->size_bytes, wanted->size_bytes, sizeof(got->size_bytes)), 0);
	for (int i = 0; i < THAG_SIZE_CLASSES; i++) {
		EXPECT_SAME(classes[i].count);
		EXPECT_SAME(classes[i].bytes);
	}
}

/* Of what the path did from `from` on, before `to`. */
static struct thag_heap_record sum_changes(uint32_t path, uint64_t from, uint64_t to)
{
	struct thag_heap_record sum = { 0 };

	for (uint32_t i = 0; i < change_count; i++) {
		const struct thag_heap_record *did = &changes[i].did;

		if (changes[i].path != path || changes[i].ticks < from || changes[i].ticks >= to)
			continue;
		sum.allocated_bytes += did->allocated_bytes;
		sum.allocations += did->allocations;
		sum.freed_bytes += did->freed_bytes;
		sum.frees += did->frees;
		sum.temporary_bytes += did->temporary_bytes;
		sum.temporary += did->temporary;
		sum.released_bytes += did->released_bytes;
		sum.released += did->released;
	}
	return sum;
}

static bool is_nothing(const struct thag_heap_record *did)
{
	return did->allocations == 0 && did->frees == 0 && did->released == 0;
}

static void compare_records(const struct thag_heap_copy *copy, uint32_t kind,
			    const struct thag_heap_slice *slice, uint64_t end)
{
	uint32_t found = 0, active = 0;

	for (uint32_t i = 0; i < slice->record_count[kind]; i++) {
		const struct thag_heap_record *got = &slice->records[kind][i];
		struct thag_heap_record sum, *wanted = &sum;

		cr_assert(i == 0 || got[-1].path < got->path);
		sum = sum_changes((uint32_t)(path_of(copy, kind, got->path) - paths), slice->start,
				  end);
		EXPECT_SAME(allocated_bytes);
		EXPECT_SAME(allocations);
		EXPECT_SAME(freed_bytes);
		EXPECT_SAME(frees);
		EXPECT_SAME(temporary_bytes);
		EXPECT_SAME(temporary);
		EXPECT_SAME(released_bytes);
		EXPECT_SAME(released);
		found += !is_nothing(got);
	}
	for (uint32_t i = 0; i < path_count; i++) {
		struct thag_heap_record sum = sum_changes(i, slice->start, end);

		active += paths[i].kind == kind && !is_nothing(&sum);
	}
	cr_assert_eq(found, active, "seed %u", seed_at);
}

static void compare_slice(const struct thag_heap_slice *slice, uint64_t end)
{
	uint64_t bytes = 0, count = 0, high;
	uint32_t i = 0;

	for (; i < history_count && history[i].ticks < slice->start; i++) {
		bytes = history[i].bytes;
		count = history[i].count;
	}
	for (high = bytes; i < history_count && history[i].ticks < end; i++) {
		bytes = history[i].bytes;
		count = history[i].count;
		high = bytes > high ? bytes : high;
	}
	cr_assert_eq(slice->live_bytes, bytes, "seed %u", seed_at);
	cr_assert_eq(slice->live, count);
	cr_assert_eq(slice->high_bytes, high);
}

static void compare_slices(const struct thag_heap_copy *copy, uint32_t limit)
{
	cr_assert_leq(copy->slice_count, limit);
	cr_assert_eq(copy->slices[0].start, 0);
	for (uint32_t i = 0; i < copy->slice_count; i++) {
		const struct thag_heap_slice *slice = &copy->slices[i];
		uint64_t end = i + 1 < copy->slice_count ? slice[1].start : UINT64_MAX;

		cr_assert_lt(slice->start, end);
		compare_slice(slice, end);
		for (uint32_t kind = 0; kind < THAG_HEAP_KINDS; kind++)
			compare_records(copy, kind, slice, end);
	}
}

static void keep_blocks(uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < path_count; i++)
		paths[i].kept_bytes = paths[i].kept = 0;
	for (uint32_t i = 0; i < BLOCKS_MAX; i++) {
		const struct block *block = &blocks[i];

		if (!block->address || block->ticks < from || block->ticks >= to)
			continue;
		for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
			paths[block->by[kind]].kept_bytes += block->size;
			paths[block->by[kind]].kept++;
		}
	}
}

static void compare(const struct thag_heap *heap, uint32_t slice_limit)
{
	uint64_t from = roll(clock_ticks), to = from + 1 + roll(clock_ticks);
	struct thag_heap_copy copy;

	cr_assert_eq(thag_heap_copy(&copy, heap, from, to), 0);
	keep_blocks(from, to);
	compare_totals(&copy.totals);
	for (uint32_t kind = 0; kind < THAG_HEAP_KINDS; kind++)
		for (uint32_t i = 0; i < copy.paths[kind].tree.count; i++)
			compare_path(&copy, kind, i);
	compare_slices(&copy, slice_limit);
	cr_assert_not(copy.capped);
	thag_heap_copy_fini(&copy);
}

static void reset(struct thag_heap *heap)
{
	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *ring = &rings[i];

		memset(ring, 0, sizeof(*ring));
		cr_assert_eq(thag_thread_init(&ring->thread, i + 1, 1 << 20), 0);
		ring->queue = (struct thag_heap_queue){ .heap = heap, .ring = (uint16_t)i };
		ring->stream =
			(struct thag_stream){ .memory = &ring->queue, .thread = &ring->thread };
	}
	memset(taken, 0, sizeof(taken));
	memset(blocks, 0, sizeof(blocks));
	memset(moved_blocks, 0, sizeof(moved_blocks));
	memset(latest, 0, sizeof(latest));
	memset(&sums, 0, sizeof(sums));
	path_count = event_count = change_count = history_count = applied = 0;
	clock_ticks = 0;
}

/* Some words of each ring; what has not been read of one limits the watermark. */
static uint64_t read_round(uint64_t piece)
{
	uint64_t watermark = UINT64_MAX;

	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *ring = &rings[(i + piece) % RINGS];
		size_t left = ring->count - ring->read, count = roll(piece);

		ring->read += thag_stream_feed(&ring->stream, ring->words + ring->read,
					       count < left ? count : left);
		if (ring->read < ring->count && ring->stream.last_ticks < watermark)
			watermark = ring->stream.last_ticks;
	}
	return watermark;
}

static void run(unsigned at)
{
	struct thag_heap_options options = { .slice_ticks = 64, .trace = read_trace };
	struct thag_heap_queue *queues[RINGS];
	struct thag_heap *heap;
	uint64_t watermark, piece;

	seed = seed_at = at;
	options.slice_limit = 8 + (uint32_t)roll(40);
	options.record_limit = 50 + (uint32_t)roll(2000);
	piece = 2 + roll(roll(2) ? 500 : 20);
	cr_assert_eq(thag_heap_create(&heap, &options), 0);
	reset(heap);
	make_traces();
	for (int i = 0; i < 800; i++)
		play();
	for (uint32_t i = 0; i < RINGS; i++) {
		queues[i] = &rings[i].queue;
		if (rings[i].moving)
			play_moved(&rings[i]);
	}
	do {
		watermark = read_round(piece);
		thag_heap_queues_apply(heap, queues, RINGS, watermark);
		for (; applied < event_count && events[applied].ticks < watermark; applied++)
			model_apply(&events[applied]);
		if (watermark == UINT64_MAX || roll(50) == 0)
			compare(heap, options.slice_limit);
	} while (watermark != UINT64_MAX);
	cr_assert_eq(thag_heap_totals(heap)->unmatched, sums.unmatched, "seed %u", at);
	for (uint32_t i = 0; i < RINGS; i++) {
		thag_heap_queue_fini(&rings[i].queue);
		thag_thread_fini(&rings[i].thread);
	}
	thag_heap_destroy(heap);
}

Test(heap_model, agrees_with_a_naive_model_at_any_watermark)
{
	for (unsigned at = 1; at <= 60; at++)
		run(at);
}
