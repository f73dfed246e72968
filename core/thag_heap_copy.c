/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_pages.h"

/* How much is copied, or looked at, before others get their turn: a millisecond, about. */
#define NODES 4096
#define RECORDS 16384
#define SLOTS 16384
#define BLOCKS 4096
#define TRIES 3 /* to copy the slices before two of them become one */
#define SLACK 256

/* A copy under way. */
struct copying {
	struct thag_heap_copy made;
	const struct thag_heap *heap;
	const struct thag_heap_gate *gate;
	uint64_t from, to;
	uint64_t slice_ticks; /* when the slices were listed */
};

static void enter(const struct copying *copying)
{
	if (copying->gate)
		copying->gate->enter(copying->gate->context);
}

static void leave(const struct copying *copying)
{
	if (copying->gate)
		copying->gate->leave(copying->gate->context);
}

/* Memory that is there: nobody waits while its pages are made. */
static void *make_room(size_t count, size_t size)
{
	void *room = calloc(count + 1, size);

	if (room && !thag_pages_make(room, (count + 1) * size))
		memset(room, 0, (count + 1) * size);
	return room;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

/* The nodes there were when it began, and their accounts; what comes later is left out. */
static int copy_nodes(const struct copying *copying, struct thag_heap_paths *to,
		      const struct thag_heap_paths *from)
{
	uint32_t count = to->tree.count;

	to->tree.nodes = make_room(count, sizeof(*to->tree.nodes));
	to->accounts = make_room(count, sizeof(*to->accounts));
	to->tree.capacity = to->tree.limit = to->capacity = count;
	if (!to->tree.nodes || !to->accounts)
		return -ENOMEM;
	for (uint32_t at = 0; at < count; at += NODES) {
		uint32_t end = at + at_most(count - at, NODES), known;

		enter(copying);
		/* paths that nothing was counted at yet have no account */
		known = at_most(from->capacity, end);
		memcpy(&to->tree.nodes[at], &from->tree.nodes[at],
		       (end - at) * sizeof(*to->tree.nodes));
		if (known > at)
			memcpy(&to->accounts[at], &from->accounts[at],
			       (known - at) * sizeof(*to->accounts));
		leave(copying);
	}
	return 0;
}

/*
 * How the blocks of histograms are linked, at one moment, after the accounts that name them: none
 * ever goes.
 */
static int copy_links(const struct copying *copying, struct thag_hist_pool *to,
		      const struct thag_hist_pool *from)
{
	int ret = 0;

	enter(copying);
	to->metas = malloc(from->count * sizeof(*to->metas) + 1);
	to->carries = malloc(from->carry_count * sizeof(*to->carries) + 1);
	if (to->metas && to->carries) {
		to->count = to->capacity = from->count;
		to->carry_count = to->carry_capacity = from->carry_count;
		if (to->count)
			memcpy(to->metas, from->metas, to->count * sizeof(*to->metas));
		if (to->carry_count)
			memcpy(to->carries, from->carries, to->carry_count * sizeof(*to->carries));
	} else {
		ret = -ENOMEM;
	}
	leave(copying);
	return ret;
}

static int copy_lifetimes(const struct copying *copying, struct thag_hist_pool *to,
			  const struct thag_hist_pool *from)
{
	int ret = copy_links(copying, to, from);

	if (ret == 0)
		to->blocks = make_room(to->count, sizeof(*to->blocks));
	if (ret != 0 || !to->blocks)
		return -ENOMEM;
	for (uint32_t at = 0; at < to->count; at += BLOCKS) {
		enter(copying);
		memcpy(&to->blocks[at], &from->blocks[at],
		       at_most(to->count - at, BLOCKS) * sizeof(*to->blocks));
		leave(copying);
	}
	return 0;
}

/* Drops what belongs to paths that the copy doesn't have. */
static void trim_records(struct thag_heap_slice *slice, enum thag_heap_kind kind, uint32_t paths)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < slice->record_count[kind]; i++)
		if (slice->records[kind][i].path < paths)
			slice->records[kind][kept++] = slice->records[kind][i];
	slice->record_count[kind] = kept;
}

/* The slice that is under way gets more: so much the copy may take, the rest is left out. */
static int make_records_room(struct thag_heap_slice *slice)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		uint32_t capacity = slice->record_count[kind] + SLACK;

		slice->records[kind] = make_room(capacity, sizeof(**slice->records));
		if (!slice->records[kind])
			return -ENOMEM;
		slice->record_capacity[kind] = capacity;
		slice->record_count[kind] = 0;
	}
	return 0;
}

