/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How deep the stacks of a file are that has each of them whole, so that their room grows by the
 * square of their depth: as many levels as fit, and what lies below stands there as one frame,
 * THAG_FOLDED_DEEPER.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_DEEP_H
#define THAG_DEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_profile.h"

/** What the format's parts take, at most. */
struct thag_deep_costs {
	uint64_t room;		    /* bytes for all of the profile */
	uint64_t stack_bytes;	    /* of a stack beside its frames */
	uint64_t frame_bytes;	    /* of a frame beside its name */
	const uint32_t *name_bytes; /* of a name, by number; NULL: frames have none */
	bool with_calls;	    /* stacks with calls but nothing themselves are written, too */
};

struct thag_deep {
	uint32_t depth_max;
	uint32_t *shown; /* by node: itself, or what is above it at the last level; NULL: itself */
};

/** 0 or -ENOMEM with nothing to be freed. `profile` is finished. */
int thag_deep_init(struct thag_deep *deep, const struct thag_profile *profile,
		   const struct thag_deep_costs *costs);
void thag_deep_fini(struct thag_deep *deep);

/** Whether a stack is written for that node, not the root. */
static inline bool thag_deep_has(const struct thag_profile_node *node, bool with_calls)
{
	return node->self_ns || (with_calls && node->calls);
}

/** Where the stack of `node` ends that is written; another node: THAG_FOLDED_DEEPER is below. */
static inline uint32_t thag_deep_shown(const struct thag_deep *deep, uint32_t node)
{
	return deep->shown ? deep->shown[node] : node;
}

#endif
