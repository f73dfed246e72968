/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RECORDS 16

/* Slices begin at multiples of their length from the session's start, so that two fit into one. */

void thag_heap_slice_fini(struct thag_heap_slice *slice)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		free(slice->records[kind]);
	*slice = (struct thag_heap_slice){ 0 };
}

static int compare_records(const void *a, const void *b)
{
	uint32_t x = ((const struct thag_heap_record *)a)->path;
	uint32_t y = ((const struct thag_heap_record *)b)->path;

	return x < y ? -1 : x > y;
}

void thag_heap_records_sort(struct thag_heap_record *records, uint32_t count)
{
	if (count)
		qsort(records, count, sizeof(*records), compare_records);
}

void thag_heap_records_settle(const struct thag_heap *heap, enum thag_heap_kind kind,
			      struct thag_heap_record *records, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct thag_heap_account *account =
			&heap->paths[kind].accounts[records[i].path];

		records[i].temporary = account->temporary - records[i].temporary;
		records[i].allocated_bytes = account->allocated_bytes - records[i].allocated_bytes;
		records[i].allocations = account->allocations - records[i].allocations;
		records[i].freed_bytes = account->freed_bytes - records[i].freed_bytes;
		records[i].frees = account->frees - records[i].frees;
		records[i].temporary_bytes = account->temporary_bytes - records[i].temporary_bytes;
		records[i].released_bytes = account->released_bytes - records[i].released_bytes;
		records[i].released = account->released - records[i].released;
	}
}

void thag_heap_slice_settle(const struct thag_heap *heap, struct thag_heap_slice *slice)
{
	const struct thag_heap_totals *totals = &heap->totals;

	slice->live_bytes = totals->live_bytes;
	slice->live = totals->live;
	slice->allocated_bytes = totals->allocated_bytes - slice->allocated_bytes;
	slice->allocations = totals->allocations - slice->allocations;
	slice->freed_bytes = totals->freed_bytes - slice->freed_bytes;
	slice->frees = totals->frees - slice->frees;
}

/* The slice that was under way is over: its records in order, and no room to spare. */
static void close_slice(struct thag_heap *heap)
{
	struct thag_heap_slice *slice = &heap->slices[heap->slice_count - 1];

	thag_heap_slice_settle(heap, slice);
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		uint32_t count = slice->record_count[kind];
		struct thag_heap_record *fitting;

		thag_heap_records_settle(heap, kind, slice->records[kind], count);
		thag_heap_records_sort(slice->records[kind], count);
		fitting =
			count ? reallocarray(slice->records[kind], count, sizeof(*fitting)) : NULL;
		if (!fitting)
			continue;
		slice->records[kind] = fitting;
		slice->record_capacity[kind] = count;
	}
}

void thag_heap_slices_end(struct thag_heap *heap)
{
	if (!heap->ended)
		close_slice(heap);
	heap->ended = true;
}

static void open_slice(struct thag_heap *heap, uint64_t start)
{
	heap->slices[heap->slice_count++] =
		(struct thag_heap_slice){ .start = start,
					  .high_bytes = heap->totals.live_bytes,
					  .allocated_bytes = heap->totals.allocated_bytes,
					  .allocations = heap->totals.allocations,
					  .freed_bytes = heap->totals.freed_bytes,
					  .frees = heap->totals.frees };
	heap->slice_number++;
}

int thag_heap_slices_init(struct thag_heap *heap)
{
	heap->slices = calloc(heap->options.slice_limit, sizeof(*heap->slices));
	if (!heap->slices)
		return -ENOMEM;
	heap->slice_ticks = heap->options.slice_ticks;
	open_slice(heap, heap->options.start_ticks);
	heap->slice_end = heap->options.start_ticks + heap->slice_ticks;
	return 0;
}

static void add_record(struct thag_heap_record *to, const struct thag_heap_record *from)
{
	to->temporary += from->temporary;
	to->allocated_bytes += from->allocated_bytes;
	to->allocations += from->allocations;
	to->freed_bytes += from->freed_bytes;
	to->frees += from->frees;
	to->temporary_bytes += from->temporary_bytes;
	to->released_bytes += from->released_bytes;
	to->released += from->released;
}

/* Two lists by path into one, which has room for both; returns how many it has. */
static uint32_t join_records(struct thag_heap_record *out, const struct thag_heap_record *a,
			     uint32_t a_count, const struct thag_heap_record *b, uint32_t b_count)
{
	uint32_t count = 0, i = 0, j = 0;

	while (i < a_count || j < b_count) {
		if (j == b_count || (i < a_count && a[i].path < b[j].path)) {
			out[count++] = a[i++];
		} else if (i == a_count || b[j].path < a[i].path) {
			out[count++] = b[j++];
		} else {
			out[count] = a[i++];
			add_record(&out[count++], &b[j++]);
		}
	}
	return count;
}

static int join_kind(struct thag_heap_slice *into, const struct thag_heap_slice *from, int kind)
{
	uint32_t room = into->record_count[kind] + from->record_count[kind], count;
	struct thag_heap_record *out, *fitting;

	if (room == 0)
		return 0;
	out = malloc(room * sizeof(*out));
	if (!out)
		return -ENOMEM;
	count = join_records(out, into->records[kind], into->record_count[kind],
			     from->records[kind], from->record_count[kind]);
	fitting = reallocarray(out, count, sizeof(*out));
	free(into->records[kind]);
	into->records[kind] = fitting ? fitting : out;
	into->record_count[kind] = into->record_capacity[kind] = count;
	return 0;
}

