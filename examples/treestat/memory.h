/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory that is always there: when there is none, the program says so and ends. */
#ifndef TREESTAT_MEMORY_H
#define TREESTAT_MEMORY_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static inline void *memory_checked(void *memory)
{
	if (!memory) {
		fputs("treestat: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

static inline void *memory_resize(void *memory, size_t bytes)
{
	return memory_checked(realloc(memory, bytes));
}

static inline void *memory_zeroed(size_t count, size_t bytes)
{
	return memory_checked(calloc(count, bytes));
}

#endif
