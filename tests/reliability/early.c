/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that is wanted before a program, or thag, is ready. GREEDY: a dlsym that allocates, far
 * more than any does. PLUGIN: a library whose variables of a thread are allocated when they are
 * first used. Else a library that allocates while the loader still works.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#if defined(GREEDY)

typedef void *look_up(void *handle, const char *name);

static void take(void)
{
	char *kept = NULL, *large;

	for (size_t size = 1; size < 16000; size += 7) {
		free(kept);
		kept = calloc(size, 1);
		if (kept)
			memset(kept, 1, size);
	}
	kept = realloc(kept, 20000);
	free(kept);
	large = calloc(1, (size_t)8 << 20);
	free(large);
}

void *dlsym(void *handle, const char *name)
{
	static look_up *real;
	static int busy;

	if (!real)
		real = (look_up *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
	if (!busy) {
		busy = 1;
		take();
		busy = 0;
	}
	return real(handle, name); /* a jump: whoever called us is looked at */
}

#elif defined(PLUGIN)

static __thread char own[5000];

int plugin_entry(int value);

int plugin_entry(int value)
{
	own[value]++;
	return own[value];
}

#else

void *early_blocks[3];

static int one(void)
{
	return 1;
}

static int (*resolve(void))(void)
{
	early_blocks[0] = realloc(malloc(100), 2000);
	early_blocks[1] = calloc(3, 5);
	free(malloc(7));
	return one;
}

int early_answer(void) __attribute__((ifunc("resolve")));

#endif
