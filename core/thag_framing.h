/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The outside of a binary message of proto/thag/frames.h: header, strings, and which names a
 * search finds. The writers put what lies between.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_FRAMING_H
#define THAG_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_profile.h"

/** Once so many bytes of strings are in a message, further ones are cut to THAG_FRAMING_SHORT. */
#define THAG_FRAMING_STRINGS_MAX (UINT32_C(4) << 20)
#define THAG_FRAMING_SHORT 64

/** Where a string lies in the message's string area. */
struct thag_framing_place {
	uint32_t offset;
	uint32_t bytes; /* 0: not put there yet, or empty */
};

struct thag_framing {
	const struct thag_profile *profile;
	struct thag_buffer *out;
	size_t start; /* of the message in `out` */
	struct thag_buffer strings;
	struct thag_framing_place *names; /* by number of the profile's names */
	struct thag_framing_place *files; /* by number of the profile's files */
	bool *matches;			  /* by number of the profile's names */
	struct thag_frame_header header;
};

/**
 * Begins a message with room for its header. `search` may be NULL. 0 or -ENOMEM; either way
 * thag_framing_end must follow.
 */
int thag_framing_begin(struct thag_framing *framing, const struct thag_profile *profile,
		       enum thag_frame_type type, const char *search,
		       const struct thag_frame_facts *facts, struct thag_buffer *out);

/** Puts a name or a file, once, and tells where. 0 or -ENOMEM. */
int thag_framing_put_name(struct thag_framing *framing, uint32_t name, uint32_t *offset,
			  uint32_t *bytes);
int thag_framing_put_file(struct thag_framing *framing, uint32_t file, uint32_t *offset,
			  uint32_t *bytes);

/**
 * Ends a message of `count` nodes or rows, or with `ret` < 0 takes back what was written of it.
 * Returns `ret`, or -ENOMEM.
 */
int thag_framing_end(struct thag_framing *framing, uint32_t count, int ret);

#endif
