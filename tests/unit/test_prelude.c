/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is read from a prelude on is what a reader of all words read from there on. */
#include "thag_prelude.h"

#include "chunk_program.h"

/* A thread's tree as it was, with all that was open. */
static struct past {
	const struct thag_thread *thread;
	struct thag_tree tree;
	uint64_t unmatched, truncated;
} past[PROGRAM_THREADS_MAX];
static uint32_t past_count;

/* Who begins at the preludes. */
static struct thag_tasks late_table;
static struct thag_thread late_threads[PROGRAM_THREADS_MAX];
static uint32_t late_count;
static struct thag_stream late[PROGRAM_RINGS];
static uint32_t late_read[PROGRAM_RINGS];
static uint64_t prelude_ticks[PROGRAM_RINGS];
static uint64_t prelude_words[THAG_CHUNK_WORDS];

static struct thag_thread *start_late(void *context, uint32_t tid)
{
	(void)context;
	cr_assert_eq(thag_thread_init(&late_threads[late_count], tid, 1 << 20), 0);
	return &late_threads[late_count++];
}

static uint64_t add_all_open(const struct thag_thread *thread, struct thag_tree *tree, uint64_t now)
{
	size_t room = thag_tasks_count_open(thread);
	struct thag_open *open = calloc(room + 1, sizeof(*open));
	size_t count = thag_tasks_add_open(thread, tree, now, open, room);

	free(open);
	return count;
}

/* The ring that a thread writes; PROGRAM_RINGS: none any more. */
static uint32_t ring_of(const struct thag_thread *thread)
{
	uint32_t i = 0;

	while (i < PROGRAM_RINGS && program.rings[i].stream.thread != thread)
		i++;
	return i;
}

static void keep_past(void)
{
	past_count = program.thread_count;
	for (uint32_t i = 0; i < past_count; i++) {
		const struct thag_thread *thread = &program.threads[i];
		uint32_t ring = ring_of(thread);

		past[i].thread = thread;
		past[i].unmatched = thread->unmatched;
		past[i].truncated = thread->truncated;
		cr_assert_eq(thag_tree_copy(&past[i].tree, &thread->tree), 0);
		add_all_open(thread, &past[i].tree,
			     ring < PROGRAM_RINGS ? prelude_ticks[ring] : thread->last_ticks);
	}
}

static uint32_t unfinished(const struct thag_stream *stream)
{
	if (stream->blocked)
		return 4;
	return stream->pending_words ? stream->payload_count + 1 : 0;
}

/* Through the stored form. */
static void play(uint32_t i, bool others)
{
	struct program_ring *ring = &program.rings[i];
	struct thag_chunk chunk = { 0 };
	struct thag_chunk_raw raw;

	late_read[i] = ring->read - unfinished(&ring->stream);
	late[i] = (struct thag_stream){ .thread_start = start_late,
					.thread_end = end_thread,
					.tasks = &late_table };
	cr_assert_eq(thag_prelude_make(&chunk, &ring->stream, i, PROGRAM_FIRST_POS + late_read[i],
				       prelude_ticks[i], others),
		     0);
	cr_assert(thag_chunk_head_check(&chunk.head));
	cr_assert_eq(thag_chunk_decode(&raw, &chunk, prelude_words), 0);
	cr_assert_eq(raw.head.flags & THAG_CHUNK_PRELUDE, THAG_CHUNK_PRELUDE);
	cr_assert_eq(raw.head.first_pos + 1, PROGRAM_FIRST_POS + late_read[i]);
	cr_assert(thag_word_is_at(prelude_words[0], raw.head.first_pos));
	thag_prelude_play(&late[i], &raw);
	cr_assert_eq(thag_stream_feed(&late[i], prelude_words, 1), 1);
	cr_assert_eq(late[i].last_ticks, prelude_ticks[i]);
	cr_assert_eq(late[i].skewed + late[i].events, 0);
	thag_openings_fini(&raw.openings);
	thag_chunk_fini(&chunk);
}

/* The first ring with a thread: its prelude has the tasks of threads that ended. */
static uint32_t ring_of_others(void)
{
	uint32_t i = 0;

	while (i < PROGRAM_RINGS && !program.rings[i].stream.thread)
		i++;
	return i;
}

static void cut(void)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++) {
		struct program_ring *ring = &program.rings[i];
		bool more = ring->read < ring->count;

		prelude_ticks[i] =
			thag_prelude_ticks(&ring->stream, more ? ring->words[ring->read] : 0, more,
					   ring->stream.last_ticks);
	}
	keep_past();
	cr_assert_eq(thag_tasks_init(&late_table), 0);
	late_count = 0;
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		play(i, i == ring_of_others());
}

