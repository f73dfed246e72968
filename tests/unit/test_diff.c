/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag/frames.h"
#include "thag_diff.h"

struct numbers {
	uint64_t self, total, calls;
};

/** What a model says of a path; "" is the root's. */
static struct numbers numbers_of(const struct model *model, const char *path)
{
	size_t bytes = strlen(path);
	struct numbers sum = { 0 };

	for (size_t i = 0; i < model->stack_count; i++) {
		const struct model_stack *stack = &model->stacks[i];
		bool own = strcmp(stack->text, path) == 0;

		if (bytes && (strncmp(stack->text, path, bytes) != 0 ||
			      (stack->text[bytes] != ';' && stack->text[bytes] != '\0')))
			continue;
		sum.total += stack->self;
		sum.self += own ? stack->self : 0;
		sum.calls += own ? stack->calls : 0;
	}
	return sum;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Widths: selves add up, siblings lie side by side by name, none is wider than its caller. */
static void check_widths(const struct thag_profile *diff)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(diff, &count);
	uint64_t *sums = calloc(count, sizeof(*sums));

	for (uint32_t i = count; i-- > 0;) {
		sums[i] += nodes[i].self_ns;
		cr_expect_eq(nodes[i].total_ns, sums[i]);
		if (i)
			sums[nodes[i].parent] += sums[i];
	}
	free(sums);
}

static void check(const struct thag_profile *diff, const struct model *before,
		  const struct model *after)
{
	const struct thag_frame_sides *sides = thag_diff_sides(diff);
	uint32_t count, with_calls = 0;
	const struct thag_profile_node *nodes = thag_profile_nodes(diff, &count);

	for (uint32_t i = 0; i < count; i++) {
		char path[160];

		model_text(diff, i, path);
		struct numbers a = numbers_of(before, path), b = numbers_of(after, path);

		cr_expect_eq(sides[i].before_self_ns, a.self, "%s", path);
		cr_expect_eq(sides[i].before_total_ns, a.total, "%s", path);
		cr_expect_eq(sides[i].before_calls, a.calls, "%s", path);
		cr_expect_eq(sides[i].after_self_ns, b.self, "%s", path);
		cr_expect_eq(sides[i].after_total_ns, b.total, "%s", path);
		cr_expect_eq(sides[i].after_calls, b.calls, "%s", path);
		cr_expect_eq(nodes[i].calls, a.calls + b.calls, "%s", path);
		cr_expect_eq(nodes[i].self_ns, larger(a.self, b.self), "%s", path);
		cr_expect(nodes[i].total_ns >= larger(a.total, b.total), "%s", path);
		with_calls += a.calls + b.calls > 0;
	}
	for (size_t i = 0; i < before->stack_count; i++)
		with_calls -= before->stacks[i].calls > 0;
	for (size_t i = 0; i < after->stack_count; i++)
		with_calls -= after->stacks[i].calls > 0 &&
			      numbers_of(before, after->stacks[i].text).calls == 0;
	cr_expect_eq(with_calls, 0, "each path is there once");
	check_widths(diff);
}

Test(diff, is_what_both_models_say)
{
	for (uint64_t seed = 1; seed <= 25; seed++) {
		struct model before, after;
		struct thag_profile *a = model_profile(&before, seed, 2, 150, &MODEL_RAW);
		struct thag_profile *b = model_profile(&after, seed + 100, 3, 200, &MODEL_RAW);
		struct thag_profile *diff;

		cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
		thag_profile_destroy(a); /* it keeps nothing of them */
		thag_profile_destroy(b);
		check(diff, &before, &after);
		thag_profile_destroy(diff);
		model_fini(&before);
		model_fini(&after);
	}
}

