/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random programs of several rings, read by streams and staged in chunks; and what they did, span
 * by span, said as simply as can be.
 */
#ifndef CHUNK_PROGRAM_H
#define CHUNK_PROGRAM_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag_chunk.h"
#include "thag_chunk_stage.h"
#include "thag_stream.h"
#include "thag/shm.h"

#define PROGRAM_RINGS 3
#define PROGRAM_WORDS_MAX 600000
#define PROGRAM_DEPTH 12
#define PROGRAM_TASKS 7
#define PROGRAM_THREADS_MAX 4096
#define PROGRAM_CHUNKS_MAX 4096
#define PROGRAM_SPANS_MAX 400000
#define PROGRAM_NOTES_MAX 100000
#define PROGRAM_FIRST_POS (3 * (uint64_t)THAG_RING_WORDS - 5000) /* soon the lap ends */
#define PROGRAM_NAME 5 /* sites that name tasks begin here */

/** How a program is made. */
struct program_options {
	uint32_t steps;
	uint32_t ticks_max; /* between two of them */
	uint32_t depth;	    /* frames of a stack, up to PROGRAM_DEPTH */
	bool tasks, threads;
	bool skew;	/* clocks run backwards now and then */
	uint32_t holes; /* one word in so many is missing; 0: none */
	bool suspends;	/* of `other`: the machine was suspended now and then */
	bool other;	/* memory, notes, lost calls */
};

/** A frame, or what a task did at once, from when it began to when it ended. */
struct program_span {
	uint32_t ring, lane, row, site;
	uint64_t start, end;
	bool open; /* when all was read */
};

/** A mark (value 0) or a value. */
struct program_note {
	uint32_t ring, site, ext;
	int64_t value;
	uint64_t ticks;
};

/** Frames as the program has them. */
struct program_stack {
	uint32_t name; /* of a task, 0 for a thread's own */
	uint64_t id, step;
	uint32_t depth;
	uint32_t sites[PROGRAM_DEPTH]; /* 0: a section that ended below the top */
	uint64_t starts[PROGRAM_DEPTH];
	uint64_t since; /* of a task: it runs since then */
	bool runs;
};

struct program_ring {
	uint64_t words[PROGRAM_WORDS_MAX];
	uint32_t count, read;
	struct program_stack own;
	struct program_stack *running;
	uint64_t now; /* of its latest event */
	struct thag_stream stream;
	struct thag_chunk_stage stage;
	struct thag_chunk_raw chunks[PROGRAM_CHUNKS_MAX]; /* that were cut, words in `words` */
	uint32_t chunk_count;
};

static struct program {
	struct program_options options;
	struct program_ring rings[PROGRAM_RINGS];
	struct program_stack tasks[PROGRAM_TASKS];
	struct thag_thread threads[PROGRAM_THREADS_MAX];
	struct thag_tasks table;
	uint32_t thread_count;
	uint64_t uses; /* of task slots */
	uint32_t tids;
	bool over;
	uint64_t now;
	unsigned seed;
	struct program_span spans[PROGRAM_SPANS_MAX];
	uint32_t span_count;
	struct program_note notes[PROGRAM_NOTES_MAX];
	uint32_t note_count;
} program;

static inline uint32_t program_random(uint32_t below)
{
	return (uint32_t)rand_r(&program.seed) % below;
}

/*
 * What it writes.
 */
static inline void put_word(struct program_ring *ring, uint64_t word)
{
	uint64_t pos = PROGRAM_FIRST_POS + ring->count;

	cr_assert_lt(ring->count, PROGRAM_WORDS_MAX);
	if (program.options.holes && program_random(program.options.holes) == 0)
		word = thag_chunk_hole(pos);
	else
		word = (word & ~THAG_WORD_PHASE) | (pos & THAG_WORD_PHASE);
	ring->words[ring->count++] = word;
}

static inline void put(struct program_ring *ring, enum thag_kind kind, uint32_t arg)
{
	ring->now = program.now;
	if (program.options.skew && program_random(10) == 0 && ring->now > 20)
		ring->now -= program_random(20);
	put_word(ring, THAG_WORD(kind, arg) | ring->now << THAG_WORD_TIME_SHIFT);
}

static inline void put_ext(struct program_ring *ring, enum thag_ext ext, uint32_t low, uint64_t a,
			   uint64_t b, uint64_t c)
{
	const uint64_t payload[] = { a, b, c };

	put(ring, THAG_KIND_EXT, (uint32_t)ext << THAG_EXT_SHIFT | low);
	for (int i = 0; i < thag_ext_payload_words(ext); i++)
		put_word(ring, thag_payload_pack(payload[i]));
}