static void read_some(uint32_t pieces)
{
	while (pieces-- && !is_read())
		read_piece(&program.rings[program_random(PROGRAM_RINGS)], 1 + program_random(40));
}

static bool late_is_read(void)
{
	for (uint32_t i = 0; i < PROGRAM_RINGS; i++)
		if (late_read[i] < program.rings[i].count || late[i].blocked)
			return false;
	return true;
}

static void read_late(void)
{
	uint32_t stuck = 0;

	while (!late_is_read()) {
		uint32_t i = program_random(PROGRAM_RINGS);
		size_t left = program.rings[i].count - late_read[i];
		size_t piece = 1 + program_random(40);
		size_t taken = thag_stream_feed(&late[i], program.rings[i].words + late_read[i],
						piece < left ? piece : left);

		late_read[i] += (uint32_t)taken;
		stuck = taken ? 0 : stuck + 1;
		cr_assert_lt(stuck, 10000, "a ring waits for ever");
	}
}

/* The child that has the site, 0 for none. */
static uint32_t child_of(const struct thag_tree *tree, uint32_t parent, uint32_t site)
{
	for (uint32_t i = tree->nodes[parent].first_child; i; i = tree->nodes[i].next_sibling)
		if (tree->nodes[i].site == site)
			return i;
	return 0;
}

/* `whole` less `before` is `part`, below these nodes; a node that isn't there is 0. */
static void compare(const struct thag_tree *whole, uint32_t w, const struct thag_tree *before,
		    uint32_t b, const struct thag_tree *part, uint32_t p)
{
	for (uint32_t i = whole->nodes[w].first_child; i; i = whole->nodes[i].next_sibling) {
		uint32_t site = whole->nodes[i].site;
		uint32_t x = before && (b || w == 0) ? child_of(before, b, site) : 0;
		uint32_t y = part && (p || w == 0) ? child_of(part, p, site) : 0;
		uint64_t total = whole->nodes[i].total - (x ? before->nodes[x].total : 0);
		uint64_t calls = whole->nodes[i].calls - (x ? before->nodes[x].calls : 0);

		cr_assert_eq(total, y ? part->nodes[y].total : 0, "site %u: %lu, not %lu", site,
			     y ? part->nodes[y].total : 0, total);
		cr_assert_eq(calls, y ? part->nodes[y].calls : 0, "site %u: %lu calls, not %lu",
			     site, y ? part->nodes[y].calls : 0, calls);
		compare(whole, i, before, x, part, y);
	}
}

static struct thag_thread *find_late(uint32_t tid)
{
	for (uint32_t i = 0; i < late_count; i++)
		if (late_threads[i].tid == tid)
			return &late_threads[i];
	return NULL;
}

static void check_thread(uint32_t i)
{
	const struct thag_thread *thread = &program.threads[i];
	const struct past *before = i < past_count ? &past[i] : NULL;
	struct thag_thread *part = find_late(thread->tid);
	uint32_t ring = ring_of(thread);
	uint64_t now =
		ring < PROGRAM_RINGS ? program.rings[ring].stream.last_ticks : thread->last_ticks;
	struct thag_tree whole, rest = { 0 };

	cr_assert_eq(thag_tree_copy(&whole, &thread->tree), 0);
	add_all_open(thread, &whole, now);
	if (part) {
		cr_assert_eq(thag_tree_copy(&rest, &part->tree), 0);
		add_all_open(part, &rest, now);
		cr_assert_eq(part->unmatched, thread->unmatched - (before ? before->unmatched : 0));
		cr_assert_eq(part->truncated, thread->truncated - (before ? before->truncated : 0));
	}
	compare(&whole, 0, before ? &before->tree : NULL, 0, part ? &rest : NULL, 0);
	thag_tree_fini(&whole);
	if (part)
		thag_tree_fini(&rest);
}

static uint64_t finished(const struct thag_tasks *tasks)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < tasks->name_count; i++)
		sum += tasks->names[i].finished;
	return sum;
}

static void check_round(unsigned round, struct program_options options)
{
	uint64_t finished_before;

	program_begin(round, options);
	read_some(program_random(options.steps / 8));
	while (ring_of_others() == PROGRAM_RINGS)
		read_some(1);
	finished_before = finished(&program.table);
	cut();
	program_read(1 << 20);
	read_late();
	for (uint32_t i = 0; i < program.thread_count; i++)
		check_thread(i);
	cr_assert_eq(finished(&late_table), finished(&program.table) - finished_before);
	cr_assert_eq(late_table.gaps, 0);
	for (uint32_t i = 0; i < past_count; i++)
		thag_tree_fini(&past[i].tree);
	thag_tasks_fini(&late_table);
	while (late_count)
		thag_thread_fini(&late_threads[--late_count]);
	program_end();
}

