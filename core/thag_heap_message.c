/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The MEMORY message of proto/thag/frames.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_framing.h"
#include "thag_heap_profile.h"
#include "thag_profile_private.h"

/** Since the session began, in nanoseconds. */
static uint64_t since_start(const struct thag_heap_query *query, uint64_t ticks)
{
	return ticks > query->start ? thag_ticks_ns(ticks - query->start, query->ns_per_tick) : 0;
}

uint64_t thag_heap_lifetimes(const struct thag_heap_copy *copy, enum thag_heap_kind kind,
			     uint64_t counts[static THAG_HIST_BUCKETS])
{
	const struct thag_heap_paths *paths = &copy->paths[kind];
	uint64_t max = 0;

	for (uint32_t i = 0; i < THAG_HIST_BUCKETS; i++)
		counts[i] = 0;
	for (uint32_t i = 0; i < paths->tree.count; i++) {
		const struct thag_heap_account *account = &paths->accounts[i];

		thag_hist_sum(&paths->lifetimes, account->lifetimes, counts);
		max = account->lifetime_max > max ? account->lifetime_max : max;
	}
	return max;
}

static void fill_lifetimes(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
			   struct thag_frame_heap *out)
{
	uint64_t counts[THAG_HIST_BUCKETS];
	uint64_t max = thag_heap_lifetimes(copy, query->kind, counts);
	uint64_t p50 = thag_hist_quantile(counts, 500), p99 = thag_hist_quantile(counts, 990);

	out->lifetime_p50_ns = thag_ticks_ns(p50 < max ? p50 : max, query->ns_per_tick);
	out->lifetime_p99_ns = thag_ticks_ns(p99 < max ? p99 : max, query->ns_per_tick);
	out->lifetime_max_ns = thag_ticks_ns(max, query->ns_per_tick);
}

static void fill_all(const struct thag_heap_totals *totals, struct thag_frame_heap *out)
{
	*out = (struct thag_frame_heap){
		.allocated_bytes = totals->allocated_bytes,
		.allocations = totals->allocations,
		.live_bytes = totals->live_bytes,
		.live = totals->live,
		.peak_bytes = totals->peak_bytes,
		.leaked_bytes = totals->live_bytes,
		.leaked = totals->live,
		.temporary_bytes = totals->temporary_bytes,
		.temporary = totals->temporary,
		.reallocations = totals->reallocations,
		.released_bytes = totals->freed_bytes,
		.released = totals->frees,
		.high_bytes = totals->peak_bytes,
	};
}

static void fill_range(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
		       struct thag_frame_memory *out)
{
	uint32_t first, last;

	if (!query->to || !thag_heap_range(copy, query->from, query->to, &first, &last))
		return;
	out->from_ns = since_start(query, copy->slices[first].start);
	out->to_ns = since_start(query, last + 1 < copy->slice_count ? copy->slices[last + 1].start
								     : copy->now);
}

void thag_heap_summary(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
		       const struct thag_memory_facts *facts, struct thag_frame_memory *out)
{
	const struct thag_heap_totals *totals = &copy->totals;

	*out = (struct thag_frame_memory){
		.peak_at_ns = since_start(query, totals->peak_ticks),
		.unmatched_frees = totals->unmatched,
		.skipped = facts->skipped,
		.skipped_bytes = facts->skipped_bytes,
		.lost = facts->lost,
		.untracked = totals->untracked,
		.size_threshold = facts->size_threshold,
		.sample_bytes = facts->sample_bytes,
		.mapped_bytes = totals->mapped_bytes,
		.mapped_peak_bytes = totals->mapped_peak_bytes,
		.displaced = totals->displaced,
		.flags = facts->flags,
	};
	fill_all(totals, &out->all);
	fill_lifetimes(copy, query, &out->all);
	fill_range(copy, query, out);
}

static void add_slice(struct thag_frame_point *point, const struct thag_heap_slice *slice)
{
	point->live_bytes = slice->live_bytes;
	if (slice->high_bytes > point->high_bytes)
		point->high_bytes = slice->high_bytes;
	point->allocated_bytes += slice->allocated_bytes;
	point->allocations += slice->allocations;
	point->freed_bytes += slice->freed_bytes;
	point->frees += slice->frees;
}

uint32_t thag_heap_points(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
			  struct thag_frame_point out[static THAG_HEAP_POINTS_MAX])
{
	uint32_t together = copy->slice_count / THAG_HEAP_POINTS_MAX +
			    (copy->slice_count % THAG_HEAP_POINTS_MAX != 0);
	uint32_t count = 0;

