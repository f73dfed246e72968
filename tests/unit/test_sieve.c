/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "heap_scene.h"
#include "thag/frames.h"
#include "thag_sandwich.h"
#include "thag_sieve.h"

/** FNV-1a: what frames tell a function by. */
static uint64_t hash(const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return value;
}

static bool is_hidden(const struct thag_sieve *sieve, const char *name)
{
	for (uint32_t i = 0; i < sieve->hidden_count; i++)
		if (sieve->hidden[i] == hash(name))
			return true;
	return false;
}

/** In the model a function is in a file of its own: "file3.c". */
static bool is_elsewhere(const struct thag_sieve *sieve, const char *name)
{
	char file[32];

	for (int i = 0; i < MODEL_NAMES && sieve->mine[0]; i++) {
		snprintf(file, sizeof(file), "file%d.c", i);
		if (strcmp(model_names[i], name) == 0)
			return strncmp(file, sieve->mine, strlen(sieve->mine)) != 0;
	}
	return false;
}

struct sifted {
	char path[200];
	bool inside; /* a stack that holds what is sought */
	bool shown;  /* its innermost function is */
	bool passes; /* it is inside, or leads there */
};

/** What becomes of a stack: each function where it was first called on it. */
static struct sifted sift(const struct thag_sieve *sieve, const char *stack)
{
	const char *names[MODEL_DEPTH];
	char text[160], paths[MODEL_DEPTH][200], *rest = text;
	struct sifted sifted = { .inside = !sieve->only };
	int depth = 0;

	snprintf(text, sizeof(text), "%s", stack);
	while (rest) {
		const char *name = strsep(&rest, ";");
		int at = 0;

		cr_assert(depth < MODEL_DEPTH);
		sifted.inside |= hash(name) == sieve->only;
		sifted.shown = !is_hidden(sieve, name) && !is_elsewhere(sieve, name);
		if (!sifted.shown)
			continue;
		while (sieve->collapse && at < depth && strcmp(names[at], name) != 0)
			at++;
		names[depth] = name;
		if (sieve->collapse && at < depth)
			memmove(paths[depth], paths[at], sizeof(paths[0]));
		else
			sprintf(paths[depth], "%.160s%s%.32s", sifted.path,
				sifted.path[0] ? ";" : "", name);
		strcpy(sifted.path, paths[depth++]);
	}
	return sifted;
}

static bool begins(const char *path, const char *with)
{
	size_t bytes = strlen(with);

	return !bytes || (strncmp(path, with, bytes) == 0 && (!path[bytes] || path[bytes] == ';'));
}

static struct sifted *sift_all(const struct model *model, const struct thag_sieve *sieve)
{
	struct sifted *list = calloc(model->stack_count, sizeof(*list));

	for (size_t i = 0; i < model->stack_count; i++)
		list[i] = sift(sieve, model->stacks[i].text);
	for (size_t i = 0; i < model->stack_count; i++)
		for (size_t j = 0; j < model->stack_count && !list[i].passes; j++)
			list[i].passes = list[j].inside &&
					 begins(model->stacks[j].text, model->stacks[i].text);
	return list;
}

/** What the model says of a node. */
static void expect_node(const struct model *model, const struct sifted *sifted,
			const struct thag_profile_node *node, const char *path)
{
	uint64_t self = 0, total = 0, calls = 0, max = 0;

	for (size_t i = 0; i < model->stack_count; i++) {
		const struct model_stack *stack = &model->stacks[i];

		if (sifted[i].inside && begins(sifted[i].path, path))
			total += stack->self;
		if (strcmp(sifted[i].path, path) != 0)
			continue;
		self += sifted[i].inside ? stack->self : 0;
		if (!sifted[i].shown || !sifted[i].passes)
			continue;
		calls += stack->calls;
		max = stack->max > max ? stack->max : max;
	}
	cr_expect_eq(node->total_ns, total, "%s: total", path);
	cr_expect_eq(node->self_ns, self, "%s: self", path);
	cr_expect_eq(node->calls, calls, "%s: calls", path);
	cr_expect_eq(node->max_ns, max, "%s: max", path);
}

