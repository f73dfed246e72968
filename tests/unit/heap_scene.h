/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Heaps for tests of what is shown of them: random programs whose every block is known, put into
 * a copy as a heap would, and a naive model of their profiles, by the text of each stack.
 */
#ifndef HEAP_SCENE_H
#define HEAP_SCENE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_heap_profile.h"

#define SCENE_PATHS 120
#define SCENE_SITES 24
#define SCENE_SLICES 12
#define SCENE_SLICE_TICKS 1000
#define SCENE_START 5000
#define SCENE_BLOCKS 3000
#define SCENE_TEXT 512
#define SCENE_NS_PER_TICK 2.0

/** A block; its times are in ticks, `freed` 0 while it lives. */
struct scene_block {
	uint64_t bytes, allocated, freed;
	uint32_t path, freed_by;
	bool temporary;
};

struct scene {
	struct thag_heap_copy copy;
	struct thag_names *names;
	enum thag_heap_kind kind;
	struct scene_block *blocks;
	uint32_t block_count;
	uint64_t peak_ticks;
	uint64_t seed;
};

static inline uint64_t scene_random(struct scene *scene, uint64_t below)
{
	scene->seed ^= scene->seed << 13;
	scene->seed ^= scene->seed >> 7;
	scene->seed ^= scene->seed << 17;
	return below ? scene->seed % below : 0;
}

/** Some sites are calls with others inlined, some have no line, some no name. */
static inline void scene_name(struct scene *scene)
{
	static const char *const names[] = { "main", "load", "parse", "grow", "copy" };

	cr_assert_eq(thag_names_create(&scene->names), 0);
	for (uint32_t site = 2; site < SCENE_SITES; site++) {
		struct thag_names_frame frames[4];
		uint32_t count = 1 + (uint32_t)scene_random(scene, 4);

		if (site % 8 == 7) {
			thag_names_put_address(scene->names, site, THAG_SITE_FUNCTION, "lib.so", 6,
					       site);
			continue;
		}
		for (uint32_t i = 0; i < count; i++) {
			const char *name = names[scene_random(scene, 5)];

			frames[i] = (struct thag_names_frame){
				.name = name,
				.name_bytes = strlen(name),
				.file = scene_random(scene, 2) ? "a.c" : "b.c",
				.file_bytes = 3,
				.line = (uint32_t)scene_random(scene, 4),
			};
		}
		thag_names_put_frames(scene->names, site, THAG_SITE_FUNCTION, frames, count);
	}
}

static inline void scene_add_paths(struct scene *scene, uint32_t count)
{
	struct thag_tree *tree = &scene->copy.paths[scene->kind].tree;

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_heap_paths *paths = &scene->copy.paths[kind];

		cr_assert_eq(thag_tree_init(&paths->tree, count + 8), 0);
		paths->accounts = calloc(count + 8, sizeof(*paths->accounts));
		paths->capacity = count + 8;
	}
	while (tree->count < count)
		thag_tree_child(tree, (uint32_t)scene_random(scene, tree->count),
				2 + (uint32_t)scene_random(scene, SCENE_SITES - 2));
}

static inline void scene_add_blocks(struct scene *scene)
{
	uint32_t paths = scene->copy.paths[scene->kind].tree.count;
	uint64_t end = SCENE_START + SCENE_SLICES * SCENE_SLICE_TICKS;

	scene->blocks = calloc(SCENE_BLOCKS, sizeof(*scene->blocks));
	scene->block_count = SCENE_BLOCKS;
	for (uint32_t i = 0; i < SCENE_BLOCKS; i++) {
		struct scene_block *block = &scene->blocks[i];

		block->path = (uint32_t)scene_random(scene, paths);
		block->freed_by = (uint32_t)scene_random(scene, paths);
		block->bytes = scene_random(scene, 1 + (1u << scene_random(scene, 16)));
		block->allocated = SCENE_START + scene_random(scene, end - SCENE_START);
		if (scene_random(scene, 4))
			block->freed = block->allocated + 1 + scene_random(scene, 3000);
		if (block->freed >= end)
			block->freed = 0;
		block->temporary = block->freed && scene_random(scene, 3) == 0;
	}
}

