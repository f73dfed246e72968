/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which words come out for what a program does with its memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector.h"
#include "heap_words.h"
#include "thag.h"

/* What a program says it did, in memory that it shares with its test. */
static struct heap_words *words;

static void *volatile kept;

static void each_entry_point(void *argument)
{
	void *block = NULL;

	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	kept = malloc(10);
	free(kept);
	kept = calloc(3, 11);
	free(kept);
	cr_assert_eq(posix_memalign(&block, 64, 12), 0);
	free(block);
	kept = aligned_alloc(32, 64);
	free(kept);
	kept = memalign(32, 13);
	free(kept);
	kept = valloc(14);
	free(kept);
	kept = pvalloc(15);
	free(kept);
	kept = strdup("fifteen bytes..");
	free(kept);
	free(NULL);
	_exit(0);
}

Test(heap_emit, says_every_entry_point)
{
	static const uint64_t sizes[] = { 10, 33, 12, 64, 13, 14, 15, 16 };
	struct collector *collector = collector_start();
	uint64_t last = 0;

	cr_assert_eq(collector_run(collector, each_entry_point, NULL), 0);
	words = heap_words_read(collector, 0);
	cr_assert_eq(words->count, 16);
	for (size_t i = 0; i < 16; i++) {
		const struct heap_event *event = &words->events[i];

		cr_expect_eq(event->kind, i % 2 ? HEAP_FREE : HEAP_ALLOC);
		cr_expect_eq(event->trace, 0);
		cr_expect_gt(event->ticks, last);
		last = event->ticks;
		if (i % 2)
			cr_expect_eq(event->address, words->events[i - 1].address);
		else
			cr_expect_eq(event->size, sizes[i / 2], "%zu: %llu", i,
				     (unsigned long long)event->size);
	}
	heap_words_destroy(words);
	collector_stop(collector);
}
