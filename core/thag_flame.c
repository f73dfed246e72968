/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_diff.h"
#include "thag_framing.h"
#include "thag_profile_private.h"

struct flame {
	struct thag_framing framing;
	const struct thag_profile *profile;
	uint32_t width_px;
	uint32_t focus;
	uint32_t levels; /* below the focus, that are sent */
	uint32_t *sent;	 /* by node of the profile: its index in the message, once sent */
	uint32_t *order; /* by index in the message: the node */
	uint32_t count;	 /* of nodes sent */
	struct thag_frame_flame facts;
	struct thag_frame_diff base; /* of a difference */
};

static uint32_t find_focus(const struct thag_profile *profile, uint64_t id)
{
	uint32_t focus = 0;

	for (uint32_t i = 0; id && i < profile->count; i++)
		if (profile->nodes[i].id == id)
			focus = i;
	while (profile->nodes[focus].depth > THAG_FLAME_NODES_MAX)
		focus = profile->nodes[focus].parent;
	return focus;
}

/** Whether `node` is half a pixel wide when the focus fills the width. */
static bool is_wide(const struct flame *flame, uint32_t node)
{
	const struct thag_profile_node *nodes = flame->profile->nodes;
	unsigned __int128 twice = (unsigned __int128)nodes[node].total_ns * 2;

	return flame->width_px == 0 || twice * flame->width_px >= nodes[flame->focus].total_ns;
}

/** Whether the node, below the focus, is shown if levels beyond `levels` are not. */
static bool is_shown(const struct flame *flame, uint32_t node, uint32_t levels)
{
	const struct thag_profile_node *nodes = flame->profile->nodes;

	return nodes[node].depth - nodes[flame->focus].depth <= levels && is_wide(flame, node);
}

/** The next node in a walk below the focus; the children of one not shown are passed over. */
static uint32_t walk(const struct flame *flame, uint32_t node, bool shown)
{
	uint32_t child = flame->profile->nodes[node].first_child;

	return shown && child ? child : thag_profile_after(flame->profile, node, flame->focus);
}

/** As many levels as the limits allow, whole ones. */
static int limit_levels(struct flame *flame)
{
	const struct thag_profile_node *nodes = flame->profile->nodes;
	uint32_t *counts = calloc(THAG_FLAME_DEPTH_MAX + 1, sizeof(*counts));
	uint32_t sum = 0;

	if (!counts)
		return -ENOMEM;
	for (uint32_t i = flame->focus; i != UINT32_MAX;) {
		bool shown = is_shown(flame, i, THAG_FLAME_DEPTH_MAX);

		if (shown)
			counts[nodes[i].depth - nodes[flame->focus].depth]++;
		i = walk(flame, i, shown);
	}
	for (uint32_t i = 0; i <= THAG_FLAME_DEPTH_MAX && sum <= THAG_FLAME_NODES_MAX; i++) {
		sum += counts[i];
		if (sum <= THAG_FLAME_NODES_MAX)
			flame->levels = i;
	}
	free(counts);
	return 0;
}

static int send_node(struct flame *flame, uint32_t index)
{
	const struct thag_profile_node *node = &flame->profile->nodes[index];
	bool matched = index && flame->framing.matches[node->name];
	struct thag_frame_node sent = {
		.id = node->id,
		.start_ns = flame->profile->starts[index],
		.total_ns = node->total_ns,
		.self_ns = node->self_ns,
		.calls = node->calls,
		.min_ns = node->min_ns,
		.max_ns = node->max_ns,
		.wait_ns = node->wait_ns,
		.open_ns = node->open_ns,
		.parent = index ? flame->sent[node->parent] : UINT32_MAX,
		.depth = node->depth,
		.function = flame->profile->functions[node->name].hash,
		.flags = node->flags | (matched ? THAG_FRAME_NODE_MATCHED : 0),
	};
	int ret = thag_framing_put_name(&flame->framing, node->name, &sent.name_offset,
					&sent.name_bytes);

	flame->order[flame->count] = index;
	flame->sent[index] = flame->count++;
	return ret ? ret : thag_buffer_append(flame->framing.out, &sent, sizeof(sent));
}

/** Sends the nodes above the focus, the root first. */
static int send_path(struct flame *flame)
{
	const struct thag_profile_node *nodes = flame->profile->nodes;
	uint32_t depth = nodes[flame->focus].depth;
	uint32_t *path = malloc(((size_t)depth + 1) * sizeof(*path));
	int ret = path ? 0 : -ENOMEM;

	if (!path)
		return ret;
	for (uint32_t i = flame->focus, at = depth; at-- > 0;)
		path[at] = i = nodes[i].parent;
	for (uint32_t i = 0; i < depth && !ret; i++)
		ret = send_node(flame, path[i]);
	free(path);
	return ret;
}