static inline uint32_t ring_number(const struct program_ring *ring)
{
	return (uint32_t)(ring - program.rings);
}

static inline void add_span(const struct program_ring *ring, uint32_t lane, uint32_t row,
			    uint32_t site, uint64_t start)
{
	cr_assert_lt(program.span_count, PROGRAM_SPANS_MAX);
	program.spans[program.span_count++] =
		(struct program_span){ .ring = ring_number(ring),
				       .lane = lane,
				       .row = row,
				       .site = site,
				       .start = start,
				       .end = program.over ? ring->now : program.now,
				       .open = program.over };
}

/* A frame ended, or the task that it is of is put aside. */
static inline void add_frame(const struct program_ring *ring, const struct program_stack *stack,
			     uint32_t index)
{
	uint64_t start = stack->starts[index];

	if (stack->sites[index] == 0)
		return;
	if (stack->name == 0)
		add_span(ring, THAG_LANE_OWN, index, stack->sites[index], start);
	else if (stack->runs)
		add_span(ring, THAG_LANE_TASKS, index + 1, stack->sites[index],
			 start > stack->since ? start : stack->since);
}

static inline void close_frames(const struct program_ring *ring, struct program_stack *stack,
				uint32_t depth)
{
	while (stack->depth > depth) {
		add_frame(ring, stack, stack->depth - 1);
		stack->depth--;
	}
}

static inline void random_call(struct program_ring *ring, struct program_stack *stack)
{
	uint32_t base = stack->name ? THAG_TASK_BASE : 0;
	uint32_t index = stack->depth ? program_random(stack->depth) : 0;
	uint32_t what = program_random(16), site = 10 + program_random(4);

	if (stack == ring->running && stack->depth < program.options.depth &&
	    (what < 8 || stack->depth == 0)) {
		stack->sites[stack->depth] = site;
		stack->starts[stack->depth++] = program.now;
		put(ring, what & 1 ? THAG_KIND_ENTER : THAG_KIND_SECTION_BEGIN, site);
	} else if (stack->depth == 0) {
		return;
	} else if (what < 10 && index + 1 < stack->depth) {
		add_frame(ring, stack, index);
		stack->sites[index] = 0;
		put(ring, THAG_KIND_SECTION_END, base + index);
	} else {
		index = what < 15 ? stack->depth - 1 : index;
		close_frames(ring, stack, index);
		put(ring, THAG_KIND_EXIT, base + index);
	}
}

/* The task that runs, if one does, is put aside. */
static inline void leave_task(struct program_ring *ring)
{
	struct program_stack *task = ring->running;

	if (task->name == 0)
		return;
	for (uint32_t i = task->depth; i > 0; i--)
		add_frame(ring, task, i - 1);
	add_span(ring, THAG_LANE_TASKS, 0, task->name, task->since);
	task->runs = false;
}

static inline void switch_to(struct program_ring *ring, struct program_stack *to)
{
	leave_task(ring);
	ring->running = to;
	to->since = program.now;
	to->runs = true;
	put_ext(ring, THAG_EXT_TASK, THAG_TASK_RUN, to->id,
		to->id ? THAG_TASK_STEP(to->step++, to->name) : 0, to->id ? to->depth : 0);
}

static inline void create_task(struct program_ring *ring, uint32_t slot)
{
	struct program_stack *task = &program.tasks[slot];

	*task = (struct program_stack){ .name = PROGRAM_NAME + program_random(2),
					.id = ++program.uses << THAG_TASK_SLOT_BITS | (slot + 1),
					.step = 1 };
	put_ext(ring, THAG_EXT_TASK, THAG_TASK_CREATE, task->id, THAG_TASK_STEP(0, task->name), 0);
}

static inline void destroy_task(struct program_ring *ring, struct program_stack *task)
{
	if (task == ring->running && program_random(2))
		switch_to(ring, &ring->own);
	put_ext(ring, THAG_EXT_TASK, THAG_TASK_DESTROY, task->id,
		THAG_TASK_STEP(task->step, task->name), task->depth);
	if (task == ring->running) {
		leave_task(ring);
		ring->running = &ring->own;
	}
	*task = (struct program_stack){ 0 };
}

static inline void random_task(struct program_ring *ring)
{
	uint32_t slot = program_random(PROGRAM_TASKS), what = program_random(7);
	struct program_stack *task = &program.tasks[slot];

	if (what < 2 && !task->id)
		create_task(ring, slot);
	else if (what < 4 && task->id && !task->runs)
		switch_to(ring, task);
	else if (what == 4)
		switch_to(ring, &ring->own);
	else if (task->id && program_random(3) == 0 && (!task->runs || task == ring->running))
		destroy_task(ring, task);
}

