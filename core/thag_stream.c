/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "thag/words.h"

#define FIRST_STACK 64

/* Of a frame whose section ended below the top; its index is taken until all above it is gone. */
#define ENDED_SITE 0

/* More frames than this are never made up for between known ones: no handler nests so deep. */
#define LOST_FRAMES_MAX 64

int thag_thread_init(struct thag_thread *thread, uint32_t tid, uint32_t node_limit)
{
	*thread = (struct thag_thread){ .tid = tid };
	thread->stack = calloc(FIRST_STACK, sizeof(*thread->stack));
	if (!thread->stack || thag_tree_init(&thread->tree, node_limit) != 0) {
		free(thread->stack);
		thread->stack = NULL;
		return -ENOMEM;
	}
	thread->stack_capacity = FIRST_STACK;
	return 0;
}

void thag_thread_fini(struct thag_thread *thread)
{
	free(thread->stack);
	thag_tree_fini(&thread->tree);
	*thread = (struct thag_thread){ 0 };
}

static int grow_stack(struct thag_thread *thread)
{
	uint32_t capacity = thread->stack_capacity * 2;
	struct thag_frame *grown = realloc(thread->stack, capacity * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	thread->stack = grown;
	thread->stack_capacity = capacity;
	return 0;
}

static inline void open_frame(struct thag_thread *thread, uint32_t site, uint64_t now)
{
	uint32_t parent = thread->stack[thread->depth].node;

	if (__builtin_expect(thread->depth + 1 == thread->stack_capacity, 0) &&
	    grow_stack(thread) != 0)
		return; /* its exit will be unmatched */
	thread->stack[++thread->depth] = (struct thag_frame){
		.start = now, .node = thag_tree_child(&thread->tree, parent, site), .site = site
	};
}

void thag_thread_open(struct thag_thread *thread, uint32_t site, uint64_t now)
{
	uint32_t depth = thread->depth;

	open_frame(thread, site, now);
	if (site == ENDED_SITE && thread->depth > depth)
		thread->stack[thread->depth].node = thread->stack[depth].node;
}

static inline void close_top(struct thag_thread *thread, uint64_t now)
{
	const struct thag_frame *top = &thread->stack[thread->depth--];
	uint64_t added = now - top->start;

	if (__builtin_expect(top->node != top[-1].node, 1))
		thag_tree_add_call(&thread->tree, top->node, added + top->carried, added);
}

/* Closes the top, which has no exit of its own; counts it in `*cut_off` unless it was over. */
static void cut_top(struct thag_thread *thread, uint64_t now, uint64_t *cut_off)
{
	if (thread->stack[thread->depth].site == ENDED_SITE)
		thread->calls++;
	else
		++*cut_off;
	close_top(thread, now);
}

void thag_thread_close(struct thag_thread *thread)
{
	while (thread->depth)
		cut_top(thread, thread->last_ticks, &thread->truncated);
	thread->base = 0;
}

void thag_thread_add_open(const struct thag_thread *thread, struct thag_tree *tree, uint64_t now)
{
	for (uint32_t i = 1; i <= thread->depth; i++) {
		const struct thag_frame *frame = &thread->stack[i];

		if (frame->node != frame[-1].node && now > frame->start)
			tree->nodes[frame->node].total += now - frame->start;
	}
}

/* Puts frames not told apart from their caller below the top. */
static int insert_below_top(struct thag_thread *thread, uint32_t count, uint64_t now)
{
	struct thag_frame top = thread->stack[thread->depth];

	while (thread->depth + count + 1 >= thread->stack_capacity)
		if (grow_stack(thread) != 0)
			return -ENOMEM;
	while (count--) {
		struct thag_frame *frame = &thread->stack[thread->depth++];

		*frame = (struct thag_frame){ .start = now, .node = frame[-1].node };
		frame->site = ENDED_SITE;
	}
	thread->stack[thread->depth] = top;
	return 0;
}

/*
 * The exit of the top names a higher index than we know of. When we joined late, that tells how
 * many frames lie below all we have seen. Else the words that opened some just below the top were
 * lost (a handler interrupted them and left by siglongjmp): others stand in for them.
 */
static void make_up_for(struct thag_thread *thread, uint32_t missing, uint64_t now)
{
	if (thread->late || missing > LOST_FRAMES_MAX ||
	    insert_below_top(thread, missing, now) != 0)
		thread->base += missing;
	thread->late = 0;
}

/* An exit of a frame that is not on top: those above it go first. */
static __attribute__((noinline)) void close_to(struct thag_thread *thread, uint32_t index,
					       uint64_t now)
{
	uint32_t top = thread->base + thread->depth - 1;

	if (thread->depth && index > top) {
		make_up_for(thread, index - top, now);
		close_top(thread, now);
		thread->calls++;
		return;
	}
	while (thread->depth && thread->base + thread->depth - 1 > index)
		cut_top(thread, now, &thread->unwound);
	if (thread->depth && thread->base + thread->depth - 1 == index) {
		close_top(thread, now);
		thread->calls++;
		return;
	}
	thread->unmatched++;
	thread->base = index;
	thread->late = 0;
}

static inline void close_frame(struct thag_thread *thread, uint32_t index, uint64_t now)
{
	if (__builtin_expect(index - thread->base + 1 == thread->depth && thread->depth, 1)) {
		close_top(thread, now);
		thread->calls++;
		return;
	}
	close_to(thread, index, now);
}

/*
 * A section ended at `now` below open frames: it leaves the stack, and from now on their time
 * goes to the stack without it. What they took so far stays where it was.
 */
static void move_above(struct thag_thread *thread, uint32_t ended, uint64_t now)
{
	struct thag_tree *tree = &thread->tree;
	struct thag_frame *frame = &thread->stack[ended];
	uint32_t old_below = frame->node, new_below = frame[-1].node;

	frame->node = new_below;
	frame->site = ENDED_SITE;
	for (frame++; frame <= &thread->stack[thread->depth]; frame++) {
		uint32_t old = frame->node;

		if (old == old_below) {
			frame->node = new_below;
		} else {
			tree->nodes[old].total += now - frame->start;
			frame->carried += now - frame->start;
			frame->start = now;
			frame->node = thag_tree_child(tree, new_below, frame->site);
		}
		old_below = old;
		new_below = frame->node;
	}
}

static void end_section(struct thag_thread *thread, uint32_t index, uint64_t now)
{
	uint32_t at = index - thread->base + 1;
	const struct thag_frame *frame;

	if (index < thread->base || at > thread->depth) {
		thread->unmatched++;
		return;
	}
	if (at == thread->depth) {
		close_frame(thread, index, now);
		return;
	}
	frame = &thread->stack[at];
	if (frame->node != frame[-1].node)
		thag_tree_add_call(&thread->tree, frame->node, now - frame->start + frame->carried,
				   now - frame->start);
	move_above(thread, at, now);
}

/* The full time of a word: the one nearest to the latest; earlier ones are moved up to it. */
static inline uint64_t unfold_time(struct thag_stream *stream, uint64_t word)
{
	uint64_t low = thag_word_time(word);
	uint64_t ahead = (low - stream->last_ticks) << (64 - THAG_WORD_TIME_BITS);

	if (__builtin_expect((int64_t)ahead < 0, 0)) {
		stream->skewed++;
		return stream->last_ticks;
	}
	stream->last_ticks += ahead >> (64 - THAG_WORD_TIME_BITS);
	return stream->last_ticks;
}

static void end_thread(struct thag_stream *stream)
{
	struct thag_thread *thread = stream->thread;

	if (!thread)
		return;
	thag_thread_close(thread);
	thread->ended = 1;
	stream->thread = NULL;
	stream->thread_end(stream->context, thread);
}

static void apply_ext(struct thag_stream *stream, uint32_t ext)
{
	switch (ext) {
	case THAG_EXT_THREAD_START:
		end_thread(stream);
		stream->thread =
			stream->thread_start(stream->context, (uint32_t)stream->payload[0]);
		if (stream->thread)
			stream->thread->first_ticks = stream->last_ticks;
		break;
	case THAG_EXT_THREAD_END:
		if (stream->thread)
			stream->thread->last_ticks = stream->last_ticks;
		end_thread(stream);
		break;
	case THAG_EXT_LOST:
		stream->lost_calls += stream->payload[0];
		break;
	default: /* NOP, and what later versions will say */
		break;
	}
}

static void take_payload(struct thag_stream *stream, uint64_t word)
{
	stream->payload[stream->payload_count++] = thag_payload_unpack(word);
	if (--stream->pending_words == 0)
		apply_ext(stream, stream->pending_ext);
}

static void begin_ext(struct thag_stream *stream, uint64_t word)
{
	uint32_t ext = thag_word_arg(word) >> THAG_EXT_SHIFT;
	int words = thag_ext_payload_words(ext);

	if (words < 0) {
		stream->invalid++;
		return;
	}
	if (ext != THAG_EXT_NOP)
		unfold_time(stream, word);
	stream->pending_ext = ext;
	stream->pending_words = (uint32_t)words;
	stream->payload_count = 0;
	if (words == 0)
		apply_ext(stream, ext);
}

static void set_time(struct thag_stream *stream, uint64_t word)
{
	uint64_t ticks =
		(uint64_t)thag_word_arg(word) << THAG_WORD_TIME_BITS | thag_word_time(word);

	if (ticks < stream->last_ticks)
		stream->skewed++;
	else
		stream->last_ticks = ticks;
}

static void feed_other(struct thag_stream *stream, uint64_t word)
{
	switch (thag_word_kind(word)) {
	case THAG_KIND_EXT:
		begin_ext(stream, word);
		break;
	case THAG_KIND_TIME:
		set_time(stream, word);
		break;
	case THAG_KIND_SECTION_END:
		stream->events++;
		if (!stream->thread) {
			stream->orphans++;
			break;
		}
		end_section(stream->thread, thag_word_arg(word), unfold_time(stream, word));
		stream->thread->last_ticks = stream->last_ticks;
		break;
	case THAG_KIND_ENTER:
	case THAG_KIND_EXIT:
	case THAG_KIND_SECTION_BEGIN:
		stream->events++; /* only without a thread do they come here */
		stream->orphans++;
		break;
	default:
		stream->invalid++;
	}
}

/* The run of calls at the head of `words`; returns how many words it took. */
static size_t feed_calls(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	struct thag_thread *thread = stream->thread;
	size_t i = 0;

	for (; i < count; i++) {
		uint64_t word = words[i];
		uint32_t kind = thag_word_kind(word);

		if (kind == THAG_KIND_EXIT)
			close_frame(thread, thag_word_arg(word), unfold_time(stream, word));
		else if (kind == THAG_KIND_ENTER || kind == THAG_KIND_SECTION_BEGIN)
			open_frame(thread, thag_word_arg(word), unfold_time(stream, word));
		else
			break;
	}
	stream->events += i;
	thread->last_ticks = stream->last_ticks;
	return i;
}

void thag_stream_feed(struct thag_stream *stream, const uint64_t *words, size_t count)
{
	size_t i = 0;

	while (i < count) {
		if (stream->pending_words) {
			take_payload(stream, words[i++]);
			continue;
		}
		if (stream->thread)
			i += feed_calls(stream, words + i, count - i);
		if (i < count)
			feed_other(stream, words[i++]);
	}
}
