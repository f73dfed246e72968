/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_timeline: what it costs to keep the words of a program as its timeline, and to ask it. On
 * one thread, without a program beside it; times are of its processor, not of a clock on the wall.
 *
 *   bench_timeline chunks          a line a workload: "MODE encode|decode|summary NS_AN_EVENT", and
 *                                  "MODE bytes" with the bytes an event of the words as they are
 *                                  encoded, of those by zstd at level 1, of tree and slices, and of
 *                                  those by zstd
 *   bench_timeline queries EVENTS [BUDGET_MIB]
 *                                  a timeline of so many events of four threads: what it takes in
 *                                  memory, "view" by time and bytes, p50 and p99 and most, at 1920
 *                                  columns and 64 rows; "tree" and "slowest" over any range
 *
 * An event is a word here, as in bench_drain.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "thag_chunk_private.h"
#include "thag_stream.h"
#include "thag_timeline.h"
#include "thag/words.h"

#define ROUNDS 15
#define SITES 400
#define DEPTH_MAX 32

/* A thread of a program that never ends. */
struct worker {
	struct thag_chunk_raw raw;
	uint64_t random;
	uint64_t ticks;
	uint64_t pos;
	uint32_t depth;
	uint32_t sites[DEPTH_MAX];
	uint64_t starts[DEPTH_MAX];
	uint64_t steps;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t next_random(struct worker *worker)
{
	worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(worker->random >> 33);
}

static void put(struct worker *worker, enum thag_kind kind, uint32_t arg)
{
	struct thag_chunk_head *head = &worker->raw.head;

	worker->raw.words[head->words++] = THAG_WORD(kind, arg) |
					   worker->ticks << THAG_WORD_TIME_SHIFT |
					   (worker->pos & THAG_WORD_PHASE);
	worker->pos++;
}

static void enter(struct worker *worker, uint32_t site)
{
	worker->sites[worker->depth] = site;
	worker->starts[worker->depth++] = worker->ticks;
	put(worker, THAG_KIND_ENTER, site);
}

static void leave(struct worker *worker)
{
	put(worker, THAG_KIND_EXIT, --worker->depth);
}

/* Calls that last some hundred ticks, a few of them much longer. */
static void pass(struct worker *worker)
{
	uint32_t random = next_random(worker);

	worker->ticks += 20 + random % 256;
	if (random % 1024 < 100)
		worker->ticks += next_random(worker) % 4096;
	if (random % (1 << 20) < 400)
		worker->ticks += next_random(worker) % (1 << 18);
}

static void step_flat(struct worker *worker)
{
	pass(worker);
	if (worker->depth)
		leave(worker);
	else
		enter(worker, 10 + (uint32_t)(worker->steps++ % 8));
}

static void step_nested(struct worker *worker)
{
	uint32_t at = (uint32_t)(worker->steps++ % 16);

	pass(worker);
	if (at < 8)
		enter(worker, 10 + at);
	else
		leave(worker);
}

static void step_random(struct worker *worker)
{
	pass(worker);
	if (worker->depth)
		leave(worker);
	else
		enter(worker, 10 + next_random(worker) % 4000);
}

/*
 * A program of some hundred functions: each calls four others, one of them mostly; about ten calls
 * deep.
 */
static void step_program(struct worker *worker)
{
	uint32_t random = next_random(worker), which = random % 128;
	uint32_t caller = worker->depth ? worker->sites[worker->depth - 1] : 10;
	uint32_t wanted = worker->depth < 6 ? 900 : worker->depth < 12 ? 520 : 200;

	pass(worker);
	if (worker->depth && (worker->depth == 24 || (random >> 8 & 1023) >= wanted)) {
		leave(worker);
		return;
	}
	which = which < 100 ? 0 : which < 122 ? 1 : which < 127 ? 2 : 3;
	enter(worker, 10 + (caller * 7 + which * 31 + 1) % SITES);
}

struct mode {
	const char *name;
	void (*step)(struct worker *worker);
};

static const struct mode modes[] = { { "flat", step_flat },
				     { "nested", step_nested },
				     { "random", step_random },
				     { "program", step_program } };

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void begin_worker(struct worker *worker, uint32_t ring)
{
	*worker = (struct worker){ .random = ring + 1, .ticks = 1000, .pos = THAG_RING_WORDS };
	worker->raw.words = need(malloc(THAG_CHUNK_WORDS * sizeof(uint64_t)));
	worker->raw.head.ring = ring;
}

/* What is open where the next chunk begins. */
static void open_chunk(struct worker *worker)
{
	struct thag_chunk_head *head = &worker->raw.head;
	struct thag_openings *openings = &worker->raw.openings;
	struct thag_opening_stack stack = { .count = worker->depth };

	*head = (struct thag_chunk_head){ .first_pos = worker->pos,
					  .base_ticks = worker->ticks,
					  .ring = head->ring,
					  .tid = head->ring + 100,
					  .flags = THAG_CHUNK_THREAD };
	thag_openings_clear(openings);
	if (thag_buffer_append(&openings->stacks, &stack, sizeof(stack)) != 0)
		abort();
	for (uint32_t i = 0; i < worker->depth; i++) {
		struct thag_opening frame = { .start_ticks = worker->starts[i],
					      .ran_ticks = worker->ticks - worker->starts[i],
					      .site = worker->sites[i] };

		if (thag_buffer_append(&openings->frames, &frame, sizeof(frame)) != 0)
			abort();
	}
}

static void fill_chunk(struct worker *worker, const struct mode *mode)
{
	open_chunk(worker);
	while (worker->raw.head.words < THAG_CHUNK_WORDS)
		mode->step(worker);
}

static void end_worker(struct worker *worker)
{
	free(worker->raw.words);
	thag_openings_fini(&worker->raw.openings);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Of sorted values the one below which so many of a thousand lie. */
static double quantile(double *values, size_t count, size_t permille)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(count - 1) * permille / 1000];
}

