/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_detail.h"

#include "heap_golden.h"
#include "thagd_limits.h"

static json_t *detail_of(const struct scene *scene)
{
	struct thag_heap_query query = scene_query(scene, THAG_METRIC_LEAKED);
	json_t *memory = json_object();

	cr_assert_eq(thag_memory_detail(memory, &scene->copy, &query), 0);
	return memory;
}

static json_t *places_of(const struct scene *scene, enum thag_metric metric, uint32_t *more)
{
	struct thag_heap_query query = scene_query(scene, metric);
	struct thag_profile *profile = scene_profile(scene, &query);
	uint32_t count;
	const struct thag_heap_place *list = thag_profile_places(profile, &count);
	json_t *places =
		thag_memory_places(&scene->copy, profile, scene->names, &query, list, count, more);

	thag_profile_destroy(profile);
	return places;
}

static json_int_t number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	cr_assert(json_is_integer(value), "no number %s", name);
	return json_integer_value(value);
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

Test(memory_detail, tells_of_each_leak_with_its_stack)
{
	static const char *const functions[] = { "reserve", "push_back", "load", "main" };
	struct scene scene;
	uint32_t more;

	golden_init(&scene);
	json_t *leaks = places_of(&scene, THAG_METRIC_LEAKED, &more);
	const json_t *leak = json_array_get(leaks, 0), *stack = json_object_get(leak, "stack");

	cr_expect_eq(more, 0);
	cr_assert_eq(json_array_size(leaks), 4);
	cr_expect_str_eq(text(leak, "function"), "reserve");
	cr_expect_str_eq(text(leak, "file"), "/src/vector.h");
	cr_expect_eq(number(leak, "line"), 70);
	cr_expect_eq(number(leak, "live_bytes"), 600);
	cr_expect_eq(number(leak, "live"), 6);
	cr_expect_eq(number(leak, "allocated_bytes"), 1000);
	cr_assert_eq(json_array_size(stack), 4);
	for (size_t i = 0; i < 4; i++)
		cr_expect_str_eq(text(json_array_get(stack, i), "function"), functions[i]);
	cr_expect_eq(number(json_array_get(stack, 3), "line"), 10);
	leak = json_array_get(leaks, 3);
	cr_expect_str_eq(text(leak, "function"), "strdup");
	cr_expect(json_is_null(json_object_get(leak, "file")));
	cr_expect(json_is_null(json_object_get(leak, "line")));
	json_decref(leaks);
	json_t *freed = places_of(&scene, THAG_METRIC_FREED, &more);

	cr_expect_eq(json_array_size(freed), 1, "places that freed nothing are none of freeing");
	cr_expect_eq(number(json_array_get(freed, 0), "released"), 4);
	json_decref(freed);
	scene_fini(&scene);
}

Test(memory_detail, has_what_the_page_shows)
{
	struct scene scene;

	golden_init(&scene);
	json_t *memory = detail_of(&scene);
	const json_t *sizes = json_object_get(memory, "sizes");
	const json_t *lifetimes = json_object_get(memory, "lifetimes");
	const json_t *histogram = json_object_get(lifetimes, "histogram");
	json_int_t lived = 0;

	cr_expect_str_eq(text(memory, "by"), "traces");
	cr_expect_eq(number(memory, "peak_ns"), 8000);
	cr_expect_eq(number(memory, "leaked_bytes"), 643);
	cr_expect_eq(number(memory, "leaked"), 11);
	cr_assert_eq(json_array_size(sizes), THAG_SIZE_CLASSES);
	cr_expect_eq(number(json_array_get(sizes, 1), "bytes"), 1000);
	cr_expect(json_is_null(json_object_get(json_array_get(sizes, 6), "high")));
	cr_expect_eq(json_array_size(json_object_get(memory, "size_buckets")), 2);
	cr_expect_eq(number(lifetimes, "max_ns"), 100);
	for (size_t i = 0; i < json_array_size(histogram); i++)
		lived += number(json_array_get(histogram, i), "count");
	cr_expect_eq(lived, 4);
	cr_expect_eq(json_array_size(json_object_get(memory, "history")), 0);
	json_decref(memory);
	scene_fini(&scene);
}

Test(memory_detail, has_the_history_of_a_run)
{
	struct scene scene;

	scene_init(&scene, 3, THAG_HEAP_CALLS);
	json_t *memory = detail_of(&scene);
	const json_t *history = json_object_get(memory, "history");

	cr_expect_str_eq(text(memory, "by"), "calls");
	cr_assert_eq(json_array_size(history), SCENE_SLICES);
	cr_expect_eq(number(json_array_get(history, 1), "start_ns"), 2 * SCENE_SLICE_TICKS);
	cr_expect_eq(number(json_array_get(history, SCENE_SLICES - 1), "live_bytes"),
		     (json_int_t)scene.copy.totals.live_bytes);
	json_decref(memory);
	scene_fini(&scene);
}

Test(memory_detail, a_deep_stack_and_many_places_have_limits)
{
	const uint32_t depth = 5000;
	struct scene scene = { .kind = THAG_HEAP_TRACES, .seed = 1 };
	uint32_t more;

	cr_assert_eq(thag_names_create(&scene.names), 0);
	scene_add_paths(&scene, 1);
	struct thag_heap_paths *paths = &scene.copy.paths[scene.kind];

	thag_tree_fini(&paths->tree);
	free(paths->accounts);
	cr_assert_eq(thag_tree_init(&paths->tree, depth + 1), 0);
	paths->accounts = calloc(depth + 1, sizeof(*paths->accounts));
	for (uint32_t i = 0; i < depth; i++) {
		cr_assert_eq(thag_tree_child(&paths->tree, i, 2 + i), i + 1);
		paths->accounts[i + 1].allocated_bytes = 1 + i;
		paths->accounts[i + 1].allocations = 1;
	}
	json_t *leaks = places_of(&scene, THAG_METRIC_LEAKED, &more);

	cr_expect_eq(json_array_size(leaks), THAG_REPORT_PLACES_MAX);
	cr_expect_eq(more, depth - THAG_REPORT_PLACES_MAX);
	cr_expect_eq(json_array_size(json_object_get(json_array_get(leaks, 0), "stack")),
		     THAG_REPORT_DEPTH_MAX);
	cr_expect_str_eq(text(json_array_get(leaks, 0), "function"), "site 5001");
	json_decref(leaks);
	scene_fini(&scene);
}
