/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A naive model of profiles for tests: random programs run on a fake clock, and each tick is
 * booked on the stack it passes on, as text. Trees get the same calls the way a decoder does.
 */
#ifndef PROFILE_MODEL_H
#define PROFILE_MODEL_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_profile.h"

#define MODEL_NAMES 7
#define MODEL_SITES 21 /* three of each name */
#define MODEL_DEPTH 9
#define MODEL_STACKS 20000
#define MODEL_DURATIONS 100000

static const char *const model_names[MODEL_NAMES] = {
	"main", "a", "a1", "Parse token", "parse", "z::operator()", "\xc3\xa9tat",
};

struct model_stack {
	char text[160]; /* names joined with ';' */
	uint64_t self, calls, min, max;
};

struct model_function {
	uint64_t calls, self, total, min, max;
	uint64_t *durations;
};

struct model {
	struct model_stack *stacks;
	size_t stack_count;
	struct model_function functions[MODEL_NAMES];
	uint64_t seed;
};

static inline uint64_t model_random(struct model *model)
{
	model->seed ^= model->seed << 13;
	model->seed ^= model->seed >> 7;
	model->seed ^= model->seed << 17;
	return model->seed;
}

static inline void model_init(struct model *model, uint64_t seed)
{
	*model = (struct model){ .seed = seed * 2654435761u + 88172645463325252u };
	model->stacks = calloc(MODEL_STACKS, sizeof(*model->stacks));
	for (int i = 0; i < MODEL_NAMES; i++)
		model->functions[i].durations = calloc(MODEL_DURATIONS, sizeof(uint64_t));
}

static inline void model_fini(struct model *model)
{
	for (int i = 0; i < MODEL_NAMES; i++)
		free(model->functions[i].durations);
	free(model->stacks);
}

static inline struct model_stack *model_stack(struct model *model, const char *text)
{
	for (size_t i = 0; i < model->stack_count; i++)
		if (strcmp(model->stacks[i].text, text) == 0)
			return &model->stacks[i];
	cr_assert(model->stack_count < MODEL_STACKS);
	struct model_stack *stack = &model->stacks[model->stack_count++];

	snprintf(stack->text, sizeof(stack->text), "%s", text);
	return stack;
}

static inline struct model_stack *model_stack_of(struct model *model, const int *sites, int depth)
{
	char text[160] = "";

	for (int i = 0; i < depth; i++) {
		strcat(text, i ? ";" : "");
		strcat(text, model_names[sites[i] % MODEL_NAMES]);
	}
	return model_stack(model, text);
}

/** `ticks` pass while these sites are open. */
static inline void model_pass(struct model *model, const int *sites, int depth, uint64_t ticks)
{
	if (depth == 0)
		return;
	model_stack_of(model, sites, depth)->self += ticks;
	model->functions[sites[depth - 1] % MODEL_NAMES].self += ticks;
	for (int name = 0; name < MODEL_NAMES; name++)
		for (int i = 0; i < depth; i++)
			if (sites[i] % MODEL_NAMES == name) {
				model->functions[name].total += ticks;
				break;
			}
}

static inline void model_count(uint64_t *calls, uint64_t *min, uint64_t *max, uint64_t duration)
{
	*min = *calls == 0 || duration < *min ? duration : *min;
	*max = duration > *max ? duration : *max;
	++*calls;
}

/** The innermost of these sites returns after `duration`. */
static inline void model_return(struct model *model, const int *sites, int depth, uint64_t duration)
{
	struct model_stack *stack = model_stack_of(model, sites, depth);
	struct model_function *function = &model->functions[sites[depth - 1] % MODEL_NAMES];

	model_count(&stack->calls, &stack->min, &stack->max, duration);
	cr_assert(function->calls < MODEL_DURATIONS);
	function->durations[function->calls] = duration;
	model_count(&function->calls, &function->min, &function->max, duration);
}

/** Runs a thread of about `events` events, into the model and into `tree`. */
static inline void model_run(struct model *model, struct thag_tree *tree, int events)
{
	int sites[MODEL_DEPTH];
	uint32_t nodes[MODEL_DEPTH + 1] = { THAG_TREE_ROOT };
	uint64_t starts[MODEL_DEPTH], now = 1000;
	int depth = 0;

	cr_assert_eq(thag_tree_init(tree, 1000000), 0);
	while (events-- > 0 || depth > 0) {
		uint64_t ticks = model_random(model) % (1u << model_random(model) % 20);

		model_pass(model, sites, depth, ticks);
		now += ticks;
		if (depth < MODEL_DEPTH && events > 0 && model_random(model) % 9 < 5) {
			sites[depth] = (int)(model_random(model) % MODEL_SITES);
			nodes[depth + 1] = thag_tree_child(
				tree, nodes[depth], THAG_SITE_FIRST + (uint32_t)sites[depth]);
			starts[depth++] = now;
		} else if (depth > 0) {
			uint64_t duration = now - starts[depth - 1];

			thag_tree_add_call(tree, nodes[depth], duration, duration);
			model_return(model, sites, depth--, duration);
		}
	}
}

static inline struct thag_names *model_make_names(void)
{
	struct thag_names *names;

	cr_assert_eq(thag_names_create(&names), 0);
	for (uint32_t i = 0; i < MODEL_SITES; i++) {
		const char *name = model_names[i % MODEL_NAMES];
		char file[32];
		int bytes = snprintf(file, sizeof(file), "file%u.c", i);

		cr_assert_eq(thag_names_put(names, THAG_SITE_FIRST + i, THAG_SITE_FUNCTION, name,
					    strlen(name), file, (size_t)bytes, 100 + i),
			     0);
	}
	return names;
}

/** A finished profile of `threads` random threads, and their model. */
static inline struct thag_profile *model_profile(struct model *model, uint64_t seed, int threads,
						 int events, const struct thag_scale *scale)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;

	model_init(model, seed);
	cr_assert_eq(thag_profile_create(&profile, "program"), 0);
	for (int i = 0; i < threads; i++) {
		struct thag_tree tree;

		model_run(model, &tree, events);
		cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
		thag_tree_fini(&tree);
	}
	thag_names_destroy(names);
	cr_assert_eq(thag_profile_finish(profile, scale), 0);
	return profile;
}

/** The stack of a profile's node as the model writes it; "" for the root. */
static inline void model_text(const struct thag_profile *profile, uint32_t node, char *text)
{
	uint32_t path[MODEL_DEPTH + 1], count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	size_t bytes;
	int depth = 0;

	text[0] = '\0';
	for (; node; node = nodes[node].parent)
		path[depth++] = node;
	while (depth-- > 0) {
		strcat(text, thag_profile_name(profile, nodes[path[depth]].name, &bytes));
		strcat(text, depth ? ";" : "");
	}
}

#define MODEL_RAW ((struct thag_scale){ .ns_per_tick = 1, .raw = true })

#endif
