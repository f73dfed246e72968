/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag/frames.h"

/** A FLAME message taken apart. */
struct message {
	struct thag_buffer buffer;
	struct thag_frame_header header;
	struct thag_frame_flame flame;
	struct thag_frame_node *nodes;
	const char *strings;
};

static struct message write_message(const struct thag_profile *profile, uint64_t focus,
				    uint32_t width, const char *search)
{
	struct thag_flame_query query = { .focus = focus, .width_px = width, .search = search };
	struct thag_frame_facts facts = { .sequence = 5, .session = 7, .events = 11 };
	struct message message = { 0 };

	cr_assert_eq(thag_flame_write(profile, &query, &facts, &message.buffer), 0);
	memcpy(&message.header, message.buffer.data, sizeof(message.header));
	memcpy(&message.flame, message.buffer.data + 96, sizeof(message.flame));
	message.nodes = malloc(message.header.count * sizeof(*message.nodes) + 1);
	memcpy(message.nodes, message.buffer.data + 136,
	       message.header.count * sizeof(*message.nodes));
	message.strings = (char *)message.buffer.data + message.header.strings_offset;
	return message;
}

static void message_fini(struct message *message)
{
	thag_buffer_fini(&message->buffer);
	free(message->nodes);
}

/** What any message must hold, whatever was asked for. */
static void expect_sound(const struct message *message)
{
	const struct thag_frame_header *header = &message->header;

	cr_expect_eq(header->magic, THAG_FRAME_MAGIC);
	cr_expect_eq(header->type, THAG_FRAME_FLAME);
	cr_expect_eq(header->total_bytes, message->buffer.bytes);
	cr_expect_eq(header->strings_offset, 136 + sizeof(struct thag_frame_node) * header->count);
	cr_expect_eq(header->strings_offset + header->strings_bytes, header->total_bytes);
	cr_expect(header->count >= 1 && message->nodes[0].parent == UINT32_MAX);
	for (uint32_t i = 0; i < header->count; i++) {
		const struct thag_frame_node *node = &message->nodes[i];

		cr_expect(node->name_offset + node->name_bytes <= header->strings_bytes);
		if (i == 0)
			continue;
		cr_assert(node->parent < i);
		const struct thag_frame_node *up = &message->nodes[node->parent];

		cr_expect_eq(node->depth, up->depth + 1);
		cr_expect(node->start_ns >= up->start_ns);
		cr_expect(node->start_ns + node->total_ns <= up->start_ns + up->total_ns);
	}
}

static uint32_t find_id(const struct thag_profile *profile, uint64_t id)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	for (uint32_t i = 0; i < count; i++)
		if (nodes[i].id == id)
			return i;
	cr_assert_fail("no such node");
	return 0;
}

static bool is_below(const struct thag_profile *profile, uint32_t node, uint32_t top)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	while (node != top && node != UINT32_MAX)
		node = nodes[node].parent;
	return node == top;
}

