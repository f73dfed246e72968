/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_heap_building.h"
#include "thag_pages.h"

#define ROOT 0
#define FIRST_FRAMES 64

static void building_fini(struct thag_heap_building *building)
{
	free(building->sites);
	free(building->frames);
	free(building->nodes);
	free(building->places);
	free(building->own);
}

static int building_init(struct thag_heap_building *building)
{
	const struct thag_tree *tree = &building->paths->tree;
	uint32_t sites = 0;

	for (uint32_t i = 1; i < tree->count; i++)
		if (tree->nodes[i].site >= sites)
			sites = tree->nodes[i].site + 1;
	building->sites = calloc((size_t)sites + 1, sizeof(*building->sites));
	building->nodes = malloc(tree->count * sizeof(*building->nodes));
	building->places = malloc(tree->count * sizeof(*building->places));
	if (building->query->to)
		building->own = calloc(tree->count, sizeof(*building->own));
	if (!building->sites || !building->nodes || !building->places ||
	    (building->query->to && !building->own))
		return -ENOMEM;
	thag_pages_make(building->nodes, tree->count * sizeof(*building->nodes));
	thag_pages_make(building->places, tree->count * sizeof(*building->places));
	/* as many nodes as paths, at first: more where calls are inlined, less where names are
	 * equal */
	return thag_profile_reserve(building->profile, tree->count);
}

static int reserve_frames(struct thag_heap_building *building, uint32_t count)
{
	uint32_t capacity = building->frame_capacity ? building->frame_capacity : FIRST_FRAMES;

	while (capacity < count)
		capacity *= 2;
	if (capacity == building->frame_capacity)
		return 0;
	void *grown = reallocarray(building->frames, capacity, sizeof(*building->frames));
	if (!grown)
		return -ENOMEM;
	building->frames = grown;
	building->frame_capacity = capacity;
	return 0;
}

/**
 * Whether a frame of a native stack is of the program's own source. Headers of libraries are what
 * is inlined everywhere; distributions build their packages below ".". Meson names
 * what is outside of its build folder "../", glibc only what starts a program.
 */
static bool is_own(const struct thag_name *name)
{
	static const char *const others[] = {
		"./", "../sysdeps/", "../csu/", "/usr/include/", "/usr/lib/", "/usr/src/", "/rustc/"
	};
	const char *file = name->file;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(file, others[i], strlen(others[i])) == 0)
			return false;
	return name->line && file[0] && !strstr(file, "/include/c++/");
}

static int add_frame(struct thag_heap_building *building, uint32_t site,
		     const struct thag_name *name)
{
	struct thag_profile *profile = building->profile;
	bool profiled = profile->heap->kind == THAG_HEAP_CALLS;
	struct thag_heap_frame frame = { .line = name->line,
					 .task = name->kind == THAG_SITE_TASK,
					 .own = profiled ? name->line != 0 : is_own(name) };
	int ret = thag_profile_put_function(profile, name->name, name->name_bytes, &frame.function);

	if (!ret)
		ret = thag_profile_describe(profile, frame.function, site, name);
	if (!ret)
		ret = thag_strings_put(&profile->files, name->file, (uint32_t)name->file_bytes,
				       &frame.file);
	if (!ret)
		building->frames[building->frame_count++] = frame;
	return ret;
}

static int ask_site(struct thag_heap_building *building, uint32_t site,
		    struct thag_heap_frames *out)
{
	uint32_t count = thag_names_frames(building->names, site);
	int ret = reserve_frames(building, building->frame_count + count);

	out->first = building->frame_count;
	for (uint32_t i = count; i-- > 0 && !ret;) {
		struct thag_name name = thag_names_get_frame(building->names, site, i);

		ret = add_frame(building, site, &name);
	}
	out->count = count;
	return ret;
}

/** The frames of a site, the outermost first. */
static int frames_of_site(struct thag_heap_building *building, uint32_t site,
			  struct thag_heap_frames *out)
{
	struct thag_heap_frames *known = &building->sites[site];
	int ret = known->count ? 0 : ask_site(building, site, known);

	*out = *known;
	return ret;
}

/** Whether the place is one that what is called from there may have, too. */
static bool is_own_spot(const struct thag_heap_building *building,
			const struct thag_heap_spot *spot)
{
	return spot->frame != THAG_HEAP_NOWHERE && building->frames[spot->frame].own;
}

