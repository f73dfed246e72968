/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "heap_scene.h"
#include "thag/frames.h"
#include "thag_sandwich.h"

#define MOST_NAMES MODEL_DEPTH

/** FNV-1a: what frames tell a function by. */
static uint64_t hash(const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return value;
}

/** A stack of the model, taken apart. */
struct stack {
	char text[160];
	const char *names[MOST_NAMES];
	int depth, place; /* where the function is first */
};

static bool take_apart(struct stack *stack, const char *text, const char *function)
{
	char *rest = stack->text;

	snprintf(stack->text, sizeof(stack->text), "%s", text);
	stack->depth = 0;
	stack->place = -1;
	while (rest) {
		const char *name = strsep(&rest, ";");

		if (stack->place < 0 && strcmp(name, function) == 0)
			stack->place = stack->depth;
		stack->names[stack->depth++] = name;
	}
	return stack->place >= 0;
}

/** The names from `from` to `to`, forwards or backwards, as text. */
static void join(const struct stack *stack, int from, int to, char *out)
{
	int step = from < to ? 1 : -1;

	out[0] = '\0';
	for (int i = from; i != to; i += step)
		sprintf(out + strlen(out), "%s%s", i == from ? "" : ";", stack->names[i]);
}

/** Whether `path` begins with all of `with`. */
static bool begins(const char *path, const char *with)
{
	size_t bytes = strlen(with);

	return strncmp(path, with, bytes) == 0 &&
	       (bytes == 0 || path[bytes] == ';' || path[bytes] == '\0');
}

struct numbers {
	uint64_t self, total, calls;
};

/** What the model says of a callee's or a caller's path. */
static struct numbers expected(const struct model *model, const char *function, bool callers,
			       const char *path)
{
	struct numbers sum = { 0 };

	for (size_t i = 0; i < model->stack_count; i++) {
		const struct model_stack *from = &model->stacks[i];
		struct stack stack;
		char seen[160];

		if (!take_apart(&stack, from->text, function))
			continue;
		if (callers)
			join(&stack, stack.place - 1, -1, seen);
		else
			join(&stack, stack.place + 1, stack.depth, seen);
		if (!begins(seen, path))
			continue;
		bool own = strcmp(seen, path) == 0;

		sum.total += from->self;
		sum.self += own ? from->self : 0;
		if (callers ? stack.place == stack.depth - 1 : own)
			sum.calls += from->calls;
	}
	return sum;
}

static void check(const struct model *model, const struct thag_profile *half, const char *function,
		  bool callers, uint64_t total)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(half, &count);
	uint64_t self = 0;
	size_t bytes;

	cr_assert_str_eq(thag_profile_name(half, nodes[0].name, &bytes), function);
	cr_expect_eq(nodes[0].total_ns, total);
	for (uint32_t i = 0; i < count; i++) {
		char path[160];

		model_text(half, i, path);
		struct numbers want = expected(model, function, callers, path);

		cr_expect_eq(nodes[i].total_ns, want.total, "%s: %s", function, path);
		cr_expect_eq(nodes[i].self_ns, want.self, "%s: %s", function, path);
		cr_expect_eq(nodes[i].calls, want.calls, "%s: %s", function, path);
		self += nodes[i].self_ns;
	}
	cr_expect_eq(self, total, "nothing is left out");
}

