/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_walk.h"

#include <errno.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "trace_full.h"

#define PAGE UINT64_C(4096)

/* A thread's own stack that is deeper than this when we first see it counts as another's. */
#define OWN_PAGES_MAX (UINT32_C(1) << 16)

/* Of another stack no more is looked at in one go. */
#define OTHER_BYTES_MAX (UINT64_C(4) << 20)

/* --- which memory is there --- */

/* The kernel reads them before it refuses to do more. */
bool thag_walk_is_readable(uintptr_t at)
{
	return syscall(SYS_rt_sigprocmask, ~0L, at, NULL, 8) == -1 && errno == EINVAL;
}

/* The end of the pages that can be read without a gap, from the one at `from` up to `to`. */
static uintptr_t readable_to(uintptr_t from, uintptr_t to)
{
	uintptr_t page = from & ~(PAGE - 1);

	while (page < to && thag_walk_is_readable(page))
		page += PAGE;
	return page < to ? page : to;
}

static uintptr_t thread_pointer(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

#ifdef __GLIBC__
extern void *__libc_stack_end __attribute__((weak));

/* Where the kernel put the arguments. */
static uintptr_t main_stack_end(void)
{
	return &__libc_stack_end && __libc_stack_end ? (uintptr_t)__libc_stack_end + 16 : 0;
}
#else
static uintptr_t main_stack_end(void)
{
	return 0;
}
#endif

/* Whether the stack that ends at `high` (or is known from `low` on) goes on down to `sp`. */
static bool goes_down_to(struct thag_walk_stack *stack, uintptr_t sp, uintptr_t low, uintptr_t high)
{
	uintptr_t end;

	if (sp >= low || (low - sp) / PAGE > OWN_PAGES_MAX)
		return false;
	end = readable_to(sp, low);
	if (end < low) {
		stack->other_low = sp & ~(PAGE - 1);
		stack->other_high = end;
		return false;
	}
	stack->low = sp & ~(PAGE - 1);
	stack->high = high;
	return true;
}

/*
 * The C library puts the thread's control block on top of the stack it makes for a thread; the
 * first thread's stack is the kernel's, which lets it grow downwards.
 */
static bool find_own(struct thag_walk_stack *stack, uintptr_t sp)
{
	if (sp >= stack->other_low && sp < stack->other_high)
		return false;
	if (stack->high)
		return goes_down_to(stack, sp, stack->low, stack->high);
	return goes_down_to(stack, sp, thread_pointer(), thread_pointer()) ||
	       goes_down_to(stack, sp, main_stack_end(), main_stack_end());
}

bool thag_walk_reach(struct thag_walk *walk, uintptr_t end)
{
	int saved = errno;

	if (walk->is_own || end < walk->high || end - walk->sp > OTHER_BYTES_MAX)
		return false;
	walk->high = readable_to(walk->high, ((end - 1) | (PAGE - 1)) + 1);
	errno = saved;
	return end <= walk->high;
}

bool thag_walk_find_end(struct thag_walk *walk, struct thag_walk_stack *stack)
{
	int saved = errno;
	bool is_own = walk->sp < stack->high && walk->sp >= stack->low;

	if (walk->sp % 8 || walk->sp < PAGE || walk->sp > UINTPTR_MAX - OTHER_BYTES_MAX)
		return false;
	if (!is_own)
		is_own = find_own(stack, walk->sp);
	errno = saved;
	walk->is_own &= is_own;
	walk->high = is_own ? stack->high : walk->sp & ~(PAGE - 1);
	return true;
}

bool thag_walk_begin(struct thag_walk *walk, struct thag_walk_stack *stack,
		     const struct thag_trace_start *start)
{
	walk->ra = start->pc;
	walk->sp = start->sp;
	walk->fp = start->fp;
	walk->fp_at = 0;
	walk->is_own = true;
	walk->high = stack->high;
	if (walk->sp >= stack->low && walk->sp < stack->high && walk->sp % 8 == 0)
		return walk->ra;
	return thag_walk_find_end(walk, stack) && walk->ra;
}

bool thag_walk_is_red(uintptr_t sp, uintptr_t at)
{
	int saved = errno;
	bool is_red = at < sp && sp - at <= 128 && thag_walk_is_readable(at);

	errno = saved;
	return is_red;
}

/* --- the rarer rules --- */

bool thag_walk_can_read(struct thag_walk *walk, uintptr_t at, uintptr_t bytes)
{
	return at >= walk->sp && at <= UINTPTR_MAX - bytes &&
	       (at + bytes <= walk->high || thag_walk_reach(walk, at + bytes));
}

/* { the caller's frame pointer, the return address } */
static bool step_chain(struct thag_walk *walk)
{
	uintptr_t frame = walk->fp;

	if (frame % 8 || !thag_walk_can_read(walk, frame, 16))
		return false;
	walk->fp_at = frame;
	walk->fp = thag_walk_load(frame);
	walk->ra = thag_walk_load(frame + 8);
#if defined(__aarch64__)
	/* without the bits that sign it */
	walk->ra &= (UINT64_C(1) << 48) - 1;
#endif
	walk->sp = frame + 16;
	return walk->ra != 0;
}

#if defined(__x86_64__)
static bool step_aligned(struct thag_walk *walk, uint64_t data)
{
	uintptr_t at = walk->fp + (uintptr_t)thag_code_offset(data), fp = walk->fp, cfa;

	if (!thag_walk_can_read(walk, at, 8) || !thag_walk_can_read(walk, fp, 8))
		return false;
	cfa = thag_walk_load(at);
	if (cfa < walk->sp + 8 || !thag_walk_can_read(walk, cfa - 8, 8))
		return false;
	walk->fp = thag_walk_load(fp);
	walk->fp_at = fp;
	walk->ra = thag_walk_load(cfa - 8);
	walk->sp = cfa;
	/* its slot isn't all that the step came from */
	walk->is_own = false;
	return walk->ra != 0;
}

/* The kernel's frame: a ucontext_t, to which the stack pointer points. */
static bool step_signal(struct thag_walk *walk, struct thag_walk_stack *stack)
{
	const ucontext_t *context = (const ucontext_t *)walk->sp;

	if (!thag_walk_can_read(walk, walk->sp, sizeof(*context)))
		return false;
	walk->ra = (uintptr_t)context->uc_mcontext.gregs[REG_RIP] + 1;
	walk->fp = (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
	walk->sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
	walk->fp_at = 0;
	walk->is_own = false;
	if (!thag_walk_find_end(walk, stack))
		return false;
	return walk->ra > 1;
}
#endif

bool thag_walk_step_otherwise(struct thag_walk *walk, struct thag_walk_stack *stack, uint64_t data)
{
	switch (thag_code_rule(data)) {
	case THAG_CODE_CHAIN:
		return step_chain(walk);
#if defined(__x86_64__)
	case THAG_CODE_FP_LOAD:
		return step_aligned(walk, data);
	case THAG_CODE_SIGNAL:
		return step_signal(walk, stack);
	case THAG_CODE_COMPLEX:
		return thag_walk_step_full(walk, stack);
#endif
	default:
		(void)stack;
		return false;
	}
}
