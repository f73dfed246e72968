/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thread's stack is much like the one it was taken from before. So each thread keeps that one,
 * outermost frame first: where each return address was read, and what it was. A walk goes up from
 * the innermost frame until it meets a frame that lies where one did, with the same registers. If
 * memory still holds what was read from there on outwards, so is all the rest the same: what a
 * walk finds depends on nothing else.
 */
#include "trace.h"

#include <errno.h>

#include "internal.h"
#include "trace_tree.h"
#include "trace_walk.h"

/* The outermost frames of deeper stacks are left out: one place is for a frame that says so. */
#define KEPT_MAX (THAG_TRACE_DEPTH_MAX - 1)

struct frame {
	uintptr_t ra;
	uintptr_t sp; /* the return address was read right below */
	uintptr_t fp;
	uintptr_t fp_at; /* where the frame pointer was read; 0: it is the one before */
	uint64_t data;	 /* what is known of the code there */
	uint32_t node;	 /* of the tree */
	uint32_t parent; /* the node's */
};

struct thag_trace_thread {
	struct thag_walk_stack stack;
	struct thag_trace_tree *tree;
	uint64_t generation; /* of thag_codes when the last stack was taken */
	uintptr_t busy;	     /* where the frame of a walk that is under way is; 0: none is */
	uint32_t count;	     /* of the frames of `last` */
	bool is_cut;	     /* there were more than THAG_TRACE_DEPTH_MAX */
	struct frame last[THAG_TRACE_DEPTH_MAX];
	struct frame found[THAG_TRACE_DEPTH_MAX]; /* innermost first */
};

/* --- the thread's last stack --- */

/* How many of the outermost `count` frames memory still holds. */
static uint32_t count_unchanged(const struct thag_trace_thread *thread, uint32_t count)
{
	uint32_t i = 0;

	for (; i < count; i++) {
		const struct frame *frame = &thread->last[i];

		if (thag_walk_load(frame->sp - 8) != frame->ra ||
		    (frame->fp_at && thag_walk_load(frame->fp_at) != frame->fp))
			break;
	}
	return i;
}

/* Whether so many frames below those of the last stack are a stack that is cut alike. */
static bool fits(const struct thag_trace_thread *thread, uint32_t kept, uint32_t found)
{
	return thread->is_cut ? kept + found == KEPT_MAX : kept + found <= THAG_TRACE_DEPTH_MAX;
}

/* What a walk found. */
struct result {
	uint32_t kept;	/* frames of the last stack, from its outermost on */
	uint32_t found; /* innermost frames that aren't of it */
	bool is_cut;
	bool is_own; /* it can be met again */
};

#define UNKNOWN UINT32_MAX

/*
 * The frame is one that the last stack had: its innermost but those that were passed. Whether all
 * those further out are as they were, too.
 */
static bool is_rest_known(const struct thag_trace_thread *thread, const struct thag_walk *walk,
			  const struct result *result, uint32_t *unchanged)
{
	if (!walk->is_own || thread->last[result->kept - 1].fp != walk->fp)
		return false;
	if (*unchanged == UNKNOWN)
		*unchanged = count_unchanged(thread, result->kept - 1);
	return *unchanged >= result->kept - 1 && fits(thread, result->kept, result->found);
}

/* Walks until the rest is known, or to the end. */
static struct result walk_up(struct thag_trace_thread *thread, const struct thag_walk *begin)
{
	struct result result = { .kept = thread->count };
	struct thag_walk walk = *begin;
	uint32_t unchanged = UNKNOWN;
	const struct frame *last = thread->last;
	uint64_t data;

	do {
		while (result.kept && last[result.kept - 1].sp < walk.sp)
			result.kept--;
		if (result.kept && last[result.kept - 1].sp == walk.sp &&
		    last[result.kept - 1].ra == walk.ra) {
			if (is_rest_known(thread, &walk, &result, &unchanged)) {
				result.is_cut = thread->is_cut;
				result.is_own = walk.is_own;
				return result;
			}
			/* the processor goes on with it before it has read the stack */
			data = last[result.kept - 1].data;
		} else {
			data = thag_code_find(walk.ra);
			if (!thag_code_site(data))
				break;
		}
		if (result.found == THAG_TRACE_DEPTH_MAX) {
			result.is_cut = true;
			result.found = KEPT_MAX;
			break;
		}
		thread->found[result.found++] =
			(struct frame){ walk.ra, walk.sp, walk.fp, walk.fp_at, data, 0, 0 };
	} while (thag_walk_step(&walk, &thread->stack, data));
	result.kept = 0;
	result.is_own = walk.is_own;
	return result;
}

/* The entry that stands for what was left out. */
static uint32_t cut_root(struct thag_trace_tree *tree)
{
	return thag_tree_find(tree, 0, thag_site_named(THAG_SITE_FUNCTION, "<truncated>"));
}

/*
 * The node of a frame that will lie at `before`. Often it lay there before, and what was there
 * since is still beyond the last stack's end.
 */
static uint32_t find_node(struct thag_trace_tree *tree, const struct frame *before, uint32_t parent,
			  uint32_t site)
{
	if (before->parent == parent && thag_code_site(before->data) == site)
		return before->node;
	return thag_tree_find(tree, parent, site);
}

