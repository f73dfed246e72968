/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the emit path does when it isn't fast: first use, no room, no clock, frames that vanished.
 */
#include "internal.h"

#include <errno.h>

/* The stack pointer of the function that called ours, as it was before the call. */
#define CALLER_SP ((uintptr_t)__builtin_dwarf_cfa())

void thag_time_put(struct thag_producer *producer, uint64_t ticks)
{
	uint64_t high = ticks >> THAG_WORD_TIME_BITS & THAG_WORD_ARG_MASK;

	if (!thag_room_has_slack(producer))
		return;
	if ((uint32_t)(ticks >> 32) < producer->time_high)
		thag_count(&thag_process.threads[thag_cold(producer)->slot].skewed, 1);
	producer->time_high = (uint32_t)(ticks >> 32);
	thag_put_plain(producer, ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_TIME, high));
	thag_suspend_watch(producer, ticks);
}

static void say_lost(struct thag_producer *producer, enum thag_lost what, uint64_t ticks)
{
	uint64_t *unsaid = &thag_cold(producer)->lost_unsaid[what], lost;

	if (*unsaid == 0 || !thag_room_has(producer, 6))
		return;
	/* a handler may lose calls, or say what is lost, at any instruction */
	lost = __atomic_exchange_n(unsaid, 0, __ATOMIC_RELAXED);
	thag_put_ext_changing(producer, ticks, THAG_EXT_LOST << THAG_EXT_SHIFT | (uint32_t)what,
			      &lost, 1, 0);
}

void thag_lost_say(struct thag_producer *producer, uint64_t ticks)
{
	say_lost(producer, THAG_LOST_CALLS, ticks);
	say_lost(producer, THAG_LOST_MEMORY, ticks);
}

/* Opens a frame for which there is room. */
static uint32_t open_frame(struct thag_producer *producer, uint32_t word, uintptr_t sp)
{
	uint64_t ticks = thag_clock_now(), head;
	uint32_t index;

	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	thag_lost_say(producer, ticks);
	head = thag_head_add(producer, THAG_HEAD_OPEN);
	index = thag_head_depth(head);
	producer->frame_sp[index] = sp;
	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | word);
	return thag_process.slow_clock ? index | THAG_SPAN_SLOW_CLOCK : index;
}

void thag_lost_count(struct thag_producer *producer, enum thag_lost what)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	struct thag_shm_thread *shared = &thag_process.threads[cold->slot];

	thag_count(&cold->lost_unsaid[what], 1);
	thag_count(what == THAG_LOST_MEMORY ? &shared->lost_memory : &shared->lost_calls, 1);
}

void thag_drop_begin(struct thag_producer *producer, uintptr_t sp)
{
	struct thag_stack *stack = &thag_cold(producer)->stack;
	static uint32_t said;

	if (thag_log_once_more(&said, 20))
		thag_log("ring %u is full: calls of its thread are lost",
			 thag_cold(producer)->slot);
	stack->drop_depth = thag_head_depth(thag_head_get(producer));
	stack->drop_sp = sp;
	stack->drop_fn = 0;
	stack->drop_nested = 0;
	/* last: a handler that came before would end it by what an earlier one left here */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	stack->dropping = 1;
	/* whatever is called from here on comes by the cold side */
	__atomic_store_n(&producer->limit, 0, __ATOMIC_RELAXED);
	thag_lost_count(producer, THAG_LOST_CALLS);
}

static uint32_t drop_call(struct thag_producer *producer, uintptr_t sp)
{
	thag_drop_begin(producer, sp);
	return THAG_SPAN_DROP_ROOT;
}

/* The subtree is over, or the frame it hung below is gone. */
static bool drop_goes_on(struct thag_producer *producer)
{
	struct thag_stack *stack = &thag_cold(producer)->stack;

	if (stack->dropping && thag_head_depth(thag_head_get(producer)) < stack->drop_depth)
		stack->dropping = 0;
	return stack->dropping;
}

static bool has_room(struct thag_producer *producer)
{
	return thag_head_get(producer) < thag_limit_get(producer) || thag_room_find(producer, 1);
}

uint32_t thag_open_cold(struct thag_producer *producer, uint32_t word, uintptr_t sp)
{
	return has_room(producer) ? open_frame(producer, word, sp) : drop_call(producer, sp);
}

struct thag_producer *thag_open_ready(uint32_t modes)
{
	struct thag_producer *producer = thag_this_producer;

	thag_switch_heed();
	if (!(modes & __atomic_load_n(&thag_on, __ATOMIC_RELAXED)))
		return NULL;
	return thag_cold(producer)->live ? producer : thag_thread_attach();
}

uint32_t thag_open_word(struct thag_producer *producer, uint32_t word, uintptr_t sp)
{
	if (drop_goes_on(producer)) {
		thag_lost_count(producer, THAG_LOST_CALLS);
		return THAG_SPAN_DROPPED;
	}
	return thag_open_cold(producer, word, sp);
}

static uint32_t open_slow(struct thag_site *site, uintptr_t sp)
{
	struct thag_producer *producer = thag_open_ready(site->modes);

	return producer ? thag_open_word(producer, thag_site_word(site), sp) : THAG_SPAN_OFF;
}

uint32_t thag_open_slow(struct thag_site *site)
{
	int saved = errno;
	uint32_t index = open_slow(site, CALLER_SP);

	errno = saved;
	return index;
}

/* Closes `index` and whatever lies above it, by one EXIT. Their exits' places are given up. */
static void close_from(struct thag_producer *producer, uint32_t index, uint64_t ticks)
{
	int64_t gone = (int64_t)thag_head_depth(thag_head_get(producer)) - index;
	uint64_t head;

	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	head = thag_head_add(producer, thag_head_change(1, -gone));
	thag_word_put(producer, head,
		      ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_EXIT, index));
}