/** Goes down the frames of a path's site, and finds where it is in the source. */
static void descend(struct thag_heap_building *building, uint32_t path,
		    const struct thag_heap_frames *frames)
{
	struct thag_profile *profile = building->profile;
	uint32_t up = building->paths->tree.nodes[path].parent;
	uint32_t node = building->nodes[up];

	building->places[path] = building->places[up];
	for (uint32_t i = frames->first; i < frames->first + frames->count; i++) {
		const struct thag_heap_frame *frame = &building->frames[i];

		node = thag_profile_child(profile, node, frame->function);
		if (frame->task)
			profile->nodes[node].flags |= THAG_FRAME_NODE_TASK;
		if (frame->own || !is_own_spot(building, &building->places[path]))
			building->places[path] = (struct thag_heap_spot){ i, node };
	}
	building->nodes[path] = node;
}

static int add_path(struct thag_heap_building *building, uint32_t path)
{
	const struct thag_node *from = &building->paths->tree.nodes[path];
	struct thag_profile *profile = building->profile;
	struct thag_heap_frames frames;
	int ret = frames_of_site(building, from->site, &frames);

	if (ret)
		return ret;
	if (profile->count + frames.count > THAG_HEAP_PROFILE_NODES_MAX) {
		building->nodes[path] = building->nodes[from->parent];
		building->places[path] = building->places[from->parent];
		profile->heap->capped = true;
		return 0;
	}
	ret = thag_profile_reserve(profile, profile->count + frames.count);
	if (!ret)
		descend(building, path, &frames);
	return ret;
}

/** Gives what belongs to no path a node; other paths begin at the root all the same. */
static int add_pathless(struct thag_heap_building *building)
{
	bool calls = building->query->kind == THAG_HEAP_CALLS;
	const char *text = calls ? THAG_HEAP_NO_CALL : THAG_HEAP_NO_STACK;
	struct thag_name name = { .name = text, .name_bytes = strlen(text), .file = "" };
	struct thag_frame_heap own = thag_heap_own_of(building, THAG_TREE_ROOT);
	int ret;

	if (!thag_heap_is_used(&own))
		return 0;
	ret = reserve_frames(building, building->frame_count + 1);
	if (!ret)
		ret = add_frame(building, UINT32_MAX, &name);
	if (!ret)
		ret = thag_profile_reserve(building->profile, building->profile->count + 1);
	if (ret)
		return ret;
	uint32_t frame = building->frame_count - 1;
	uint32_t node =
		thag_profile_child(building->profile, ROOT, building->frames[frame].function);

	building->nodes[THAG_TREE_ROOT] = node;
	building->places[THAG_TREE_ROOT] = (struct thag_heap_spot){ frame, node };
	return 0;
}

static int add_paths(struct thag_heap_building *building)
{
	uint32_t count = building->paths->tree.count;
	int ret = 0;

	building->nodes[THAG_TREE_ROOT] = ROOT;
	building->places[THAG_TREE_ROOT] = (struct thag_heap_spot){ THAG_HEAP_NOWHERE, ROOT };
	for (uint32_t i = 1; i < count && !ret; i++)
		ret = add_path(building, i);
	return ret ? ret : add_pathless(building);
}

/** Lifetimes are copied as they are; nodes of one path then have its histogram. */
static int reserve_heap(struct thag_heap_building *building)
{
	struct thag_profile *profile = building->profile;
	struct thag_profile_heap *heap = profile->heap;

	if (building->hists && thag_hist_pool_copy(&heap->hists, &building->paths->lifetimes) != 0)
		return -ENOMEM;
	heap->nodes = calloc(profile->count, sizeof(*heap->nodes));
	heap->lifetimes = calloc(profile->count, sizeof(*heap->lifetimes));
	if (!heap->nodes || !heap->lifetimes)
		return -ENOMEM;
	thag_pages_make(heap->nodes, profile->count * sizeof(*heap->nodes));
	thag_pages_make(heap->lifetimes, profile->count * sizeof(*heap->lifetimes));
	return 0;
}

static int count_lifetimes(struct thag_heap_building *building, uint32_t node, uint32_t hist)
{
	struct thag_profile_heap *heap = building->profile->heap;

	if (heap->lifetimes[node] == THAG_HIST_NONE) {
		heap->lifetimes[node] = hist;
		return 0;
	}
	return thag_profile_add_hist(&heap->hists, &heap->lifetimes[node],
				     &building->paths->lifetimes, hist);
}

