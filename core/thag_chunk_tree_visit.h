/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a visitor of a chunk's frames (thag_span.h) does to add them to a thag_chunk_tree. Apart
 * from that, so that several visitors can look at a chunk at once.
 *
 * Until the end, a node's total is its self time: it is given to whatever frame is on top.
 *
 * Thread: owner.
 */
#ifndef THAG_CHUNK_TREE_VISIT_H
#define THAG_CHUNK_TREE_VISIT_H

#include "thag_chunk_tree.h"
#include "thag_span.h"

/** Before and behind all others. The tree is empty before. */
void thag_chunk_tree_begin(struct thag_chunk_tree *tree, const struct thag_chunk_raw *raw,
			   uint64_t from, uint64_t to);
void thag_chunk_tree_end(struct thag_chunk_tree *tree, const struct thag_span *span);

/** As the visitor's. */
void thag_chunk_tree_moved(struct thag_chunk_tree *tree, const struct thag_span *span,
			   struct thag_span_stack *stack, uint32_t index, uint64_t now);
void thag_chunk_tree_entered(struct thag_chunk_tree *tree, const struct thag_span *span,
			     uint64_t now);
void thag_chunk_tree_ending(struct thag_chunk_tree *tree, struct thag_span_stack *stack);
void thag_chunk_tree_ended(struct thag_chunk_tree *tree, const struct thag_span_stack *stack,
			   uint64_t now);

/** Keeps when a node's longest call began. */
void thag_chunk_tree_set_start(struct thag_chunk_tree *tree, uint32_t node, uint64_t start);

/** Time up to `now` goes to the frame on top. */
static inline void thag_chunk_tree_book(struct thag_chunk_tree *tree, uint64_t now)
{
	uint64_t end = now < tree->to ? now : tree->to;

	if (end > tree->booked) {
		tree->tree.nodes[tree->top].total += end - tree->booked;
		tree->booked = end;
	}
}

static inline void thag_chunk_tree_opened(struct thag_chunk_tree *tree,
					  const struct thag_span *span, uint64_t now)
{
	struct thag_span_frame *frame = &span->stack->frames[span->stack->depth];

	thag_chunk_tree_book(tree, now);
	frame->node = thag_tree_child(&tree->tree, tree->top, frame->site);
	tree->top = frame->node;
}

static inline void thag_chunk_tree_count(struct thag_chunk_tree *tree,
					 const struct thag_span_stack *stack,
					 const struct thag_span_frame *frame, uint64_t now)
{
	uint64_t ran = thag_span_ran(stack, frame, now);
	const struct thag_node *node = &tree->tree.nodes[frame->node];

	if (now < tree->from || now >= tree->to)
		return;
	if (__builtin_expect(ran > node->max || node->calls == 0, 0))
		thag_chunk_tree_set_start(tree, frame->node, frame->start);
	thag_tree_add_call(&tree->tree, frame->node, ran, 0);
}

static inline void thag_chunk_tree_closed(struct thag_chunk_tree *tree,
					  const struct thag_span *span,
					  const struct thag_span_stack *stack, uint32_t index,
					  uint64_t now)
{
	const struct thag_span_frame *frame = &stack->frames[index];
	uint32_t below = frame[-1].node;

	thag_chunk_tree_book(tree, now);
	if (frame->node != below)
		thag_chunk_tree_count(tree, stack, frame, now);
	if (stack == span->stack && index == stack->depth)
		tree->top = below;
}

#endif