	for (uint32_t i = 0; i < copy->slice_count; i++) {
		if (i % together == 0)
			out[count++] = (struct thag_frame_point){
				.start_ns = since_start(query, copy->slices[i].start)
			};
		add_slice(&out[count - 1], &copy->slices[i]);
	}
	return count;
}

uint32_t thag_heap_sizes(const struct thag_heap_copy *copy,
			 struct thag_frame_size out[static THAG_HEAP_SIZES_MAX])
{
	/* of the largest size, in THAG_SIZE_CLASSES classes */
	static const uint64_t highs[THAG_SIZE_CLASSES] = { 64,	  256,	 1024,	    4096,
							   16384, 65536, UINT64_MAX };
	const struct thag_heap_totals *totals = &copy->totals;
	uint32_t count = 0;

	for (; count < THAG_SIZE_CLASSES; count++) {
		out[count] = totals->classes[count];
		out[count].low = count ? highs[count - 1] + 1 : 0;
		out[count].high = highs[count];
	}
	for (uint32_t i = 0; i < THAG_HIST_BUCKETS; i++)
		if (totals->size_count[i]) {
			uint64_t next = i + 1 <= thag_hist_bucket(UINT64_MAX)
						? thag_hist_bucket_low(i + 1)
						: 0;

			out[count++] = (struct thag_frame_size){ .low = thag_hist_bucket_low(i),
								 .high = next - 1,
								 .count = totals->size_count[i],
								 .bytes = totals->size_bytes[i] };
		}
	return count;
}

static int put_points(struct thag_framing *framing, const struct thag_heap_copy *copy,
		      const struct thag_heap_query *query, uint32_t *count)
{
	struct thag_frame_point *points = calloc(THAG_HEAP_POINTS_MAX, sizeof(*points));
	int ret = points ? 0 : -ENOMEM;

	if (points) {
		*count = thag_heap_points(copy, query, points);
		ret = thag_buffer_append(framing->out, points, *count * sizeof(*points));
	}
	free(points);
	return ret;
}

static int put_sizes(struct thag_framing *framing, const struct thag_heap_copy *copy,
		     uint32_t *count)
{
	struct thag_frame_size sizes[THAG_HEAP_SIZES_MAX];

	*count = thag_heap_sizes(copy, sizes);
	return thag_buffer_append(framing->out, sizes, *count * sizeof(*sizes));
}

static int put_place(struct thag_framing *framing, const struct thag_heap_place *place)
{
	struct thag_frame_place sent = { .heap = place->heap,
					 .node = framing->profile->nodes[place->node].id,
					 .line = place->line,
					 .flags = framing->matches[place->name]
							  ? THAG_FRAME_NODE_MATCHED
							  : 0u };
	int ret = thag_framing_put_name(framing, place->name, &sent.name_offset, &sent.name_bytes);

	if (!ret)
		ret = thag_framing_put_file(framing, place->file, &sent.file_offset,
					    &sent.file_bytes);
	return ret ? ret : thag_buffer_append(framing->out, &sent, sizeof(sent));
}

static int put_parts(struct thag_framing *framing, const struct thag_heap_copy *copy,
		     const struct thag_heap_query *query, struct thag_frame_memory *memory,
		     uint32_t *count)
{
	uint32_t places;
	const struct thag_heap_place *list = thag_profile_places(framing->profile, &places);
	size_t at = framing->out->bytes;
	int ret = thag_buffer_append(framing->out, memory, sizeof(*memory));

	if (!ret)
		ret = put_points(framing, copy, query, &memory->points);
	if (!ret)
		ret = put_sizes(framing, copy, &memory->sizes);
	if (!ret)
		memcpy(framing->out->data + at, memory, sizeof(*memory));
	*count = places < THAG_FRAME_ROWS_MAX ? places : THAG_FRAME_ROWS_MAX;
	for (uint32_t i = 0; i < *count && !ret; i++)
		ret = put_place(framing, &list[i]);
	return ret;
}

int thag_memory_write(const struct thag_profile *profile, const struct thag_heap_copy *copy,
		      const struct thag_heap_query *query, const struct thag_memory_facts *memory,
		      const char *search, const struct thag_frame_facts *facts,
		      struct thag_buffer *out)
{
	struct thag_frame_memory summary;
	struct thag_framing framing;
	uint32_t count = 0;
	int ret = thag_framing_begin(&framing, profile, THAG_FRAME_MEMORY, search, facts, out);

	thag_heap_summary(copy, query, memory, &summary);
	if (!ret)
		ret = put_parts(&framing, copy, query, &summary, &count);
	return thag_framing_end(&framing, count, ret);
}