static inline void begin_thread(struct program_ring *ring)
{
	ring->own = (struct program_stack){ 0 };
	ring->running = &ring->own;
	put_ext(ring, THAG_EXT_THREAD_START, 0, ++program.tids, 0, 0);
}

static inline void random_thread(struct program_ring *ring)
{
	if (program_random(4) == 0)
		return;
	leave_task(ring);
	close_frames(ring, &ring->own, 0);
	put_ext(ring, THAG_EXT_THREAD_END, 0, 0, 0, 0);
	program.now += program_random(program.options.ticks_max);
	begin_thread(ring);
}

static inline void put_note(struct program_ring *ring, enum thag_ext ext, uint32_t site,
			    int64_t value)
{
	uint64_t bits = (uint64_t)value;

	cr_assert_lt(program.note_count, PROGRAM_NOTES_MAX);
	program.notes[program.note_count++] =
		(struct program_note){ ring_number(ring), site, (uint32_t)ext, value, program.now };
	put_ext(ring, ext, ext == THAG_EXT_VALUE ? (uint32_t)(bits >> 62) : 0, site, bits, 0);
}

static inline void random_other(struct program_ring *ring)
{
	if (program.options.suspends && program_random(2)) {
		/* not longer than the ring has been silent */
		program.now += program_random(10 * program.options.ticks_max);
		put_ext(ring, THAG_EXT_SUSPENDED, 0,
			program_random((uint32_t)(program.now - ring->now) + 1), 0, 0);
		return;
	}
	switch (program_random(5)) {
	case 0:
		put(ring, THAG_KIND_ALLOC, 100);
		put_word(ring, thag_payload_pack(0x7f0000000000 + program_random(1000)));
		break;
	case 1:
		put_note(ring, THAG_EXT_MARK, 7, 0);
		break;
	case 2:
		put_note(ring, THAG_EXT_VALUE, 8 + program_random(2),
			 (int64_t)program_random(1000) - 500);
		break;
	case 3:
		put_ext(ring, THAG_EXT_LOST, 0, 3, 0, 0);
		break;
	default:
		put(ring, THAG_KIND_TIME, (uint32_t)(program.now >> THAG_WORD_TIME_BITS));
	}
}

static inline void random_step(void)
{
	struct program_ring *ring = &program.rings[program_random(PROGRAM_RINGS)];
	uint32_t what = program_random(100);

	program.now += program_random(program.options.ticks_max);
	if (what < 60 || (!program.options.tasks && what < 95))
		random_call(ring, ring->running);
	else if (what < 65)
		random_call(ring, &ring->own);
	else if (what < 95)
		random_task(ring);
	else if (what < 98 && program.options.other)
		random_other(ring);
	else if (what == 99 && program.options.threads)
		random_thread(ring);
}

/*
 * Who reads it.
 */
static inline struct thag_thread *start_thread(void *context, uint32_t tid)
{
	struct thag_thread *thread = &program.threads[program.thread_count];

	(void)context;
	cr_assert_lt(program.thread_count++, PROGRAM_THREADS_MAX);
	cr_assert_eq(thag_thread_init(thread, tid, 1 << 20), 0);
	return thread;
}

static inline void end_thread(void *context, struct thag_thread *thread)
{
	(void)context;
	(void)thread;
}

static inline void take_task(void *context, const struct thag_task_event *event,
			     const struct thag_task_state *task)
{
	struct program_ring *ring = context;

	thag_chunk_stage_task(&ring->stage, event, task);
}

static inline void begin_reading(struct program_ring *ring)
{
	ring->stream = (struct thag_stream){ .thread_start = start_thread,
					     .thread_end = end_thread,
					     .task = take_task,
					     .context = ring,
					     .tasks = &program.table };
	cr_assert_eq(thag_chunk_stage_init(&ring->stage, ring_number(ring), NULL), 0);
	cr_assert_eq(thag_chunk_stage_begin(&ring->stage, &ring->stream, PROGRAM_FIRST_POS, 0), 0);
}

