/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes to a source: bytes that go, bytes that come. All other bytes stay what they are.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_INSTRUMENT_EDITS_H
#define THAG_INSTRUMENT_EDITS_H

#include <stddef.h>

#include "thag_buffer.h"

struct thag_edit {
	size_t at;	/* in the source */
	size_t removed; /* so many of its bytes */
	size_t text_at; /* in the edits' text */
	size_t text_bytes;
};

/** All zero is valid and empty. */
struct thag_edits {
	struct thag_edit *list;
	size_t count;
	size_t capacity;
	struct thag_buffer text;
};

void thag_edits_fini(struct thag_edits *edits);

/**
 * Adds the change of `removed` bytes at `at` to `text`. Changes mustn't overlap; of two at the same
 * place the first added comes first. 0 or -ENOMEM.
 */
int thag_edits_add(struct thag_edits *edits, size_t at, size_t removed, const char *text,
		   size_t bytes);

/** Puts them into the order of their places. */
void thag_edits_sort(struct thag_edits *edits);

/** Appends `source` with the changes, which are sorted. 0 or -ENOMEM. */
int thag_edits_apply(const struct thag_edits *edits, const char *source, size_t bytes,
		     struct thag_buffer *out);

#endif
