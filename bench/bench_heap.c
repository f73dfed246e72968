/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_heap MODE [PAIRS [PAUSE_MS]]: what a malloc + free pair costs over glibc's own, which the
 * same process calls by its other name. In slices of PAIRS (60,000: a ring has room for them),
 * after each of which thagd has PAUSE_MS (20) to read on: nothing here waits for it. Modes: off;
 * flat: a block of 16 to 520 bytes at a time; held: the same, but a thousand blocks are live; deep:
 * 10 frames deep, from 64 stacks in turn; two: flat in two threads, each for itself. Prints "MODE
 * PAIRS NS_A_PAIR GLIBC_NS ADDED_NS": medians of slices, processor time, in turn, so that a noisy
 * moment counts once.
 *
 * THAG_PROFILER says how memory is recorded. With its first letter in upper case a mode records
 * nothing by itself: for other profilers, which are preloaded.
 */
#include <ctype.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "pairs.h"
#include "thag.h"

#define KEPT 1000

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);

struct allocator {
	void *(*allocate)(size_t size);
	void (*release)(void *block);
};

static struct allocator ours = { malloc, free };
static struct allocator glibc = { __libc_malloc, __libc_free };

static size_t size_of(uint64_t pair)
{
	return 16 + pair % 64 * 8;
}

static NOINLINE void flat(const struct allocator *with, uint64_t pairs)
{
	while (pairs--)
		with->release(with->allocate(size_of(pairs)));
}

static NOINLINE void held(const struct allocator *with, uint64_t pairs)
{
	static __thread void *blocks[KEPT];

	for (uint64_t i = 0; i < pairs; i++) {
		void **block = &blocks[i * 7 % KEPT];

		with->release(*block);
		*block = with->allocate(size_of(i));
	}
	for (uint64_t i = 0; i < KEPT; i++) {
		with->release(blocks[i]);
		blocks[i] = NULL;
	}
}

static NOINLINE void at_depth(const struct allocator *with, uint64_t pair, int depth)
{
	/* two places to call from at each of six levels; neither is the last thing done */
	if (depth == 0) {
		with->release(with->allocate(size_of(pair)));
	} else if (depth <= 6 && pair >> (depth - 1) & 1) {
		at_depth(with, pair, depth - 1);
		__asm__ volatile("# one" : : : "memory");
	} else {
		at_depth(with, pair, depth - 1);
		__asm__ volatile("# the other" : : : "memory");
	}
}

static NOINLINE void deep(const struct allocator *with, uint64_t pairs)
{
	while (pairs--)
		at_depth(with, pairs, 8);
}

struct work {
	void (*run)(const struct allocator *with, uint64_t pairs);
	uint64_t pairs;
	const struct allocator *with;
};

static void *run_one(void *argument)
{
	const struct work *work = argument;

	work->run(work->with, work->pairs);
	return NULL;
}

static void two(const struct allocator *with, uint64_t pairs)
{
	struct work work = { flat, pairs / 2, with };
	pthread_t other;

	pthread_create(&other, NULL, run_one, &work);
	run_one(&work);
	pthread_join(other, NULL);
}

/* Of the processor: others run on it, too, thagd for one. */
static uint64_t used_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static double time_work(const struct work *work, const struct allocator *with)
{
	uint64_t start = used_ns();

	work->run(with, work->pairs);
	return (double)(used_ns() - start) / (double)work->pairs;
}

static int find(const char *mode, struct work *work)
{
	static const struct {
		const char *mode;
		void (*run)(const struct allocator *with, uint64_t pairs);
	} modes[] = { { "off", flat },
		      { "flat", flat },
		      { "held", held },
		      { "deep", deep },
		      { "two", two } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcasecmp(modes[i].mode, mode) == 0) {
			work->run = modes[i].run;
			return 0;
		}
	return -1;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "flat";
	double pair[SLICES], plain[SLICES];
	struct timespec pause = { 0 };
	struct work work = { 0 };

	work.pairs = argc > 2 ? strtoull(argv[2], NULL, 10) : 60000;
	pause.tv_nsec = (argc > 3 ? atoi(argv[3]) : 20) * 1000000l;
	if (find(mode, &work) != 0) {
		fprintf(stderr, "bench_heap: no mode '%s'\n", mode);
		return 2;
	}
	if (!isupper((unsigned char)mode[0]) && strcmp(mode, "off") != 0)
		THAG_ENABLE_PROFILING(runtime);
	time_work(&work, &ours); /* first use, first pages */
	for (int i = 0; i < SLICES; i++) {
		plain[i] = time_work(&work, &glibc);
		pair[i] = time_work(&work, &ours);
		nanosleep(&pause, NULL);
	}
	printf("%s %" PRIu64 " %.2f %.2f %.2f\n", mode, work.pairs * SLICES, median(pair),
	       median(plain), median(pair) - median(plain));
	return 0;
}