Test(sandwich, is_what_the_stacks_say)
{
	for (uint64_t seed = 1; seed < 5; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 700, &MODEL_RAW);

		for (int i = 0; i < MODEL_NAMES; i++) {
			struct thag_profile *half;
			const char *name = model_names[i];
			uint64_t total = model.functions[i].total;

			cr_assert_eq(thag_sandwich_callers(&half, profile, hash(name)), 0);
			check(&model, half, name, true, total);
			thag_profile_destroy(half);
			cr_assert_eq(thag_sandwich_callees(&half, profile, hash(name)), 0);
			check(&model, half, name, false, total);
			thag_profile_destroy(half);
		}
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(sandwich, of_no_function_is_empty)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 1, 1, 100, &MODEL_RAW), *half;
	uint32_t count;

	cr_assert_eq(thag_sandwich_callers(&half, profile, hash("nobody")), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(half, &count);

	cr_expect_eq(count, 1);
	cr_expect_eq(nodes[0].total_ns, 0);
	thag_profile_destroy(half);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** Two functions that call each other 200,000 deep, each of which calls a third one. */
static struct thag_profile *deep_profile(uint32_t depth)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT;

	cr_assert_eq(thag_tree_init(&tree, depth * 3), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST + 1 + i % 2);
		thag_tree_add_call(&tree, thag_tree_child(&tree, node, THAG_SITE_FIRST + 3), 1, 1);
	}
	cr_assert_eq(thag_profile_create(&profile, "deep"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

/** Chains of callers would be 20 billion nodes long together: they end, and it is told. */
Test(sandwich, follows_callers_as_far_as_there_are_steps)
{
	struct thag_profile *profile = deep_profile(200000), *half;
	struct thag_flame_query query = { .type = THAG_FRAME_CALLERS };
	struct thag_frame_facts facts = { 0 };
	struct thag_buffer out = { 0 };
	struct thag_frame_flame flame;
	uint32_t count;

	cr_assert_eq(thag_sandwich_callers(&half, profile, hash(model_names[3])), 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(half, &count);

	cr_expect(count <= THAG_SANDWICH_STEPS_MAX);
	cr_expect_eq(nodes[0].total_ns, 200000);
	cr_expect_eq(nodes[0].calls, 200000);
	cr_assert_eq(thag_flame_write(half, &query, &facts, &out), 0);
	memcpy(&flame, out.data + sizeof(struct thag_frame_header), sizeof(flame));
	cr_expect(flame.hidden_nodes > 0);
	thag_buffer_fini(&out);
	thag_profile_destroy(half);
	thag_profile_destroy(profile);
}

static const struct thag_profile_node *find_row(const struct thag_profile *profile, uint32_t name,
						struct thag_frame_heap *sum)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count), *first = NULL;
	const struct thag_frame_heap *heaps = thag_profile_heaps(profile);

	for (uint32_t i = 1; i < count; i++) {
		bool inner = false;

		for (uint32_t up = nodes[i].parent; up; up = nodes[up].parent)
			inner |= nodes[up].name == name;
		if (nodes[i].name != name || inner)
			continue;
		first = first ? first : &nodes[i];
		sum->allocated_bytes += heaps[i].allocated_bytes;
		sum->live += heaps[i].live;
		sum->temporary += heaps[i].temporary;
	}
	return first;
}

static void check_memory(const struct thag_profile *half, const struct thag_frame_heap *sum)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(half, &count);
	const struct thag_frame_heap *heaps = thag_profile_heaps(half);
	uint64_t self = 0;

	for (uint32_t i = 0; i < count; i++)
		self += nodes[i].self_ns;
	cr_expect_eq(self, nodes[0].total_ns);
	cr_expect_eq(heaps[0].allocated_bytes, sum->allocated_bytes);
	cr_expect_eq(heaps[0].allocated_bytes, nodes[0].total_ns);
	cr_expect_eq(heaps[0].live, sum->live);
	cr_expect_eq(heaps[0].temporary, sum->temporary);
}

Test(sandwich, has_the_memory_of_all_places)
{
	struct scene scene;
	struct thag_profile *profile, *half;
	struct thag_frame_heap sum = { 0 };

	scene_init(&scene, 11, THAG_HEAP_TRACES);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);

	profile = scene_profile(&scene, &query);
	uint32_t count;
	uint32_t name = thag_profile_nodes(profile, &count)[count / 2].name;
	size_t bytes;

	cr_assert_not_null(find_row(profile, name, &sum));
	uint64_t function = hash(thag_profile_name(profile, name, &bytes));

	cr_assert_eq(thag_sandwich_callers(&half, profile, function), 0);
	check_memory(half, &sum);
	thag_profile_destroy(half);
	cr_assert_eq(thag_sandwich_callees(&half, profile, function), 0);
	check_memory(half, &sum);
	thag_profile_destroy(half);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}