Test(diff, of_a_profile_with_itself_is_that_profile)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 7, 2, 400, &MODEL_RAW), *diff;
	uint32_t count, same;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count), *merged;

	cr_assert_eq(thag_diff_make(&diff, profile, profile, true), 0);
	merged = thag_profile_nodes(diff, &same);
	cr_assert_eq(same, count);
	for (uint32_t i = 0; i < count; i++) {
		cr_expect_eq(merged[i].id, nodes[i].id, "ids are those of its flamegraph");
		cr_expect_eq(merged[i].total_ns, nodes[i].total_ns);
		cr_expect_eq(thag_diff_sides(diff)[i].before_total_ns, nodes[i].total_ns);
		cr_expect_eq(thag_diff_sides(diff)[i].after_total_ns, nodes[i].total_ns);
	}
	cr_expect_null(thag_diff_sides(profile));
	thag_profile_destroy(diff);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** A frame of a profile that is written down: its depth below the root, name and self. */
struct written {
	int depth;
	const char *name;
	uint64_t self;
	uint32_t kind;
};

/** `first_site`: where this profile's numbers of names begin. */
static struct thag_profile *write_down(const struct written *frames, int count, uint32_t first_site)
{
	uint32_t nodes[MODEL_DEPTH] = { THAG_TREE_ROOT };
	struct thag_profile *profile;
	struct thag_names *names;
	struct thag_tree tree;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_tree_init(&tree, 100000), 0);
	for (int i = 0; i < count; i++) {
		uint32_t site = THAG_SITE_FIRST + first_site + (uint32_t)(count - i);
		uint64_t total = frames[i].self;

		for (int below = i + 1; below < count && frames[below].depth > frames[i].depth;
		     below++)
			total += frames[below].self;
		cr_assert_eq(thag_names_put(names, site, frames[i].kind, frames[i].name,
					    strlen(frames[i].name), "f.c", 3, 1),
			     0);
		nodes[frames[i].depth] = thag_tree_child(&tree, nodes[frames[i].depth - 1], site);
		thag_tree_add_call(&tree, nodes[frames[i].depth], total, total);
	}
	cr_assert_eq(thag_profile_create(&profile, "program"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

#define WRITE(frames, first_site) \
	write_down(frames, (int)(sizeof(frames) / sizeof((frames)[0])), first_site)

/** The node of this path. */
static uint32_t node_of(const struct thag_profile *profile, const char *path)
{
	uint32_t count, found = UINT32_MAX;

	thag_profile_nodes(profile, &count);
	for (uint32_t i = 0; i < count; i++) {
		char text[160];

		model_text(profile, i, text);
		if (strcmp(text, path) == 0)
			found = i;
	}
	cr_assert_neq(found, UINT32_MAX, "%s", path);
	return found;
}

static const struct written earlier[] = {
	{ 1, "main", 100, THAG_SITE_FUNCTION },
	{ 2, "gone", 300, THAG_SITE_FUNCTION },
	{ 3, "\xff\xfe odd;name", 50, THAG_SITE_FUNCTION },
	{ 2, "same", 400, THAG_SITE_SECTION },
};
static const struct written later[] = {
	{ 1, "main", 120, THAG_SITE_FUNCTION },
	{ 2, "same", 400, THAG_SITE_FUNCTION },
	{ 2, "new", 700, THAG_SITE_FUNCTION },
	{ 3, "same", 80, THAG_SITE_FUNCTION },
};

Test(diff, matches_by_names_whatever_their_numbers_are)
{
	struct thag_profile *a = WRITE(earlier, 0), *b = WRITE(later, 5000), *diff;
	const struct thag_frame_sides *sides;
	uint32_t count;

	cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
	sides = thag_diff_sides(diff);
	cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 120 + 300 + 50 + 400 + 700 + 80);
	cr_expect_eq(count, 7);
	cr_expect_eq(sides[0].before_total_ns, 850);
	cr_expect_eq(sides[0].after_total_ns, 1300);
	uint32_t gone = node_of(diff, "main;gone"), added = node_of(diff, "main;new;same");

	cr_expect_eq(sides[gone].before_total_ns, 350);
	cr_expect_eq(sides[gone].before_calls, 1);
	cr_expect_eq(sides[gone].after_total_ns + sides[gone].after_calls, 0);
	cr_expect_eq(sides[added].after_total_ns, 80);
	cr_expect_eq(sides[added].before_total_ns + sides[added].before_calls, 0);
	cr_expect_eq(sides[node_of(diff, "main;gone;\xff\xfe odd;name")].before_self_ns, 50);
	check_widths(diff);
	thag_profile_destroy(a);
	thag_profile_destroy(b);
	thag_profile_destroy(diff);
}

Test(diff, normalised_scales_widths_and_leaves_the_sides)
{
	const struct written once[] = { { 1, "a", 100, THAG_SITE_FUNCTION },
					{ 2, "b", 300, THAG_SITE_FUNCTION } };
	const struct written ten[] = { { 1, "a", 1000, THAG_SITE_FUNCTION },
				       { 2, "b", 3000, THAG_SITE_FUNCTION } };
	struct thag_profile *a = WRITE(once, 0), *b = WRITE(ten, 0), *diff;
	uint32_t count;

	cr_assert_eq(thag_diff_make(&diff, a, b, true), 0);
	cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 400);
	cr_expect_eq(thag_profile_nodes(diff, &count)[2].total_ns, 300);
	cr_expect_eq(thag_diff_sides(diff)[2].after_total_ns, 3000);
	thag_profile_destroy(diff);
	cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
	cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 4000);
	thag_profile_destroy(diff);
	thag_profile_destroy(a);
	thag_profile_destroy(b);
}

