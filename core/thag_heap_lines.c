/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the lines of one source file have allocated, by the stacks that go through them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_heap_building.h"

/** Lines on their way. */
struct lines {
	const struct thag_heap_building *building;
	uint32_t files[THAG_HEAP_LINES_OF_MAX]; /* the file's names, numbers of the profile's files
						 */
	uint32_t file_count;
	uint32_t *of_frames; /* by frame: the line's index + 1; 0: it is of another file */
	uint32_t *nearest;   /* by path: the innermost path from there to the root with such a
				frame; THAG_TREE_ROOT: none */
	uint32_t *counted;   /* by line: the last path counted there */
	struct thag_heap_line *list;
	uint32_t count;
};

static void lines_fini(struct lines *lines)
{
	free(lines->of_frames);
	free(lines->nearest);
	free(lines->counted);
	free(lines->list);
}

static int compare_lines(const void *a, const void *b)
{
	const struct thag_heap_line *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static bool is_there(const struct lines *lines, const struct thag_heap_frame *frame)
{
	for (uint32_t i = 0; i < lines->file_count; i++)
		if (frame->file == lines->files[i])
			return frame->line != 0;
	return false;
}

/** Lists each line of the file that is in any stack, once. */
static void list_lines(struct lines *lines)
{
	const struct thag_heap_building *building = lines->building;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < building->frame_count; i++)
		if (is_there(lines, &building->frames[i]))
			lines->list[lines->count++].line = building->frames[i].line;
	if (lines->count)
		qsort(lines->list, lines->count, sizeof(*lines->list), compare_lines);
	for (uint32_t i = 0; i < lines->count; i++)
		if (kept == 0 || lines->list[kept - 1].line != lines->list[i].line)
			lines->list[kept++].line = lines->list[i].line;
	lines->count = kept;
	for (uint32_t i = 0; i < building->frame_count; i++) {
		const struct thag_heap_line key = { .line = building->frames[i].line };
		const struct thag_heap_line *found;

		if (!is_there(lines, &building->frames[i]))
			continue;
		found = bsearch(&key, lines->list, kept, sizeof(key), compare_lines);
		lines->of_frames[i] = (uint32_t)(found - lines->list) + 1;
	}
}

static bool goes_through(const struct lines *lines, uint32_t path)
{
	const struct thag_heap_building *building = lines->building;
	uint32_t site = building->paths->tree.nodes[path].site;
	const struct thag_heap_frames *frames = &building->sites[site];

	for (uint32_t i = 0; i < frames->count; i++)
		if (lines->of_frames[frames->first + i])
			return true;
	return false;
}

/** Parents come before children. */
static void find_nearest(struct lines *lines)
{
	const struct thag_tree *tree = &lines->building->paths->tree;

	lines->nearest[THAG_TREE_ROOT] = THAG_TREE_ROOT;
	for (uint32_t i = 1; i < tree->count; i++)
		lines->nearest[i] =
			goes_through(lines, i) ? i : lines->nearest[tree->nodes[i].parent];
}

static void add(struct lines *lines, uint32_t index, const struct thag_frame_heap *own)
{
	struct thag_heap_line *line = &lines->list[index];

	thag_heap_add(&line->heap, own);
	line->value += thag_heap_value(own, lines->building->profile->heap->metric);
}

/** Counts what a path did at each line that it goes through, at each once. */
static void add_path(struct lines *lines, uint32_t path, const struct thag_frame_heap *own)
{
	const struct thag_heap_building *building = lines->building;
	const struct thag_node *nodes = building->paths->tree.nodes;

	for (uint32_t at = lines->nearest[path]; at != THAG_TREE_ROOT;
	     at = lines->nearest[nodes[at].parent]) {
		const struct thag_heap_frames *frames = &building->sites[nodes[at].site];

		for (uint32_t i = frames->first; i < frames->first + frames->count; i++) {
			uint32_t index = lines->of_frames[i];

			if (!index || lines->counted[index - 1] == path)
				continue;
			lines->counted[index - 1] = path;
			add(lines, index - 1, own);
		}
	}
	uint32_t place = building->places[path].frame;

	if (place != THAG_HEAP_NOWHERE && lines->of_frames[place])
		lines->list[lines->of_frames[place] - 1].own_value +=
			thag_heap_value(own, building->profile->heap->metric);
}

static int reserve(struct lines *lines)
{
	const struct thag_heap_building *building = lines->building;
	size_t frames = (size_t)building->frame_count + 1;

	lines->of_frames = calloc(frames, sizeof(*lines->of_frames));
	lines->list = calloc(frames, sizeof(*lines->list));
	lines->counted = calloc(frames, sizeof(*lines->counted)); /* the root goes through none */
	lines->nearest = malloc(building->paths->tree.count * sizeof(*lines->nearest));
	return lines->of_frames && lines->list && lines->counted && lines->nearest ? 0 : -ENOMEM;
}

static void find_files(struct lines *lines)
{
	const struct thag_heap_query *query = lines->building->query;

	for (uint32_t i = 0; i < query->lines_of_count && i < THAG_HEAP_LINES_OF_MAX; i++) {
		const char *path = query->lines_of[i];
		uint32_t file = thag_strings_find(&lines->building->profile->files, path,
						  (uint32_t)strlen(path));

		if (file != THAG_STRINGS_NONE)
			lines->files[lines->file_count++] = file;
	}
}

int thag_heap_find_lines(struct thag_heap_building *building)
{
	struct thag_profile *profile = building->profile;
	struct lines lines = { .building = building };
	int ret = reserve(&lines);

	if (ret == 0) {
		find_files(&lines);
		list_lines(&lines);
		find_nearest(&lines);
	}
	for (uint32_t i = 1; ret == 0 && lines.count && i < building->paths->tree.count; i++) {
		struct thag_frame_heap own = thag_heap_own_of(building, i);

		if (thag_heap_is_used(&own))
			add_path(&lines, i, &own);
	}
	if (ret == 0) {
		profile->heap->lines = lines.list;
		profile->heap->line_count = lines.count;
		lines.list = NULL;
	}
	lines_fini(&lines);
	return ret;
}

const struct thag_heap_line *thag_profile_lines(const struct thag_profile *profile, uint32_t *count)
{
	*count = profile->heap ? profile->heap->line_count : 0;
	return profile->heap ? profile->heap->lines : NULL;
}
