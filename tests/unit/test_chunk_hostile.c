/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stored words and stacks such as no encoder makes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_chunk_words.h"
#include "thag_openings.h"
#include "thag_varint.h"

/* Words as they are stored, but their padding: the streams follow each other in `bytes`. */
struct stored {
	uint32_t ops, times, more, args, payload;
	uint8_t bytes[16];
};

/* What becomes of them, as `count` words. */
static int decode(const struct stored *stored, uint32_t count, uint64_t *words)
{
	const uint32_t lengths[5] = { stored->ops, stored->times, stored->more, stored->args,
				      stored->payload };
	const struct thag_chunk_head head = { .first_pos = THAG_RING_WORDS,
					      .words = count,
					      .last_ticks = 5 * stored->times };
	uint8_t data[sizeof(lengths) + sizeof(stored->bytes) + PADDING] = { 0 };
	size_t bytes = sizeof(lengths) + PADDING;

	for (uint32_t i = 0; i < 5; i++)
		bytes += lengths[i];
	bytes += (stored->times + 3) / 4;
	memcpy(data, lengths, sizeof(lengths));
	memcpy(data + sizeof(lengths), stored->bytes, sizeof(stored->bytes));
	return thag_chunk_decode_words(words, &head, data, bytes);
}

/* Ops, sizes, times of 5 ticks, args. */
Test(chunk_hostile, words_must_be_as_many_as_their_head_says)
{
	const struct stored exits = { .ops = 2, .times = 2, .bytes = { 0, 0, 0, 5, 5 } };
	uint64_t words[3];

	cr_expect_eq(decode(&exits, 2, words), 0);
	cr_expect_eq(thag_word_kind(words[1]), THAG_KIND_EXIT);
	cr_expect_eq(decode(&exits, 1, words), -EBADMSG);
	cr_expect_eq(decode(&exits, 3, words), -EBADMSG);
}

Test(chunk_hostile, an_event_with_holes_must_say_which_and_where)
{
	const struct stored good = {
		.ops = 2, .times = 1, .args = 4, .bytes = { OP_BROKEN, OP_ENTER, 0, 5, 1, 7, 0, 0 }
	};
	struct stored bad[5] = { good, good, good, good, good };
	uint64_t words[1];

	cr_assert_eq(decode(&good, 1, words), 0);
	cr_expect_eq(thag_word_kind(words[0]), THAG_KIND_ENTER);
	cr_expect_eq(thag_word_arg(words[0]), 7);
	/* no op after it; no byte of holes; such as have none; none that there is */
	bad[0] = (struct stored){ .ops = 1, .args = 1, .bytes = { OP_BROKEN, 1 } };
	bad[1] = (struct stored){ .ops = 2, .times = 1, .bytes = { OP_BROKEN, OP_ENTER, 0, 5 } };
	bad[2].bytes[1] = OP_EXIT_TOP;
	bad[3].bytes[1] = OP_BROKEN;
	bad[4].bytes[1] = OP_SITES;
	for (uint32_t i = 0; i < 5; i++)
		cr_expect_eq(decode(&bad[i], 1, words), -EBADMSG, "%u", i);
}

Test(chunk_hostile, words_without_lengths_are_refused)
{
	const uint8_t none[5 * sizeof(uint32_t) + PADDING] = { 0 };
	const struct thag_chunk_head head = { .first_pos = THAG_RING_WORDS };

	cr_expect_eq(thag_chunk_decode_words(NULL, &head, none, sizeof(none)), 0);
	for (size_t bytes = 0; bytes < sizeof(none); bytes++)
		cr_expect_eq(thag_chunk_decode_words(NULL, &head, none, bytes), -EBADMSG);
}

