/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_drain: what it costs to read, decode and count one event, on one thread, without a
 * producer beside it: words are written to a whole ring, then drained in batches as thagd does.
 * Prints "MODE EVENTS NS_AN_EVENT", the median of the rounds, for each mode named, or for all. In
 * the mode "tasks" an event is a switch: 64 tasks take turns, each with three frames open, and open
 * and close one a turn.
 *
 * In the others an event is an allocation or a free, decoded, merged and counted: "memory" by 64
 * calls, some 200 blocks live; "traces" by 64 native stacks, ten frames deep, as well; "million"
 * with that many blocks live; "rings" from eight threads at once; "deep" with stacks of the frees,
 * too.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thag_checkpoint.h"
#include "thag_ring.h"
#include "thag_stream.h"
#include "thag/words.h"

#define ROUNDS 31
#define TASKS 64
#define MARGIN 70000 /* words one step of a workload may write */

struct bench {
	uint64_t *words;
	uint64_t pos;
	uint64_t ticks;
	uint64_t random;
	uint32_t depth;
	uint64_t published;
	struct thag_ring_reader reader;
	struct thag_stream stream;
	struct thag_thread thread;
	struct thag_tasks tasks;
	uint64_t steps[TASKS];
	struct thag_shm_stack saved;
};

/* Of the processor: other work on the machine isn't counted. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t next_random(struct bench *bench)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(bench->random >> 33);
}

static void put(struct bench *bench, enum thag_kind kind, uint32_t arg)
{
	bench->ticks += 20 + next_random(bench) % 16;
	bench->words[bench->pos & THAG_RING_MASK] = THAG_WORD(kind, arg) |
						    bench->ticks << THAG_WORD_TIME_SHIFT |
						    (bench->pos & THAG_WORD_PHASE);
	bench->pos++;
}

static void enter(struct bench *bench, uint32_t site)
{
	put(bench, THAG_KIND_ENTER, site);
	bench->depth++;
}

static void leave(struct bench *bench)
{
	put(bench, THAG_KIND_EXIT, --bench->depth);
}

static void step_flat(struct bench *bench)
{
	for (uint32_t i = 0; i < 8; i++) {
		enter(bench, 10 + i);
		leave(bench);
	}
}

static void step_nested(struct bench *bench)
{
	for (uint32_t i = 0; i < 8; i++)
		enter(bench, 10 + i);
	for (uint32_t i = 0; i < 8; i++)
		leave(bench);
}

static void fib(struct bench *bench, int n)
{
	enter(bench, 10);
	if (n >= 2) {
		fib(bench, n - 1);
		fib(bench, n - 2);
	}
	leave(bench);
}

static void step_fib(struct bench *bench)
{
	fib(bench, 20);
}

static void step_random(struct bench *bench)
{
	enter(bench, 10 + next_random(bench) % 500);
	leave(bench);
}

static void put_payload(struct bench *bench, uint64_t payload)
{
	bench->words[bench->pos & THAG_RING_MASK] =
		thag_payload_pack(payload) | (bench->pos & THAG_WORD_PHASE);
	bench->pos++;
}

static void put_step(struct bench *bench, enum thag_task_op op, uint32_t task, uint32_t open)
{
	put(bench, THAG_KIND_EXT, THAG_EXT_TASK << THAG_EXT_SHIFT | op);
	put_payload(bench, UINT64_C(1) << THAG_TASK_SLOT_BITS | (task + 1));
	put_payload(bench, THAG_TASK_STEP(bench->steps[task]++, 9));
	put_payload(bench, open);
}

static void begin_tasks(struct bench *bench)
{
	for (uint32_t task = 0; task < TASKS; task++) {
		put_step(bench, THAG_TASK_CREATE, task, 0);
		put_step(bench, THAG_TASK_RUN, task, 0);
		for (uint32_t i = 0; i < 3; i++)
			put(bench, THAG_KIND_ENTER, 10 + i);
	}
}

static void step_tasks(struct bench *bench)
{
	if (bench->steps[0] == 0)
		begin_tasks(bench);
	for (uint32_t task = 0; task < TASKS; task++) {
		put_step(bench, THAG_TASK_RUN, task, 3);
		put(bench, THAG_KIND_ENTER, 20);
		put(bench, THAG_KIND_EXIT, THAG_TASK_BASE + 3);
	}
}

/* Words of a turn in the mode "tasks". */
#define TURN_WORDS 6

static uint64_t drain(struct bench *bench)
{
	static uint64_t batch[THAG_RING_BATCH];
	uint64_t all = 0;
	size_t count;

	while ((count = thag_ring_read(&bench->reader, batch, THAG_RING_BATCH))) {
		thag_stream_feed(&bench->stream, batch, count);
		thag_checkpoint_save(&bench->saved, &bench->stream, bench->reader.tail);
		thag_ring_release(&bench->reader);
		all += count;
	}
	return all;
}