static uint32_t copy_slice_records(const struct thag_heap *heap, struct thag_heap_slice *to,
				   const struct thag_heap_slice *from)
{
	bool is_under_way = !heap->ended && from == &heap->slices[heap->slice_count - 1];
	uint32_t copied = 0;

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		uint32_t count = at_most(from->record_count[kind], to->record_capacity[kind]);

		if (count)
			memcpy(to->records[kind], from->records[kind],
			       count * sizeof(**to->records));
		if (is_under_way)
			thag_heap_records_settle(heap, kind, to->records[kind], count);
		to->record_count[kind] = count;
		copied += count;
	}
	return copied;
}

/* The slices as they are now, without their records, but with how many there are. */
static int list_slices(struct copying *copying)
{
	const struct thag_heap *heap = copying->heap;
	struct thag_heap_copy *made = &copying->made;

	made->slices = malloc(heap->slice_count * sizeof(*made->slices));
	if (!made->slices)
		return -ENOMEM;
	memcpy(made->slices, heap->slices, heap->slice_count * sizeof(*made->slices));
	made->slice_count = heap->slice_count;
	if (!heap->ended)
		thag_heap_slice_settle(heap, &made->slices[made->slice_count - 1]);
	for (uint32_t i = 0; i < made->slice_count; i++)
		memset(made->slices[i].records, 0, sizeof(made->slices[i].records));
	copying->slice_ticks = heap->slice_ticks;
	return 0;
}

static void drop_slices(struct thag_heap_copy *made)
{
	for (uint32_t i = 0; i < made->slice_count; i++)
		thag_heap_slice_fini(&made->slices[i]);
	free(made->slices);
	made->slices = NULL;
	made->slice_count = 0;
}

/* -EAGAIN: meanwhile slices became one. */
static int copy_some_records(struct copying *copying, uint32_t *at)
{
	struct thag_heap_copy *made = &copying->made;
	const struct thag_heap *heap = copying->heap;
	uint32_t copied = 0;
	int ret = 0;

	enter(copying);
	if (heap->slice_ticks != copying->slice_ticks)
		ret = -EAGAIN;
	while (ret == 0 && *at < made->slice_count && copied < RECORDS) {
		copied += copy_slice_records(heap, &made->slices[*at], &heap->slices[*at]);
		++*at;
	}
	leave(copying);
	return ret;
}

static int copy_records(struct copying *copying)
{
	struct thag_heap_copy *made = &copying->made;
	int ret = 0;

	for (uint32_t i = 0; i < made->slice_count && ret == 0; i++)
		ret = make_records_room(&made->slices[i]);
	for (uint32_t at = 0; at < made->slice_count && ret == 0;)
		ret = copy_some_records(copying, &at);
	for (uint32_t i = 0; i < made->slice_count && ret == 0; i++) {
		struct thag_heap_slice *slice = &made->slices[i];

		for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
			trim_records(slice, kind, made->paths[kind].tree.count);
			if (i + 1 == made->slice_count)
				thag_heap_records_sort(slice->records[kind],
						       slice->record_count[kind]);
		}
	}
	return ret;
}

/* Slices grow longer ever more seldom: soon there is a moment in which none does. */
static int copy_slices(struct copying *copying)
{
	int ret = copy_records(copying);

	for (int i = 0; i < TRIES && ret == -EAGAIN; i++) {
		drop_slices(&copying->made);
		enter(copying);
		ret = list_slices(copying);
		leave(copying);
		if (ret == 0)
			ret = copy_records(copying);
	}
	return ret == -EAGAIN ? -ENOMEM : ret;
}

static void keep(struct thag_heap_copy *copy, enum thag_heap_kind kind, uint32_t node,
		 struct thag_heap_weight weight)
{
	uint32_t count = copy->paths[kind].tree.count;

	if (node >= count)
		node = THAG_TREE_ROOT;
	copy->kept[kind][node] += weight.bytes;
	copy->kept[kind][count + node] += weight.count;
}

