/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_trace [THOUSANDS]: what taking a native stack costs, over what the calls themselves do,
 * beside libunwind's unw_backtrace, which keeps none of what it finds; processor time, the best of
 * 15 rounds. Needs a thagd.
 */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"
#include "thag.h"
#include "trace.h"

#define NOINLINE __attribute__((noinline, noclone))
#define ROUNDS 15

static volatile uint32_t sink;

static NOINLINE void leaf_none(void)
{
	__asm__ volatile("");
}

static NOINLINE void leaf_thag(void)
{
	struct thag_trace_start start = THAG_TRACE_START();

	sink = thag_trace_take(&start);
}

static NOINLINE void leaf_libunwind(void)
{
	void *frames[1024];

	sink = (uint32_t)unw_backtrace(frames, 1024);
}

/* Calls itself from one of two places, as the lowest bit says. */
static NOINLINE long descend(uint32_t depth, uint64_t bits, void (*leaf)(void))
{
	long result;

	if (depth == 0) {
		leaf();
		return 1;
	}
	if (bits & 1) {
		result = descend(depth - 1, bits >> 1, leaf);
		__asm__ volatile("" : "+r"(result));
		return result + 1;
	}
	result = descend(depth - 1, bits >> 1, leaf);
	__asm__ volatile("" : "+r"(result));
	return result + 2;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct changes {
	const char *text;
	uint32_t bits;	   /* how many call sites change */
	bool at_innermost; /* which ones: else the outermost */
};

static double time_one(uint32_t depth, const struct changes *changes, uint64_t count,
		       void (*leaf)(void))
{
	uint64_t mask = (UINT64_C(1) << changes->bits) - 1, begin, number = 0;
	uint32_t shift = changes->at_innermost ? depth - changes->bits : 0;
	double best = 1e30;

	/* beyond 64 places deep only the outermost can change */
	shift = shift > 63 ? 63 : shift;
	for (int round = 0; round < ROUNDS; round++) {
		begin = now_ns();
		for (uint64_t i = 0; i < count; i++, number += UINT64_C(0x9e3779b97f4a7c15))
			descend(depth, (number >> 20 & mask) << shift, leaf);
		double ns = (double)(now_ns() - begin) / (double)count;

		best = ns < best ? ns : best;
	}
	return best;
}

static uint32_t depth_of(uint32_t id)
{
	const struct thag_shm_trace *traces =
		(const void *)((const uint8_t *)thag_process.header + THAG_SHM_TRACES_OFFSET);
	uint32_t depth = 0;

	for (; id; id = traces[id].parent)
		depth++;
	return depth;
}

static void measure(uint32_t depth, const struct changes *changes, uint64_t count)
{
	double none = time_one(depth, changes, count, leaf_none);
	double thag = time_one(depth, changes, count, leaf_thag);
	uint32_t frames = depth_of(sink);
	double libunwind = time_one(depth, changes, count, leaf_libunwind);

	printf("%4u frames, %-36s %8.1f ns   (unw_backtrace %.1f ns)\n", frames, changes->text,
	       thag - none, libunwind - none);
}

int main(int argc, char **argv)
{
	static const struct changes changes[] = {
		{ "always the same", 0, true },
		{ "64 stacks, the innermost change", 6, true },
		{ "64 stacks, the outermost change", 6, false },
	};
	/* main, what called it, and what it calls count, too */
	static const uint32_t depths[] = { 6, 44, 94 };
	static const struct changes fresh = { "most of them new", 40, false };
	uint64_t count = (argc > 1 ? strtoull(argv[1], NULL, 10) : 50) * 1000;

	if (thag_enable(THAG_MEMORY) != 0 || !thag_thread_attach())
		return 1;
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t j = 0; j < 3; j++)
			if (depths[i] < 64 || !changes[j].at_innermost || changes[j].bits == 0)
				measure(depths[i], &changes[j], count);
	measure(44, &fresh, 1000);
	printf("%u entries, %u lost\n", thag_process.header->trace_count,
	       thag_process.header->lost_traces);
	return 0;
}
