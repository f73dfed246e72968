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

/*
 * Queries.
 */
#define RINGS 4
#define QUERIES 1000
#define TREE_QUERIES 40
#define COLUMNS 1920
#define ROWS 64
/* as thagd asks */
#define WORDS_MAX (UINT64_C(1) << 17)
#define SLICES_MAX 10000

struct samples {
	double values[QUERIES];
	size_t count;
};

static void add_sample(struct samples *samples, double value)
{
	samples->values[samples->count++] = value;
}

static void print_samples(const char *what, struct samples *samples)
{
	double *values = samples->values;

	printf("%s p50 %.3f p99 %.3f max %.3f\n", what, quantile(values, samples->count, 500),
	       quantile(values, samples->count, 990), quantile(values, samples->count, 1000));
}

/* Chunks of four threads in turn, made and added; prints what an event of that costs. */
static void fill_timeline(struct thag_timeline *timeline, uint64_t events)
{
	const struct mode *program = &modes[sizeof(modes) / sizeof(modes[0]) - 1];
	struct thag_chunk_maker *maker;
	struct worker workers[RINGS];
	uint64_t ns[2] = { 0 }, made = 0, times[3];

	if (thag_chunk_maker_create(&maker) != 0)
		abort();
	for (uint32_t i = 0; i < RINGS; i++)
		begin_worker(&workers[i], i);
	for (uint32_t i = 0; made < events; i = (i + 1) % RINGS, made += THAG_CHUNK_WORDS) {
		struct thag_chunk chunk = { 0 };

		fill_chunk(&workers[i], program);
		times[0] = now_ns();
		if (thag_chunk_make(maker, &chunk, &workers[i].raw) != 0)
			abort();
		times[1] = now_ns();
		if (thag_timeline_add(timeline, &chunk, 0) != 0)
			abort();
		times[2] = now_ns();
		ns[0] += times[1] - times[0];
		ns[1] += times[2] - times[1];
	}
	for (uint32_t i = 0; i < RINGS; i++)
		end_worker(&workers[i]);
	thag_chunk_maker_destroy(maker);
	printf("make %.2f ns an event, add %.2f\n", (double)ns[0] / (double)made,
	       (double)ns[1] / (double)made);
}

/* Some part of all there is, of any length: the short ones as often as the long ones. */
static void choose_window(struct worker *random, const struct thag_timeline_facts *facts,
			  uint64_t *from, uint64_t *to)
{
	uint64_t all = facts->last_ticks - facts->first_ticks;
	uint64_t length = all >> next_random(random) % 16;

	length -= (uint64_t)((double)length / 2 * (next_random(random) % 1024) / 1024);
	*from = facts->first_ticks +
		(uint64_t)((double)(all - length) * (next_random(random) % 65536) / 65536);
	*to = *from + length + 1;
}

static void measure_views(struct thag_timeline *timeline, struct worker *random,
			  const struct thag_timeline_facts *facts)
{
	struct thag_view_lane lanes[RINGS];
	struct samples times = { .count = 0 }, bytes = { .count = 0 }, coarse = { .count = 0 };
	struct thag_buffer out = { 0 };
	struct thag_view view = { 0 };
	uint64_t start;

	for (uint32_t i = 0; i < RINGS; i++)
		lanes[i] = (struct thag_view_lane){ i, THAG_LANE_OWN, 0, ROWS / RINGS };
	for (int i = 0; i < QUERIES; i++) {
		struct thag_view_query query = { .columns = COLUMNS,
						 .lane_count = RINGS,
						 .lanes = lanes,
						 .words_max = WORDS_MAX,
						 .slices_max = SLICES_MAX };

		choose_window(random, facts, &query.from, &query.to);
		out.bytes = 0;
		start = now_ns();
		if (thag_timeline_view(timeline, &query, &view) != 0 ||
		    thag_view_write(&view, &out) != 0)
			abort();
		add_sample(&times, (double)(now_ns() - start) / 1e6);
		add_sample(&bytes, (double)out.bytes / 1024);
		add_sample(&coarse, view.words >= WORDS_MAX - THAG_CHUNK_WORDS);
	}
	print_samples("view ms", &times);
	print_samples("view KiB", &bytes);
	print_samples("view with all the words it may decode", &coarse);
	thag_view_fini(&view);
	thag_buffer_fini(&out);
}

static struct thag_tree *tree_of(void *context, uint32_t tid)
{
	(void)tid;
	return context;
}

static void measure_ranges(struct thag_timeline *timeline, struct worker *random,
			   const struct thag_timeline_facts *facts)
{
	struct samples trees = { .count = 0 }, slowest = { .count = 0 };
	struct thag_range_facts range;
	struct thag_tree tree;
	uint64_t start;

	for (int i = 0; i < TREE_QUERIES; i++) {
		struct thag_slow_call calls[20];
		struct thag_range_query query = { .tree = tree_of, .context = &tree };
		struct thag_slowest_query slow = { .site = 10 + (uint32_t)i, .count = 20 };
		uint32_t found;

		choose_window(random, facts, &query.from, &query.to);
		if (thag_tree_init(&tree, 1 << 20) != 0)
			abort();
		thag_tree_pool_durations(&tree); /* as thagd asks */
		start = now_ns();
		if (thag_timeline_tree(timeline, &query, &range) != 0)
			abort();
		thag_tree_place_durations(&tree);
		add_sample(&trees, (double)(now_ns() - start) / 1e6);
		thag_tree_fini(&tree);
		slow.from = query.from;
		slow.to = query.to;
		start = now_ns();
		if (thag_timeline_slowest(timeline, &slow, calls, &found) != 0)
			abort();
		add_sample(&slowest, (double)(now_ns() - start) / 1e6);
	}
	print_samples("tree ms", &trees);
	print_samples("slowest ms", &slowest);
}

static int run_queries(uint64_t events, uint64_t budget_bytes)
{
	struct thag_timeline_options options = { .budget_bytes = budget_bytes };
	struct worker random = { .random = 1 };
	struct thag_timeline_facts facts;
	struct thag_timeline *timeline;

	if (thag_timeline_create(&timeline, &options) != 0)
		abort();
	fill_timeline(timeline, events);
	thag_timeline_facts(timeline, &facts);
	printf("timeline of %.1f M events: %.1f MiB, %.2f bytes an event; whole %.0f %%\n",
	       (double)facts.events / 1e6, (double)facts.bytes / (1 << 20),
	       (double)facts.bytes / (double)facts.events,
	       100 - 100 * (double)facts.dropped_words / (double)facts.words);
	measure_views(timeline, &random, &facts);
	measure_ranges(timeline, &random, &facts);
	thag_timeline_destroy(timeline);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "chunks") == 0) {
		for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
			run_chunks(&modes[i]);
		return 0;
	}
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "queries") == 0)
		return run_queries(strtoull(argv[2], NULL, 10),
				   argc == 4 ? strtoull(argv[3], NULL, 10) << 20 : 0);
	fprintf(stderr, "usage: bench_timeline chunks | queries EVENTS [BUDGET_MIB]\n");
	return 2;
}
