/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include "heap_scene.h"
#include "thag/profile.h"
#include "thag_functions.h"
#include "thag_profile_store.h"
#include "thag_stacks.h"

/** A model's profile that keeps durations by path. */
static struct thag_profile *make_profile(struct model *model, uint64_t seed)
{
	static const struct thag_scale scale = { .ns_per_tick = 0.37, .cost_inside = 300 };
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;

	model_init(model, seed);
	cr_assert_eq(thag_profile_create(&profile, "prog;ram\n"), 0);
	cr_assert_eq(thag_profile_keep_paths(profile), 0);
	for (int i = 0; i < 2; i++) {
		model_run(model, &tree, 900);
		cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
		thag_tree_fini(&tree);
	}
	cr_assert_eq(thag_profile_finish(profile, &scale), 0);
	thag_names_destroy(names);
	return profile;
}

static void expect_text(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	cr_expect_eq(a_bytes, b_bytes);
	cr_expect_eq(memcmp(a, b, a_bytes), 0);
}

static void expect_same_node(const struct thag_profile *a, const struct thag_profile *b, uint32_t i)
{
	uint32_t count;
	struct thag_profile_node x = thag_profile_nodes(a, &count)[i];
	struct thag_profile_node y = thag_profile_nodes(b, &count)[i];
	struct thag_quantiles p = thag_paths_quantiles(a, i), q = thag_paths_quantiles(b, i);

	cr_expect_eq(memcmp(&x, &y, sizeof(x)), 0, "node %u", i);
	cr_expect_eq(memcmp(&p, &q, sizeof(p)), 0, "node %u", i);
}

static void expect_same_function(const struct thag_profile *a, const struct thag_profile *b,
				 const struct thag_function_sum *x,
				 const struct thag_function_sum *y)
{
	struct thag_quantiles p = thag_functions_quantiles(a, x);
	struct thag_quantiles q = thag_functions_quantiles(b, y);
	uint32_t line, other;
	size_t bytes, other_bytes;
	uint32_t file = thag_functions_file(a, x->name, &line);
	const char *text = thag_profile_file(a, file, &bytes);

	cr_expect(x->calls == y->calls && x->self_ns == y->self_ns && x->total_ns == y->total_ns);
	cr_expect(x->open_ns == y->open_ns && x->wait_ns == y->wait_ns);
	cr_expect(x->min_ns == y->min_ns && x->max_ns == y->max_ns);
	cr_expect(x->nodes == y->nodes && x->tasks == y->tasks && x->flags == y->flags);
	cr_expect_eq(memcmp(&p, &q, sizeof(p)), 0);
	file = thag_functions_file(b, y->name, &other);
	cr_expect_eq(line, other);
	const char *other_text = thag_profile_file(b, file, &other_bytes);

	expect_text(text, bytes, other_text, other_bytes);
	text = thag_profile_name(a, x->name, &bytes);
	other_text = thag_profile_name(b, y->name, &other_bytes);
	expect_text(text, bytes, other_text, other_bytes);
}

Test(profile_store, comes_back_with_every_number)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model model;
		struct thag_profile *profile = make_profile(&model, seed), *loaded;
		struct thag_buffer bytes = { 0 };
		struct thag_stored_facts facts;
		uint32_t count, loaded_count;

		cr_assert_eq(thag_profile_store(profile, THAG_FRAME_LIVE, &bytes), 0);
		cr_assert_eq(thag_profile_load(&loaded, bytes.data, bytes.bytes, &facts), 0);
		cr_expect_eq(facts.flags, THAG_FRAME_LIVE);
		cr_expect_eq(facts.metric, THAG_METRIC_TIME);
		thag_profile_nodes(profile, &count);
		thag_profile_nodes(loaded, &loaded_count);
		cr_assert_eq(count, loaded_count);
		for (uint32_t i = 0; i < count; i++)
			expect_same_node(profile, loaded, i);
		struct thag_function_sum *sums = thag_functions_sum(profile, NULL);
		struct thag_function_sum *loaded_sums = thag_functions_sum(loaded, NULL);

		cr_assert_eq(thag_functions_count(profile), thag_functions_count(loaded));
		for (uint32_t i = 0; i < thag_functions_count(profile); i++)
			expect_same_function(profile, loaded, &sums[i], &loaded_sums[i]);
		free(sums);
		free(loaded_sums);
		thag_buffer_fini(&bytes);
		thag_profile_destroy(loaded);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

/* Stores a profile, loads it, and compares the nodes. */
static struct thag_profile *come_back(const struct thag_profile *profile, uint32_t metric)
{
	struct thag_profile *loaded = NULL;
	struct thag_buffer bytes = { 0 };
	struct thag_stored_facts facts;
	uint32_t count, loaded_count;

	cr_assert_eq(thag_profile_store(profile, 0, &bytes), 0);
	cr_assert_eq(thag_profile_load(&loaded, bytes.data, bytes.bytes, &facts), 0);
	cr_expect_eq(facts.metric, metric);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	const struct thag_profile_node *loaded_nodes = thag_profile_nodes(loaded, &loaded_count);