static void check(const struct model *model, const struct thag_profile *profile,
		  const struct thag_sieve *sieve)
{
	struct sifted *sifted = sift_all(model, sieve);
	struct thag_profile *left;
	uint32_t count;
	uint64_t self = 0, expected = 0;

	cr_assert_eq(thag_sieve_apply(&left, profile, sieve), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);

	for (uint32_t i = 0; i < count; i++) {
		char path[160];

		model_text(left, i, path);
		expect_node(model, sifted, &nodes[i], path);
		self += nodes[i].self_ns;
	}
	for (size_t i = 0; i < model->stack_count; i++)
		expected += sifted[i].inside ? model->stacks[i].self : 0;
	cr_expect_eq(self, expected, "nothing is left out, nothing counts twice");
	cr_expect_eq(nodes[0].total_ns, expected);
	thag_profile_destroy(left);
	free(sifted);
}

Test(sieve, leaves_what_the_stacks_say)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 500, &MODEL_RAW);
		uint64_t a = hash("a"), parse = hash("parse"), first = hash("main");
		const struct thag_sieve sieves[] = {
			{ .collapse = true },
			{ .hidden = { a }, .hidden_count = 1 },
			{ .hidden = { a, first, parse }, .hidden_count = 3, .collapse = true },
			{ .only = parse },
			{ .only = parse, .collapse = true },
			{ .only = a, .hidden = { a }, .hidden_count = 1 },
			{ .mine = "file3" },
			{ .mine = "file", .only = a, .hidden = { first }, .hidden_count = 1 },
			{ .mine = "file1.c", .only = parse, .collapse = true },
			{ .mine = "nowhere" },
			{ .only = hash("nobody") },
		};

		for (size_t i = 0; i < sizeof(sieves) / sizeof(sieves[0]); i++)
			check(&model, profile, &sieves[i]);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(sieve, that_is_empty_leaves_everything)
{
	struct thag_sieve sieve = { 0 };
	struct model model;
	struct thag_profile *profile = model_profile(&model, 9, 1, 300, &MODEL_RAW);

	cr_expect(thag_sieve_is_empty(&sieve));
	check(&model, profile, &sieve);
	sieve.mine[0] = 'x';
	cr_expect_not(thag_sieve_is_empty(&sieve));
	cr_expect_not(thag_sieve_equal(&sieve, &(struct thag_sieve){ 0 }));
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** The total of the function's row: a sandwich of what is left has it, too. */
Test(sieve, leaves_a_profile_that_a_sandwich_is_made_of)
{
	struct thag_sieve sieve = { .hidden = { hash("a1") }, .hidden_count = 1, .collapse = true };
	struct model model;
	struct thag_profile *profile = model_profile(&model, 4, 2, 700, &MODEL_RAW), *left, *half;
	uint64_t total = 0;
	uint32_t count;
	size_t bytes;

	cr_assert_eq(thag_sieve_apply(&left, profile, &sieve), 0);
	cr_assert_eq(thag_profile_put_heavy_first(left), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);

	for (uint32_t i = 1; i < count; i++)
		if (strcmp(thag_profile_name(left, nodes[i].name, &bytes), "parse") == 0)
			total += nodes[i].total_ns;
	cr_assert_eq(thag_sandwich_callees(&half, left, hash("parse")), 0);
	cr_expect(total > 0);
	cr_expect_eq(thag_profile_nodes(half, &count)[0].total_ns, total);
	thag_profile_destroy(half);
	thag_profile_destroy(left);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** main;a;a1 with all three open: above a1 nothing is open for longer than a1 is. */
Test(sieve, keeps_what_is_open_within_the_total)
{
	struct thag_names *names = model_make_names();
	struct thag_sieve sieve = { .only = hash("a1") };
	struct thag_profile *profile, *left;
	struct thag_open open[3];
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT, count;

	cr_assert_eq(thag_tree_init(&tree, 16), 0);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t ticks = 300 - 100 * i;

		node = thag_tree_child(&tree, node, THAG_SITE_FIRST + i);
		tree.nodes[node].total = ticks;
		open[i] = (struct thag_open){ .node = node, .ticks = ticks };
	}
	cr_assert_eq(thag_profile_create(&profile, "open"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, open, 3), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	cr_assert_eq(thag_sieve_apply(&left, profile, &sieve), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);

	cr_assert_eq(count, 4);
	for (uint32_t i = 1; i < count; i++) {
		cr_expect_eq(nodes[i].total_ns, 100);
		cr_expect_eq(nodes[i].open_ns, 100);
		cr_expect(nodes[i].flags & THAG_FRAME_NODE_OPEN);
	}
	thag_profile_destroy(left);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

/** Recursion 200,000 deep is a frame. */
Test(sieve, collapses_what_is_deep)
{
	struct thag_names *names = model_make_names();
	struct thag_sieve sieve = { .collapse = true };
	struct thag_profile *profile, *left;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT, count;

	cr_assert_eq(thag_tree_init(&tree, 200000), 0);
	for (uint32_t i = 0; i < 199990; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST + 1 + i % 2);
		thag_tree_add_call(&tree, node, 1, 1);
	}
	cr_assert_eq(thag_profile_create(&profile, "deep"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	cr_assert_eq(thag_sieve_apply(&left, profile, &sieve), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);

	cr_expect_eq(count, 3, "the root, and each of both once");
	cr_expect_eq(nodes[1].calls + nodes[2].calls, 199990);
	thag_profile_destroy(left);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

static void expect_memory(const struct thag_profile *left, const struct thag_frame_heap *all)
{
	const struct thag_frame_heap *heaps = thag_profile_heaps(left);
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);
	uint64_t self = 0, blocks = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct thag_frame_heap below = { 0 };

		for (uint32_t child = nodes[i].first_child; child;
		     child = nodes[child].next_sibling) {
			below.allocated_bytes += heaps[child].allocated_bytes;
			below.live += heaps[child].live;
		}
		cr_expect_eq(heaps[i].allocated_bytes, nodes[i].total_ns);
		cr_expect_eq(heaps[i].allocated_bytes - below.allocated_bytes, nodes[i].self_ns);
		cr_expect(heaps[i].live >= below.live);
		self += nodes[i].self_ns;
		blocks += nodes[i].calls;
	}
	cr_expect_eq(self, all->allocated_bytes);
	cr_expect_eq(blocks, all->allocations);
	cr_expect_eq(heaps[0].allocations, all->allocations);
	cr_expect_eq(heaps[0].live, all->live);
	cr_expect_eq(heaps[0].released_bytes, all->released_bytes);
}

/** All memory of the stacks that hold a function, of a naive walk. */
static struct thag_frame_heap find_memory(const struct thag_profile *profile, const char *name)
{
	const struct thag_frame_heap *heaps = thag_profile_heaps(profile);
	struct thag_frame_heap sum = { 0 };
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	size_t bytes;

	for (uint32_t i = 1; i < count; i++) {
		bool inner = false;

		if (strcmp(thag_profile_name(profile, nodes[i].name, &bytes), name) != 0)
			continue;
		for (uint32_t up = nodes[i].parent; up; up = nodes[up].parent)
			inner |= nodes[up].name == nodes[i].name;
		if (inner)
			continue;
		sum.allocated_bytes += heaps[i].allocated_bytes;
		sum.allocations += heaps[i].allocations;
		sum.live += heaps[i].live;
		sum.released_bytes += heaps[i].released_bytes;
	}
	return sum;
}

Test(sieve, keeps_the_memory_of_what_passes)
{
	for (uint64_t seed = 3; seed < 7; seed++) {
		struct scene scene;
		struct thag_profile *profile, *left;

		scene_init(&scene, seed, THAG_HEAP_TRACES);
		struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);

		profile = scene_profile(&scene, &query);
		struct thag_frame_heap all = thag_profile_heaps(profile)[0];
		struct thag_frame_heap part = find_memory(profile, "parse");
		const struct thag_sieve whole[] = {
			{ .collapse = true },
			{ .hidden = { hash("load"), hash("grow") }, .hidden_count = 2 },
			{ .mine = "a.c", .collapse = true },
		};

		for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
			cr_assert_eq(thag_sieve_apply(&left, profile, &whole[i]), 0);
			expect_memory(left, &all);
			thag_profile_destroy(left);
		}
		cr_expect(part.allocated_bytes > 0 && part.allocated_bytes < all.allocated_bytes);
		cr_assert_eq(thag_sieve_apply(&left, profile,
					      &(struct thag_sieve){ .only = hash("parse"),
								    .hidden = { hash("grow") },
								    .hidden_count = 1 }),
			     0);
		expect_memory(left, &part);
		thag_profile_destroy(left);
		thag_profile_destroy(profile);
		scene_fini(&scene);
	}
}
