/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Allocates twelve blocks of 100 bytes, and forgets two. */
#include <stdlib.h>

#ifdef MARKED
#include <thag.h>
#else
#define THAG_ENABLE_PROFILING(mode)
#define THAG_PROFILED()
#endif

static void make(void **blocks, int count)
{
	THAG_PROFILED();
	for (int i = 0; i < count; i++)
		blocks[i] = malloc(100);
}

int main(void)
{
	THAG_ENABLE_PROFILING(memory);
	void *volatile blocks[12];

	make((void **)blocks, 12);
	for (int i = 0; i < 10; i++)
		free(blocks[i]);
	return 0;
}
