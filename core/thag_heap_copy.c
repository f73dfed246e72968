/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *duplicate(const void *from, size_t count, size_t size)
{
	void *copy = malloc(count * size + 1);

	if (copy && count)
		memcpy(copy, from, count * size);
	return copy;
}

static int copy_paths(struct thag_heap_paths *to, const struct thag_heap_paths *from)
{
	uint32_t known = from->capacity < from->tree.count ? from->capacity : from->tree.count;
	int ret = thag_tree_copy(&to->tree, &from->tree);

	if (ret == 0)
		ret = thag_hist_pool_copy(&to->lifetimes, &from->lifetimes);
	if (ret != 0)
		return ret;
	/* paths that nothing was counted at yet have no account */
	to->accounts = calloc(to->tree.count, sizeof(*to->accounts));
	if (!to->accounts)
		return -ENOMEM;
	memcpy(to->accounts, from->accounts, known * sizeof(*to->accounts));
	to->capacity = to->tree.count;
	return 0;
}

static int copy_records(struct thag_heap_slice *to, const struct thag_heap_slice *from, bool sort)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		uint32_t count = from->record_count[kind];

		to->records[kind] = duplicate(from->records[kind], count, sizeof(**from->records));
		if (!to->records[kind])
			return -ENOMEM;
		to->record_count[kind] = to->record_capacity[kind] = count;
		if (sort)
			thag_heap_records_sort(to->records[kind], count);
	}
	return 0;
}

static void drop_records(struct thag_heap_slice *slice)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		slice->records[kind] = NULL;
		slice->record_count[kind] = slice->record_capacity[kind] = 0;
	}
}

static int copy_slices(struct thag_heap_copy *copy, const struct thag_heap *heap, bool records)
{
	int ret = 0;

	copy->slices = duplicate(heap->slices, heap->slice_count, sizeof(*heap->slices));
	if (!copy->slices)
		return -ENOMEM;
	copy->slice_count = heap->slice_count;
	for (uint32_t i = 0; i < heap->slice_count; i++)
		drop_records(&copy->slices[i]);
	for (uint32_t i = 0; records && ret == 0 && i < heap->slice_count; i++)
		ret = copy_records(&copy->slices[i], &heap->slices[i], i + 1 == heap->slice_count);
	return ret;
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

static void keep_segment(struct thag_heap_copy *copy, const struct thag_heap *heap,
			 const struct thag_heap_segment *segment, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; segment->slots && i <= segment->mask; i++) {
		const struct thag_heap_block *block = &segment->slots[i];
		struct thag_heap_weight weight;

		if (!block->address || block->ticks < from || block->ticks >= to)
			continue;
		weight = thag_heap_weigh(heap, block);
		keep(copy, THAG_HEAP_CALLS, block->path, weight);
		keep(copy, THAG_HEAP_TRACES, block->trace, weight);
	}
}

/* Blocks that are just being reallocated are in nobody's hands, and left out. */
static int copy_kept(struct thag_heap_copy *copy, const struct thag_heap *heap, uint64_t from,
		     uint64_t to)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		copy->kept[kind] = calloc(copy->paths[kind].tree.count, 2 * sizeof(uint64_t));
		if (!copy->kept[kind])
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < THAG_HEAP_SEGMENTS; i++)
		keep_segment(copy, heap, &heap->live.segments[i], from, to);
	return 0;
}

int thag_heap_copy(struct thag_heap_copy *copy, const struct thag_heap *heap, uint64_t from,
		   uint64_t to)
{
	struct thag_heap_copy made = { .totals = heap->totals,
				       .epoch = heap->epoch,
				       .now = heap->now };
	int ret = 0;

	made.capped = thag_heap_is_capped(heap);
	for (int kind = 0; kind < THAG_HEAP_KINDS && ret == 0; kind++)
		ret = copy_paths(&made.paths[kind], &heap->paths[kind]);
	if (ret == 0)
		ret = copy_slices(&made, heap, to != 0);
	if (ret == 0 && to != 0)
		ret = copy_kept(&made, heap, from, to);
	if (ret != 0) {
		thag_heap_copy_fini(&made);
		return ret;
	}
	*copy = made;
	return 0;
}

void thag_heap_copy_fini(struct thag_heap_copy *copy)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		thag_heap_paths_fini(&copy->paths[kind]);
		free(copy->kept[kind]);
	}
	for (uint32_t i = 0; i < copy->slice_count; i++)
		thag_heap_slice_fini(&copy->slices[i]);
	free(copy->slices);
	*copy = (struct thag_heap_copy){ 0 };
}
