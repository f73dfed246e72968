/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_stacks.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_profile_private.h"

struct thag_stacks {
	struct thag_profile *profile;
	uint64_t value, calls; /* of all that was added */
	uint32_t most;	       /* nodes */
};

int thag_stacks_create(struct thag_stacks **out, const char *root_name)
{
	struct thag_stacks *stacks = calloc(1, sizeof(*stacks));
	int ret = stacks ? thag_profile_create(&stacks->profile, root_name) : -ENOMEM;

	if (ret) {
		free(stacks);
		return ret;
	}
	stacks->most = UINT32_MAX / 2;
	/* no single call is */
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
	free(stacks);
}

int thag_stacks_child(struct thag_stacks *stacks, uint32_t parent, const char *name, size_t bytes,
		      uint32_t *node)
{
	struct thag_profile *profile = stacks->profile;
	uint32_t function;
	int ret = thag_profile_put_function(profile, name, bytes, &function);

	/* room for a new one, though it may be there already */
	if (!ret && profile->count == profile->capacity)
		ret = thag_profile_reserve(profile, profile->count + 1);
	if (ret)
		return ret;
	uint32_t *child = thag_pairs_at(&profile->children, parent, function);

	if (*child == 0 && profile->count >= stacks->most)
		return -E2BIG;
	if (*child == 0)
		*child = thag_profile_add_node(profile, parent, function);
	*node = *child;
	return 0;
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
