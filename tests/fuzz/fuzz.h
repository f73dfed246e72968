/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/** Whether allocations fail; of replay.c, libFuzzer has none fail. */
__attribute__((weak)) bool memory_is_short(void);

static inline bool is_short(void)
{
	return memory_is_short && memory_is_short();
}

static inline void check(int holds)
{
	if (!holds)
		abort();
}

/** Memory of the target's own: there is some. */
static inline void *take(size_t bytes)
{
	void *block = malloc(bytes ? bytes : 1);

	check(block != NULL);
	return block;
}

/** Whether what returned `ret` was done; it may not be for want of memory alone. */
static inline bool is_done(int ret)
{
	check(ret == 0 || (ret == -ENOMEM && is_short()));
	return ret == 0;
}

#endif