/* Appends a thread's stack with so many frames, each of which takes three bytes: zeros. */
static void put_stack(struct thag_buffer *to, uint32_t count, uint32_t frames)
{
	static const uint8_t zeros[4096];
	uint8_t head[3 * THAG_VARINT_MAX] = { 0 };
	size_t bytes = (size_t)(thag_varint_put(head + 6, count) - head) + 1;

	cr_assert_eq(thag_buffer_append(to, head, bytes), 0);
	for (size_t left = 3 * (size_t)frames; left;) {
		size_t piece = left < sizeof(zeros) ? left : sizeof(zeros);

		cr_assert_eq(thag_buffer_append(to, zeros, piece), 0);
		left -= piece;
	}
}

static int decode_stacks(const struct thag_buffer *stored, struct thag_openings *out)
{
	*out = (struct thag_openings){ 0 };
	return thag_openings_decode(out, stored->data, stored->bytes);
}

Test(chunk_hostile, a_stack_has_no_more_frames_than_there_are_bytes_or_threads_open)
{
	struct thag_openings openings;
	struct thag_buffer stored = { 0 };

	put_stack(&stored, 5, 5);
	cr_expect_eq(decode_stacks(&stored, &openings), 0);
	thag_openings_fini(&openings);
	stored.bytes--;
	cr_expect_eq(decode_stacks(&stored, &openings), -EBADMSG);
	cr_expect_eq(thag_openings_count(&openings), 0);
	stored.bytes = 0;
	put_stack(&stored, THAG_STACK_FRAMES_MAX + 1, THAG_STACK_FRAMES_MAX + 1);
	cr_expect_eq(decode_stacks(&stored, &openings), -EBADMSG);
	thag_buffer_fini(&stored);
}

/* As many frames as there may be, and one more: of what is stored, and of a thread. */
Test(chunk_hostile, stacks_together_have_no_more_frames_than_that)
{
	struct thag_openings openings;
	struct thag_buffer stored = { 0 };
	struct thag_thread thread;

	for (uint32_t i = 0; i < THAG_OPENINGS_FRAMES_MAX / THAG_STACK_FRAMES_MAX; i++)
		put_stack(&stored, THAG_STACK_FRAMES_MAX, THAG_STACK_FRAMES_MAX);
	put_stack(&stored, 1, 1);
	cr_expect_eq(decode_stacks(&stored, &openings), -EBADMSG);
	stored.bytes -= 11;
	cr_assert_eq(decode_stacks(&stored, &openings), 0);
	cr_expect_eq(openings.frames.bytes / sizeof(struct thag_opening), THAG_OPENINGS_FRAMES_MAX);
	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 10), 0);
	cr_expect_eq(thag_openings_add_own(&openings, &thread.own, 10), 0, "it has no frame");
	thag_thread_open(&thread, 7, 5);
	cr_expect_eq(thag_openings_add_own(&openings, &thread.own, 10), -E2BIG);
	cr_expect_eq(thag_openings_count(&openings), 3);
	thag_thread_fini(&thread);
	thag_openings_fini(&openings);
	thag_buffer_fini(&stored);
}

Test(chunk_hostile, a_stack_that_was_joined_late_says_so)
{
	struct thag_openings openings = { 0 }, back;
	struct thag_buffer stored = { 0 };
	struct thag_thread thread;

	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 10), 0);
	thag_thread_open(&thread, 7, 5);
	for (uint32_t late = 0; late < 2; late++) {
		thread.own.late = late;
		cr_assert_eq(thag_openings_add_own(&openings, &thread.own, 10), 0);
	}
	cr_assert_eq(thag_openings_encode(&openings, &stored), 0);
	cr_assert_eq(decode_stacks(&stored, &back), 0);
	const struct thag_opening_stack *stacks = (const void *)back.stacks.data;

	cr_expect_eq(stacks[0].flags, 0);
	cr_expect_eq(stacks[1].flags, THAG_OPENING_LATE);
	thag_thread_fini(&thread);
	thag_openings_fini(&openings);
	thag_openings_fini(&back);
	thag_buffer_fini(&stored);
}