/*
 * Chunks.
 */
static double packed_bytes(const struct thag_buffer *part)
{
#ifdef HAVE_ZSTD
	static uint8_t out[1 << 23];
	size_t bytes = ZSTD_compress(out, sizeof(out), part->data, part->bytes, 1);

	return ZSTD_isError(bytes) ? 0 : (double)bytes;
#else
	return (double)part->bytes;
#endif
}

/* What decoding and counting the same words costs without keeping them. */
static double stream_ns(const struct worker *worker)
{
	static struct thag_thread thread;
	struct thag_stream stream = { .thread = &thread,
				      .last_ticks = worker->raw.head.base_ticks };
	uint64_t start;

	if (!thread.stack && thag_thread_init(&thread, 1, 1 << 20) != 0)
		abort();
	start = now_ns();
	thag_stream_feed(&stream, worker->raw.words, worker->raw.head.words);
	return (double)(now_ns() - start) / THAG_CHUNK_WORDS;
}

struct costs {
	struct thag_chunk_maker *maker;
	struct thag_buffer memory;
	double stream[ROUNDS], encode[ROUNDS], decode[ROUNDS], summary[ROUNDS];
	double part[2];
	double words, packed_words, summaries, packed_summaries;
};

static void measure_chunk(struct worker *worker, struct costs *costs, int round)
{
	static uint64_t words[THAG_CHUNK_WORDS];
	struct thag_chunk chunk = { 0 };
	struct thag_chunk_raw raw;
	uint64_t times[4] = { now_ns() };

	if (thag_chunk_encode_with(&costs->memory, &chunk, &worker->raw) != 0)
		abort();
	times[1] = now_ns();
	if (thag_chunk_decode(&raw, &chunk, words) != 0)
		abort();
	thag_chunk_fini(&chunk);
	times[2] = now_ns();
	if (thag_chunk_make(costs->maker, &chunk, &worker->raw) != 0)
		abort();
	times[3] = now_ns();
	costs->encode[round] = (double)(times[1] - times[0]) / THAG_CHUNK_WORDS;
	costs->decode[round] = (double)(times[2] - times[1]) / THAG_CHUNK_WORDS;
	costs->summary[round] =
		(double)(times[3] - times[2]) / THAG_CHUNK_WORDS - costs->encode[round];
	thag_openings_fini(&raw.openings);
	costs->words += (double)chunk.parts[THAG_PART_WORDS].bytes;
	costs->packed_words += packed_bytes(&chunk.parts[THAG_PART_WORDS]);
	for (uint32_t i = THAG_PART_TREE; i <= THAG_PART_SLICES; i++) {
		costs->part[i - THAG_PART_TREE] += (double)chunk.parts[i].bytes;
		costs->summaries += (double)chunk.parts[i].bytes;
		costs->packed_summaries += packed_bytes(&chunk.parts[i]);
	}
	thag_chunk_fini(&chunk);
}

static void run_chunks(const struct mode *mode)
{
	const double events = (double)ROUNDS * THAG_CHUNK_WORDS;
	struct worker worker;
	struct costs costs = { 0 };

	begin_worker(&worker, 0);
	if (thag_chunk_maker_create(&costs.maker) != 0)
		abort();
	for (int round = 0; round < ROUNDS; round++) {
		fill_chunk(&worker, mode);
		costs.stream[round] = stream_ns(&worker);
		measure_chunk(&worker, &costs, round);
	}
	printf("%s stream %.2f\n", mode->name, quantile(costs.stream, ROUNDS, 500));
	printf("%s encode %.2f\n", mode->name, quantile(costs.encode, ROUNDS, 500));
	printf("%s decode %.2f\n", mode->name, quantile(costs.decode, ROUNDS, 500));
	printf("%s summary %.2f\n", mode->name, quantile(costs.summary, ROUNDS, 500));
	printf("%s parts %.2f %.2f\n", mode->name, costs.part[0] / events, costs.part[1] / events);
	printf("%s bytes %.2f %.2f %.2f %.2f\n", mode->name, costs.words / events,
	       costs.packed_words / events, costs.summaries / events,
	       costs.packed_summaries / events);
	thag_chunk_maker_destroy(costs.maker);
	thag_buffer_fini(&costs.memory);
	end_worker(&worker);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "chunks") == 0) {
		for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
			run_chunks(&modes[i]);
		return 0;
	}
	fprintf(stderr, "usage: bench_timeline chunks | queries EVENTS [BUDGET_MIB]\n");
	return 2;
}