static int count_path(struct thag_heap_building *building, uint32_t path,
		      const struct thag_frame_heap *own)
{
	struct thag_profile *profile = building->profile;
	struct thag_profile_heap *heap = profile->heap;
	uint32_t node = building->nodes[path];
	struct thag_frame_heap *sum = &heap->nodes[node];

	thag_heap_add(sum, own);
	sum->high_bytes += own->high_bytes;
	if (sum->high_bytes > heap->peak_bytes)
		sum->high_bytes = heap->peak_bytes;
	if (own->lifetime_max_ns > sum->lifetime_max_ns)
		sum->lifetime_max_ns = own->lifetime_max_ns;
	profile->nodes[node].self_ns += thag_heap_value(own, heap->metric);
	profile->nodes[node].calls += thag_heap_blocks(own, heap->metric);
	if (!building->hists)
		return 0;
	return count_lifetimes(building, node, building->paths->accounts[path].lifetimes);
}

static int count_paths(struct thag_heap_building *building)
{
	int ret = reserve_heap(building);

	for (uint32_t i = 0; i < building->paths->tree.count && !ret; i++) {
		struct thag_frame_heap own = thag_heap_own_of(building, i);

		if (thag_heap_is_used(&own))
			ret = count_path(building, i, &own);
	}
	return ret;
}

static void sum_heaps(struct thag_profile *profile)
{
	struct thag_frame_heap *heaps = profile->heap->nodes;

	for (uint32_t i = profile->count; i-- > 0;) {
		profile->measures[i].min = 0;
		if (i)
			thag_heap_add(&heaps[profile->nodes[i].parent], &heaps[i]);
	}
}

static int build(struct thag_heap_building *building)
{
	int ret = building_init(building);

	if (ret)
		return ret;
	if (building->own)
		thag_heap_own_in_range(building->copy, building->query, building->own);
	ret = add_paths(building);
	if (!ret)
		ret = count_paths(building);
	if (ret)
		return ret;
	building->profile->ns_per_tick = building->query->ns_per_tick;
	sum_heaps(building->profile);
	ret = thag_profile_arrange(building->profile);
	if (!ret)
		ret = thag_heap_find_places(building);
	return ret || !building->query->lines_of_count ? ret : thag_heap_find_lines(building);
}

int thag_heap_profile(struct thag_profile **out, const struct thag_heap_copy *copy,
		      const struct thag_names *names, const struct thag_heap_query *query,
		      const char *root_name)
{
	struct thag_heap_building building = { .copy = copy,
					       .paths = &copy->paths[query->kind],
					       .names = names,
					       .query = query,
					       .hists = !query->to && !query->saved };
	int ret = thag_profile_create(&building.profile, root_name);

	if (ret)
		return ret;
	building.profile->heap = calloc(1, sizeof(*building.profile->heap));
	if (building.profile->heap) {
		*building.profile->heap =
			(struct thag_profile_heap){ .kind = query->kind,
						    .metric = query->metric,
						    .peak_bytes = copy->totals.peak_bytes };
		ret = build(&building);
	} else {
		ret = -ENOMEM;
	}
	building_fini(&building);
	if (ret)
		thag_profile_destroy(building.profile);
	else
		*out = building.profile;
	return ret;
}

const struct thag_frame_heap *thag_profile_heaps(const struct thag_profile *profile)
{
	return profile->heap ? profile->heap->nodes : NULL;
}

void thag_heap_set_lifetimes(const struct thag_profile *profile,
			     const uint64_t counts[static THAG_HIST_BUCKETS],
			     struct thag_frame_heap *out)
{
	uint64_t max = out->lifetime_max_ns;

	if (max == 0)
		return;
	/* buckets are coarse: nothing lived longer than what lived longest */
	uint64_t p50 = thag_profile_ns(profile, thag_hist_quantile(counts, 500));
	uint64_t p99 = thag_profile_ns(profile, thag_hist_quantile(counts, 990));

	out->lifetime_p50_ns = p50 < max ? p50 : max;
	out->lifetime_p99_ns = p99 < max ? p99 : max;
}

void thag_profile_lifetimes(const struct thag_profile *profile, uint32_t node,
			    struct thag_frame_heap *out)
{
	const struct thag_profile_heap *heap = profile->heap;
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	out->lifetime_p50_ns = out->lifetime_p99_ns = 0;
	out->lifetime_max_ns = heap->nodes[node].lifetime_max_ns;
	if (heap->lifetimes[node] == THAG_HIST_NONE)
		return;
	thag_hist_sum(&heap->hists, heap->lifetimes[node], counts);
	thag_heap_set_lifetimes(profile, counts, out);
}
