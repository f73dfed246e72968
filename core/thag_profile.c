/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag/shm.h"
#include "thag_pages.h"
#include "thag_profile_private.h"

#define FIRST_NODES 64
#define FIRST_FUNCTIONS 32
#define ROOT 0

/** FNV-1a. */
static uint64_t hash_name(const char *name, size_t bytes)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/** The id of the path that goes on from `parent` (0: begins) with the name of that hash. */
static uint64_t path_id(uint64_t parent, uint64_t name_hash)
{
	uint64_t id = (parent ^ name_hash >> 32 ^ name_hash << 32) * UINT64_C(0xd6e8feb86659fd93);

	id ^= id >> 32;
	id *= UINT64_C(0xd6e8feb86659fd93);
	id ^= id >> 32;
	return id ? id : 1;
}

/** The bytes of `name` that a profile keeps. */
static uint32_t usable_bytes(size_t bytes)
{
	return bytes < THAG_SITE_NAME_MAX ? (uint32_t)bytes : THAG_SITE_NAME_MAX;
}

uint64_t thag_profile_function_id(const char *name, size_t bytes)
{
	return hash_name(name, usable_bytes(bytes));
}

static int reserve_functions(struct thag_profile *profile, uint32_t count)
{
	uint32_t capacity = profile->function_capacity;

	if (count <= capacity)
		return 0;
	while (capacity < count)
		capacity = capacity ? capacity * 2 : FIRST_FUNCTIONS;
	struct thag_function *grown =
		reallocarray(profile->functions, capacity, sizeof(*profile->functions));
	if (!grown)
		return -ENOMEM;
	profile->functions = grown;
	profile->function_capacity = capacity;
	return 0;
}

int thag_profile_put_function(struct thag_profile *profile, const char *name, size_t bytes,
			      uint32_t *number)
{
	uint32_t before = profile->names.count;
	int ret = reserve_functions(profile, before + 1);

	if (!ret)
		ret = thag_strings_put(&profile->names, name, usable_bytes(bytes), number);
	if (!ret && *number == before)
		profile->functions[before] =
			(struct thag_function){ .hash = thag_profile_function_id(name, bytes),
						.site = UINT32_MAX };
	return ret;
}

