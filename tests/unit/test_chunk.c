/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_stream.h"

static uint64_t words[THAG_CHUNK_WORDS], out[THAG_CHUNK_WORDS];
static uint32_t count;
static uint64_t ticks, first_pos;

static uint64_t random64(unsigned *seed)
{
	uint64_t value = 0;

	for (int i = 0; i < 3; i++)
		value = value << 22 ^ (uint64_t)rand_r(seed);
	return value;
}

static void begin(uint64_t pos, uint64_t now)
{
	count = 0;
	first_pos = pos;
	ticks = now;
}

static void put_raw(uint64_t word)
{
	words[count] = (word & ~THAG_WORD_PHASE) | ((first_pos + count) & THAG_WORD_PHASE);
	count++;
}

static void put(enum thag_kind kind, uint32_t arg)
{
	put_raw(THAG_WORD(kind, arg) | ticks << THAG_WORD_TIME_SHIFT);
}

static void put_hole(void)
{
	words[count] = thag_chunk_hole(first_pos + count);
	count++;
}

static struct thag_chunk_raw raw_chunk(uint64_t base)
{
	return (struct thag_chunk_raw){
		.head = { .first_pos = first_pos, .base_ticks = base, .words = count },
		.words = words
	};
}

static struct thag_thread *same_thread(void *context, uint32_t tid)
{
	(void)tid;
	return context;
}

static void end_thread(void *context, struct thag_thread *thread)
{
	(void)context;
	thread->ended = 0;
}

/* What the stream makes of the same words, which are all of one thread's. */
static struct thag_stream feed_stream(uint64_t base)
{
	struct thag_thread thread;
	struct thag_stream stream = { .last_ticks = base,
				      .thread = &thread,
				      .thread_start = same_thread,
				      .thread_end = end_thread,
				      .context = &thread };

	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 16), 0);
	for (uint32_t i = 0; i < count; i++) {
		if (thag_word_is_at(words[i], first_pos + i))
			cr_assert_eq(thag_stream_feed(&stream, &words[i], 1), 1);
		else
			thag_stream_gap(&stream);
		stream.thread = &thread; /* also behind its end: orphans have no time */
	}
	thag_thread_fini(&thread);
	return stream;
}

/* Encodes what was put, compares what is decoded, and returns the bytes that took. */
static size_t check_round_trip(uint64_t base)
{
	struct thag_chunk_raw raw = raw_chunk(base), back;
	struct thag_chunk chunk = { 0 };
	size_t bytes;

	cr_assert_eq(thag_chunk_encode(&chunk, &raw), 0);
	cr_assert(thag_chunk_head_check(&chunk.head));
	memset(out, 0x55, sizeof(out));
	cr_assert_eq(thag_chunk_decode(&back, &chunk, out), 0);
	cr_assert_eq(back.head.words, count);
	for (uint32_t i = 0; i < count; i++)
		if (thag_word_is_at(words[i], first_pos + i))
			cr_assert_eq(out[i], words[i], "word %u: %lx, not %lx", i, out[i],
				     words[i]);
		else
			cr_assert_not(thag_word_is_at(out[i], first_pos + i), "word %u", i);
	bytes = chunk.parts[THAG_PART_WORDS].bytes;
	thag_openings_fini(&back.openings);
	thag_chunk_fini(&chunk);
	return bytes;
}

static void put_event(unsigned *seed)
{
	static const uint8_t kinds[] = { THAG_KIND_ENTER,      THAG_KIND_ENTER,
					 THAG_KIND_EXIT,       THAG_KIND_EXIT,
					 THAG_KIND_EXIT,       THAG_KIND_SECTION_BEGIN,
					 THAG_KIND_SECTION_END };
	uint32_t kind = kinds[(size_t)rand_r(seed) % sizeof(kinds)];

	put(kind, (uint32_t)rand_r(seed) % (rand_r(seed) % 8 ? 20 : 1 << 20));
}