static uint32_t keep_segment(struct copying *copying, const struct thag_heap_segment *segment)
{
	struct thag_heap_copy *made = &copying->made;

	if (!segment->slots)
		return 0;
	for (uint32_t i = 0; i <= segment->mask; i++) {
		const struct thag_heap_block *block = &segment->slots[i];
		struct thag_heap_weight weight;

		if (!block->address || block->ticks < copying->from || block->ticks >= copying->to)
			continue;
		weight = thag_heap_weigh(copying->heap, block);
		keep(made, THAG_HEAP_CALLS, block->path, weight);
		keep(made, THAG_HEAP_TRACES, block->trace, weight);
	}
	return segment->mask + 1;
}

/* Blocks that are just being reallocated are in nobody's hands, and left out. */
static int copy_kept(struct copying *copying)
{
	struct thag_heap_copy *made = &copying->made;

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		made->kept[kind] = make_room(made->paths[kind].tree.count, 2 * sizeof(uint64_t));
		if (!made->kept[kind])
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < THAG_HEAP_SEGMENTS;) {
		uint32_t seen = 0;

		enter(copying);
		while (i < THAG_HEAP_SEGMENTS && seen < SLOTS)
			seen += keep_segment(copying, &copying->heap->live.segments[i++]);
		leave(copying);
	}
	return 0;
}

/* What must be of one moment, and how much there is of all else. */
static int begin(struct copying *copying)
{
	const struct thag_heap *heap = copying->heap;
	struct thag_heap_copy *made = &copying->made;
	int ret;

	enter(copying);
	made->totals = heap->totals;
	made->epoch = heap->epoch;
	made->now = heap->now;
	made->capped = thag_heap_is_capped(heap);
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		made->paths[kind].tree.count = heap->paths[kind].tree.count;
		made->paths[kind].tree.overflowed = heap->paths[kind].tree.overflowed;
	}
	ret = list_slices(copying);
	leave(copying);
	return ret;
}

static void forget_records(struct thag_heap_copy *made)
{
	for (uint32_t i = 0; i < made->slice_count; i++)
		for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
			made->slices[i].record_count[kind] = made->slices[i].record_capacity[kind] =
				0;
}

int thag_heap_copy_by_pieces(struct thag_heap_copy *copy, const struct thag_heap *heap,
			     uint64_t from, uint64_t to, const struct thag_heap_gate *gate)
{
	struct copying copying = { .heap = heap, .gate = gate, .from = from, .to = to };
	int ret = begin(&copying);

	for (int kind = 0; kind < THAG_HEAP_KINDS && ret == 0; kind++) {
		struct thag_heap_paths *paths = &copying.made.paths[kind];

		ret = copy_nodes(&copying, paths, &heap->paths[kind]);
		if (ret == 0)
			ret = copy_lifetimes(&copying, &paths->lifetimes,
					     &heap->paths[kind].lifetimes);
	}
	if (ret == 0 && to == 0)
		forget_records(&copying.made);
	if (ret == 0 && to != 0)
		ret = copy_slices(&copying);
	if (ret == 0 && to != 0 && !heap->forgotten)
		ret = copy_kept(&copying);
	if (ret != 0) {
		thag_heap_copy_fini(&copying.made);
		return ret;
	}
	*copy = copying.made;
	return 0;
}

int thag_heap_copy(struct thag_heap_copy *copy, const struct thag_heap *heap, uint64_t from,
		   uint64_t to)
{
	return thag_heap_copy_by_pieces(copy, heap, from, to, NULL);
}

int thag_heap_lend(struct thag_heap_copy *copy, const struct thag_heap *heap)
{
	/* they are made at the end, if there is memory for them */
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		if (heap->paths[kind].capacity < heap->paths[kind].tree.count)
			return thag_heap_copy(copy, heap, 0, 0);
	*copy = (struct thag_heap_copy){ .totals = heap->totals,
					 .slices = heap->slices,
					 .slice_count = heap->slice_count,
					 .epoch = heap->epoch,
					 .now = heap->now,
					 .capped = thag_heap_is_capped(heap),
					 .lent = true };
	memcpy(copy->paths, heap->paths, sizeof(copy->paths));
	return 0;
}

void thag_heap_copy_fini(struct thag_heap_copy *copy)
{
	if (copy->lent) {
		*copy = (struct thag_heap_copy){ 0 };
		return;
	}
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		thag_heap_paths_fini(&copy->paths[kind]);
		free(copy->kept[kind]);
	}
	drop_slices(copy);
	*copy = (struct thag_heap_copy){ 0 };
}
