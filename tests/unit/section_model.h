/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What frames and sections mean, said as simply as can be: between two events, time goes to the
 * stack as it stands; a section that ends leaves the stack, wherever in it; an exit closes its
 * frame and all above. A call counts once, with its whole duration, where it was when it ended.
 */
#ifndef SECTION_MODEL_H
#define SECTION_MODEL_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag_tree.h"

#define MODEL_DEPTH 64
#define MODEL_STACKS (1 << 17) /* places; most stay free */

struct model_stack {
	uint32_t sites[MODEL_DEPTH];
	uint32_t depth; /* 0: a free place */
	uint64_t self, calls, min, max;
};

struct model_frame {
	uint32_t site; /* 0: it has ended, but keeps its index */
	uint64_t since;
};

struct section_model {
	struct model_stack *stacks;
	struct model_frame frames[MODEL_DEPTH];
	uint32_t depth;
	uint64_t now;
	uint64_t open_ticks; /* during which anything was open */
	uint64_t unmatched;
};

static inline void model_init(struct section_model *model, uint64_t now)
{
	*model = (struct section_model){ .now = now };
	model->stacks = calloc(MODEL_STACKS, sizeof(*model->stacks));
	cr_assert(model->stacks);
}

static inline void model_fini(struct section_model *model)
{
	free(model->stacks);
}

static inline struct model_stack *model_find(struct section_model *model, const uint32_t *sites,
					     uint32_t depth)
{
	uint32_t at = depth, looked = 0;

	for (uint32_t i = 0; i < depth; i++)
		at = (at ^ sites[i]) * 2654435761u;
	for (;; at++) {
		struct model_stack *stack = &model->stacks[at % MODEL_STACKS];

		cr_assert_lt(looked++, MODEL_STACKS);
		if (stack->depth == 0) {
			stack->depth = depth;
			memcpy(stack->sites, sites, depth * sizeof(*sites));
			stack->min = UINT64_MAX;
			return stack;
		}
		if (stack->depth == depth &&
		    memcmp(stack->sites, sites, depth * sizeof(*sites)) == 0)
			return stack;
	}
}

/* The stack as it stands, up to the frame `top`; NULL when nothing is open there. */
static inline struct model_stack *model_below(struct section_model *model, uint32_t top)
{
	uint32_t sites[MODEL_DEPTH], depth = 0;

	for (uint32_t i = 0; i < top; i++)
		if (model->frames[i].site)
			sites[depth++] = model->frames[i].site;
	return depth ? model_find(model, sites, depth) : NULL;
}

static inline void model_pass(struct section_model *model, uint64_t now)
{
	struct model_stack *stack = model_below(model, model->depth);

	if (stack) {
		stack->self += now - model->now;
		model->open_ticks += now - model->now;
	}
	model->now = now;
}

static inline void model_open(struct section_model *model, uint32_t site)
{
	cr_assert_lt(model->depth, MODEL_DEPTH);
	model->frames[model->depth++] = (struct model_frame){ site, model->now };
}

static inline void model_count(struct section_model *model, uint32_t index)
{
	struct model_stack *stack = model_below(model, index + 1);
	uint64_t duration = model->now - model->frames[index].since;

	if (model->frames[index].site == 0)
		return;
	stack->calls++;
	stack->min = duration < stack->min ? duration : stack->min;
	stack->max = duration > stack->max ? duration : stack->max;
}

static inline void model_exit(struct section_model *model, uint32_t index)
{
	while (model->depth > index)
		model_count(model, --model->depth);
}

static inline void model_end(struct section_model *model, uint32_t index)
{
	if (index >= model->depth) {
		model->unmatched++;
		return;
	}
	model_count(model, index);
	model->frames[index].site = 0;
	if (index + 1 == model->depth)
		model->depth--;
}

/** All that the tree says, node by node, is what the model says; and the model says no more. */
static inline void model_compare(struct section_model *model, const struct thag_tree *tree)
{
	uint64_t sum = 0, model_calls = 0, tree_calls = 0;

	for (uint32_t n = 1; n < tree->count; n++) {
		const struct thag_node *node = &tree->nodes[n];
		uint32_t sites[MODEL_DEPTH], depth = 0;
		uint64_t self = node->total;

		for (uint32_t i = n; i != THAG_TREE_ROOT; i = tree->nodes[i].parent)
			depth++;
		for (uint32_t i = n, at = depth; at; i = tree->nodes[i].parent)
			sites[--at] = tree->nodes[i].site;
		for (uint32_t i = node->first_child; i; i = tree->nodes[i].next_sibling)
			self -= tree->nodes[i].total;

		const struct model_stack *stack = model_find(model, sites, depth);

		cr_assert_eq(self, stack->self);
		cr_assert_eq(node->calls, stack->calls);
		cr_assert_eq(node->min, stack->min);
		cr_assert_eq(node->max, stack->max);
		sum += self;
		tree_calls += node->calls;
	}
	for (uint32_t i = 0; i < MODEL_STACKS; i++)
		model_calls += model->stacks[i].calls;
	cr_assert_eq(tree_calls, model_calls);
	cr_assert_eq(sum, model->open_ticks, "no tick is lost or counted twice");
}

#endif
