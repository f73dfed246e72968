/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Profiles in speedscope's file format, https://www.speedscope.app/file-format-schema.json: each
 * "sampled", a sample for each stack that has something itself, which is its weight. As in folded
 * stacks the root, and what it has itself, is left out.
 *
 * The text is written as it grows, without a tree of JSON. Names can't break out of it.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_SPEEDSCOPE_H
#define THAG_SPEEDSCOPE_H

#include <stdint.h>

#include "thag_buffer.h"
#include "thag_profile.h"
#include "thag_strings.h"

/**
 * Each sample has its stack whole, so that deep ones take room by the square of their depth. When
 * a profile's might take more than what is left of this, what lies below some level has
 * THAG_FOLDED_DEEPER for what goes on there.
 */
#define THAG_SPEEDSCOPE_BYTES_MAX THAG_FOLDED_BYTES_MAX

struct thag_speedscope_frame;

/** A file that is being written. */
struct thag_speedscope {
	struct thag_buffer *out;
	size_t start; /* of the file in it */
	struct thag_strings names;
	struct thag_strings files;
	struct thag_speedscope_frame *frames; /* by name */
	uint32_t capacity;
	uint32_t profiles;
};

/** Begins a file at the end of `out`. 0 or -ENOMEM; either way thag_speedscope_end must follow. */
int thag_speedscope_begin(struct thag_speedscope *scope, struct thag_buffer *out);

/** Adds a finished profile, called `title`: any bytes. 0 or -ENOMEM. */
int thag_speedscope_add(struct thag_speedscope *scope, const struct thag_profile *profile,
			const char *title, size_t title_bytes);

/**
 * Ends the file, called `name`, or with `ret` < 0 takes back what was written of it. Returns `ret`,
 * or -ENOMEM.
 */
int thag_speedscope_end(struct thag_speedscope *scope, const char *name, int ret);

#endif
