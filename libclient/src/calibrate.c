/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What does recording one call cost? Measured with the emit path itself, on a ring of our own.
 *
 * `inside` is the time between the two clock reads of an empty call; the whole is the difference
 * between a loop of recorded empty calls and one of plain ones; the rest is `outside`. Each is
 * the least over several rounds: what disturbs a round only adds to it.
 */
#include "functions.h"
#include "internal.h"

#include <sys/mman.h>

#define CALLS 256
#define ROUNDS 24

struct scratch {
	struct thag_producer *producer;
	uint64_t *words;
};

static __attribute__((noinline)) void plain_call(void)
{
	__asm__ volatile("");
}

static __attribute__((noinline)) void recorded_call(struct thag_site *site)
{
	/* the fast side would ask whether recording is on, and it isn't yet */
	uint32_t index = thag_process.slow_clock
				 ? thag_open_cold(thag_this_producer, site->word, UINTPTR_MAX)
				 : thag_open(site);

	__asm__ volatile("");
	thag_close(index);
}

static void record_call(struct thag_site *site)
{
	/* by the slow clock a hook costs hardly more than a mark */
	if (thag_functions_sample && !thag_process.slow_clock)
		thag_functions_sample();
	else
		recorded_call(site);
}

static void *map_private(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void rewind_scratch(struct thag_producer *producer)
{
	producer->head = (uint64_t)THAG_RING_WORDS << 32 | THAG_RING_WORDS;
	producer->limit = thag_process.slow_clock ? 0 : UINT64_MAX;
	producer->time_high = (uint32_t)(thag_clock_now() >> 32);
}

/* Ticks, the least of all rounds. */
struct least {
	uint64_t recorded, plain; /* of CALLS */
	uint64_t inside;	  /* between the clock reads, of CALLS together */
	uint64_t call;		  /* likewise of one */
};

static void keep_least(uint64_t *least, uint64_t ticks)
{
	if (ticks < *least)
		*least = ticks;
}

static void look_inside(const uint64_t *words, struct least *least)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + 1 < 2 * CALLS; i += 2) {
		uint64_t ticks = thag_word_time(words[i + 1]) - thag_word_time(words[i]);

		sum += ticks;
		keep_least(&least->call, ticks);
	}
	keep_least(&least->inside, sum);
}

static void measure(const struct scratch *scratch, struct least *least)
{
	struct thag_site site = { .word = (uint32_t)THAG_WORD(THAG_KIND_ENTER, THAG_SITE_FIRST) };
	uint64_t start;

	rewind_scratch(scratch->producer);
	start = thag_clock_now();
	for (uint32_t i = 0; i < CALLS; i++)
		record_call(&site);
	keep_least(&least->recorded, thag_clock_now() - start);
	start = thag_clock_now();
	for (uint32_t i = 0; i < CALLS; i++)
		plain_call();
	keep_least(&least->plain, thag_clock_now() - start);
	look_inside(scratch->words, least);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * What is taken off must not be more than was there, or short calls and their callers vanish:
 * inside, no more than any call took; outside, what calls took together without what they took
 * inside. Of a clock that moves in steps a single call may have taken nothing: then it is the mean.
 */
static void conclude(const struct least *least, uint32_t *inside, uint32_t *outside)
{
	uint64_t whole = least->recorded > least->plain ? least->recorded - least->plain : 0;
	uint64_t between = smaller(least->inside, whole);

	*outside = (uint32_t)((whole - between) * 256 / CALLS);
	*inside = (uint32_t)(least->call ? smaller(least->call * 256, between * 256 / CALLS)
					 : between * 256 / CALLS);
}

static void run(const struct scratch *scratch, uint32_t *inside, uint32_t *outside)
{
	static const struct thag_shm_consumer all_read = { .tail = THAG_RING_WORDS };
	struct least least = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	struct thag_producer *before = thag_this_producer;

	/* the slow clock looks for room at every call */
	thag_process.consumers = &all_read;
	scratch->producer->words = scratch->words;
	thag_cold(scratch->producer)->live = 1;
	thag_this_producer = scratch->producer;
	for (uint32_t i = 0; i < ROUNDS; i++)
		measure(scratch, &least);
	thag_this_producer = before;
	thag_process.consumers = NULL;
	conclude(&least, inside, outside);
}

void thag_calibrate(uint32_t *inside, uint32_t *outside)
{
	struct scratch scratch;

	*inside = *outside = 0;
	scratch.producer = map_private(thag_producer_bytes());
	scratch.words = map_private(THAG_RING_BYTES);
	if (scratch.producer && scratch.words)
		run(&scratch, inside, outside);
	if (scratch.producer)
		munmap(scratch.producer, thag_producer_bytes());
	if (scratch.words)
		munmap(scratch.words, THAG_RING_BYTES);
}