Test(diff, with_an_empty_side_has_all_of_the_other)
{
	struct thag_profile *empty, *full = WRITE(later, 0), *diff;
	uint32_t count;

	cr_assert_eq(thag_profile_create(&empty, "nothing"), 0);
	cr_assert_eq(thag_profile_finish(empty, &MODEL_RAW), 0);
	for (int normalise = 0; normalise < 2; normalise++) {
		cr_assert_eq(thag_diff_make(&diff, empty, full, normalise), 0);
		cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 1300);
		cr_expect_eq(thag_diff_sides(diff)[0].before_total_ns, 0);
		thag_profile_destroy(diff);
		cr_assert_eq(thag_diff_make(&diff, full, empty, normalise), 0);
		cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 1300);
		cr_expect_eq(thag_diff_sides(diff)[0].after_total_ns, 0);
		thag_profile_destroy(diff);
		cr_assert_eq(thag_diff_make(&diff, empty, empty, normalise), 0);
		cr_expect_eq(thag_profile_nodes(diff, &count)[0].total_ns, 0);
		cr_expect_eq(count, 1);
		thag_profile_destroy(diff);
	}
	thag_profile_destroy(empty);
	thag_profile_destroy(full);
}

Test(diff, of_more_than_64_bits_keeps_its_proportions)
{
	const struct written a_half[] = { { 1, "a", UINT64_MAX, THAG_SITE_FUNCTION } };
	const struct written b_half[] = { { 1, "b", UINT64_MAX - 1, THAG_SITE_FUNCTION } };
	struct thag_profile *a = WRITE(a_half, 0), *b = WRITE(b_half, 0), *diff;
	const struct thag_profile_node *nodes;
	uint32_t count;

	cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
	nodes = thag_profile_nodes(diff, &count);
	cr_assert_eq(count, 3);
	check_widths(diff);
	cr_expect(nodes[0].total_ns >= UINT64_MAX - 4, "no sum wraps");
	cr_expect_eq(nodes[node_of(diff, "a")].total_ns, UINT64_MAX / 2);
	cr_expect_eq(thag_diff_sides(diff)[node_of(diff, "a")].before_total_ns, UINT64_MAX);
	thag_profile_destroy(diff);
	thag_profile_destroy(a);
	thag_profile_destroy(b);
}