/* Enters what was found into the tree. It becomes the last stack, if it can be met again. */
static uint32_t enter(struct thag_trace_thread *thread, const struct result *result)
{
	struct thag_trace_tree *tree = thread->tree;
	uint32_t node = 0, kept = result->kept;

	if (kept)
		node = thread->last[kept - 1].node;
	else if (result->is_cut)
		node = cut_root(tree);
	/* a handler may leave by siglongjmp: the frames below `count` are one stack at any time */
	if (result->is_own) {
		thread->count = kept;
		thread->is_cut = result->is_cut;
	}
	for (uint32_t i = result->found; i-- > 0;) {
		const struct frame *from = &thread->found[i];
		struct frame *to = &thread->last[kept];
		uint32_t parent = node;

		node = find_node(tree, to, parent, thag_code_site(from->data));
		if (!node)
			return 0;
		if (!result->is_own)
			continue;
		*to = *from;
		to->node = node;
		to->parent = parent;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		thread->count = ++kept;
	}
	return node;
}

static uint32_t take(struct thag_trace_thread *thread, const struct thag_trace_start *start)
{
	uint64_t generation = __atomic_load_n(&thag_codes.generation, __ATOMIC_ACQUIRE);
	struct thag_walk walk;
	struct result result;

	if (!thag_walk_begin(&walk, &thread->stack, start))
		return 0;
	if (thread->generation != generation) {
		thread->count = 0;
		thread->generation = generation;
	}
	result = walk_up(thread, &walk);
	return enter(thread, &result);
}

/* --- without the last stack --- */

#define FEW 32

/*
 * Writes the sites of the frames `from` … `from + count - 1`, where the innermost is 0. Returns how
 * many frames there are in all, at most one more than THAG_TRACE_DEPTH_MAX.
 */
static uint32_t read_few(struct thag_walk_stack *stack, const struct thag_trace_start *start,
			 uint32_t from, uint32_t count, uint32_t sites[FEW])
{
	struct thag_walk walk;
	uint32_t at = 0;

	if (!thag_walk_begin(&walk, stack, start))
		return 0;
	for (; at <= THAG_TRACE_DEPTH_MAX; at++) {
		uint64_t data = thag_code_find(walk.ra);

		if (!thag_code_site(data))
			break;
		if (at >= from && at - from < count)
			sites[at - from] = thag_code_site(data);
		if (!thag_walk_step(&walk, stack, data))
			return at + 1;
	}
	return at;
}

/*
 * In a handler that interrupted a walk of its own thread, whose frames are in use: walks once for
 * a few frames, from the outermost on.
 */
static uint32_t take_by_few(struct thag_trace_thread *thread, const struct thag_trace_start *start)
{
	uint32_t sites[FEW] = { 0 }, left, node = 0;

	left = read_few(&thread->stack, start, 0, 0, sites);
	if (left > THAG_TRACE_DEPTH_MAX) {
		node = cut_root(thread->tree);
		left = KEPT_MAX;
	}
	while (left) {
		uint32_t count = left < FEW ? left : FEW;

		left -= count;
		read_few(&thread->stack, start, left, count, sites);
		for (uint32_t i = count; i-- > 0;) {
			node = thag_tree_find(thread->tree, node, sites[i]);
			if (!node)
				return 0;
		}
	}
	return node;
}

/* --- threads --- */

static struct thag_trace_thread *prepare(struct thag_producer_cold *cold)
{
	struct thag_trace_roots *roots = thag_trace_roots();
	struct thag_trace_tree *tree = thag_tree_get();
	struct thag_trace_thread *thread;

	if (!roots || !tree || !thag_codes_ready() || !cold->live)
		return NULL;
	thread = roots->threads[cold->slot];
	if (!thread)
		thread = thag_trace_map(sizeof(*thread));
	if (!thread)
		return NULL;
	/* what the ring's last owner left; its frames don't matter */
	thread->stack = (struct thag_walk_stack){ 0 };
	thread->busy = 0;
	thread->count = 0;
	thread->tree = tree;
	roots->threads[cold->slot] = thread;
	cold->trace = thread;
	return thread;
}

/* Where memory was refused each allocation would ask for it again, by some system calls. */
#define WISHES_A_TRY 1024

/* The calling thread's. A slot's owner alone comes here; what a handler makes meanwhile is used. */
static struct thag_trace_thread *this_thread(void)
{
	struct thag_producer_cold *cold = thag_cold(thag_this_producer);
	int saved = errno;

	if (!cold->trace && (cold->untraced % WISHES_A_TRY || !prepare(cold)))
		cold->untraced++;
	errno = saved;
	return cold->trace;
}

/*
 * Whether a walk that was under way never will be over: a handler left it by siglongjmp. What we
 * interrupted on the same stack is below us.
 */
static bool is_abandoned(const struct thag_trace_thread *thread, uintptr_t here)
{
	const struct thag_walk_stack *stack = &thread->stack;

	return here > thread->busy && thread->busy >= stack->low && here < stack->high;
}

static uint32_t take_or_0(const struct thag_trace_start *start)
{
	struct thag_trace_thread *thread = thag_cold(thag_this_producer)->trace;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uint32_t node;

	if (__builtin_expect(!thread, 0))
		thread = this_thread();
	if (__builtin_expect(!thread, 0))
		return 0;
	if (__builtin_expect(thread->busy && !is_abandoned(thread, here), 0))
		return take_by_few(thread, start);
	thread->busy = here;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	node = take(thread, start);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* a handler forked, and we are in the child: the ids are of its parent's tree */
	if (__builtin_expect(thread->busy != here, 0))
		return 0;
	thread->busy = 0;
	return node;
}

uint32_t thag_trace_take(const struct thag_trace_start *start)
{
	uint32_t node = take_or_0(start);

	if (__builtin_expect(node == 0, 0))
		__atomic_fetch_add(&thag_process.header->lost_traces, 1, __ATOMIC_RELAXED);
	return node;
}

void thag_trace_recheck(void)
{
	thag_codes_recheck();
}