/* Adds a slice to the one before it. Without memory the records of the later one are lost. */
static void join_slices(struct thag_heap *heap, struct thag_heap_slice *into,
			struct thag_heap_slice *from)
{
	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		uint32_t both = into->record_count[kind] + from->record_count[kind];

		if (join_kind(into, from, kind) != 0)
			heap->capped = true;
		heap->records -= both - into->record_count[kind];
	}
	into->live_bytes = from->live_bytes;
	into->live = from->live;
	if (from->high_bytes > into->high_bytes)
		into->high_bytes = from->high_bytes;
	into->allocated_bytes += from->allocated_bytes;
	into->allocations += from->allocations;
	into->freed_bytes += from->freed_bytes;
	into->frees += from->frees;
	thag_heap_slice_fini(from);
}

/* Doubles their length: all are over. */
static void halve(struct thag_heap *heap)
{
	uint64_t start = heap->options.start_ticks, ticks = heap->slice_ticks * 2;
	uint32_t count = 0;

	for (uint32_t i = 0; i < heap->slice_count; i++) {
		struct thag_heap_slice *slice = &heap->slices[i];
		struct thag_heap_slice *last = &heap->slices[count - (count != 0)];

		if (count && (slice->start - start) / ticks == (last->start - start) / ticks) {
			join_slices(heap, last, slice);
			continue;
		}
		if (count != i) {
			heap->slices[count] = *slice;
			*slice = (struct thag_heap_slice){ 0 };
		}
		count++;
	}
	heap->slice_count = count;
	heap->slice_ticks = ticks;
}

/*
 * Room for two more slices, and not more records than wanted, unless in a single slice. Before
 * they are as long as that, no more than four of them are left.
 */
static void make_room(struct thag_heap *heap)
{
	while ((heap->slice_count + 2 > heap->options.slice_limit ||
		heap->records > heap->options.record_limit) &&
	       heap->slice_count > 1 && heap->slice_ticks < UINT64_MAX / 4)
		halve(heap);
}

static uint64_t aligned(const struct thag_heap *heap, uint64_t ticks)
{
	uint64_t since = ticks - heap->options.start_ticks;

	return heap->options.start_ticks + since - since % heap->slice_ticks;
}

void thag_heap_slices_begin(struct thag_heap *heap, uint64_t ticks)
{
	uint64_t end = heap->slice_end, start;

	close_slice(heap);
	make_room(heap);
	start = aligned(heap, ticks);
	/* where nothing happened for long there is a slice that says so */
	if (start > end) {
		open_slice(heap, end);
		close_slice(heap);
	}
	/* when they just became longer, this one may begin in the middle */
	open_slice(heap, start > end ? start : end);
	heap->slice_end =
		start > UINT64_MAX - heap->slice_ticks ? UINT64_MAX : start + heap->slice_ticks;
}

static int grow_records(struct thag_heap_slice *slice, enum thag_heap_kind kind)
{
	uint32_t capacity =
		slice->record_capacity[kind] ? slice->record_capacity[kind] * 2 : FIRST_RECORDS;
	struct thag_heap_record *grown;

	grown = reallocarray(slice->records[kind], capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	slice->records[kind] = grown;
	slice->record_capacity[kind] = capacity;
	return 0;
}

void thag_heap_record_add(struct thag_heap *heap, enum thag_heap_kind kind,
			  struct thag_heap_account *account, uint32_t node)
{
	struct thag_heap_slice *slice = &heap->slices[heap->slice_count - 1];

	if (slice->record_count[kind] == slice->record_capacity[kind] &&
	    grow_records(slice, kind) != 0) {
		heap->capped = true;
		return;
	}
	account->slice = heap->slice_number;
	heap->records++;
	slice->records[kind][slice->record_count[kind]++] =
		(struct thag_heap_record){ .path = node,
					   .temporary = account->temporary,
					   .allocated_bytes = account->allocated_bytes,
					   .allocations = account->allocations,
					   .freed_bytes = account->freed_bytes,
					   .frees = account->frees,
					   .temporary_bytes = account->temporary_bytes,
					   .released_bytes = account->released_bytes,
					   .released = account->released };
}

int thag_heap_curve(const struct thag_heap *heap, uint64_t from, uint64_t to,
		    struct thag_buffer *out)
{
	uint32_t i = 0;
	int ret = 0;

	while (i + 2 < heap->slice_count && heap->slices[i + 2].start <= from)
		i++;
	for (; i < heap->slice_count && heap->slices[i].start < to && ret == 0; i++) {
		const struct thag_heap_slice *slice = &heap->slices[i];
		bool settled = heap->ended || i + 1 < heap->slice_count;
		struct thag_heap_moment moment = { .start_ticks = slice->start,
						   .live_bytes = settled ? slice->live_bytes
									 : heap->totals.live_bytes,
						   .high_bytes = slice->high_bytes };

		ret = thag_buffer_append(out, &moment, sizeof(moment));
	}
	return ret;
}
