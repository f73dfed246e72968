/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What lines of source files allocated, beside a model that looks at each block's whole stack. */
#include "heap_scene.h"

static const char *const both_files[] = { "a.c", "b.c" };

/** Which files' lines are asked for. */
struct wish {
	const char *const *files;
	uint32_t count;
};

static bool is_of(const struct wish *wish, const char *file)
{
	for (uint32_t i = 0; i < wish->count; i++)
		if (strcmp(wish->files[i], file) == 0)
			return true;
	return false;
}

static bool goes_through(const struct scene *scene, uint32_t path, const struct wish *wish,
			 uint32_t line)
{
	const struct thag_node *nodes = scene->copy.paths[scene->kind].tree.nodes;

	for (; path != THAG_TREE_ROOT; path = nodes[path].parent) {
		uint32_t count = thag_names_frames(scene->names, nodes[path].site);

		for (uint32_t i = 0; i < count; i++) {
			struct thag_name name =
				thag_names_get_frame(scene->names, nodes[path].site, i);

			if (name.line == line && is_of(wish, name.file))
				return true;
		}
	}
	return false;
}

static uint64_t own_value(const struct thag_profile *profile, const struct wish *wish,
			  uint32_t line)
{
	uint32_t count;
	const struct thag_heap_place *places = thag_profile_places(profile, &count);
	uint64_t value = 0;
	size_t bytes;

	for (uint32_t i = 0; i < count; i++)
		if (places[i].line == line &&
		    is_of(wish, thag_profile_file(profile, places[i].file, &bytes)))
			value += places[i].value;
	return value;
}

/** All blocks that a line's stacks allocated, each once. */
static void check_line(const struct scene *scene, const struct thag_profile *profile,
		       const struct wish *wish, const struct thag_heap_line *got)
{
	struct thag_frame_heap expected = { 0 };

	for (uint32_t i = 0; i < scene->block_count; i++) {
		const struct scene_block *block = &scene->blocks[i];

		if (!goes_through(scene, block->path, wish, got->line))
			continue;
		expected.allocated_bytes += block->bytes;
		expected.allocations++;
		expected.live_bytes += block->freed ? 0 : block->bytes;
		expected.live += !block->freed;
	}
	cr_expect_eq(got->value, expected.allocated_bytes);
	cr_expect_eq(got->heap.allocated_bytes, expected.allocated_bytes);
	cr_expect_eq(got->heap.allocations, expected.allocations);
	cr_expect_eq(got->heap.live_bytes, expected.live_bytes);
	cr_expect_eq(got->heap.live, expected.live);
	cr_expect_eq(got->own_value, own_value(profile, wish, got->line));
}

static void check_lines(const struct scene *scene, const struct wish *wish)
{
	struct thag_heap_query query = scene_query(scene, THAG_METRIC_ALLOCATED);
	const struct thag_heap_line *lines;
	struct thag_profile *profile;
	uint32_t count;

	query.lines_of = wish->files;
	query.lines_of_count = wish->count;
	profile = scene_profile(scene, &query);
	lines = thag_profile_lines(profile, &count);
	cr_assert_eq(count, 3); /* the scene has lines 1 to 3; 0 is none */
	for (uint32_t i = 0; i < count; i++) {
		cr_expect_eq(lines[i].line, i + 1);
		check_line(scene, profile, wish, &lines[i]);
	}
	thag_profile_destroy(profile);
}

Test(heap_lines, have_what_all_stacks_through_them_allocated)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct scene scene;

		scene_init(&scene, seed, seed % 2 ? THAG_HEAP_TRACES : THAG_HEAP_CALLS);
		check_lines(&scene, &(struct wish){ both_files, 1 });
		check_lines(&scene, &(struct wish){ both_files, 2 });
		scene_fini(&scene);
	}
}

Test(heap_lines, of_a_file_that_no_stack_has_are_none)
{
	static const char *const others[] = { "a", "A.C", "" };
	struct scene scene;
	uint32_t count;

	scene_init(&scene, 3, THAG_HEAP_TRACES);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LIVE);
	struct thag_profile *profile = scene_profile(&scene, &query);

	cr_expect_null(thag_profile_lines(profile, &count));
	cr_expect_eq(count, 0);
	thag_profile_destroy(profile);
	query.lines_of = others;
	query.lines_of_count = 3;
	profile = scene_profile(&scene, &query);
	thag_profile_lines(profile, &count);
	cr_expect_eq(count, 0);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}
