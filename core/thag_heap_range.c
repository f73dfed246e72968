/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What each path did itself, over the whole run or in a range of time. */
#include <assert.h>
#include <stddef.h>

#include "thag_profile_private.h"

struct thag_frame_heap thag_heap_own_of_account(const struct thag_heap_account *account,
						uint64_t epoch, double ns_per_tick)
{
	uint64_t live_bytes = account->allocated_bytes - account->freed_bytes;
	uint64_t live = account->allocations - account->frees;

	return (struct thag_frame_heap){
		.allocated_bytes = account->allocated_bytes,
		.allocations = account->allocations,
		.live_bytes = live_bytes,
		.live = live,
		.peak_bytes = thag_heap_at_peak(account, epoch),
		.leaked_bytes = live_bytes,
		.leaked = live,
		.temporary_bytes = account->temporary_bytes,
		.temporary = account->temporary,
		.reallocations = account->reallocations,
		.released_bytes = account->released_bytes,
		.released = account->released,
		.high_bytes = account->high_bytes,
		.lifetime_max_ns = thag_ticks_ns(account->lifetime_max, ns_per_tick),
	};
}

bool thag_heap_range(const struct thag_heap_copy *copy, uint64_t from, uint64_t to, uint32_t *first,
		     uint32_t *last)
{
	*first = *last = 0;
	for (uint32_t i = 0; i < copy->slice_count; i++) {
		if (copy->slices[i].start <= from)
			*first = i;
		if (copy->slices[i].start < to)
			*last = i;
	}
	if (*last < *first)
		*last = *first;
	return copy->slice_count != 0;
}

/** The slice of a range that ended with most. */
static uint32_t highest(const struct thag_heap_copy *copy, uint32_t first, uint32_t last)
{
	uint32_t found = first;

	for (uint32_t i = first; i <= last; i++)
		if (copy->slices[i].live_bytes > copy->slices[found].live_bytes)
			found = i;
	return found;
}

/** Whether the process had its peak in the range. */
static bool has_peak(const struct thag_heap_copy *copy, uint32_t first, uint32_t last)
{
	uint64_t at = copy->totals.peak_ticks;
	bool is_last = last + 1 == copy->slice_count;

	return at >= copy->slices[first].start && (is_last || at < copy->slices[last + 1].start);
}

/** What a slice of the range says. Differences may be below 0 on the way. */
static void add_record(const struct thag_heap_record *record, struct thag_frame_heap *own,
		       bool in_range, bool to_peak)
{
	own->live_bytes += record->allocated_bytes - record->freed_bytes;
	own->live += record->allocations - record->frees;
	if (to_peak)
		own->peak_bytes += record->allocated_bytes - record->freed_bytes;
	if (!in_range)
		return;
	own->allocated_bytes += record->allocated_bytes;
	own->allocations += record->allocations;
	own->temporary_bytes += record->temporary_bytes;
	own->temporary += record->temporary;
	own->released_bytes += record->released_bytes;
	own->released += record->released;
}

/** Records may have been lost for want of memory. */
static uint64_t not_below_0(uint64_t difference)
{
	return (int64_t)difference < 0 ? 0 : difference;
}

static void add_slices(const struct thag_heap_copy *copy, enum thag_heap_kind kind, uint32_t first,
		       uint32_t last, struct thag_frame_heap *own)
{
	uint32_t paths = copy->paths[kind].tree.count;
	uint32_t peak = highest(copy, first, last);

	for (uint32_t i = 0; i <= last; i++) {
		const struct thag_heap_slice *slice = &copy->slices[i];

		for (uint32_t at = 0; at < slice->record_count[kind]; at++) {
			const struct thag_heap_record *record = &slice->records[kind][at];

			assert(record->path < paths);
			add_record(record, &own[record->path], i >= first, i <= peak);
		}
	}
}

void thag_heap_own_in_range(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
			    struct thag_frame_heap *own)
{
	const struct thag_heap_paths *paths = &copy->paths[query->kind];
	const uint64_t *kept = copy->kept[query->kind];
	uint32_t count = paths->tree.count, first, last;

	if (!thag_heap_range(copy, query->from, query->to, &first, &last))
		return;
	bool exact = has_peak(copy, first, last);

	add_slices(copy, query->kind, first, last, own);
	for (uint32_t i = 0; i < count; i++) {
		own[i].live_bytes = not_below_0(own[i].live_bytes);
		own[i].live = not_below_0(own[i].live);
		own[i].peak_bytes = exact ? thag_heap_at_peak(&paths->accounts[i], copy->epoch)
					  : not_below_0(own[i].peak_bytes);
		own[i].leaked_bytes = kept ? kept[i] : 0;
		own[i].leaked = kept ? kept[(size_t)count + i] : 0;
	}
}

void thag_heap_add(struct thag_frame_heap *sum, const struct thag_frame_heap *more)
{
	sum->allocated_bytes += more->allocated_bytes;
	sum->allocations += more->allocations;
	sum->live_bytes += more->live_bytes;
	sum->live += more->live;
	sum->peak_bytes += more->peak_bytes;
	sum->leaked_bytes += more->leaked_bytes;
	sum->leaked += more->leaked;
	sum->temporary_bytes += more->temporary_bytes;
	sum->temporary += more->temporary;
	sum->reallocations += more->reallocations;
	sum->released_bytes += more->released_bytes;
	sum->released += more->released;
}

bool thag_heap_is_used(const struct thag_frame_heap *heap)
{
	return heap->allocated_bytes || heap->allocations || heap->live_bytes || heap->live ||
	       heap->peak_bytes || heap->leaked_bytes || heap->leaked || heap->temporary ||
	       heap->reallocations || heap->released_bytes || heap->released;
}

uint64_t thag_heap_value(const struct thag_frame_heap *heap, enum thag_metric metric)
{
	switch (metric) {
	case THAG_METRIC_ALLOCATED:
		return heap->allocated_bytes;
	case THAG_METRIC_ALLOCATIONS:
		return heap->allocations;
	case THAG_METRIC_LIVE:
		return heap->live_bytes;
	case THAG_METRIC_PEAK:
		return heap->peak_bytes;
	case THAG_METRIC_LEAKED:
		return heap->leaked_bytes;
	case THAG_METRIC_TEMPORARY:
		return heap->temporary;
	case THAG_METRIC_FREED:
		return heap->released_bytes;
	case THAG_METRIC_TIME:
	case THAG_METRIC_COUNT:
		break;
	}
	return 0;
}

uint64_t thag_heap_blocks(const struct thag_frame_heap *heap, enum thag_metric metric)
{
	switch (metric) {
	case THAG_METRIC_LIVE:
		return heap->live;
	case THAG_METRIC_LEAKED:
		return heap->leaked;
	case THAG_METRIC_TEMPORARY:
		return heap->temporary;
	case THAG_METRIC_FREED:
		return heap->released;
	default:
		return heap->allocations;
	}
}
