/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag/frames.h"

static uint64_t sum_self(const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += nodes[i].self_ns;
	return sum;
}

static uint32_t find_node(const struct thag_profile *profile, const char *text)
{
	uint32_t count;
	char found[160];

	thag_profile_nodes(profile, &count);
	for (uint32_t i = 0; i < count; i++) {
		model_text(profile, i, found);
		if (strcmp(found, text) == 0)
			return i;
	}
	cr_assert_fail("no node for %s", text);
	return 0;
}

static void expect_equal(const struct thag_profile *profile, const struct model *model)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	uint64_t all = 0;

	cr_expect_eq(count, model->stack_count + 1, "as many nodes as stacks, and the root");
	for (size_t i = 0; i < model->stack_count; i++) {
		const struct model_stack *stack = &model->stacks[i];
		const struct thag_profile_node *node = &nodes[find_node(profile, stack->text)];

		cr_expect_eq(node->self_ns, stack->self, "%s", stack->text);
		cr_expect_eq(node->calls, stack->calls, "%s", stack->text);
		cr_expect_eq(node->min_ns, stack->min, "%s", stack->text);
		cr_expect_eq(node->max_ns, stack->max, "%s", stack->text);
		all += stack->self;
	}
	cr_expect_eq(nodes[0].total_ns, all);
	cr_expect_eq(sum_self(profile), all);
}

Test(profile, equals_the_naive_model)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct model model;
		struct thag_profile *profile =
			model_profile(&model, seed, (int)seed, 600, &MODEL_RAW);

		expect_equal(profile, &model);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

/** What must hold for any finished profile. */
static void expect_consistent(const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t children = 0;
		size_t bytes;

		cr_expect_neq(nodes[i].id, 0);
		cr_expect(i == 0 || nodes[i].parent < i);
		for (uint32_t c = nodes[i].first_child; c; c = nodes[c].next_sibling) {
			uint32_t next = nodes[c].next_sibling;

			children += nodes[c].total_ns;
			cr_expect_eq(nodes[c].parent, i);
			cr_expect_eq(nodes[c].depth, nodes[i].depth + 1);
			cr_expect(!next ||
				  strcmp(thag_profile_name(profile, nodes[c].name, &bytes),
					 thag_profile_name(profile, nodes[next].name, &bytes)) < 0);
		}
		cr_expect_eq(nodes[i].total_ns, nodes[i].self_ns + children);
	}
	cr_expect_eq(sum_self(profile), nodes[0].total_ns);
}

