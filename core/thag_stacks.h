/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile made of stacks that come one by one, as a file of another tool has them: each a path
 * from the root down, with a value (time, bytes, samples) and a number of calls for its end.
 *
 * Memory is that of the distinct stacks, however many are added.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_STACKS_H
#define THAG_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "thag_profile.h"

#define THAG_STACKS_ROOT 0 /* the node that every stack begins at */

struct thag_stacks;

/** `root_name`: what the root frame is called. 0 or -ENOMEM. */
int thag_stacks_create(struct thag_stacks **out, const char *root_name);
void thag_stacks_destroy(struct thag_stacks *stacks);

/**
 * The node of the stack that goes on from that of `parent` with a frame of that name, any bytes.
 * 0; -ENOMEM; or -E2BIG when it would be one more than thag_stacks_limit allows. After an error
 * the stacks can only be destroyed.
 */
int thag_stacks_child(struct thag_stacks *stacks, uint32_t parent, const char *name, size_t bytes,
		      uint32_t *node);

/** The node above that one; the root's is the root. */
uint32_t thag_stacks_parent(const struct thag_stacks *stacks, uint32_t node);

/** Distinct stacks that may be made; 0, as at first: as many as there is memory for. */
void thag_stacks_limit(struct thag_stacks *stacks, uint32_t most);

/** So many there are. */
uint32_t thag_stacks_count(const struct thag_stacks *stacks);

/** Adds to what ends at `node`. 0, or -EOVERFLOW when all values have no room in 64 bits. */
int thag_stacks_add(struct thag_stacks *stacks, uint32_t node, uint64_t value, uint64_t calls);

/** Says where the function of `node` is, if that isn't known yet. 0 or -ENOMEM. */
int thag_stacks_describe(struct thag_stacks *stacks, uint32_t node, const char *file, size_t bytes,
			 uint32_t line);

/**
 * Makes the finished profile, which the caller destroys, its self times the values; and leaves
 * `stacks` empty, to be destroyed only. 0 or -ENOMEM.
 */
int thag_stacks_finish(struct thag_stacks *stacks, struct thag_profile **out);

#endif
