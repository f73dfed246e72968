/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_detail.h"

#include <errno.h>
#include <stdlib.h>

#include "format.h"
#include "thagd_limits.h"

struct detail {
	const struct thag_heap_copy *copy;
	const struct thag_profile *profile;
	const struct thag_names *names;
	const struct thag_heap_query *query;
};

static json_t *integer(uint64_t value)
{
	return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, integer(value));
}

static json_t *frame_object(const char *function, size_t function_bytes, const char *file,
			    size_t file_bytes, uint32_t line)
{
	return json_pack("{s:o, s:o, s:o}", "function", thag_format_json(function, function_bytes),
			 "file", file_bytes ? thag_format_json(file, file_bytes) : json_null(),
			 "line", line ? json_integer(line) : json_null());
}

static json_t *place_object(const struct detail *detail, const struct thag_heap_place *place)
{
	size_t name_bytes, file_bytes;
	const char *name = thag_profile_name(detail->profile, place->name, &name_bytes);
	const char *file = thag_profile_file(detail->profile, place->file, &file_bytes);

	return frame_object(name, name_bytes, file, file_bytes, place->line);
}

/* Of a path, the innermost function first. */
static json_t *stack(const struct detail *detail, uint32_t path)
{
	const struct thag_node *nodes = detail->copy->paths[detail->query->kind].tree.nodes;
	json_t *list = json_array();

	for (; path != THAG_TREE_ROOT; path = nodes[path].parent) {
		uint32_t site = nodes[path].site;
		uint32_t count = thag_names_frames(detail->names, site);

		for (uint32_t i = 0; i < count; i++) {
			struct thag_name name = thag_names_get_frame(detail->names, site, i);

			if (json_array_size(list) == THAG_REPORT_DEPTH_MAX)
				return list;
			json_array_append_new(list,
					      frame_object(name.name, name.name_bytes, name.file,
							   name.file_bytes, name.line));
		}
	}
	return list;
}

static void set_heap(json_t *object, const struct thag_frame_heap *heap)
{
	set(object, "allocated_bytes", heap->allocated_bytes);
	set(object, "allocations", heap->allocations);
	set(object, "live_bytes", heap->live_bytes);
	set(object, "live", heap->live);
	set(object, "peak_bytes", heap->peak_bytes);
	set(object, "high_bytes", heap->high_bytes);
	set(object, "temporary_bytes", heap->temporary_bytes);
	set(object, "temporary", heap->temporary);
	set(object, "reallocations", heap->reallocations);
	set(object, "released_bytes", heap->released_bytes);
	set(object, "released", heap->released);
	set(object, "lifetime_p50_ns", heap->lifetime_p50_ns);
	set(object, "lifetime_p99_ns", heap->lifetime_p99_ns);
	set(object, "lifetime_max_ns", heap->lifetime_max_ns);
}

json_t *thag_memory_places(const struct thag_heap_copy *copy, const struct thag_profile *profile,
			   const struct thag_names *names, const struct thag_heap_query *query,
			   const struct thag_heap_place *places, uint32_t count, uint32_t *more)
{
	const struct detail detail = { copy, profile, names, query };
	json_t *list = json_array();

	*more = 0;
	for (uint32_t i = 0; i < count && places[i].value; i++) {
		if (i >= THAG_REPORT_PLACES_MAX) {
			++*more;
			continue;
		}
		json_t *place = place_object(&detail, &places[i]);

		set_heap(place, &places[i].heap);
		json_object_set_new(place, "stack", stack(&detail, places[i].path));
		json_array_append_new(list, place);
	}
	return list;
}

static void set_sizes(const struct thag_heap_copy *copy, json_t *memory)
{
	struct thag_frame_size sizes[THAG_HEAP_SIZES_MAX];
	uint32_t count = thag_heap_sizes(copy, sizes);
	json_t *classes = json_array(), *buckets = json_array();

	for (uint32_t i = 0; i < count; i++) {
		json_t *size = json_pack(
			"{s:o, s:o, s:o, s:o}", "low", integer(sizes[i].low), "high",
			sizes[i].high == UINT64_MAX ? json_null() : integer(sizes[i].high), "count",
			integer(sizes[i].count), "bytes", integer(sizes[i].bytes));

		json_array_append_new(i < THAG_SIZE_CLASSES ? classes : buckets, size);
	}
	json_object_set_new(memory, "sizes", classes);
	json_object_set_new(memory, "size_buckets", buckets);
}

static json_t *lifetime_histogram(const struct thag_heap_copy *copy,
				  const struct thag_heap_query *query)
{
	double rate = query->ns_per_tick;
	uint64_t counts[THAG_HIST_BUCKETS];
	uint64_t max = thag_heap_lifetimes(copy, query->kind, counts);
	json_t *list = json_array();

	for (uint32_t i = 0; i < THAG_HIST_BUCKETS; i++) {
		uint64_t last = i < thag_hist_bucket(max) ? thag_hist_bucket_low(i + 1) - 1 : max;

		if (!counts[i])
			continue;
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o}", "low_ns",
					integer((uint64_t)((double)thag_hist_bucket_low(i) * rate)),
					"high_ns", integer((uint64_t)((double)last * rate)),
					"count", integer(counts[i])));
	}
	return list;
}

static json_t *lifetimes_object(const struct thag_heap_copy *copy,
				const struct thag_heap_query *query,
				const struct thag_frame_heap *all)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "p50_ns", integer(all->lifetime_p50_ns), "p99_ns",
			 integer(all->lifetime_p99_ns), "max_ns", integer(all->lifetime_max_ns),
			 "histogram", lifetime_histogram(copy, query));
}

static int set_history(const struct thag_heap_copy *copy, const struct thag_heap_query *query,
		       json_t *memory)
{
	struct thag_frame_point *points = calloc(THAG_HEAP_POINTS_MAX, sizeof(*points));
	json_t *list = json_array();

	if (!points) {
		json_decref(list);
		return -ENOMEM;
	}
	uint32_t count = thag_heap_points(copy, query, points);

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "start_ns",
						integer(points[i].start_ns), "live_bytes",
						integer(points[i].live_bytes), "high_bytes",
						integer(points[i].high_bytes), "allocated_bytes",
						integer(points[i].allocated_bytes), "allocations",
						integer(points[i].allocations), "freed_bytes",
						integer(points[i].freed_bytes), "frees",
						integer(points[i].frees)));
	free(points);
	json_object_set_new(memory, "history", list);
	return 0;
}

int thag_memory_detail(json_t *memory, const struct thag_heap_copy *copy,
		       const struct thag_heap_query *query)
{
	const struct thag_memory_facts facts = { 0 };
	struct thag_frame_memory summary;

	thag_heap_summary(copy, query, &facts, &summary);
	json_object_set_new(memory, "by",
			    json_string(query->kind == THAG_HEAP_CALLS ? "calls" : "traces"));
	set(memory, "peak_ns", summary.peak_at_ns);
	set(memory, "leaked_bytes", summary.all.leaked_bytes);
	set(memory, "leaked", summary.all.leaked);
	set_sizes(copy, memory);
	json_object_set_new(memory, "lifetimes", lifetimes_object(copy, query, &summary.all));
	return set_history(copy, query, memory);
}