void thag_close_slow(uint32_t index, uint64_t ticks)
{
	struct thag_producer *producer = thag_this_producer;

	if (index == THAG_SPAN_DROP_ROOT)
		thag_cold(producer)->stack.dropping = 0;
	if (index >= THAG_SPAN_DROP_ROOT || !thag_cold(producer)->live)
		return;
	index &= ~THAG_SPAN_SLOW_CLOCK;
	if (thag_cold(producer)->unrecorded_task)
		thag_task_unrecorded_exit(producer, index);
	/* a frame of before the fork, or of another thread or stack, is not ours to close */
	if (index >= thag_head_depth(thag_head_get(producer)))
		return;
	if (index < thag_stack_floor(producer)) {
		thag_misuse(THAG_MISUSE_TASK);
		return;
	}
	close_from(producer, index, thag_process.slow_clock ? thag_clock_now() : ticks);
}

/* Sections that ended below the top keep their index until all above them is gone. */
#define ENDED_SP 0

static void pop_ended(struct thag_producer *producer, uint64_t ticks)
{
	struct thag_stack *stack = &thag_cold(producer)->stack;
	uint32_t depth = thag_head_depth(thag_head_get(producer)), index = depth;

	while (index > thag_stack_floor(producer) && producer->frame_sp[index - 1] == ENDED_SP)
		index--;
	if (index == depth)
		return;
	stack->ended_sections -=
		stack->ended_sections < depth - index ? stack->ended_sections : depth - index;
	close_from(producer, index, ticks);
}

#define OWNER_THREAD (UINT64_C(1) << 63)
#define OWNER_SESSION (UINT64_C(0x7fff) << 48)

/* Whose stack its events go to: a task's id, of 62 bits, or a thread of this process. */
static uint64_t owner(const struct thag_producer *producer)
{
	uint64_t task = ((const struct thag_producer_cold *)(const void *)producer->cold)->task;

	return task ? task
		    : (uintptr_t)producer | OWNER_THREAD |
			       (thag_process.serial << 48 & OWNER_SESSION);
}

/* Of a section that was begun before the fork. */
static bool is_parents(uint64_t section_owner)
{
	return section_owner & OWNER_THREAD &&
	       ((section_owner ^ thag_process.serial << 48) & OWNER_SESSION);
}

/* A serial for the frame of a section: neither 0 nor that of THAG_FRAME_UNKNOWN. */
static uint16_t take_serial(void)
{
	static __thread uint16_t last;

	last = last < UINT16_MAX - 1 ? (uint16_t)(last + 1) : 1;
	return last;
}

struct thag_section thag_section_open(struct thag_site *site)
{
	int saved = errno;
	struct thag_section section = { .serial = take_serial() };
	struct thag_producer *producer;

	if (thag_cold(thag_this_producer)->stack.ended_sections)
		pop_ended(thag_this_producer, thag_clock_now());
	section.index = open_slow(site, CALLER_SP);
	producer = thag_this_producer;
	section.owner = owner(producer);
	if (section.index < THAG_SPAN_DROP_ROOT)
		producer->frame_sp[section.index & ~THAG_SPAN_SLOW_CLOCK] |=
			(uintptr_t)section.serial << THAG_SERIAL_SHIFT;
	errno = saved;
	return section;
}

/* Whether the frame is still the section's. Not when a function's exit closed it. */
static bool is_open(const struct thag_producer *producer, const struct thag_section *section)
{
	uint32_t index = section->index & ~THAG_SPAN_SLOW_CLOCK;
	uint32_t depth = thag_head_depth(thag_head_get(producer));
	uintptr_t frame = index < depth ? producer->frame_sp[index] : 0;

	return index < depth &&
	       (frame == THAG_FRAME_UNKNOWN || frame >> THAG_SERIAL_SHIFT == section->serial);
}

/* Ends a section that is not on top: its word takes the place kept for it; its index stays. */
static void end_below(struct thag_producer *producer, uint32_t index, uint64_t ticks)
{
	/* its index needs an EXIT later on, as well: without room that EXIT ends the section */
	if (!thag_room_has(producer, 1))
		return;
	producer->frame_sp[index] = ENDED_SP;
	thag_cold(producer)->stack.ended_sections++;
	thag_put_plain(producer,
		       ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_SECTION_END, index));
}

static void end_open(struct thag_producer *producer, uint32_t index)
{
	if (index + 1 == thag_head_depth(thag_head_get(producer)))
		close_from(producer, index, thag_clock_now());
	else
		end_below(producer, index, thag_clock_now());
	if (thag_cold(producer)->stack.ended_sections)
		pop_ended(producer, thag_clock_now());
}

void thag_section_close(struct thag_section *section)
{
	struct thag_producer *producer = thag_this_producer;

	if (section->owner != owner(producer)) {
		if (!is_parents(section->owner))
			thag_misuse(THAG_MISUSE_SECTION);
	} else if (section->index >= THAG_SPAN_DROP_ROOT) {
		thag_close_slow(section->index, 0);
	} else if (thag_cold(producer)->live) {
		if (is_open(producer, section))
			end_open(producer, section->index & ~THAG_SPAN_SLOW_CLOCK);
		else
			thag_misuse(THAG_MISUSE_SECTION);
	}
	section->index = THAG_SPAN_OFF;
}

void thag_section_misused(void)
{
	thag_misuse(THAG_MISUSE_SECTION);
}
