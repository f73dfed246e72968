/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile as bytes and back: proto/thag/profile.h. What comes back is equal in every number that
 * a profile tells, but lifetimes and places of memory.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_PROFILE_STORE_H
#define THAG_PROFILE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_profile.h"

/**
 * Appends a finished profile; durations are there where it keeps them by path. `flags`: of enum
 * thag_frame_flags, passed on. 0, or -ENOMEM with nothing appended.
 */
int thag_profile_store(const struct thag_profile *profile, uint32_t flags, struct thag_buffer *out);

/** What is beside the profile. */
struct thag_stored_facts {
	uint32_t metric; /* enum thag_metric */
	uint32_t flags;	 /* enum thag_frame_flags */
};

/**
 * Makes a finished profile of all `bytes` bytes at `data`, aligned to 8, which may be anything; it
 * doesn't refer to them. The caller destroys it. 0, -EBADMSG when they are no profile, or -ENOMEM.
 */
int thag_profile_load(struct thag_profile **out, const void *data, size_t bytes,
		      struct thag_stored_facts *facts);

#endif