int thag_profile_reserve(struct thag_profile *profile, uint32_t count)
{
	uint32_t capacity = profile->capacity ? profile->capacity : FIRST_NODES;

	if (count <= profile->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	void *grown = reallocarray(profile->nodes, capacity, sizeof(*profile->nodes));
	if (!grown)
		return -ENOMEM;
	profile->nodes = grown;
	if (!profile->untimed) {
		grown = reallocarray(profile->measures, capacity, sizeof(*profile->measures));
		if (!grown)
			return -ENOMEM;
		profile->measures = grown;
		thag_pages_make(profile->measures, count * sizeof(*profile->measures));
	}
	if (profile->keeps_paths) {
		grown = reallocarray(profile->path_hists, capacity, sizeof(*profile->path_hists));
		if (!grown)
			return -ENOMEM;
		profile->path_hists = grown;
	}
	profile->capacity = capacity;
	thag_pages_make(profile->nodes, count * sizeof(*profile->nodes));
	return profile->untimed ? 0 : thag_pairs_reserve(&profile->children, capacity);
}

uint32_t thag_profile_add_node(struct thag_profile *profile, uint32_t parent, uint32_t name)
{
	const struct thag_profile_node *up = parent == UINT32_MAX ? NULL : &profile->nodes[parent];
	const struct thag_function *function = &profile->functions[name];
	struct thag_profile_node node = {
		.id = path_id(up ? up->id : 0, function->hash),
		.name = name,
		.parent = parent,
		.depth = up ? up->depth + 1 : 0,
	};

	if (node.depth > profile->depth)
		profile->depth = node.depth;
	profile->nodes[profile->count] = node;
	if (!profile->untimed)
		profile->measures[profile->count] = (struct thag_measure){ .min = UINT64_MAX };
	if (profile->keeps_paths)
		profile->path_hists[profile->count] = THAG_HIST_NONE;
	return profile->count++;
}

static int add_root(struct thag_profile *profile, const char *name)
{
	uint32_t number;
	int ret = thag_profile_put_function(profile, name, strlen(name), &number);

	if (!ret)
		ret = thag_strings_put(&profile->files, "", 0, &number);
	if (!ret)
		ret = thag_profile_reserve(profile, FIRST_NODES);
	if (!ret)
		thag_profile_add_node(profile, UINT32_MAX, 0);
	return ret;
}

int thag_profile_create(struct thag_profile **out, const char *root_name)
{
	struct thag_profile *profile = calloc(1, sizeof(*profile));
	int ret = profile ? add_root(profile, root_name) : -ENOMEM;

	if (ret)
		thag_profile_destroy(profile);
	else
		*out = profile;
	return ret;
}

static void destroy_heap(struct thag_profile_heap *heap)
{
	if (!heap)
		return;
	free(heap->nodes);
	free(heap->lifetimes);
	thag_hist_pool_fini(&heap->hists);
	free(heap->places);
	free(heap->leaks);
	free(heap->lines);
	free(heap);
}

int thag_profile_keep_paths(struct thag_profile *profile)
{
	profile->path_hists = calloc(profile->capacity, sizeof(*profile->path_hists));
	profile->keeps_paths = profile->path_hists != NULL;
	return profile->keeps_paths ? 0 : -ENOMEM;
}

void thag_profile_destroy(struct thag_profile *profile)
{
	if (!profile)
		return;
	free(profile->nodes);
	free(profile->measures);
	free(profile->path_hists);
	thag_pairs_fini(&profile->children);
	if (!profile->derived) {
		thag_strings_fini(&profile->names);
		thag_strings_fini(&profile->files);
		free(profile->functions);
		thag_hist_pool_fini(&profile->hists);
	}
	destroy_heap(profile->heap);
	if (profile->diff)
		free(profile->diff->nodes);
	free(profile->diff);
	free(profile->subtrees);
	free(profile->starts);
	free(profile);
}

/** A tree on its way into a profile. */
struct addition {
	struct thag_profile *profile;
	const struct thag_tree *tree;
	const struct thag_names *names;
	uint32_t *functions; /* by site: its name's number + 1, 0: not asked yet */
	uint32_t *nodes;     /* by node of the tree: the profile's */
	bool *tasks;	     /* by site: it names tasks */
};

static void addition_fini(struct addition *addition)
{
	free(addition->functions);
	free(addition->nodes);
	free(addition->tasks);
}

static int addition_init(struct addition *addition)
{
	const struct thag_tree *tree = addition->tree;
	uint32_t sites = 0;

	for (uint32_t i = 1; i < tree->count; i++)
		if (tree->nodes[i].site >= sites)
			sites = tree->nodes[i].site + 1;
	addition->functions = calloc((size_t)sites + 1, sizeof(*addition->functions));
	addition->nodes = malloc(tree->count * sizeof(*addition->nodes));
	addition->tasks = calloc((size_t)sites + 1, sizeof(*addition->tasks));
	if (!addition->functions || !addition->nodes || !addition->tasks)
		return -ENOMEM;
	if (tree->count > UINT32_MAX / 2 - addition->profile->count)
		return -ENOMEM;
	return thag_profile_reserve(addition->profile, addition->profile->count + tree->count);
}

/** A function is described by the first of its sites, in whatever order threads come. */
int thag_profile_describe(struct thag_profile *profile, uint32_t number, uint32_t site,
			  const struct thag_name *name)
{
	struct thag_function *function = &profile->functions[number];

	if (site >= function->site)
		return 0;
	function->site = site;
	function->line = name->line;
	function->flags = name->kind == THAG_SITE_SECTION ? THAG_FRAME_NODE_SECTION : 0;
	return thag_strings_put(&profile->files, name->file, usable_bytes(name->file_bytes),
				&function->file);
}

static int function_of_site(struct addition *addition, uint32_t site, uint32_t *number)
{
	uint32_t *known = &addition->functions[site];

	if (*known == 0) {
		struct thag_name name = thag_names_get(addition->names, site);
		int ret = thag_profile_put_function(addition->profile, name.name, name.name_bytes,
						    number);

		if (!ret)
			ret = thag_profile_describe(addition->profile, *number, site, &name);
		if (ret)
			return ret;
		*known = *number + 1;
		addition->tasks[site] = name.kind == THAG_SITE_TASK;
	}
	*number = *known - 1;
	return 0;
}

uint32_t thag_profile_child(struct thag_profile *profile, uint32_t parent, uint32_t function)
{
	uint32_t *child = thag_pairs_at(&profile->children, parent, function);

	if (*child == 0)
		*child = thag_profile_add_node(profile, parent, function);
	return *child;
}

/** A single call is in no histogram of its tree. */
static int add_durations(struct addition *addition, const struct thag_node *from, uint32_t *hist)
{
	struct thag_hist_pool *hists = &addition->profile->hists;

	if (from->hist != THAG_HIST_NONE)
		return thag_profile_add_hist(hists, hist, &addition->tree->hists, from->hist);
	if (from->calls == 1)
		return thag_hist_add(hists, hist, thag_hist_bucket(from->min), 1);
	return 0;
}

static int add_numbers(struct addition *addition, uint32_t index, uint32_t node)
{
	const struct thag_node *from = &addition->tree->nodes[index];
	struct thag_profile *profile = addition->profile;
	struct thag_measure *measure = &profile->measures[node];

	profile->nodes[node].calls += from->calls;
	measure->total += from->total;
	measure->wait += thag_tree_wait(addition->tree, index);
	if (from->min < measure->min)
		measure->min = from->min;
	if (from->max > measure->max)
		measure->max = from->max;
	int ret =
		add_durations(addition, from, &profile->functions[profile->nodes[node].name].hist);

	if (!ret && profile->keeps_paths)
		ret = add_durations(addition, from, &profile->path_hists[node]);
	return ret;
}

static int add_tree(struct addition *addition)
{
	const struct thag_tree *tree = addition->tree;
	int ret = add_numbers(addition, THAG_TREE_ROOT, ROOT);

	addition->nodes[THAG_TREE_ROOT] = ROOT;
	for (uint32_t i = 1; i < tree->count && !ret; i++) {
		const struct thag_node *from = &tree->nodes[i];
		uint32_t function;

		assert(from->parent < i);
		ret = function_of_site(addition, from->site, &function);
		if (ret)
			break;
		addition->nodes[i] = thag_profile_child(addition->profile,
							addition->nodes[from->parent], function);
		if (addition->tasks[from->site])
			addition->profile->nodes[addition->nodes[i]].flags |= THAG_FRAME_NODE_TASK;
		ret = add_numbers(addition, i, addition->nodes[i]);
	}
	return ret;
}

static void add_open(struct addition *addition, const struct thag_open *open)
{
	uint32_t node = addition->nodes[open->node];

	addition->profile->nodes[node].flags |= THAG_FRAME_NODE_OPEN;
	addition->profile->measures[node].open += open->ticks;
}

int thag_profile_add(struct thag_profile *profile, const struct thag_tree *tree,
		     const struct thag_names *names, const struct thag_open *open,
		     size_t open_count)
{
	struct addition addition = { .profile = profile, .tree = tree, .names = names };
	int ret = addition_init(&addition);

	if (!ret)
		ret = add_tree(&addition);
	for (size_t i = 0; i < open_count && !ret; i++)
		if (open[i].node < tree->count)
			add_open(&addition, &open[i]);
	addition_fini(&addition);
	return ret;
}

const struct thag_profile_node *thag_profile_nodes(const struct thag_profile *profile,
						   uint32_t *count)
{
	*count = profile->count;
	return profile->nodes;
}

const char *thag_profile_name(const struct thag_profile *profile, uint32_t name, size_t *bytes)
{
	return thag_strings_get(&profile->names, name, bytes);
}

const char *thag_profile_file(const struct thag_profile *profile, uint32_t file, size_t *bytes)
{
	return thag_strings_get(&profile->files, file, bytes);
}
