/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

/**
 * The first child that a node got, by its function. Most nodes never get another: only those that
 * others have are in the table of pairs, which takes a look into memory that is nowhere near.
 */
struct first {
	uint32_t node; /* 0: it has none */
	uint32_t function;
};

struct thag_stacks {
	struct thag_profile *profile;
	struct first *firsts;  /* by node */
	uint32_t capacity;     /* of them */
	uint64_t value, calls; /* of all that was added */
	uint32_t most;	       /* nodes */
};

/** Makes room for one more node. 0 or -ENOMEM. */
static int reserve(struct thag_stacks *stacks)
{
	struct thag_profile *profile = stacks->profile;
	struct first *grown;

	if (profile->count == profile->capacity) {
		int ret = thag_profile_reserve(profile, profile->count + 1);

		if (ret)
			return ret;
	}
	if (stacks->capacity == profile->capacity)
		return 0;
	grown = reallocarray(stacks->firsts, profile->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	stacks->firsts = grown;
	stacks->capacity = profile->capacity;
	return 0;
}

int thag_stacks_create(struct thag_stacks **out, const char *root_name)
{
	struct thag_stacks *stacks = calloc(1, sizeof(*stacks));
	int ret = stacks ? thag_profile_create(&stacks->profile, root_name) : -ENOMEM;

	if (!ret)
		ret = reserve(stacks);
	if (ret) {
		thag_stacks_destroy(stacks);
		return ret;
	}
	stacks->firsts[THAG_STACKS_ROOT].node = 0;
	stacks->most = UINT32_MAX / 2;
	/* no single call is timed */
	stacks->profile->untimed = true;
	free(stacks->profile->measures);
	stacks->profile->measures = NULL;
	*out = stacks;
	return 0;
}

void thag_stacks_destroy(struct thag_stacks *stacks)
{
	if (!stacks)
		return;
	thag_profile_destroy(stacks->profile);
	free(stacks->firsts);
	free(stacks);
}

static int add_child(struct thag_stacks *stacks, uint32_t parent, uint32_t function, uint32_t *node)
{
	if (stacks->profile->count >= stacks->most)
		return -E2BIG;
	*node = thag_profile_add_node(stacks->profile, parent, function);
	stacks->firsts[*node].node = 0;
	return 0;
}

/** A child that isn't the first. */
static int find_child(struct thag_stacks *stacks, uint32_t parent, uint32_t function,
		      uint32_t *node)
{
	struct thag_pairs *others = &stacks->profile->children;
	int ret = thag_pairs_reserve(others, others->count + 1);

	if (ret)
		return ret;
	uint32_t *child = thag_pairs_at(others, parent, function);

	if (*child == 0)
		ret = add_child(stacks, parent, function, child);
	if (!ret)
		*node = *child;
	return ret;
}

int thag_stacks_child(struct thag_stacks *stacks, uint32_t parent, const char *name, size_t bytes,
		      uint32_t *node)
{
	uint32_t function;
	int ret = thag_profile_put_function(stacks->profile, name, bytes, &function);

	/* room for a new one, though it may be there already */
	if (!ret)
		ret = reserve(stacks);
	if (ret)
		return ret;
	struct first *first = &stacks->firsts[parent];

	if (first->node && first->function != function)
		return find_child(stacks, parent, function, node);
	if (!first->node) {
		ret = add_child(stacks, parent, function, &first->node);
		first->function = function;
	}
	if (!ret)
		*node = first->node;
	return ret;
}

uint32_t thag_stacks_parent(const struct thag_stacks *stacks, uint32_t node)
{
	return node == THAG_STACKS_ROOT ? node : stacks->profile->nodes[node].parent;
}

void thag_stacks_limit(struct thag_stacks *stacks, uint32_t most)
{
	stacks->most = most && most < UINT32_MAX / 2 ? most + 1 : UINT32_MAX / 2;
}

uint32_t thag_stacks_count(const struct thag_stacks *stacks)
{
	return stacks->profile->count - 1;
}

int thag_stacks_add(struct thag_stacks *stacks, uint32_t node, uint64_t value, uint64_t calls)
{
	if (value > UINT64_MAX - stacks->value || calls > UINT64_MAX - stacks->calls)
		return -EOVERFLOW;
	stacks->value += value;
	stacks->calls += calls;
	stacks->profile->nodes[node].self_ns += value;
	stacks->profile->nodes[node].calls += calls;
	return 0;
}

int thag_stacks_describe(struct thag_stacks *stacks, uint32_t node, const char *file, size_t bytes,
			 uint32_t line)
{
	struct thag_profile *profile = stacks->profile;
	const struct thag_name name = { .file = file, .file_bytes = (uint32_t)bytes, .line = line };

	return thag_profile_describe(profile, profile->nodes[node].name, 0, &name);
}

int thag_stacks_finish(struct thag_stacks *stacks, struct thag_profile **out)
{
	int ret = thag_profile_arrange(stacks->profile);

	if (ret)
		return ret;
	*out = stacks->profile;
	stacks->profile = NULL;
	return 0;
}
