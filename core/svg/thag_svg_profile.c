/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_diff.h"

#define BOXES_FIRST 1024
#define LEAST_MIN_WIDTH_PX 1e-6 /* where all were to be drawn, and there are too many */

/** A walk over a profile that makes boxes of what is wide enough. */
struct walk {
	const struct thag_profile *profile;
	const struct thag_profile_node *nodes;
	const struct thag_frame_sides *sides;
	struct thag_svg_options options;
	struct thag_svg_box *boxes;
	size_t count, capacity;
	uint64_t edges[THAG_SVG_DEPTH_MAX + 2]; /* by depth: where the next box begins */
};

static int add_box(struct walk *walk, uint32_t node, uint64_t start)
{
	const struct thag_profile_node *from = &walk->nodes[node];

	if (walk->count == THAG_SVG_BOXES_MAX)
		return -E2BIG;
	if (walk->count == walk->capacity) {
		size_t capacity = walk->capacity ? 2 * walk->capacity : BOXES_FIRST;
		void *grown = reallocarray(walk->boxes, capacity, sizeof(*walk->boxes));

		if (!grown)
			return -ENOMEM;
		walk->boxes = grown;
		walk->capacity = capacity;
	}
	struct thag_svg_box *box = &walk->boxes[walk->count++];

	*box = (struct thag_svg_box){ .start = start,
				      .width = from->total_ns,
				      .self = from->self_ns,
				      .calls = from->calls,
				      .sides = walk->sides ? &walk->sides[node] : NULL,
				      .depth = from->depth };
	box->name = thag_profile_name(walk->profile, from->name, &box->name_bytes);
	return 0;
}

/** Whether a node is drawn; so is what it is called by, which is as wide at least. */
static bool is_drawn(const struct walk *walk, uint32_t node)
{
	return node == 0 || (walk->nodes[node].depth <= THAG_SVG_DEPTH_MAX &&
			     thag_svg_is_drawn(&walk->options, walk->nodes[node].total_ns,
					       walk->nodes[0].total_ns));
}

/** 0, -ENOMEM, or -E2BIG when there are too many boxes. */
static int collect(struct walk *walk)
{
	const struct thag_profile_node *nodes = walk->nodes;
	uint32_t node = 0;
	int ret;

	walk->count = 0;
	walk->edges[0] = 0;
	for (;;) {
		uint64_t start = walk->edges[nodes[node].depth];

		walk->edges[nodes[node].depth] += nodes[node].total_ns;
		if (is_drawn(walk, node)) {
			ret = add_box(walk, node, start);
			if (ret)
				return ret;
			if (nodes[node].first_child) {
				walk->edges[nodes[node].depth + 1] = start;
				node = nodes[node].first_child;
				continue;
			}
		}
		while (node && !nodes[node].next_sibling)
			node = nodes[node].parent;
		if (node == 0)
			return 0;
		node = nodes[node].next_sibling;
	}
}

/** Leaves out ever wider boxes until there are no more than THAG_SVG_BOXES_MAX. */
static int collect_widest(struct walk *walk)
{
	int ret = collect(walk);

	while (ret == -E2BIG) {
		double *least = &walk->options.min_width_px;

		*least = *least < LEAST_MIN_WIDTH_PX ? LEAST_MIN_WIDTH_PX : 2 * *least;
		ret = collect(walk);
	}
	return ret;
}

int thag_svg_write_profile(const struct thag_profile *profile,
			   const struct thag_svg_options *options, struct thag_buffer *out)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint32_t count;
	int ret;

	if (!walk)
		return -ENOMEM;
	walk->profile = profile;
	walk->nodes = thag_profile_nodes(profile, &count);
	walk->sides = thag_diff_sides(profile);
	walk->options = *options;
	ret = collect_widest(walk);
	if (!ret) {
		struct thag_svg_picture picture = { .boxes = walk->boxes,
						    .count = walk->count,
						    .hidden = count - walk->count };

		ret = thag_svg_write(&picture, options, out);
	}
	free(walk->boxes);
	free(walk);
	return ret;
}