/* An event with payload, some words of which may be missing. */
static void put_long_event(unsigned *seed)
{
	uint32_t ext = (uint32_t)rand_r(seed) % (THAG_EXT_COUNT + 1), kind = THAG_KIND_EXT;
	uint32_t arg = ext << THAG_EXT_SHIFT | (uint32_t)rand_r(seed) % 3;
	int payload = thag_ext_payload_words(ext);

	if (rand_r(seed) % 4 == 0) {
		kind = rand_r(seed) % 2 ? THAG_KIND_ALLOC : THAG_KIND_FREE;
		arg = (uint32_t)rand_r(seed) & THAG_WORD_ARG_MASK;
		payload = thag_memory_payload_words(arg);
	}
	put(kind, arg);
	for (int i = 0; i < payload; i++)
		if (rand_r(seed) % 20)
			put_raw(rand_r(seed) % 2 ? random64(seed) : (uint64_t)rand_r(seed));
		else
			put_hole();
}

static void put_anything(unsigned *seed)
{
	int what = rand_r(seed) % 100;

	ticks += (uint64_t)rand_r(seed) % (what == 0 ? 1 << 30 : what < 20 ? 1 << 20 : 200);
	if (what == 1)
		ticks -= (uint64_t)rand_r(seed) % 1000;
	if (what == 2)
		put_hole();
	else if (what == 3)
		put(THAG_KIND_TIME, (uint32_t)(ticks >> THAG_WORD_TIME_BITS));
	else if (what < 10)
		put_long_event(seed);
	else
		put_event(seed);
}

Test(chunk, words_come_back_as_they_were_with_the_times_that_the_stream_finds)
{
	for (unsigned round = 1; round <= 200; round++) {
		unsigned seed = round;
		uint64_t base = random64(&seed) % (UINT64_C(1) << 50);
		struct thag_chunk_raw raw;
		struct thag_chunk chunk = { 0 };
		struct thag_stream stream;

		begin(THAG_RING_WORDS + (uint64_t)rand_r(&seed) * 1000, base);
		while (count < 3000 && count < round * 20)
			put_anything(&seed);
		check_round_trip(base);
		stream = feed_stream(base);
		raw = raw_chunk(base);
		cr_assert_eq(thag_chunk_encode(&chunk, &raw), 0);
		cr_assert_eq(chunk.head.last_ticks, stream.last_ticks, "round %u", round);
		cr_assert_geq(chunk.head.events, stream.events);
		cr_assert_leq(chunk.head.events, stream.events + stream.broken + stream.invalid);
		thag_chunk_fini(&chunk);
	}
}

Test(chunk, any_words_come_back)
{
	for (unsigned round = 1; round <= 100; round++) {
		unsigned seed = round;

		begin(THAG_RING_WORDS, 1000);
		while (count < 2000)
			if (rand_r(&seed) % 50)
				put_raw(random64(&seed));
			else
				put_hole();
		check_round_trip(1000);
	}
}

Test(chunk, a_full_chunk_may_cross_a_lap)
{
	unsigned seed = 1;

	begin(3 * (uint64_t)THAG_RING_WORDS - 1000, 5);
	while (count < THAG_CHUNK_WORDS - 10)
		put_anything(&seed);
	while (count < THAG_CHUNK_WORDS)
		put_event(&seed);
	check_round_trip(5);
}

Test(chunk, nothing_is_a_chunk_too)
{
	begin(THAG_RING_WORDS, 77);
	cr_assert_gt(check_round_trip(77), 0);
}

Test(chunk, the_first_event_may_come_long_after_the_one_before)
{
	struct thag_chunk_raw raw;
	struct thag_chunk chunk = { 0 };

	begin(THAG_RING_WORDS, 5000);
	put_hole();
	put(THAG_KIND_ENTER, 3);
	ticks += 10;
	put(THAG_KIND_EXIT, 0);
	raw = raw_chunk(1000);
	cr_assert_eq(thag_chunk_encode(&chunk, &raw), 0);
	cr_expect_eq(chunk.head.base_ticks, 1000);
	cr_expect_eq(chunk.head.first_ticks, 5000);
	cr_expect_eq(chunk.head.last_ticks, 5010);
	cr_expect_eq(chunk.head.events, 2);
	thag_chunk_fini(&chunk);
}