static double round_ns(struct bench *bench, void (*step)(struct bench *), uint64_t *events)
{
	uint64_t first = bench->pos, start, count;

	while (bench->pos - first < THAG_RING_WORDS - MARGIN)
		step(bench);
	start = now_ns();
	count = drain(bench);
	*events += count;
	return (double)(now_ns() - start) / (double)count;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void setup(struct bench *bench)
{
	*bench = (struct bench){ .words = calloc(THAG_RING_WORDS, 8),
				 .pos = THAG_RING_WORDS,
				 .ticks = 1000,
				 .random = 1 };
	if (!bench->words || thag_thread_init(&bench->thread, 1, 1 << 20) != 0 ||
	    thag_tasks_init(&bench->tasks) != 0)
		abort();
	bench->reader = (struct thag_ring_reader){ .words = bench->words,
						   .published = &bench->published,
						   .tail = THAG_RING_WORDS };
	bench->stream = (struct thag_stream){ .thread = &bench->thread,
					      .tasks = &bench->tasks,
					      .last_ticks = 1000 };
}

/* The modes asked for: all, where none is named. */
static char **wanted;

static bool is_wanted(const char *mode)
{
	for (char **name = wanted; *name; name++)
		if (strcmp(*name, mode) == 0)
			return true;
	return !*wanted;
}

/* `words`: of what is called an event. */
static void run(const char *mode, void (*step)(struct bench *), uint64_t words)
{
	static struct bench bench;
	double rounds[ROUNDS];
	uint64_t events = 0;

	if (!is_wanted(mode))
		return;
	setup(&bench);
	for (int i = 0; i < ROUNDS; i++)
		rounds[i] = round_ns(&bench, step, &events);
	qsort(rounds, ROUNDS, sizeof(*rounds), compare);
	printf("%s %" PRIu64 " %.2f\n", mode, events / words, rounds[ROUNDS / 2] * (double)words);
	thag_tasks_fini(&bench.tasks);
	thag_thread_fini(&bench.thread);
	free(bench.words);
}

/*
 * Memory: eight rings at most, whose threads free what they allocated in any order.
 */
#define RINGS 8
#define STACKS 64
#define DEPTH 10
#define MEMORY_ROUNDS 7

struct memory_ring {
	struct bench bench;
	struct thag_heap_queue queue;
};

struct memory {
	struct memory_ring rings[RINGS];
	uint32_t ring_count;
	struct thag_heap *heap;
	uint64_t *blocks;
	uint32_t block_count;
	bool traces, free_traces;
	uint64_t ticks;
	uint64_t events;
};

/* Stack n of them ends in its own frames 1 to DEPTH of the table. */
static bool read_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	(void)context;
	*out = (struct thag_shm_trace){ .parent = trace % DEPTH == 1 ? 0 : trace - 1,
					.site = 1000 + trace % DEPTH + (trace / 100) };
	return true;
}

static void put_alloc(struct memory *memory, struct bench *bench, uint64_t address)
{
	uint32_t size = 16 + next_random(bench) % 1000;
	uint32_t trace = DEPTH * (1 + next_random(bench) % STACKS);

	memory->events++;
	if (!memory->traces) {
		put(bench, THAG_KIND_ALLOC, size);
		put_payload(bench, address);
		return;
	}
	put(bench, THAG_KIND_ALLOC, THAG_ALLOC_LONG);
	put_payload(bench, address);
	put_payload(bench, THAG_TRACE_SIZE(trace, size));
}

static void put_free(struct memory *memory, struct bench *bench, uint64_t address)
{
	memory->events++;
	put(bench, THAG_KIND_FREE, memory->free_traces ? THAG_FREE_TRACE : 0);
	put_payload(bench, address);
	if (memory->free_traces)
		put_payload(bench, DEPTH * (1 + next_random(bench) % STACKS));
}

/* A few turns on one thread: each replaces one of its blocks. */
static void step_memory(struct memory *memory, uint32_t at)
{
	struct bench *bench = &memory->rings[at].bench;

	bench->ticks = memory->ticks;
	enter(bench, 10 + next_random(bench) % 64);
	for (int i = 0; i < 8; i++) {
		uint32_t own = next_random(bench) % (memory->block_count / memory->ring_count);
		uint64_t *block = &memory->blocks[own * memory->ring_count + at];
		uint64_t index = (uint64_t)(block - memory->blocks);

		if (*block)
			put_free(memory, bench, *block);
		/* as from an allocator: not the same place each time, but one nearby */
		*block = 0x7f0000000000 + (index * 4 + next_random(bench) % 4) * 512;
		put_alloc(memory, bench, *block);
	}
	leave(bench);
	memory->ticks = bench->ticks;
}

