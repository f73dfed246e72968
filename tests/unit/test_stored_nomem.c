/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is stored and loaded without memory: wherever that ends, it is said, what was there is as it
 * was, and with memory again all goes on. Linked with --wrap for malloc and its like.
 */
#include "chunk_program.h"

#include <errno.h>

#include "failing_memory.h"
#include "heap_scene.h"
#include "profile_model.h"
#include "thag_chunk_tree.h"
#include "thag_profile_store.h"
#include "thag_slices.h"
#include "stored_counts.h"

#define FRAMES 5 /* of a stack: it and they seldom need room at once */

/* All that the tests store. */
static struct {
	struct thag_chunk_raw *raw; /* the chunk of most openings */
	struct thag_chunk_tree tree;
	struct thag_slices slices;
	struct thag_profile *profile;
	struct thag_profile *memory;
} sample;

static void make_profiles(void)
{
	struct thag_names *names = model_make_names();
	const struct thag_scale scale = { .ns_per_tick = 0.37 };
	struct thag_heap_query query;
	struct thag_tree tree;
	struct model model;
	struct scene scene;

	model_init(&model, 3);
	model_run(&model, &tree, 120);
	cr_assert_eq(thag_profile_create(&sample.profile, "program"), 0);
	cr_assert_eq(thag_profile_keep_paths(sample.profile), 0);
	cr_assert_eq(thag_profile_add(sample.profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(sample.profile, &scale), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	model_fini(&model);
	scene_init(&scene, 3, THAG_HEAP_CALLS);
	query = scene_query(&scene, THAG_METRIC_LIVE);
	sample.memory = scene_profile(&scene, &query);
	scene_fini(&scene);
}

static void make_sample(void)
{
	struct thag_chunk_raw *raw;

	program_begin(5, (struct program_options){
				 .steps = 1500, .ticks_max = 50, .depth = 8, .tasks = true });
	program_read(400);
	raw = sample.raw = &program.rings[0].chunks[0];
	for (uint32_t i = 1; i < program.rings[0].chunk_count; i++)
		if (program.rings[0].chunks[i].openings.frames.bytes >
		    sample.raw->openings.frames.bytes)
			raw = sample.raw = &program.rings[0].chunks[i];
	cr_assert_gt(thag_openings_count(&raw->openings), 1);
	cr_assert_eq(thag_chunk_tree_init(&sample.tree), 0);
	cr_assert_eq(thag_chunk_tree_add(&sample.tree, raw, 0, UINT64_MAX), 0);
	cr_assert_gt(sample.tree.tree.count, 10);
	cr_assert_eq(thag_slices_init(&sample.slices, raw->head.base_ticks, raw->head.last_ticks),
		     0);
	cr_assert_eq(thag_slices_add(&sample.slices, raw), 0);
	cr_assert_gt(sample.slices.row_count[THAG_LANE_TASKS], 0);
	make_profiles();
}

static void drop_sample(void)
{
	thag_profile_destroy(sample.profile);
	thag_profile_destroy(sample.memory);
	thag_slices_fini(&sample.slices);
	thag_chunk_tree_fini(&sample.tree);
	program_end();
}

/* Appends the stored form of something. */
typedef int store_fn(struct thag_buffer *out);

static int store_openings(struct thag_buffer *out)
{
	return thag_openings_encode(&sample.raw->openings, out);
}

static int store_tree(struct thag_buffer *out)
{
	return thag_chunk_tree_encode(&sample.tree, out);
}

static int store_slices(struct thag_buffer *out)
{
	return thag_slices_encode(&sample.slices, out);
}

static int store_profile(struct thag_buffer *out)
{
	return thag_profile_store(sample.profile, 0, out);
}

static int store_memory(struct thag_buffer *out)
{
	return thag_profile_store(sample.memory, 0, out);
}

static struct thag_buffer store_whole(store_fn *store)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(store(&out), 0);
	cr_assert_gt(out.bytes, 0);
	return out;
}

/* Whatever room is left in a buffer that can't grow, too little is told. */
static void store_short(store_fn *store, bool takes_back)
{
	struct thag_buffer whole = store_whole(store), out = { 0 };

	cr_assert_eq(thag_buffer_reserve(&out, whole.bytes), 0);
	memset(out.data, 0x55, out.capacity);
	for (size_t room = 0; room < whole.bytes; room++) {
		size_t before = out.bytes = out.capacity - room;

		fails_at = allocation_count + 1;
		fails_every = 1;
		cr_assert_eq(store(&out), -ENOMEM, "room for %zu of %zu", room, whole.bytes);
		fails_every = 0;
		cr_assert_geq(out.bytes, before);
		cr_assert(!takes_back || out.bytes == before);
		cr_assert(before == 0 || out.data[before - 1] == 0x55);
	}
	out.bytes = 0;
	cr_assert_eq(store(&out), 0);
	cr_assert_eq(out.bytes, whole.bytes);
	cr_assert_arr_eq(out.data, whole.data, whole.bytes);
	thag_buffer_fini(&out);
	thag_buffer_fini(&whole);
}

Test(stored_nomem, a_buffer_that_cannot_grow_is_told)
{
	make_sample();
	store_short(store_openings, false);
	store_short(store_tree, false);
	store_short(store_slices, false);
	store_short(store_profile, true);
	store_short(store_memory, true);
	drop_sample();
}

/* Loads a stored form. */
typedef int load_fn(const struct thag_buffer *stored);

/* Once with each allocation failing alone, and once with all that follow it. */
static void load_short(store_fn *store, load_fn *load)
{
	struct thag_buffer stored = store_whole(store);
	uint64_t all = 0, failed = 0;

	for (uint64_t at = 0; at <= all; at++)
		for (uint64_t every = UINT64_MAX; every; every = every == 1 ? 0 : 1) {
			int ret;

			allocation_count = 0;
			fails_at = at;
			fails_every = at ? every : 0;
			ret = load(&stored);
			fails_every = 0;
			cr_assert(ret == 0 || (at && ret == -ENOMEM), "allocation %lu: %d",
				  (unsigned long)at, ret);
			failed += ret != 0;
			all = at ? all : allocation_count;
		}
	cr_assert_gt(failed, 0);
	thag_buffer_fini(&stored);
}

static int load_openings(const struct thag_buffer *stored)
{
	struct thag_openings openings = { 0 };
	int ret = thag_openings_decode(&openings, stored->data, stored->bytes);

	cr_assert_eq(thag_openings_count(&openings),
		     ret ? 0 : thag_openings_count(&sample.raw->openings));
	thag_openings_fini(&openings);
	return ret;
}

/* No node's children took longer than itself. */
static void check_sums(const struct thag_tree *tree)
{
	fails_every = 0;
	uint64_t *children = calloc(tree->count, sizeof(*children));

	for (uint32_t i = 1; i < tree->count; i++)
		children[tree->nodes[i].parent] += tree->nodes[i].total;
	for (uint32_t i = 1; i < tree->count; i++)
		cr_assert(tree->nodes[i].parent == THAG_TREE_ROOT ||
			  children[i] <= tree->nodes[i].total);
	free(children);
}

static int merge_tree(const struct thag_buffer *stored)
{
	struct thag_chunk_tree tree;
	int ret = thag_chunk_tree_init(&tree);

	if (ret == 0) {
		ret = thag_chunk_tree_merge(&tree, 0, stored->data, stored->bytes);
		check_sums(&tree.tree);
		thag_chunk_tree_fini(&tree);
	}
	return ret;
}

static struct thag_tree *same_tree(void *context, uint32_t tid)
{
	(void)tid;
	return context;
}

static int give_tree(const struct thag_buffer *stored)
{
	struct thag_tree tree;
	int ret = thag_tree_init(&tree, 1 << 20);

	if (ret == 0) {
		ret = thag_chunk_tree_give(stored->data, stored->bytes, 0, THAG_CHUNK_TREE_WHOLE,
					   same_tree, &tree);
		check_sums(&tree);
		thag_tree_fini(&tree);
	}
	return ret;
}

static int merge_slices(const struct thag_buffer *stored)
{
	struct thag_slices slices;
	int ret =
		thag_slices_init(&slices, sample.raw->head.base_ticks, sample.raw->head.last_ticks);

	if (ret == 0)
		ret = thag_slices_merge(&slices, sample.raw->head.base_ticks, stored->data,
					stored->bytes);
	thag_slices_fini(&slices);
	return ret;
}

static int load_profile(const struct thag_buffer *stored)
{
	struct thag_profile *profile = NULL;
	struct thag_stored_facts facts;
	struct thag_buffer again = { 0 };
	int ret = thag_profile_load(&profile, stored->data, stored->bytes, &facts);

	fails_every = 0;
	cr_assert_eq(profile == NULL, ret != 0);
	if (ret == 0) {
		cr_assert_eq(thag_profile_store(profile, facts.flags, &again), 0);
		cr_assert_eq(again.bytes, stored->bytes);
		stored_counts_sort(again.data);
		stored_counts_sort(stored->data);
		cr_assert_arr_eq(again.data, stored->data, stored->bytes);
	}
	thag_buffer_fini(&again);
	thag_profile_destroy(profile);
	return ret;
}

Test(stored_nomem, what_cannot_be_loaded_is_told)
{
	make_sample();
	load_short(store_openings, load_openings);
	load_short(store_tree, merge_tree);
	load_short(store_tree, give_tree);
	load_short(store_slices, merge_slices);
	load_short(store_profile, load_profile);
	load_short(store_memory, load_profile);
	drop_sample();
}

/* Nothing of a stack is there that could not be added. */
Test(stored_nomem, a_stack_is_added_or_not)
{
	struct thag_openings openings = { 0 };
	struct thag_thread thread;
	uint32_t failed = 0;

	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 10), 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		thag_thread_open(&thread, 2 + i, 1000 * i);
	for (uint32_t added = 0; added < 100;) {
		fails_at = allocation_count + 1;
		fails_every = UINT64_MAX;
		int ret = thag_openings_add_own(&openings, &thread.own, 9000);

		fails_every = 0;
		cr_assert(ret == 0 || ret == -ENOMEM);
		failed += ret != 0;
		added += ret == 0;
		if (ret != 0) {
			cr_assert_eq(thag_openings_add_own(&openings, &thread.own, 9000), 0);
			added++;
		}
		cr_assert_eq(thag_openings_count(&openings), added);
		cr_assert_eq(openings.frames.bytes, added * FRAMES * sizeof(struct thag_opening));
	}
	cr_assert_gt(failed, 10);
	thag_openings_fini(&openings);
	thag_thread_fini(&thread);
}
