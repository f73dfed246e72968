/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_json.h"

#include <stdlib.h>

#include "format.h"

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name,
			    json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

static json_t *size_object(const struct thag_frame_size *size)
{
	json_t *object = json_object();

	set(object, "low", size->low);
	if (size->high == UINT64_MAX)
		json_object_set_new(object, "high", json_null());
	else
		set(object, "high", size->high);
	set(object, "count", size->count);
	set(object, "bytes", size->bytes);
	return object;
}

static void add_sizes(const struct thag_memory_view *view, json_t *into)
{
	struct thag_frame_size sizes[THAG_HEAP_SIZES_MAX];
	uint32_t count = thag_heap_sizes(&view->copy, sizes);
	json_t *classes = json_array(), *buckets = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(i < THAG_SIZE_CLASSES ? classes : buckets,
				      size_object(&sizes[i]));
	json_object_set_new(into, "sizes", classes);
	json_object_set_new(into, "size_buckets", buckets);
}

static json_t *point_object(const struct thag_frame_point *point)
{
	json_t *object = json_object();

	set(object, "start_ns", point->start_ns);
	set(object, "live_bytes", point->live_bytes);
	set(object, "high_bytes", point->high_bytes);
	set(object, "allocated_bytes", point->allocated_bytes);
	set(object, "allocations", point->allocations);
	set(object, "freed_bytes", point->freed_bytes);
	set(object, "frees", point->frees);
	return object;
}

static int add_history(const struct thag_memory_view *view, const struct thag_heap_query *query,
		       json_t *into)
{
	struct thag_frame_point *points = calloc(THAG_HEAP_POINTS_MAX, sizeof(*points));
	json_t *list = json_array();
	uint32_t count;

	if (!points || !list) {
		free(points);
		json_decref(list);
		return -1;
	}
	count = thag_heap_points(&view->copy, query, points);
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, point_object(&points[i]));
	free(points);
	return json_object_set_new(into, "history", list);
}

static json_t *name_of(const struct thag_profile *profile, uint32_t name)
{
	size_t bytes;
	const char *text = thag_profile_name(profile, name, &bytes);

	return thag_format_json(text, bytes);
}

/* From the outermost caller to `node`; the program itself is no frame of it. */
static json_t *stack_of(const struct thag_profile *profile, uint32_t node)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	json_t *stack = json_array();

	for (uint32_t i = 0; node != 0 && node < count && i < THAG_REPORT_DEPTH_MAX; i++) {
		json_array_insert_new(stack, 0, name_of(profile, nodes[node].name));
		node = nodes[node].parent;
	}
	return stack;
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
	set(object, "lifetime_p50_ns", heap->lifetime_p50_ns);
	set(object, "lifetime_p99_ns", heap->lifetime_p99_ns);
	set(object, "lifetime_max_ns", heap->lifetime_max_ns);
}

static json_t *place_object(const struct thag_profile *profile, const struct thag_heap_place *place)
{
	json_t *object = json_object();
	const char *file;
	size_t bytes;

	json_object_set_new(object, "function", name_of(profile, place->name));
	file = place->file ? thag_profile_file(profile, place->file, &bytes) : NULL;
	json_object_set_new(object, "file", file ? thag_format_json(file, bytes) : json_null());
	set(object, "line", place->line);
	set_heap(object, &place->heap);
	json_object_set_new(object, "stack", stack_of(profile, place->node));
	return object;
}

/* The places of a metric over the whole run. */
static int add_places(const struct thag_memory_view *view, enum thag_metric metric,
		      const char *name, json_t *into)
{
	struct thag_metric_query asked = { .metric = metric, .by = THAG_HEAP_KINDS };
	const struct thag_heap_place *places;
	struct thag_profile *profile;
	struct thag_heap_query query;
	json_t *list;
	uint32_t count;

	thag_memory_view_query(view, &asked, &query);
	if (thag_memory_view_profile(view, &query, &profile) != 0)
		return -1;
	list = json_array();
	places = thag_profile_places(profile, &count);
	for (uint32_t i = 0; i < count && i < THAG_REPORT_PLACES_MAX; i++)
		json_array_append_new(list, place_object(profile, &places[i]));
	thag_profile_destroy(profile);
	json_object_set_new(into, "by",
			    json_string(query.kind == THAG_HEAP_TRACES ? "traces" : "calls"));
	return json_object_set_new(into, name, list);
}

static void add_peak(const struct thag_memory_view *view, const struct thag_memory_counts *counts,
		     const struct thag_heap_query *query, json_t *into)
{
	struct thag_frame_memory summary;
	struct thag_memory_facts facts;

	thag_memory_facts(view->session, counts, &facts);
	thag_heap_summary(&view->copy, query, &facts, &summary);
	set(into, "peak_ns", summary.peak_at_ns);
}

json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts)
{
	struct thag_metric_query always = { .metric = THAG_METRIC_ALLOCATED,
					    .by = THAG_HEAP_KINDS };
	struct thag_heap_query query;
	json_t *object = thag_memory_object(view->session, counts);

	if (!object || json_is_null(object))
		return object;
	thag_memory_view_query(view, &always, &query);
	add_peak(view, counts, &query, object);
	add_sizes(view, object);
	if (add_history(view, &query, object) == 0 &&
	    add_places(view, THAG_METRIC_ALLOCATED, "places", object) == 0 &&
	    add_places(view, THAG_METRIC_LEAKED, "leaks", object) == 0)
		return object;
	json_decref(object);
	return NULL;
}
