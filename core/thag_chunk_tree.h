/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a chunk adds to the call trees of a session, and what many chunks do together.
 *
 * A tree whose root has a child for each thread that wrote in the chunk, by thread id; below that
 * everything is as in the thread's own tree (thag_thread.h): calls where they ended, in the chunk,
 * each with its whole duration; totals of the time that the chunk lasted, of what its frames were
 * open then. So the trees of all chunks of a ring, added up, are those that thag_stream.h makes of
 * the same words. How long tasks waited is not kept.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_CHUNK_TREE_H
#define THAG_CHUNK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_chunk.h"
#include "thag_tree.h"

#define THAG_CHUNK_TREE_NODES_MAX (UINT32_C(1) << 20)

/** Make it with thag_chunk_tree_init. */
struct thag_chunk_tree {
	struct thag_tree tree;
	uint64_t *starts; /* by node: when its longest call began */
	uint32_t start_capacity;
	int error; /* -ENOMEM: some is missing */
	/* while words are added */
	uint64_t from, to; /* ticks: only what happened there counts, the end exclusive */
	uint64_t booked;   /* up to here time was given to nodes */
	uint32_t thread;   /* node of the one that writes */
	uint32_t top;	   /* node of the frame on top */
};

/** 0 or -ENOMEM. */
int thag_chunk_tree_init(struct thag_chunk_tree *tree);
void thag_chunk_tree_fini(struct thag_chunk_tree *tree);

/** Forgets everything, and keeps the memory. */
void thag_chunk_tree_clear(struct thag_chunk_tree *tree);

/**
 * Adds what happened in a chunk from `from` to `to` (ticks, the end exclusive; 0 and UINT64_MAX:
 * all) to a tree that is empty. 0 or -ENOMEM.
 */
int thag_chunk_tree_add(struct thag_chunk_tree *tree, const struct thag_chunk_raw *raw,
			uint64_t from, uint64_t to);

/** Appends the stored form. 0 or -ENOMEM. */
int thag_chunk_tree_encode(const struct thag_chunk_tree *tree, struct thag_buffer *out);

/** Adds a stored form, of a chunk of that level. 0, -ENOMEM, or -EBADMSG: some was added. */
int thag_chunk_tree_merge(struct thag_chunk_tree *tree, uint32_t level, const uint8_t *data,
			  size_t bytes);

/** A part of what a stored form has: so many 2^32nds of it. */
#define THAG_CHUNK_TREE_WHOLE (UINT64_C(1) << 32)

/** A thread's tree; NULL: it is left out. */
typedef struct thag_tree *thag_chunk_tree_of_fn(void *context, uint32_t tid);

/**
 * Adds a stored form to the trees of its threads, or `share` of it, in proportion. 0, -ENOMEM, or
 * -EBADMSG: some was added.
 */
int thag_chunk_tree_give(const uint8_t *data, size_t bytes, uint32_t level, uint64_t share,
			 thag_chunk_tree_of_fn *tree_of, void *context);

/** A node of a stored form. */
struct thag_chunk_node {
	uint32_t parent; /* index; of the root THAG_TREE_NONE */
	uint32_t site;	 /* of a child of the root a thread's id */
	struct thag_tree_calls calls;
	uint64_t max_start; /* when the longest call began */
};

/** Called for each node but the root, parents first; `index` counts from 1. Not 0: no more. */
typedef int thag_chunk_node_fn(void *context, uint32_t index, const struct thag_chunk_node *node);

/** Reads a stored form. 0, -EBADMSG, or what `each` returned that isn't 0. */
int thag_chunk_tree_read(const uint8_t *data, size_t bytes, uint32_t level,
			 thag_chunk_node_fn *each, void *context);

#endif
