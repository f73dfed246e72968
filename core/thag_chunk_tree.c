/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk_tree_visit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int thag_chunk_tree_init(struct thag_chunk_tree *tree)
{
	*tree = (struct thag_chunk_tree){ 0 };
	return thag_tree_init(&tree->tree, THAG_CHUNK_TREE_NODES_MAX);
}

void thag_chunk_tree_fini(struct thag_chunk_tree *tree)
{
	thag_tree_fini(&tree->tree);
	free(tree->starts);
	*tree = (struct thag_chunk_tree){ 0 };
}

void thag_chunk_tree_clear(struct thag_chunk_tree *tree)
{
	thag_tree_clear(&tree->tree);
	tree->error = 0;
}

void thag_chunk_tree_set_start(struct thag_chunk_tree *tree, uint32_t node, uint64_t start)
{
	if (node >= tree->start_capacity) {
		uint32_t capacity = tree->tree.capacity;
		uint64_t *grown = reallocarray(tree->starts, capacity, sizeof(*grown));

		if (!grown) {
			tree->error = -ENOMEM;
			return;
		}
		memset(grown + tree->start_capacity, 0,
		       (capacity - tree->start_capacity) * sizeof(*grown));
		tree->starts = grown;
		tree->start_capacity = capacity;
	}
	tree->starts[node] = start;
}

void thag_chunk_tree_begin(struct thag_chunk_tree *tree, const struct thag_chunk_raw *raw,
			   uint64_t from, uint64_t to)
{
	tree->from = from;
	tree->to = to;
	tree->booked = raw->head.base_ticks > from ? raw->head.base_ticks : from;
	tree->thread = tree->top = THAG_TREE_ROOT;
}

/* Finds the nodes of a stack's frames, below those of the thread that runs it. */
static void attach(struct thag_chunk_tree *tree, struct thag_span_stack *stack)
{
	uint32_t node = tree->thread;

	if (stack->root == tree->thread)
		return;
	stack->root = tree->thread;
	if (stack->task)
		node = thag_tree_child(&tree->tree, node, stack->site);
	stack->frames[0].node = node;
	for (uint32_t i = 1; i <= stack->depth; i++) {
		if (!(stack->frames[i].flags & THAG_SPAN_ENDED))
			node = thag_tree_child(&tree->tree, node, stack->frames[i].site);
		stack->frames[i].node = node;
	}
}

void thag_chunk_tree_entered(struct thag_chunk_tree *tree, const struct thag_span *span,
			     uint64_t now)
{
	tree->thread = thag_tree_child(&tree->tree, THAG_TREE_ROOT, span->tid);
	attach(tree, span->stack);
	tree->top = span->stack->frames[span->stack->depth].node;
	if (now > tree->booked)
		tree->booked = now;
}

/* As move_above in thag_thread.c. */
void thag_chunk_tree_moved(struct thag_chunk_tree *tree, const struct thag_span *span,
			   struct thag_span_stack *stack, uint32_t index, uint64_t now)
{
	struct thag_span_frame *frames = stack->frames;
	uint32_t old_below = frames[index].node;

	thag_chunk_tree_book(tree, now);
	frames[index].node = frames[index - 1].node;
	for (uint32_t i = index + 1; i <= stack->depth; i++) {
		uint32_t old = frames[i].node;

		frames[i].node = old == old_below ? frames[i - 1].node
						  : thag_tree_child(&tree->tree, frames[i - 1].node,
								    frames[i].site);
		old_below = old;
	}
	if (stack == span->stack)
		tree->top = frames[stack->depth].node;
}

void thag_chunk_tree_ending(struct thag_chunk_tree *tree, struct thag_span_stack *stack)
{
	attach(tree, stack);
}

void thag_chunk_tree_ended(struct thag_chunk_tree *tree, const struct thag_span_stack *stack,
			   uint64_t now)
{
	if (stack->frames[0].node != tree->thread)
		thag_chunk_tree_count(tree, stack, &stack->frames[0], now);
}

/* Totals are those of self times, from the leaves up; that of a thread is of its calls alone. */
void thag_chunk_tree_end(struct thag_chunk_tree *tree, const struct thag_span *span)
{
	struct thag_node *nodes = tree->tree.nodes;

	if (span->has_thread)
		thag_chunk_tree_book(tree, span->ticks);
	for (uint32_t i = 1; i < tree->tree.count; i++)
		if (nodes[i].parent == THAG_TREE_ROOT)
			nodes[i].total = 0;
	nodes[THAG_TREE_ROOT].total = 0;
	for (uint32_t i = tree->tree.count - 1; i > 0; i--)
		nodes[nodes[i].parent].total += nodes[i].total;
	if (tree->error == 0)
		tree->error = span->error;
}

static void opened(void *context, struct thag_span *span, uint64_t now)
{
	thag_chunk_tree_opened(context, span, now);
}

static void closed(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint32_t index, enum thag_span_end how, uint64_t now)
{
	(void)how;
	thag_chunk_tree_closed(context, span, stack, index, now);
}

static void moved(void *context, struct thag_span *span, struct thag_span_stack *stack,
		  uint32_t index, uint64_t now)
{
	thag_chunk_tree_moved(context, span, stack, index, now);
}

static void left(void *context, struct thag_span *span, uint64_t now)
{
	(void)span;
	thag_chunk_tree_book(context, now);
}

static void entered(void *context, struct thag_span *span, uint64_t now)
{
	thag_chunk_tree_entered(context, span, now);
}

static void ending(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint64_t now)
{
	(void)span;
	(void)now;
	thag_chunk_tree_ending(context, stack);
}

static void ended(void *context, struct thag_span *span, struct thag_span_stack *stack,
		  uint64_t now)
{
	(void)span;
	thag_chunk_tree_ended(context, stack, now);
}

int thag_chunk_tree_add(struct thag_chunk_tree *tree, const struct thag_chunk_raw *raw,
			uint64_t from, uint64_t to)
{
	static const struct thag_span_visitor visitor = { .opened = opened,
							  .closed = closed,
							  .moved = moved,
							  .left = left,
							  .entered = entered,
							  .ending = ending,
							  .ended = ended };
	struct thag_span span;

	thag_chunk_tree_begin(tree, raw, from, to);
	if (thag_span_begin(&span, raw, &visitor, tree) == 0)
		thag_span_run(&span, &visitor, to);
	thag_chunk_tree_end(tree, &span);
	thag_span_fini(&span);
	return tree->error;
}
