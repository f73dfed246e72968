/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A copy of a thread's tree while its ring goes on being read. It is taken in slices, and the
 * drain threads are held up for one slice at a time, however big the tree is: held up for a
 * whole one of 100,000 nodes they would let a ring run full.
 *
 * Slices differ in age by some ms. Children are copied before their parents, so that no node has
 * less time than its children together; once the program has ended the copy is exact.
 *
 * Thread: any.
 */
#ifndef THAG_COPY_H
#define THAG_COPY_H

#include "session.h"

/** All zero is empty. */
struct thag_copy {
	struct thag_tree tree;	/* to read only: without its hash table and lists of children */
	struct thag_open *open; /* frames that are open; their time so far is in the tree */
	size_t open_count;
};

/** Copies a pinned member of the session. 0 or -ENOMEM; after that thag_copy_fini frees it. */
int thag_copy_take(struct thag_copy *copy, struct thag_session *session,
		   const struct thag_member *member);

void thag_copy_fini(struct thag_copy *copy);

#endif
