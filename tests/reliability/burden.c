/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * burden THREADS PATHS SITES BLOCKS [HOLD]: makes thagd keep as much as it can: THREADS threads
 * call by PATHS paths each, of 16 calls; then there are SITES sections with a long name of their
 * own, and BLOCKS blocks, each by a path of its own, stay live. Prints how many calls it made.
 * HOLD: then waits for the end of its input.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "thag.h"

#define DEPTH 16
#define NAME_BYTES 80

static unsigned long paths, sites, blocks;
static void **kept;

static void left(unsigned long path, int depth);

static __attribute__((noinline)) void right(unsigned long path, int depth)
{
	THAG_PROFILED();
	if (depth)
		(path & 1 ? left : right)(path >> 1, depth - 1);
	else if (path)
		kept[path - 1] = malloc(16);
}

static __attribute__((noinline)) void left(unsigned long path, int depth)
{
	THAG_PROFILED();
	if (depth)
		(path & 1 ? left : right)(path >> 1, depth - 1);
	else if (path)
		kept[path - 1] = malloc(16);
}

static void *work(void *context)
{
	THAG_PROFILED();
	for (unsigned long i = 0; i < paths; i++)
		right(i & 0x3fff, DEPTH - 2);
	return context;
}

static void name_sites(void)
{
	THAG_PROFILED();
	struct thag_site *all = calloc(sites + 1, sizeof(*all));
	char *names = malloc(sites * NAME_BYTES + 1);

	for (unsigned long i = 0; i < sites; i++) {
		char *name = names + i * NAME_BYTES;

		snprintf(name, NAME_BYTES,
			 "a section with quite a long name of its own, number %lu", i);
		all[i] = (struct thag_site){ 0,	   THAG_SITE_SECTION, THAG_BOTH, 0, __LINE__, 0,
					     name, __FILE__ };
		struct thag_section section = thag_section_begin(&all[i]);

		thag_section_end(&section);
	}
}

static void keep_blocks(void)
{
	THAG_PROFILED();
	kept = calloc(blocks + 1, sizeof(*kept));
	for (unsigned long i = 0; i < blocks; i++)
		right((i + 1) << 14 | (i & 0x3fff), DEPTH - 2);
}

int main(int argc, char **argv)
{
	unsigned long threads = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;
	pthread_t ids[64];

	if (threads < 1 || threads > 64) {
		fprintf(stderr, "usage: burden THREADS PATHS SITES BLOCKS [HOLD]\n");
		return 2;
	}
	paths = strtoul(argv[2], NULL, 10);
	sites = strtoul(argv[3], NULL, 10);
	blocks = strtoul(argv[4], NULL, 10);
	THAG_ENABLE_PROFILING(both);
	for (unsigned long i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, work, NULL);
	for (unsigned long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	name_sites();
	keep_blocks();
	printf("%lu\n", 3 + sites + threads + (threads * paths + blocks) * (DEPTH - 1));
	fflush(stdout);
	if (argc > 5)
		getchar();
	return 0;
}