/** A function that calls itself `depth` deep, a tick each. */
static struct thag_profile *write_chain(uint32_t depth)
{
	const struct written one[] = { { 1, "f", 1, THAG_SITE_FUNCTION } };
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_names_put(names, THAG_SITE_FIRST, one[0].kind, "f", 1, "f.c", 3, 1), 0);
	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST);
		thag_tree_add_call(&tree, node, depth - i, depth - i);
	}
	cr_assert_eq(thag_profile_create(&profile, "deep"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

Test(diff, goes_as_deep_as_the_deeper_one)
{
	struct thag_profile *a = write_chain(300000), *b = write_chain(200000), *diff;
	uint32_t count;
	const struct thag_profile_node *nodes;

	cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
	nodes = thag_profile_nodes(diff, &count);
	cr_expect_eq(count, 300001);
	cr_expect_eq(nodes[0].total_ns, 300000);
	cr_expect_eq(thag_diff_sides(diff)[200000].after_total_ns, 1);
	cr_expect_eq(thag_diff_sides(diff)[200001].after_total_ns, 0);
	cr_expect_eq(thag_diff_sides(diff)[300000].before_total_ns, 1);
	thag_profile_destroy(diff);
	thag_profile_destroy(a);
	thag_profile_destroy(b);
}

/** A node's place in a message, or -1. */
static int find_sent(const struct thag_buffer *message, uint32_t count, const char *name)
{
	struct thag_frame_header header;

	memcpy(&header, message->data, sizeof(header));
	for (uint32_t i = 0; i < count; i++) {
		struct thag_frame_node node;

		memcpy(&node, message->data + 136 + i * sizeof(node), sizeof(node));
		if (node.name_bytes == strlen(name) &&
		    memcmp(message->data + header.strings_offset + node.name_offset, name,
			   node.name_bytes) == 0)
			return (int)i;
	}
	return -1;
}

Test(diff, is_written_with_both_sides_of_what_is_sent)
{
	struct thag_profile *a = WRITE(earlier, 0), *b = WRITE(later, 0), *diff;
	struct thag_flame_query query = { .search = "same",
					  .base = { .base = 6, .base_duration_ns = 9 } };
	struct thag_frame_facts facts = { .session = 7 };
	struct thag_frame_header header;
	struct thag_frame_flame flame;
	struct thag_frame_sides sides;
	struct thag_frame_diff base;
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_diff_make(&diff, a, b, false), 0);
	cr_assert_eq(thag_flame_write(diff, &query, &facts, &out), 0);
	memcpy(&header, out.data, sizeof(header));
	memcpy(&flame, out.data + 96, sizeof(flame));
	cr_assert_eq(header.type, THAG_FRAME_DIFF);
	cr_assert_eq(header.count, 7);
	size_t sides_at = 136 + header.count * sizeof(struct thag_frame_node);
	size_t base_at = sides_at + header.count * sizeof(sides);

	cr_assert_eq(header.strings_offset, base_at + sizeof(base));
	cr_assert_eq(header.total_bytes, out.bytes);
	memcpy(&base, out.data + base_at, sizeof(base));
	cr_expect_eq(base.base, 6);
	cr_expect_eq(base.base_duration_ns, 9);
	cr_expect_eq(base.matched_ns, 400);
	cr_expect_eq(flame.matched_ns, 480);
	cr_expect_eq(flame.matched_calls, 3);
	int gone = find_sent(&out, header.count, "gone");

	cr_assert(gone > 0);
	memcpy(&sides, out.data + sides_at + (size_t)gone * sizeof(sides), sizeof(sides));
	cr_expect_eq(sides.before_total_ns, 350);
	cr_expect_eq(sides.after_total_ns, 0);
	thag_buffer_fini(&out);
	thag_profile_destroy(diff);
	thag_profile_destroy(a);
	thag_profile_destroy(b);
}