/* Makes a program; what it did is in program.spans, but for what is open at the end. */
static inline void program_begin(unsigned seed, struct program_options options)
{
	program.options = options;
	program.seed = seed;
	program.span_count = program.thread_count = program.note_count = 0;
	program.now = 1000;
	program.over = false;
	program.uses = 0;
	memset(program.tasks, 0, sizeof(program.tasks));
	cr_assert_eq(thag_tasks_init(&program.table), 0);
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
		struct program_ring *ring = &program.rings[i];

		ring->count = ring->read = ring->chunk_count = 0;
		begin_reading(ring);
		begin_thread(ring);
	}
	for (uint32_t i = 0; i < options.steps; i++)
		random_step();
}

/* Adds what is open to the spans, each up to its ring's last event. */
static inline void program_add_open(void)
{
	program.over = true;
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
		struct program_ring *ring = &program.rings[i];

		leave_task(ring);
		close_frames(ring, &ring->own, 0);
	}
}

static inline void program_end(void)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
		struct program_ring *ring = &program.rings[i];

		for (uint32_t j = 0; j < ring->chunk_count; j++) {
			free(ring->chunks[j].words);
			thag_openings_fini(&ring->chunks[j].openings);
		}
		thag_chunk_stage_fini(&ring->stage);
	}
	thag_tasks_fini(&program.table);
	for (uint32_t i = 0; i < program.thread_count; i++)
		thag_thread_fini(&program.threads[i]);
}

/* Takes the chunk that is staged, and begins another. */
static inline void cut_chunk(struct program_ring *ring)
{
	struct thag_chunk_raw *raw = &ring->chunks[ring->chunk_count];
	uint64_t *words = malloc((ring->stage.raw.head.words + 1) * sizeof(*words));

	cr_assert_lt(ring->chunk_count++, PROGRAM_CHUNKS_MAX);
	cr_assert(words && !ring->stage.incomplete);
	*raw = ring->stage.raw;
	raw->words = words;
	memcpy(words, ring->stage.raw.words, raw->head.words * sizeof(*words));
	ring->stage.raw.openings = (struct thag_openings){ 0 };
	cr_assert_eq(thag_chunk_stage_begin(&ring->stage, &ring->stream,
					    PROGRAM_FIRST_POS + ring->read, 0),
		     0);
}

/* Reads up to `piece` words of a ring; returns how many it took. */
static inline size_t read_piece(struct program_ring *ring, size_t piece)
{
	size_t left = ring->count - ring->read, room, taken = 0;
	const uint64_t *words = ring->words + ring->read;

	if (ring->stream.blocked && !thag_stream_retry(&ring->stream, false))
		return 0;
	room = thag_chunk_stage_room(&ring->stage, &ring->stream);
	if (room == 0) {
		cut_chunk(ring);
		room = thag_chunk_stage_room(&ring->stage, &ring->stream);
	}
	piece = piece < left ? piece : left;
	piece = piece < room ? piece : room;
	while (taken < piece &&
	       thag_word_is_at(words[taken], PROGRAM_FIRST_POS + ring->read + taken))
		taken++;
	if (piece && taken == 0) {
		thag_stream_gap(&ring->stream);
		thag_chunk_stage_hole(&ring->stage);
		ring->read++;
		return 1;
	}
	taken = thag_stream_feed(&ring->stream, words, taken);
	thag_chunk_stage_put(&ring->stage, &ring->stream, words, taken);
	ring->read += (uint32_t)taken;
	return taken;
}

/* What waits for a step that isn't there goes on without it: see thag_rings_unblock. */
static inline void force_one(void)
{
	struct program_ring *earliest = NULL;

	for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
		struct program_ring *ring = &program.rings[i];

		if (ring->stream.blocked &&
		    (!earliest || ring->stream.last_ticks < earliest->stream.last_ticks))
			earliest = ring;
	}
	cr_assert(earliest);
	thag_stream_retry(&earliest->stream, true);
}

static inline bool is_read(void)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		if (program.rings[i].read < program.rings[i].count ||
		    program.rings[i].stream.blocked)
			return false;
	return true;
}

/* Reads all rings in any order, in chunks of about `size` words, and cuts the last ones. */
static inline void program_read(uint32_t size)
{
	uint32_t stuck = 0;

	while (!is_read()) {
		struct program_ring *ring = &program.rings[program_random(PROGRAM_RINGS)];

		stuck = read_piece(ring, 1 + program_random(40)) ? 0 : stuck + 1;
		if (ring->stage.raw.head.words && thag_chunk_stage_may_cut(&ring->stream) &&
		    program_random(size / 20 + 1) == 0)
			cut_chunk(ring);
		if (stuck > 200) {
			force_one();
			stuck = 0;
		}
	}
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		if (program.rings[i].stage.raw.head.words)
			cut_chunk(&program.rings[i]);
}

#endif