Test(chunk, calls_of_few_sites_take_less_than_three_bytes_an_event)
{
	unsigned seed = 1;

	begin(THAG_RING_WORDS, 0);
	for (uint32_t i = 0; i < THAG_CHUNK_WORDS / 2; i++) {
		ticks += 20 + (uint32_t)rand_r(&seed) % 400;
		put(THAG_KIND_ENTER, 2 + (uint32_t)rand_r(&seed) % 100);
		ticks += 20 + (uint32_t)rand_r(&seed) % 400;
		put(THAG_KIND_EXIT, 0);
	}
	cr_expect_lt(check_round_trip(0), 3 * (size_t)THAG_CHUNK_WORDS);
}

Test(chunk, times_that_no_clock_shows_are_refused)
{
	struct thag_chunk_raw raw;
	struct thag_chunk chunk = { 0 };

	begin(THAG_RING_WORDS, 0);
	ticks = UINT64_C(1) << 38;
	put(THAG_KIND_ENTER, 3);
	raw = raw_chunk(UINT64_C(1) << 62);
	cr_expect_eq(thag_chunk_encode(&chunk, &raw), 0, "that far back is now");
	thag_chunk_fini(&chunk);
	ticks--;
	words[0] = THAG_WORD(THAG_KIND_ENTER, 3) | ticks << THAG_WORD_TIME_SHIFT |
		   (first_pos & THAG_WORD_PHASE);
	cr_expect_eq(thag_chunk_encode(&chunk, &raw), -ERANGE);
	cr_expect_eq(thag_chunk_bytes(&chunk), 0);
}

/* A chunk with openings, packed. */
static struct thag_buffer make_packed(struct thag_openings *openings)
{
	unsigned seed = 3;
	struct thag_chunk_raw raw;
	struct thag_chunk chunk = { 0 };
	struct thag_buffer packed = { 0 };

	begin(THAG_RING_WORDS, 100000);
	while (count < 500)
		put_anything(&seed);
	raw = raw_chunk(100000);
	raw.openings = *openings;
	cr_assert_eq(thag_chunk_encode(&chunk, &raw), 0);
	cr_assert_eq(thag_chunk_pack(&chunk, &packed), 0);
	thag_chunk_fini(&chunk);
	return packed;
}

static void add_openings(struct thag_openings *openings, uint32_t frames)
{
	struct thag_thread thread;
	struct thag_task_state task = { .id = 77 << 20 | 5, .site = 9, .created_ticks = 50 };

	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 10), 0);
	for (uint32_t i = 0; i < frames; i++)
		thag_thread_open(&thread, 2 + i % 7, 1000 * i);
	cr_assert_eq(thag_openings_add_own(openings, &thread.own, 400000), 0);
	cr_assert_eq(thag_stack_init(&task.stack, THAG_TASK_BASE, 8), 0);
	task.stack.frames[0].start = 50;
	task.stack.frames[1] = (struct thag_frame){ .start = 60, .site = 4 };
	task.stack.depth = 1;
	cr_assert_eq(thag_openings_add_task(openings, &task, 3, true, 90000), 0);
	thag_stack_fini(&task.stack);
	thag_thread_fini(&thread);
}

