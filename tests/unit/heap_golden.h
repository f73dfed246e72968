/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A heap of native stacks for tests that know each number: main calls load, into which two others
 * are inlined, and strdup, whose source is unknown; another line of main; strdup by itself.
 */
#ifndef HEAP_GOLDEN_H
#define HEAP_GOLDEN_H

#include "heap_scene.h"

enum { MAIN = 2, LOAD, STRDUP, AGAIN };
enum { AT_MAIN = 1, AT_LOAD, AT_STRDUP, AT_AGAIN, AT_LONE };

static inline void golden_put(struct thag_names *names, uint32_t site, const char *name,
			      const char *file, uint32_t line)
{
	thag_names_put(names, site, THAG_SITE_FUNCTION, name, strlen(name), file, strlen(file),
		       line);
}

static inline void golden_names(struct scene *scene)
{
	static const struct thag_names_frame load[] = {
		{ "reserve", 7, "/src/vector.h", 13, 70 },
		{ "push_back", 9, "/src/vector.h", 13, 99 },
		{ "load", 4, "/src/load.c", 11, 12 },
	};

	cr_assert_eq(thag_names_create(&scene->names), 0);
	golden_put(scene->names, MAIN, "main", "/src/main.c", 10);
	thag_names_put_frames(scene->names, LOAD, THAG_SITE_FUNCTION, load, 3);
	golden_put(scene->names, STRDUP, "strdup", "", 0);
	golden_put(scene->names, AGAIN, "main", "/src/main.c", 20);
}

static inline void golden_accounts(struct thag_heap_paths *paths)
{
	struct thag_heap_account *accounts = paths->accounts;

	accounts[AT_LOAD] = (struct thag_heap_account){
		.allocated_bytes = 1000,
		.allocations = 10,
		.freed_bytes = 400,
		.frees = 4,
		.temporary_bytes = 100,
		.temporary = 1,
		.reallocations = 2,
		.high_bytes = 800,
		.peak_bytes = 700,
		.epoch = 3,
		.lifetime_max = 50,
	};
	for (uint64_t ticks = 20; ticks <= 50; ticks += 10)
		thag_hist_add(&paths->lifetimes, &accounts[AT_LOAD].lifetimes,
			      thag_hist_bucket(ticks), 1);
	accounts[AT_STRDUP] = (struct thag_heap_account){
		.allocated_bytes = 30,
		.allocations = 3,
		.high_bytes = 30,
		.released_bytes = 400,
		.released = 4,
	};
	accounts[AT_AGAIN] = (struct thag_heap_account){
		.allocated_bytes = 8,
		.allocations = 1,
		.high_bytes = 8,
		.peak_bytes = 8,
		.epoch = 3,
	};
	accounts[AT_LONE] = (struct thag_heap_account){
		.allocated_bytes = 5,
		.allocations = 1,
		.high_bytes = 5,
	};
}

static inline void golden_totals(struct scene *scene)
{
	scene->copy.epoch = 3;
	scene->copy.totals = (struct thag_heap_totals){
		.allocated_bytes = 1043,
		.allocations = 15,
		.freed_bytes = 400,
		.frees = 4,
		.live_bytes = 643,
		.live = 11,
		.peak_bytes = 743,
		.peak_blocks = 12,
		.peak_ticks = 9000,
		.unmatched = 21,
		.displaced = 22,
		.untracked = 23,
		.mapped_bytes = 24,
		.mapped_peak_bytes = 25,
		.temporary = 1,
		.temporary_bytes = 100,
		.reallocations = 2,
	};
	scene->copy.totals.classes[1] = (struct thag_frame_size){ .count = 10, .bytes = 1000 };
	scene->copy.totals.classes[0] = (struct thag_frame_size){ .count = 5, .bytes = 43 };
	scene->copy.totals.size_count[thag_hist_bucket(100)] = 10;
	scene->copy.totals.size_bytes[thag_hist_bucket(100)] = 1000;
	scene->copy.totals.size_count[thag_hist_bucket(UINT64_MAX)] = 1;
}

static inline void golden_init(struct scene *scene)
{
	struct thag_heap_paths *paths = &scene->copy.paths[THAG_HEAP_TRACES];

	*scene = (struct scene){ .kind = THAG_HEAP_TRACES, .seed = 1 };
	golden_names(scene);
	scene_add_paths(scene, 1);
	cr_assert_eq(thag_tree_child(&paths->tree, 0, MAIN), AT_MAIN);
	cr_assert_eq(thag_tree_child(&paths->tree, AT_MAIN, LOAD), AT_LOAD);
	cr_assert_eq(thag_tree_child(&paths->tree, AT_MAIN, STRDUP), AT_STRDUP);
	cr_assert_eq(thag_tree_child(&paths->tree, 0, AGAIN), AT_AGAIN);
	cr_assert_eq(thag_tree_child(&paths->tree, 0, STRDUP), AT_LONE);
	golden_accounts(paths);
	golden_totals(scene);
}

#endif