Test(flame, sends_everything_when_width_is_0)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 3, 3, 900, &MODEL_RAW);
	struct message message = write_message(profile, 0, 0, NULL);
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	expect_sound(&message);
	cr_expect_eq(message.header.count, count);
	cr_expect_eq(message.header.tree_nodes, count);
	cr_expect_eq(message.header.sequence, 5);
	cr_expect_eq(message.header.session, 7);
	cr_expect_eq(message.header.events, 11);
	cr_expect_eq(message.flame.hidden_nodes, 0);
	cr_expect_eq(message.flame.root_total_ns, nodes[0].total_ns);
	for (uint32_t i = 0; i < count; i++) {
		const struct thag_profile_node *node =
			&nodes[find_id(profile, message.nodes[i].id)];

		cr_expect_eq(message.nodes[i].total_ns, node->total_ns);
		cr_expect_eq(message.nodes[i].self_ns, node->self_ns);
		cr_expect_eq(message.nodes[i].calls, node->calls);
	}
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** Siblings, in the order of their names, stand side by side. */
Test(flame, places_siblings_by_name)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 8, 1, 900, &MODEL_RAW);
	struct message message = write_message(profile, 0, 0, NULL);

	for (uint32_t i = 1; i < message.header.count; i++) {
		const struct thag_frame_node *node = &message.nodes[i];
		uint64_t start = message.nodes[node->parent].start_ns;

		for (uint32_t k = 1; k < message.header.count; k++) {
			const struct thag_frame_node *other = &message.nodes[k];
			char a[64] = { 0 }, b[64] = { 0 };

			if (k == i || other->parent != node->parent)
				continue;
			memcpy(a, message.strings + node->name_offset, node->name_bytes);
			memcpy(b, message.strings + other->name_offset, other->name_bytes);
			cr_expect_neq(strcmp(a, b), 0);
			cr_expect_eq(strcmp(b, a) < 0, k < i);
			start += strcmp(b, a) < 0 ? other->total_ns : 0;
		}
		cr_expect_eq(node->start_ns, start);
	}
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** Of two siblings the one with more comes first; of equal ones the first by name. */
Test(flame, places_heavy_siblings_first)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 8, 1, 900, &MODEL_RAW);
	struct message by_name = write_message(profile, 0, 0, NULL);

	cr_assert_eq(thag_profile_put_heavy_first(profile), 0);
	struct message message = write_message(profile, 0, 0, NULL);

	expect_sound(&message);
	cr_expect_eq(message.header.count, by_name.header.count);
	for (uint32_t i = 1; i < message.header.count; i++) {
		const struct thag_frame_node *node = &message.nodes[i];
		uint64_t start = message.nodes[node->parent].start_ns;

		for (uint32_t k = 1; k < message.header.count; k++) {
			const struct thag_frame_node *other = &message.nodes[k];

			if (k == i || other->parent != node->parent)
				continue;
			cr_expect(k > i ? other->total_ns <= node->total_ns
					: other->total_ns >= node->total_ns);
			start += k < i ? other->total_ns : 0;
		}
		cr_expect_eq(node->start_ns, start);
	}
	message_fini(&by_name);
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** Sent are the path to the focus, and below it what is half a pixel wide; the rest is counted. */
static void expect_pruned(const struct thag_profile *profile, uint32_t focus, uint32_t width)
{
	uint32_t count, sent = 0, hidden = 0, path = 0;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	struct message message = write_message(profile, nodes[focus].id, width, NULL);
	bool *was_sent = calloc(count, sizeof(*was_sent));

	expect_sound(&message);
	for (uint32_t i = 0; i < message.header.count; i++)
		was_sent[find_id(profile, message.nodes[i].id)] = true;
	for (uint32_t i = 0; i < count; i++) {
		double pixels = (double)nodes[i].total_ns / (double)nodes[focus].total_ns * width;

		if (!is_below(profile, i, focus)) {
			bool above = is_below(profile, focus, i);

			cr_expect_eq(was_sent[i], above);
			path += above;
			continue;
		}
		cr_expect_eq(was_sent[i], pixels >= 0.5, "%g px", pixels);
		sent += was_sent[i];
		hidden += !was_sent[i];
	}
	cr_expect_eq(message.header.count, sent + path);
	cr_expect_eq(message.flame.hidden_nodes, hidden);
	cr_expect_eq(message.flame.focus, focus ? nodes[focus].id : 0);
	free(was_sent);
	message_fini(&message);
}

Test(flame, prunes_what_is_narrower_than_half_a_pixel)
{
	for (uint64_t seed = 1; seed < 6; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 1200, &MODEL_RAW);
		uint32_t count;
		const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

		for (uint32_t focus = 0; focus < count; focus += 1 + focus)
			if (nodes[focus].total_ns)
				expect_pruned(profile, focus, 37 + (uint32_t)seed * 100);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

/** An expression finds what the names say; one that takes too long says so. */
Test(flame, searches_by_regular_expressions)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 5, 1, 900, &MODEL_RAW);
	struct message message = write_message(profile, 0, 0, "^(parse|a.)$");
	uint64_t calls = 0;

	cr_expect_eq(message.header.flags & THAG_FRAME_SEARCH_CUT, 0);
	for (uint32_t i = 1; i < message.header.count; i++) {
		const struct thag_frame_node *node = &message.nodes[i];
		const char *name = message.strings + node->name_offset;
		bool wanted = (node->name_bytes == 5 && memcmp(name, "parse", 5) == 0) ||
			      (node->name_bytes == 2 && memcmp(name, "a1", 2) == 0);

		cr_expect_eq((node->flags & THAG_FRAME_NODE_MATCHED) != 0, wanted);
		calls += wanted ? node->calls : 0;
	}
	cr_expect(calls > 0);
	cr_expect_eq(message.flame.matched_calls, calls);
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(flame, unknown_focus_is_the_root)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 2, 1, 300, &MODEL_RAW);
	struct message message = write_message(profile, 0xdead, 1000, NULL);

	expect_sound(&message);
	cr_expect_eq(message.flame.focus, 0);
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** What the model says a search for `name` finds: no time twice, all calls. */
static void sum_model(const struct model *model, const char *name, uint64_t *ns, uint64_t *calls)
{
	*ns = *calls = 0;
	for (size_t i = 0; i < model->stack_count; i++) {
		const char *text = model->stacks[i].text;
		const char *last = strrchr(text, ';');

		*ns += strcasestr(text, name) ? model->stacks[i].self : 0;
		*calls += strcasestr(last ? last : text, name) ? model->stacks[i].calls : 0;
	}
}