Test(profile, sums_hold_exactly_at_any_scale)
{
	static const double scales[] = { 0.25, 1.0 / 3, 0.476190476, 1, 41.6666 };

	for (size_t i = 0; i < 5; i++) {
		struct thag_scale scale = { scales[i], 3 * 256 + 7, 11 * 256 + 3, i % 2 == 0 };
		struct model model;
		struct thag_profile *profile = model_profile(&model, 77 + i, 3, 1500, &scale);

		expect_consistent(profile);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(profile, raw_total_is_the_ticks_but_for_rounding)
{
	struct thag_scale scale = { .ns_per_tick = 0.3703703, .raw = true };
	struct model model;
	struct thag_profile *profile = model_profile(&model, 5, 2, 3000, &scale);
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	double ticks = 0;

	for (size_t i = 0; i < model.stack_count; i++)
		ticks += (double)model.stacks[i].self;
	cr_expect_float_eq((double)nodes[0].total_ns, ticks * scale.ns_per_tick, count / 2.0);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** Calls and duration of the children of `text` in the model: what its own time pays for. */
static uint64_t child_calls(const struct model *model, const char *text)
{
	size_t bytes = strlen(text);
	uint64_t calls = 0;

	for (size_t i = 0; i < model->stack_count; i++) {
		const char *other = model->stacks[i].text;

		if (strncmp(other, text, bytes) == 0 && other[bytes] == ';' &&
		    !strchr(other + bytes + 1, ';'))
			calls += model->stacks[i].calls;
	}
	return calls;
}

Test(profile, corrects_each_self_time_for_its_own_and_its_childrens_calls)
{
	struct thag_scale scale = { .ns_per_tick = 1,
				    .cost_inside = 5 * 256,
				    .cost_outside = 1792 };
	struct model model;
	struct thag_profile *profile = model_profile(&model, 9, 2, 1000, &scale);
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (size_t i = 0; i < model.stack_count; i++) {
		const struct model_stack *stack = &model.stacks[i];
		uint64_t cost = stack->calls * 5 + child_calls(&model, stack->text) * 7;
		uint64_t self = stack->self > cost ? stack->self - cost : 0;

		cr_expect_eq(nodes[find_node(profile, stack->text)].self_ns, self, "%s",
			     stack->text);
	}
	thag_profile_destroy(profile);
	model_fini(&model);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t *sorted_ids(const struct thag_profile *profile, uint32_t *count)
{
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, count);
	uint64_t *ids = calloc(*count, sizeof(*ids));

	for (uint32_t i = 0; i < *count; i++)
		ids[i] = nodes[i].id;
	qsort(ids, *count, sizeof(*ids), compare_ids);
	return ids;
}

static struct thag_profile *merge(const struct thag_tree *first, const struct thag_tree *second,
				  const struct thag_names *names)
{
	struct thag_profile *profile;

	cr_assert_eq(thag_profile_create(&profile, "program"), 0);
	cr_assert_eq(thag_profile_add(profile, first, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_add(profile, second, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	return profile;
}

Test(profile, ids_are_distinct_and_the_same_in_any_order_of_threads)
{
	struct thag_names *names = model_make_names();
	struct thag_tree trees[2];
	struct model model;

	model_init(&model, 4);
	model_run(&model, &trees[0], 900);
	model_run(&model, &trees[1], 900);
	struct thag_profile *one = merge(&trees[0], &trees[1], names);
	struct thag_profile *two = merge(&trees[1], &trees[0], names);
	uint32_t count, other;
	uint64_t *ids = sorted_ids(one, &count);
	uint64_t *others = sorted_ids(two, &other);

	cr_assert_eq(count, other);
	cr_expect_arr_eq(ids, others, count * sizeof(*ids));
	for (uint32_t i = 1; i < count; i++)
		cr_expect_neq(ids[i], ids[i - 1]);
	free(ids);
	free(others);
	thag_profile_destroy(one);
	thag_profile_destroy(two);
	thag_tree_fini(&trees[0]);
	thag_tree_fini(&trees[1]);
	thag_names_destroy(names);
	model_fini(&model);
}

Test(profile, of_nothing_is_a_root)
{
	struct thag_profile *profile;
	uint32_t count;
	size_t bytes;

	cr_assert_eq(thag_profile_create(&profile, "idle"), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	cr_expect_eq(count, 1);
	cr_expect_eq(nodes[0].total_ns, 0);
	cr_expect_eq(nodes[0].parent, UINT32_MAX);
	cr_expect_str_eq(thag_profile_name(profile, nodes[0].name, &bytes), "idle");
	thag_profile_destroy(profile);
}

Test(profile, marks_open_nodes_and_sections)
{
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t count;

	cr_assert_eq(thag_names_create(&names), 0);
	thag_names_put(names, 2, THAG_SITE_FUNCTION, "f", 1, "", 0, 0);
	thag_names_put(names, 3, THAG_SITE_SECTION, "s", 1, "", 0, 0);
	cr_assert_eq(thag_tree_init(&tree, 10), 0);
	struct thag_open open[] = { { thag_tree_child(&tree, 0, 2), 20 }, { 12345, 7 } };
	uint32_t section = thag_tree_child(&tree, open[0].node, 3);

	thag_tree_add_call(&tree, section, 8, 8);
	tree.nodes[open[0].node].total = 20;
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, open, 2), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	cr_assert_eq(count, 3);
	cr_expect_eq(nodes[1].flags, THAG_FRAME_NODE_OPEN);
	cr_expect_eq(nodes[1].calls, 0);
	cr_expect_eq(nodes[1].min_ns, 0, "no call has ended");
	cr_expect_eq(nodes[1].total_ns, 20);
	cr_expect_eq(nodes[1].open_ns, 20);
	cr_expect_eq(nodes[2].open_ns, 0);
	cr_expect_eq(nodes[2].flags, THAG_FRAME_NODE_SECTION);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

Test(profile, recursion_a_million_deep_needs_no_stack)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = 0, count, depth = 1000000;

	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST);
		thag_tree_add_call(&tree, node, depth - i, depth - i);
	}
	cr_assert_eq(thag_profile_create(&profile, "deep"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	cr_expect_eq(count, depth + 1);
	cr_expect_eq(nodes[0].total_ns, depth);
	cr_expect_eq(nodes[depth].depth, depth);
	cr_expect_eq(sum_self(profile), depth);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

Test(profile, survives_numbers_from_a_hostile_program)
{
	struct thag_scale scale = { .ns_per_tick = 1e300, .cost_inside = UINT32_MAX };
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 10), 0);
	for (int i = 0; i < 3; i++)
		thag_tree_add_call(&tree, thag_tree_child(&tree, 0, 0xfffff), UINT64_MAX,
				   UINT64_MAX);
	cr_assert_eq(thag_profile_create(&profile, ""), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &scale), 0);
	expect_consistent(profile);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}
