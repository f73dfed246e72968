/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A reader is killed after any word of a random run: what the next one sees fits the first's. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "thag_checkpoint.h"
#include "thag/words.h"

#define EVENTS 400

static uint64_t words[EVENTS];

/* Random calls and sections, some of which end below the top. */
static void make_words(unsigned seed)
{
	uint32_t depth = 0;

	for (uint64_t i = 0; i < EVENTS; i++) {
		int what = rand_r(&seed) % 5;
		uint64_t word;

		if (depth == 0 || (what < 3 && depth < 20))
			word = THAG_WORD(THAG_KIND_SECTION_BEGIN, 2 + rand_r(&seed) % 4), depth++;
		else if (what == 4 && depth > 1)
			word = THAG_WORD(THAG_KIND_SECTION_END,
					 (uint32_t)rand_r(&seed) % (depth - 1));
		else
			word = THAG_WORD(THAG_KIND_EXIT, --depth);
		words[i] = word | (10 * i + 10) << THAG_WORD_TIME_SHIFT;
	}
}

static void begin(struct thag_stream *stream, struct thag_thread *thread)
{
	*stream = (struct thag_stream){ .thread = thread };
	cr_assert_eq(thag_thread_init(thread, 7, 10000), 0);
}

static uint64_t all_total(const struct thag_tree *tree)
{
	uint64_t total = 0;

	for (uint32_t i = 1; i < tree->count; i++)
		if (tree->nodes[i].parent == THAG_TREE_ROOT)
			total += tree->nodes[i].total;
	return total;
}

Test(checkpoint, lets_the_next_reader_go_on_with_the_stack)
{
	for (unsigned round = 0; round < EVENTS - 1; round++) {
		struct thag_stream whole, first, next;
		struct thag_thread a, b, c;
		struct thag_shm_stack saved = { 0 };
		struct thag_task_event task;
		uint64_t tail = THAG_RING_WORDS;

		make_words(round);
		begin(&whole, &a);
		begin(&first, &b);
		begin(&next, &c);
		thag_stream_feed(&whole, words, EVENTS);
		thag_stream_feed(&first, words, round);
		cr_assert(thag_checkpoint_save(&saved, &first, tail + round));
		cr_assert(thag_checkpoint_load(&saved, &c, &tail, &next.last_ticks, &task));
		cr_assert_eq(tail, THAG_RING_WORDS + round);
		cr_assert_eq(c.own.depth, b.own.depth);
		thag_stream_feed(&next, words + round, EVENTS - round);
		cr_assert_eq(c.own.depth, a.own.depth);
		cr_assert_eq(c.unmatched, a.unmatched);
		thag_thread_close(&a);
		thag_thread_close(&b);
		thag_thread_close(&c);
		/* every tick is in one of the two, on stacks of the same outermost frames */
		cr_assert_eq(all_total(&b.tree) + all_total(&c.tree), all_total(&a.tree));
		thag_thread_fini(&a);
		thag_thread_fini(&b);
		thag_thread_fini(&c);
	}
}

Test(checkpoint, is_of_no_use_half_written)
{
	struct thag_stream stream;
	struct thag_thread thread, other;
	struct thag_shm_stack saved = { 0 };
	struct thag_task_event task;
	uint64_t tail = THAG_RING_WORDS + 5, ticks = 0;

	begin(&stream, &thread);
	begin(&stream, &other);
	cr_assert(thag_checkpoint_save(&saved, &stream, tail));
	saved.tail = 0;
	cr_expect_not(thag_checkpoint_load(&saved, &other, &tail, &ticks, &task));
	saved.tail = tail - 1;
	cr_expect_not(thag_checkpoint_load(&saved, &other, &tail, &ticks, &task));
	saved.tail = tail;
	saved.depth = THAG_SHM_STACK_DEPTH + 1;
	cr_expect_not(thag_checkpoint_load(&saved, &other, &tail, &ticks, &task));
	cr_expect_eq(tail, THAG_RING_WORDS + 5);
	thag_thread_fini(&thread);
	thag_thread_fini(&other);
}

Test(checkpoint, waits_for_the_end_of_an_event)
{
	struct thag_stream stream;
	struct thag_thread thread;
	struct thag_shm_stack saved = { 0 };
	uint64_t word = THAG_WORD_EXT(THAG_EXT_LOST);

	begin(&stream, &thread);
	thag_stream_feed(&stream, &word, 1);
	cr_expect_not(thag_checkpoint_save(&saved, &stream, THAG_RING_WORDS + 1));
	thag_thread_fini(&thread);
}

static void put_step(struct thag_stream *stream, uint64_t id, uint64_t step, uint32_t open,
		     uint64_t ticks)
{
	uint64_t task[] = { THAG_WORD_EXT(THAG_EXT_TASK) | THAG_TASK_RUN |
				    ticks << THAG_WORD_TIME_SHIFT,
			    thag_payload_pack(id), thag_payload_pack(THAG_TASK_STEP(step, 5)),
			    thag_payload_pack(open) };

	cr_assert_eq(thag_stream_feed(stream, task, 4), 4);
}

static void put(struct thag_stream *stream, enum thag_kind kind, uint32_t arg, uint64_t ticks)
{
	uint64_t word = THAG_WORD(kind, arg) | ticks << THAG_WORD_TIME_SHIFT;

	cr_assert_eq(thag_stream_feed(stream, &word, 1), 1);
}

Test(checkpoint, lets_the_next_reader_go_on_with_the_task_that_runs)
{
	struct thag_tasks before, after;
	struct thag_stream first, next;
	struct thag_thread a, b;
	struct thag_shm_stack saved = { 0 };
	struct thag_task_event task;
	uint64_t tail = THAG_RING_WORDS, id = UINT64_C(1) << THAG_TASK_SLOT_BITS | 1;

	cr_assert_eq(thag_tasks_init(&before), 0);
	cr_assert_eq(thag_tasks_init(&after), 0);
	begin(&first, &a);
	begin(&next, &b);
	before.joined_late = after.joined_late = true;
	first.tasks = &before;
	next.tasks = &after;
	put(&first, THAG_KIND_ENTER, 10, 100);
	put_step(&first, id, 7, 2, 110);
	put(&first, THAG_KIND_ENTER, 11, 120);
	cr_assert(thag_checkpoint_save(&saved, &first, tail + 6));
	cr_assert(thag_checkpoint_load(&saved, &b, &tail, &next.last_ticks, &task));
	cr_assert_eq(task.id, id);
	thag_tasks_resume(&after, &b, &task);
	put(&next, THAG_KIND_ENTER, 12, 130);
	put(&next, THAG_KIND_EXIT, THAG_TASK_BASE + 3, 140);
	put(&next, THAG_KIND_EXIT, THAG_TASK_BASE + 2, 150);
	put_step(&next, 0, 0, 0, 160);
	put(&next, THAG_KIND_EXIT, 0, 180);
	cr_expect_eq(b.unmatched, 1, "of the frame whose name is lost");
	cr_expect_eq(b.calls, 2);
	cr_expect_eq(b.own.depth, 0);
	cr_expect_eq(after.newest->next_step, 8);
	cr_expect_eq(after.names[0].running, 40);
	thag_tasks_fini(&before);
	thag_tasks_fini(&after);
	thag_thread_fini(&a);
	thag_thread_fini(&b);
}