static inline bool scene_is_live(const struct scene_block *block, uint64_t at)
{
	return block->allocated < at && (!block->freed || block->freed >= at);
}

/** Bytes live just before `at`. */
static inline uint64_t scene_live(const struct scene *scene, uint64_t at)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < scene->block_count; i++)
		if (scene_is_live(&scene->blocks[i], at))
			bytes += scene->blocks[i].bytes;
	return bytes;
}

/** The tick before which most was live. */
static inline void scene_find_peak(struct scene *scene)
{
	struct thag_heap_totals *totals = &scene->copy.totals;

	for (uint32_t i = 0; i < scene->block_count; i++) {
		uint64_t at = scene->blocks[i].allocated + 1, live = scene_live(scene, at);

		if (live > totals->peak_bytes) {
			totals->peak_bytes = live;
			totals->peak_ticks = at - 1;
			scene->peak_ticks = at;
		}
	}
}

static inline struct thag_heap_record *scene_record(struct scene *scene, uint64_t ticks,
						    uint32_t path)
{
	struct thag_heap_slice *slice =
		&scene->copy.slices[(ticks - SCENE_START) / SCENE_SLICE_TICKS];
	uint32_t *count = &slice->record_count[scene->kind];
	struct thag_heap_record **records = &slice->records[scene->kind];

	for (uint32_t i = 0; i < *count; i++)
		if ((*records)[i].path == path)
			return &(*records)[i];
	*records = realloc(*records, (*count + 1) * sizeof(**records));
	(*records)[*count] = (struct thag_heap_record){ .path = path };
	return &(*records)[(*count)++];
}

static inline void scene_count_free(struct scene *scene, const struct scene_block *block)
{
	struct thag_heap_paths *paths = &scene->copy.paths[scene->kind];
	struct thag_heap_account *account = &paths->accounts[block->path];
	struct thag_heap_record *record = scene_record(scene, block->freed, block->path);
	uint64_t lifetime = block->freed - block->allocated;

	account->freed_bytes += block->bytes;
	account->frees++;
	record->freed_bytes += block->bytes;
	record->frees++;
	account->temporary += block->temporary;
	account->temporary_bytes += block->temporary ? block->bytes : 0;
	record->temporary += block->temporary;
	record->temporary_bytes += block->temporary ? block->bytes : 0;
	thag_hist_add(&paths->lifetimes, &account->lifetimes, thag_hist_bucket(lifetime), 1);
	if (lifetime > account->lifetime_max)
		account->lifetime_max = lifetime;
	paths->accounts[block->freed_by].released_bytes += block->bytes;
	paths->accounts[block->freed_by].released++;
	record = scene_record(scene, block->freed, block->freed_by);
	record->released_bytes += block->bytes;
	record->released++;
}

/** Books each block as a heap would. */
static inline void scene_count(struct scene *scene)
{
	struct thag_heap_paths *paths = &scene->copy.paths[scene->kind];
	struct thag_heap_totals *totals = &scene->copy.totals;

	scene->copy.epoch = 7;
	for (uint32_t i = 0; i < scene->block_count; i++) {
		const struct scene_block *block = &scene->blocks[i];
		struct thag_heap_account *account = &paths->accounts[block->path];
		struct thag_heap_record *record =
			scene_record(scene, block->allocated, block->path);

		account->epoch = 7;
		account->allocated_bytes += block->bytes;
		account->allocations++;
		record->allocated_bytes += block->bytes;
		record->allocations++;
		totals->allocated_bytes += block->bytes;
		totals->allocations++;
		if (scene_is_live(block, scene->peak_ticks))
			account->peak_bytes += block->bytes;
		if (block->freed)
			scene_count_free(scene, block);
		totals->freed_bytes += block->freed ? block->bytes : 0;
		totals->frees += block->freed != 0;
	}
	totals->live_bytes = totals->allocated_bytes - totals->freed_bytes;
	totals->live = totals->allocations - totals->frees;
}