Test(prelude, calls_and_times_of_threads_go_on)
{
	for (unsigned round = 1; round <= 60; round++)
		check_round(round, (struct program_options){ .steps = 3000,
							     .ticks_max = 50,
							     .depth = PROGRAM_DEPTH,
							     .threads = true,
							     .other = true });
}

Test(prelude, tasks_go_on_wherever_they_are)
{
	for (unsigned round = 1; round <= 200; round++)
		check_round(round, (struct program_options){ .steps = 2000,
							     .ticks_max = 50,
							     .depth = PROGRAM_DEPTH,
							     .tasks = true,
							     .threads = round % 2,
							     .other = round % 3 == 0 });
}

Test(prelude, keeps_the_name_of_the_thread)
{
	struct program_ring *ring;

	program_begin(1, (struct program_options){ .depth = 1, .ticks_max = 1 });
	ring = &program.rings[0];
	put_ext(ring, THAG_EXT_THREAD_NAME, 0, 9, 0, 0);
	program_read(1 << 20);
	cut();
	cr_assert_eq(find_late(ring->stream.thread->tid)->name_site, 9);
	program_end();
}

Test(prelude, is_when_the_next_word_is)
{
	struct thag_stream stream = { .last_ticks = 1000 };
	uint64_t word = THAG_WORD(THAG_KIND_ENTER, 7) | UINT64_C(1200) << THAG_WORD_TIME_SHIFT;
	uint64_t early = THAG_WORD(THAG_KIND_ENTER, 7) | UINT64_C(900) << THAG_WORD_TIME_SHIFT;
	uint64_t time = THAG_WORD(THAG_KIND_TIME, 3) | UINT64_C(50) << THAG_WORD_TIME_SHIFT;

	cr_assert_eq(thag_prelude_ticks(&stream, 0, false, 5000), 5000);
	cr_assert_eq(thag_prelude_ticks(&stream, 0, false, 500), 1000);
	cr_assert_eq(thag_prelude_ticks(&stream, word, true, 5000), 1200);
	cr_assert_eq(thag_prelude_ticks(&stream, early, true, 5000), 1000);
	cr_assert_eq(thag_prelude_ticks(&stream, time, true, 5000),
		     (UINT64_C(3) << THAG_WORD_TIME_BITS) + 50);
	cr_assert_eq(thag_prelude_ticks(&stream, THAG_WORD_EXT(THAG_EXT_NOP), true, 5000), 1000);
	stream.pending_words = 1;
	cr_assert_eq(thag_prelude_ticks(&stream, word, true, 5000), 1000);
}

/* Whatever the bytes of openings say, playing them and going on is no worse than nonsense. */
Test(prelude, trusts_nothing)
{
	for (unsigned seed = 1; seed <= 3000; seed++) {
		uint8_t bytes[200];
		struct thag_chunk_raw raw = {
			.head = { .flags = THAG_CHUNK_PRELUDE | THAG_CHUNK_THREAD, .tid = 1 }
		};
		size_t count = (size_t)rand_r(&(unsigned){ seed }) % sizeof(bytes);
		unsigned state = seed;

		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)(rand_r(&state) % (seed % 2 ? 8 : 256));
		if (thag_openings_decode(&raw.openings, bytes, count) != 0)
			continue;
		program_begin(seed,
			      (struct program_options){
				      .steps = 50, .ticks_max = 9, .depth = 4, .tasks = true });
		cr_assert_eq(thag_tasks_init(&late_table), 0);
		late_count = 0;
		late[0] = (struct thag_stream){ .thread_start = start_late,
						.thread_end = end_thread,
						.tasks = &late_table };
		thag_prelude_play(&late[0], &raw);
		for (uint32_t at = 0; at < program.rings[0].count;) {
			uint32_t left = program.rings[0].count - at;

			at += (uint32_t)thag_stream_feed(&late[0], program.rings[0].words + at,
							 left);
			thag_stream_retry(&late[0], true);
		}
		thag_tasks_end(&late_table, late[0].last_ticks);
		thag_openings_fini(&raw.openings);
		thag_tasks_fini(&late_table);
		while (late_count)
			thag_thread_fini(&late_threads[--late_count]);
		program_end();
	}
}
