/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Changes to a source as a unified patch, that `patch -p1` and `git apply` take.
 *
 * Thread: any. Allocates.
 */
#ifndef THAG_INSTRUMENT_PATCH_H
#define THAG_INSTRUMENT_PATCH_H

#include <stddef.h>

#include "edits.h"

/**
 * Appends the patch that makes `source` what `edits`, which are sorted, make of it; nothing when
 * there are none. `path` is what the file is called, without a leading `/`. 0 or -ENOMEM.
 */
int thag_patch_append(struct thag_buffer *out, const char *path, const char *source, size_t bytes,
		      const struct thag_edits *edits);

#endif