static int send_subtree(struct flame *flame)
{
	int ret = 0;

	for (uint32_t i = flame->focus; i != UINT32_MAX && !ret;) {
		bool shown = is_shown(flame, i, flame->levels);

		if (shown)
			ret = send_node(flame, i);
		else
			flame->facts.hidden_nodes += flame->profile->subtrees[i];
		i = walk(flame, i, shown);
	}
	return ret;
}

/** The heaps of the nodes that were sent. */
static int send_heaps(struct flame *flame)
{
	const struct thag_frame_heap *heaps = thag_profile_heaps(flame->profile);
	int ret = 0;

	for (uint32_t i = 0; heaps && i < flame->count && !ret; i++) {
		struct thag_frame_heap heap = heaps[flame->order[i]];

		thag_profile_lifetimes(flame->profile, flame->order[i], &heap);
		ret = thag_buffer_append(flame->framing.out, &heap, sizeof(heap));
	}
	return ret;
}

/** Both sides of the nodes that were sent, and of what the first of them are. */
static int send_sides(struct flame *flame)
{
	const struct thag_frame_sides *sides = thag_diff_sides(flame->profile);
	int ret = 0;

	if (!sides)
		return 0;
	for (uint32_t i = 0; i < flame->count && !ret; i++)
		ret = thag_buffer_append(flame->framing.out, &sides[flame->order[i]],
					 sizeof(*sides));
	return ret ? ret
		   : thag_buffer_append(flame->framing.out, &flame->base, sizeof(flame->base));
}

/** Adds a frame that is searched for, and isn't below another one. */
static void add_match(struct flame *flame, uint32_t node)
{
	const struct thag_frame_sides *sides = thag_diff_sides(flame->profile);

	if (!sides) {
		flame->facts.matched_ns += flame->profile->nodes[node].total_ns;
		return;
	}
	flame->facts.matched_ns += sides[node].after_total_ns;
	flame->base.matched_ns += sides[node].before_total_ns;
}

/** Searches the whole tree. Parents come first, so being below a match goes down the array. */
static int sum_matches(struct flame *flame)
{
	const struct thag_profile *profile = flame->profile;
	bool *covered = calloc(profile->count, sizeof(*covered));

	if (!covered)
		return -ENOMEM;
	for (uint32_t i = 1; i < profile->count; i++) {
		const struct thag_profile_node *node = &profile->nodes[i];
		bool matched = flame->framing.matches[node->name];

		covered[i] = matched || covered[node->parent];
		if (matched)
			flame->facts.matched_calls += node->calls;
		if (matched && !covered[node->parent])
			add_match(flame, i);
	}
	free(covered);
	return 0;
}

static int write_flame(struct flame *flame)
{
	struct thag_buffer *out = flame->framing.out;
	size_t facts_at = out->bytes;
	int ret = thag_buffer_append(out, &flame->facts, sizeof(flame->facts));

	flame->sent = malloc(flame->profile->count * sizeof(*flame->sent));
	flame->order = malloc(flame->profile->count * sizeof(*flame->order));
	if (!flame->sent || !flame->order)
		ret = -ENOMEM;
	if (!ret)
		ret = limit_levels(flame);
	if (!ret)
		ret = send_path(flame);
	if (!ret)
		ret = send_subtree(flame);
	if (!ret)
		ret = send_heaps(flame);
	/* before the sides: what follows them tells of the matches, too */
	if (!ret)
		ret = sum_matches(flame);
	if (!ret)
		ret = send_sides(flame);
	if (!ret)
		memcpy(out->data + facts_at, &flame->facts, sizeof(flame->facts));
	free(flame->sent);
	free(flame->order);
	return ret;
}

int thag_flame_write(const struct thag_profile *profile, const struct thag_flame_query *query,
		     const struct thag_frame_facts *facts, struct thag_buffer *out)
{
	uint32_t focus = find_focus(profile, query->focus);
	struct flame flame = {
		.profile = profile,
		.width_px = query->width_px,
		.focus = focus,
		.facts = { .root_total_ns = profile->nodes[0].total_ns,
			   .focus = focus ? profile->nodes[focus].id : 0,
			   .hidden_nodes = profile->cut,
			   .depth = profile->depth },
		.base = query->base,
	};
	enum thag_frame_type type = query->type ? query->type : THAG_FRAME_FLAME;
	int ret = thag_framing_begin(&flame.framing, profile,
				     thag_diff_sides(profile) ? THAG_FRAME_DIFF : type,
				     query->search, facts, out);

	if (!ret)
		ret = write_flame(&flame);
	return thag_framing_end(&flame.framing, flame.count, ret);
}