static inline void scene_fill_slices(struct scene *scene)
{
	for (uint32_t i = 0; i < SCENE_SLICES; i++) {
		struct thag_heap_slice *slice = &scene->copy.slices[i];

		slice->start = SCENE_START + i * SCENE_SLICE_TICKS;
		slice->live_bytes = scene_live(scene, slice->start + SCENE_SLICE_TICKS);
		slice->high_bytes = slice->live_bytes;
	}
}

/** A random heap of one kind of paths. */
static inline void scene_init(struct scene *scene, uint64_t seed, enum thag_heap_kind kind)
{
	*scene = (struct scene){ .kind = kind, .seed = seed * 2654435761u + 88172645463325252u };
	scene_name(scene);
	scene_add_paths(scene, SCENE_PATHS);
	scene_add_blocks(scene);
	scene_find_peak(scene);
	scene->copy.slices = calloc(SCENE_SLICES, sizeof(*scene->copy.slices));
	scene->copy.slice_count = SCENE_SLICES;
	scene->copy.now = SCENE_START + SCENE_SLICES * SCENE_SLICE_TICKS;
	scene_count(scene);
	scene_fill_slices(scene);
}

/** Says what was allocated in a range and is live still. */
static inline void scene_keep(struct scene *scene, uint64_t from, uint64_t to)
{
	uint32_t count = scene->copy.paths[scene->kind].tree.count;
	uint64_t *kept = calloc(2 * (size_t)count, sizeof(*kept));

	for (uint32_t i = 0; i < scene->block_count; i++) {
		const struct scene_block *block = &scene->blocks[i];

		if (block->freed || block->allocated < from || block->allocated >= to)
			continue;
		kept[block->path] += block->bytes;
		kept[count + block->path]++;
	}
	free(scene->copy.kept[scene->kind]);
	scene->copy.kept[scene->kind] = kept;
}

static inline void scene_fini(struct scene *scene)
{
	thag_heap_copy_fini(&scene->copy);
	thag_names_destroy(scene->names);
	free(scene->blocks);
}

static inline struct thag_heap_query scene_query(const struct scene *scene, enum thag_metric metric)
{
	return (struct thag_heap_query){ .kind = scene->kind,
					 .metric = metric,
					 .start = SCENE_START,
					 .ns_per_tick = SCENE_NS_PER_TICK };
}

static inline struct thag_profile *scene_profile(const struct scene *scene,
						 const struct thag_heap_query *query)
{
	struct thag_profile *profile = NULL;

	cr_assert_eq(thag_heap_profile(&profile, &scene->copy, scene->names, query, "program"), 0);
	return profile;
}

/** The folded stack of a path, every inlined frame of it. */
static inline void scene_text(const struct scene *scene, uint32_t path, char *text)
{
	const struct thag_node *nodes = scene->copy.paths[scene->kind].tree.nodes;
	char below[SCENE_TEXT * 8] = "";

	if (path == THAG_TREE_ROOT)
		snprintf(below, sizeof(below), ";%s",
			 scene->kind == THAG_HEAP_CALLS ? THAG_HEAP_NO_CALL : THAG_HEAP_NO_STACK);
	for (; path != THAG_TREE_ROOT; path = nodes[path].parent)
		for (uint32_t i = 0; i < thag_names_frames(scene->names, nodes[path].site); i++) {
			char deeper[sizeof(below)];

			snprintf(deeper, sizeof(deeper), "%s", below);
			snprintf(below, sizeof(below), ";%s%.*s",
				 thag_names_get_frame(scene->names, nodes[path].site, i).name,
				 (int)sizeof(below) - 64, deeper);
		}
	snprintf(text, SCENE_TEXT * 8, "%s", below + 1);
}

#endif