Test(chunk, what_is_open_comes_back)
{
	struct thag_openings openings = { 0 }, back = { 0 };
	struct thag_buffer stored = { 0 };
	const struct thag_opening_stack *stacks;
	const struct thag_opening *frames;

	add_openings(&openings, 300);
	cr_assert_eq(thag_openings_encode(&openings, &stored), 0);
	cr_assert_eq(thag_openings_decode(&back, stored.data, stored.bytes), 0);
	cr_assert_eq(thag_openings_count(&back), 2);
	stacks = (const void *)back.stacks.data;
	frames = (const void *)back.frames.data;
	cr_expect_eq(stacks[0].task, 0);
	cr_expect_eq(stacks[0].count, 300);
	cr_expect_eq(frames[299].site, 2 + 299 % 7);
	cr_expect_eq(frames[299].start_ticks, 299000);
	cr_expect_eq(frames[299].ran_ticks, 400000 - 299000);
	cr_expect_eq(stacks[1].task, 77 << 20 | 5);
	cr_expect_eq(stacks[1].step, 3);
	cr_expect_eq(stacks[1].start_ticks, 50);
	cr_expect_eq(stacks[1].ran_ticks, 90000 - 50);
	cr_expect_eq(stacks[1].base, THAG_TASK_BASE);
	cr_expect_eq(frames[300].start_ticks, 60);
	cr_expect_eq(frames[300].ran_ticks, 90000 - 60);
	cr_assert_eq(back.frames.bytes, openings.frames.bytes);
	cr_expect_arr_eq(back.stacks.data, openings.stacks.data, back.stacks.bytes);
	thag_openings_fini(&openings);
	thag_openings_fini(&back);
	thag_buffer_fini(&stored);
}

Test(chunk, a_packed_chunk_is_read_again_and_no_shorter_one)
{
	struct thag_openings openings = { 0 };
	struct thag_buffer packed;
	struct thag_chunk chunk = { 0 };
	struct thag_chunk_raw raw;

	add_openings(&openings, 5);
	packed = make_packed(&openings);
	for (size_t bytes = 0; bytes < packed.bytes; bytes++)
		cr_assert_eq(thag_chunk_parse(&chunk, packed.data, bytes), -EBADMSG);
	cr_assert_eq(thag_chunk_parse(&chunk, packed.data, packed.bytes), 0);
	cr_assert_eq(thag_chunk_decode(&raw, &chunk, out), 0);
	cr_expect_arr_eq(out, words, count * sizeof(*out));
	cr_expect_eq(thag_openings_count(&raw.openings), 2);
	thag_openings_fini(&raw.openings);
	thag_openings_fini(&openings);
	thag_chunk_fini(&chunk);
	thag_buffer_fini(&packed);
}

/* Any byte changed in each way: refused, or read as other words, never more. */
Test(chunk, no_stored_byte_is_trusted)
{
	struct thag_openings openings = { 0 };
	struct thag_buffer packed;
	uint32_t refused = 0;

	add_openings(&openings, 5);
	packed = make_packed(&openings);
	for (size_t i = 0; i < packed.bytes * 8; i++) {
		struct thag_chunk chunk = { 0 };
		struct thag_chunk_raw raw;

		packed.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (thag_chunk_parse(&chunk, packed.data, packed.bytes) != 0 ||
		    thag_chunk_decode(&raw, &chunk, out) != 0)
			refused++;
		else
			thag_openings_fini(&raw.openings);
		thag_chunk_fini(&chunk);
		packed.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	cr_expect_gt(refused, packed.bytes);
	thag_openings_fini(&openings);
	thag_buffer_fini(&packed);
}

Test(chunk, heads_are_checked)
{
	const struct thag_chunk_head good = { .first_pos = THAG_RING_WORDS,
					      .base_ticks = 1,
					      .first_ticks = 2,
					      .last_ticks = 3,
					      .words = 4,
					      .events = 4,
					      .ring = 5,
					      .flags = THAG_CHUNK_GAP | THAG_CHUNK_THREAD,
					      .rows = { 6, 7 } };
	struct thag_chunk_head bad[] = {
		good, good, good, good, good, good, good, good, good, good
	};

	cr_assert(thag_chunk_head_check(&good));
	bad[0].base_ticks = 3;
	bad[1].first_ticks = 4;
	bad[2].last_ticks = UINT64_MAX;
	bad[3].words = THAG_CHUNK_WORDS + 1;
	bad[4].events = 5;
	bad[5].ring = THAG_CHUNK_RINGS_MAX;
	bad[6].level = THAG_CHUNK_LEVELS_MAX;
	bad[7].flags = 16;
	bad[8].rows[1] = THAG_CHUNK_ROWS_MAX + 1;
	bad[9].first_pos = UINT64_MAX;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(thag_chunk_head_check(&bad[i]), "%zu", i);
}