Test(flame, search_counts_no_time_twice_and_looks_at_the_whole_tree)
{
	static const char *const searches[] = { "a", "PARSE", "parse ", "::", "main", "nowhere" };
	struct model model;
	struct thag_profile *profile = model_profile(&model, 12, 2, 1500, &MODEL_RAW);

	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		struct message message = write_message(profile, 0, 3, searches[i]);
		uint64_t ns, calls;

		sum_model(&model, searches[i], &ns, &calls);
		cr_expect_eq(message.flame.matched_ns, ns, "%s", searches[i]);
		cr_expect_eq(message.flame.matched_calls, calls, "%s", searches[i]);
		for (uint32_t k = 0; k < message.header.count; k++) {
			char name[64] = { 0 };

			memcpy(name, message.strings + message.nodes[k].name_offset,
			       message.nodes[k].name_bytes);
			cr_expect_eq((message.nodes[k].flags & THAG_FRAME_NODE_MATCHED) != 0,
				     k > 0 && strcasestr(name, searches[i]) != NULL);
		}
		message_fini(&message);
	}
	thag_profile_destroy(profile);
	model_fini(&model);
}

/** A profile with one thread, whose tree is `tree`; all sites are called "f". */
static struct thag_profile *profile_of(struct thag_tree *tree, uint32_t sites)
{
	struct thag_names *names;
	struct thag_profile *profile;

	cr_assert_eq(thag_names_create(&names), 0);
	for (uint32_t i = 0; i < sites; i++) {
		char name[8192];
		int bytes = snprintf(name, sizeof(name), "%0*u", sites > 1 ? 5000 : 1, i);

		thag_names_put(names, i + 2, 1, name, (size_t)bytes, "", 0, 0);
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_names_destroy(names);
	thag_tree_fini(tree);
	return profile;
}

Test(flame, recursion_a_million_deep_is_sent_in_bounded_messages)
{
	uint32_t node = 0, depth = 1000000, count;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, 2);
		thag_tree_add_call(&tree, node, 5, 5);
	}
	struct thag_profile *profile = profile_of(&tree, 1);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	struct message message = write_message(profile, 0, 1000, "0");

	expect_sound(&message);
	cr_expect_eq(message.header.count, THAG_FLAME_DEPTH_MAX + 1);
	cr_expect_eq(message.flame.hidden_nodes, depth - THAG_FLAME_DEPTH_MAX);
	cr_expect_eq(message.flame.depth, depth);
	cr_expect_eq(message.flame.matched_ns, 5);
	cr_expect_eq(message.flame.matched_calls, depth);
	message_fini(&message);

	message = write_message(profile, nodes[5000].id, 1000, NULL);
	expect_sound(&message);
	cr_expect_eq(message.header.count, 5001 + THAG_FLAME_DEPTH_MAX);
	message_fini(&message);

	message = write_message(profile, nodes[depth].id, 1000, NULL);
	expect_sound(&message);
	cr_expect_eq(message.flame.focus, nodes[THAG_FLAME_NODES_MAX].id);
	message_fini(&message);
	thag_profile_destroy(profile);
}

Test(flame, too_many_wide_nodes_lose_their_deepest_levels)
{
	uint32_t wide = THAG_FLAME_NODES_MAX - 10, node;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 3 * wide), 0);
	for (uint32_t i = 0; i < wide; i++) {
		node = thag_tree_child(&tree, 0, i + 2);
		thag_tree_add_call(&tree, node, 9, 9);
		thag_tree_add_call(&tree, thag_tree_child(&tree, node, 2), 8, 8);
	}
	struct thag_profile *profile = profile_of(&tree, 0);
	struct message message = write_message(profile, 0, 0, NULL);

	expect_sound(&message);
	cr_expect_eq(message.header.count, wide + 1);
	cr_expect_eq(message.flame.hidden_nodes, wide);
	message_fini(&message);
	thag_profile_destroy(profile);
}

Test(flame, long_names_are_cut_and_strings_bounded)
{
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 10000), 0);
	for (uint32_t i = 0; i < 3000; i++)
		thag_tree_add_call(&tree, thag_tree_child(&tree, 0, i + 2), 9, 9);
	struct thag_profile *profile = profile_of(&tree, 3000);
	struct message message = write_message(profile, 0, 0, NULL);

	expect_sound(&message);
	cr_expect_eq(message.header.count, 3001);
	cr_expect_eq(message.nodes[1].name_bytes, THAG_FRAME_NAME_MAX);
	cr_expect(message.header.strings_bytes < 5 << 20);
	message_fini(&message);
	thag_profile_destroy(profile);
}

Test(flame, appends_to_what_is_there)
{
	struct thag_buffer buffer = { 0 };
	struct thag_flame_query query = { 0 };
	struct thag_frame_facts facts = { 0 };
	struct thag_frame_header header;
	struct model model;
	struct thag_profile *profile = model_profile(&model, 1, 1, 100, &MODEL_RAW);

	thag_buffer_append(&buffer, "before", 6);
	cr_assert_eq(thag_flame_write(profile, &query, &facts, &buffer), 0);
	memcpy(&header, buffer.data + 6, sizeof(header));
	cr_expect_eq(header.magic, THAG_FRAME_MAGIC);
	cr_expect_eq(header.total_bytes, buffer.bytes - 6);
	thag_buffer_fini(&buffer);
	thag_profile_destroy(profile);
	model_fini(&model);
}