/* Events of memory of one ring, beyond which thagd reads no more of it in a round. */
#define ROUND_MAX 4096

/*
 * As a drain thread of thagd does: some batches of each ring, then what is older than all others.
 */
static void drain_memory(struct memory *memory)
{
	static uint64_t batch[THAG_RING_BATCH];
	struct thag_heap_queue *queues[RINGS];
	uint64_t watermark;

	do {
		watermark = UINT64_MAX;
		for (uint32_t i = 0; i < memory->ring_count; i++) {
			struct bench *bench = &memory->rings[i].bench;
			const struct thag_heap_queue *queue = &memory->rings[i].queue;
			size_t count = 1, taken = 1;

			while (count && taken == count && queue->end - queue->first < ROUND_MAX) {
				count = thag_ring_read(&bench->reader, batch, THAG_RING_BATCH);
				taken = thag_stream_feed(&bench->stream, batch, count);
				bench->reader.tail -= count - taken;
				thag_ring_release(&bench->reader);
			}
			queues[i] = &memory->rings[i].queue;
			if (count && bench->stream.last_ticks < watermark)
				watermark = bench->stream.last_ticks;
		}
		thag_heap_queues_apply(memory->heap, queues, memory->ring_count, watermark);
	} while (watermark != UINT64_MAX);
}

static double memory_round_ns(struct memory *memory)
{
	uint64_t before = memory->events, start;
	uint64_t first = memory->rings[0].bench.pos;

	while (memory->rings[0].bench.pos - first < THAG_RING_WORDS - MARGIN)
		for (uint32_t i = 0; i < memory->ring_count; i++)
			step_memory(memory, i);
	start = now_ns();
	drain_memory(memory);
	return (double)(now_ns() - start) / (double)(memory->events - before);
}

static void setup_memory(struct memory *memory)
{
	const struct thag_heap_options options = { .trace = read_trace };

	memory->blocks = calloc(memory->block_count, sizeof(*memory->blocks));
	if (!memory->blocks || thag_heap_create(&memory->heap, &options) != 0)
		abort();
	memory->ticks = 1000;
	for (uint32_t i = 0; i < memory->ring_count; i++) {
		struct memory_ring *ring = &memory->rings[i];

		setup(&ring->bench);
		ring->bench.random = i + 1;
		ring->queue = (struct thag_heap_queue){ .heap = memory->heap, .ring = (uint16_t)i };
		ring->bench.stream.memory = &ring->queue;
	}
}

static void run_memory(const char *mode, struct memory with)
{
	static struct memory memory;
	double rounds[MEMORY_ROUNDS];

	if (!is_wanted(mode))
		return;
	memory = with;
	setup_memory(&memory);
	/* until nearly all blocks were allocated once */
	for (uint64_t i = 0; i < 1 + 8 * memory.block_count / THAG_RING_WORDS / with.ring_count;
	     i++)
		memory_round_ns(&memory);
	memory.events = 0;
	for (int i = 0; i < MEMORY_ROUNDS; i++)
		rounds[i] = memory_round_ns(&memory);
	qsort(rounds, MEMORY_ROUNDS, sizeof(*rounds), compare);
	printf("%s %" PRIu64 " %.2f\n", mode, memory.events, rounds[MEMORY_ROUNDS / 2]);
	for (uint32_t i = 0; i < memory.ring_count; i++) {
		struct memory_ring *ring = &memory.rings[i];

		thag_heap_queue_fini(&ring->queue);
		thag_tasks_fini(&ring->bench.tasks);
		thag_thread_fini(&ring->bench.thread);
		free(ring->bench.words);
	}
	thag_heap_destroy(memory.heap);
	free(memory.blocks);
}

int main(int argc, char **argv)
{
	(void)argc;
	wanted = argv + 1;
	run("flat", step_flat, 1);
	run("nested", step_nested, 1);
	run("fib", step_fib, 1);
	run("random", step_random, 1);
	run("tasks", step_tasks, TURN_WORDS);
	run_memory("memory", (struct memory){ .ring_count = 1, .block_count = 256 });
	run_memory("traces",
		   (struct memory){ .ring_count = 1, .block_count = 256, .traces = true });
	run_memory("deep", (struct memory){ .ring_count = 1,
					    .block_count = 256,
					    .traces = true,
					    .free_traces = true });
	run_memory("million",
		   (struct memory){ .ring_count = 1, .block_count = 1 << 20, .traces = true });
	run_memory("rings",
		   (struct memory){ .ring_count = RINGS, .block_count = 1 << 20, .traces = true });
	return 0;
}