	cr_assert_eq(count, loaded_count);
	cr_expect_arr_eq(nodes, loaded_nodes, count * sizeof(*nodes));
	thag_buffer_fini(&bytes);
	return loaded;
}

Test(profile_store, without_durations_comes_back_without_them)
{
	struct model model;
	const struct thag_scale scale = { .ns_per_tick = 0.37 };
	struct thag_profile *profile = model_profile(&model, 5, 2, 900, &scale);
	struct thag_profile *loaded = come_back(profile, THAG_METRIC_TIME);
	struct thag_function_sum *sums = thag_functions_sum(loaded, NULL);
	struct thag_quantiles none = { 0 }, got;

	for (uint32_t i = 0; i < thag_functions_count(loaded); i++) {
		got = thag_functions_quantiles(loaded, &sums[i]);
		cr_expect_eq(memcmp(&got, &none, sizeof(got)), 0);
	}
	free(sums);
	thag_profile_destroy(loaded);
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(profile_store, of_stacks_that_nobody_timed_comes_back)
{
	static const char *const names[] = { "main", "parse", "read", "parse" };
	struct thag_stacks *stacks;
	struct thag_profile *profile;
	uint32_t node = 0;

	cr_assert_eq(thag_stacks_create(&stacks, "program"), 0);
	for (uint32_t i = 0; i < 4; i++) {
		cr_assert_eq(thag_stacks_child(stacks, node, names[i], strlen(names[i]), &node), 0);
		cr_assert_eq(thag_stacks_add(stacks, node, 100 + i, 1 + i), 0);
	}
	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	thag_stacks_destroy(stacks);
	struct thag_profile *loaded = come_back(profile, THAG_METRIC_TIME);

	thag_profile_destroy(loaded);
	thag_profile_destroy(profile);
}

static bool is_same_heap(const struct thag_frame_heap *a, const struct thag_frame_heap *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

Test(profile_store, of_memory_comes_back_with_every_number)
{
	struct scene scene;

	scene_init(&scene, 3, THAG_HEAP_CALLS);
	for (uint32_t metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT; metric++) {
		const struct thag_heap_query query = scene_query(&scene, (enum thag_metric)metric);
		struct thag_profile *profile = scene_profile(&scene, &query);
		struct thag_profile *loaded = come_back(profile, metric);
		const struct thag_frame_heap *heaps = thag_profile_heaps(profile);
		const struct thag_frame_heap *loaded_heaps = thag_profile_heaps(loaded);
		uint32_t count;

		thag_profile_nodes(profile, &count);
		cr_assert_gt(heaps[0].peak_bytes, 0);
		cr_assert_not_null(loaded_heaps);
		for (uint32_t i = 0; i < count; i++)
			cr_expect(is_same_heap(&heaps[i], &loaded_heaps[i]), "node %u", i);
		thag_profile_destroy(loaded);
		thag_profile_destroy(profile);
	}
	scene_fini(&scene);
}

static void expect_refused(const struct thag_buffer *bytes)
{
	struct thag_stored_facts facts;
	struct thag_profile *profile = NULL;
	int ret = thag_profile_load(&profile, bytes->data, bytes->bytes, &facts);

	cr_expect_eq(ret, -EBADMSG);
	cr_expect_null(profile);
}

Test(profile_store, refuses_what_is_cut_off_anywhere)
{
	struct model model;
	struct thag_profile *profile = make_profile(&model, 7);
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_profile_store(profile, 0, &bytes), 0);
	for (size_t whole = bytes.bytes; bytes.bytes > 0;) {
		bytes.bytes -= bytes.bytes > whole / 50 ? whole / 50 : bytes.bytes;
		expect_refused(&bytes);
	}
	thag_buffer_fini(&bytes);
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(profile_store, refuses_what_points_out_of_it)
{
	struct model model;
	struct thag_profile *profile = make_profile(&model, 8);
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_profile_store(profile, 0, &bytes), 0);
	struct thag_stored_profile *head = (void *)bytes.data;
	struct thag_stored_name *names = (void *)(head + 1);
	struct thag_stored_node *nodes =
		(void *)((uint32_t *)(names + head->names) + head->files + head->files % 2);
	uint32_t *const fields[] = {
		&head->magic,	  &head->version, &head->metric,    &head->names,
		&head->files,	  &head->nodes,	  &head->counts,    &head->heaps,
		&names[1].bytes,  &names[1].file, &nodes[2].parent, &nodes[2].name,
		&nodes[0].parent, &nodes[0].name, &nodes[3].counts,
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint32_t was = *fields[i];

		*fields[i] = was + 1000000;
		expect_refused(&bytes);
		*fields[i] = was;
	}
	struct thag_stored_count *counts = (void *)(nodes + head->nodes);

	cr_assert_gt(head->counts, 1);
	counts[1].bucket = THAG_HIST_BUCKETS;
	expect_refused(&bytes);
	counts[1].bucket = THAG_HIST_BUCKETS - 1;
	nodes[3] = nodes[2]; /* the same child twice */
	expect_refused(&bytes);
	thag_buffer_fini(&bytes);
	thag_profile_destroy(profile);
	model_fini(&model);
}
