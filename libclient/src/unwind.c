/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * longjmp: the frames it leaves never run their exits. The library stands in front of libc's
 * longjmp, takes the stack pointer it will restore from the jump buffer (as the sanitizers do),
 * and closes what lies below it, so that stacks are right from the jump on. Where the buffer's
 * layout isn't known to us, the next exit of a frame below closes them.
 */
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>

static bool is_on(const stack_t *stack, uintptr_t sp)
{
	uintptr_t base = (uintptr_t)stack->ss_sp;

	return !(stack->ss_flags & SS_DISABLE) && sp - base <= stack->ss_size;
}

/* Whether the frame that noted `frame_sp` is gone once the stack pointer is `target`. */
static bool is_left(uintptr_t frame_sp, uintptr_t target, const stack_t *alternate, bool leaves_it)
{
	if (frame_sp == 0)
		return true; /* an ended section */
	if (is_on(alternate, frame_sp) != is_on(alternate, target))
		return leaves_it && is_on(alternate, frame_sp);
	return frame_sp < target;
}

static uint32_t depth_after(const struct thag_producer *producer, uint32_t depth, uintptr_t target)
{
	stack_t alternate = { .ss_flags = SS_DISABLE };
	bool leaves_it;

	if (sigaltstack(NULL, &alternate) != 0)
		alternate.ss_flags = SS_DISABLE;
	leaves_it = alternate.ss_flags & SS_ONSTACK && !is_on(&alternate, target);
	while (depth > thag_stack_floor(producer) &&
	       is_left(producer->frame_sp[depth - 1], target, &alternate, leaves_it))
		depth--;
	return depth;
}

void thag_unwind_to(uintptr_t sp)
{
	struct thag_producer *producer = thag_this_producer;
	struct thag_producer_cold *cold = thag_cold(producer);
	uint32_t depth = thag_head_depth(thag_head_get(producer)), left;

	if (!cold->live)
		return;
	if (cold->stack.dropping && cold->stack.drop_sp < sp)
		cold->stack.dropping = 0;
	left = depth_after(producer, depth, sp);
	if (left < depth)
		thag_close_slow(left, thag_clock_now());
}

#if defined(__x86_64__) && defined(__GLIBC__)
/* glibc stores it rotated, and mixed with a secret of the thread's control block. */
static uintptr_t saved_sp(const struct __jmp_buf_tag *env)
{
	uintptr_t sp = (uintptr_t)env->__jmpbuf[6];

	__asm__("rorq $17, %0\n\txorq %%fs:0x30, %0" : "+r"(sp));
	return sp;
}

typedef void jump_fn(struct __jmp_buf_tag env[1], int value);

static __attribute__((noreturn)) void jump(jump_fn **real, const char *name,
					   struct __jmp_buf_tag *env, int value)
{
	int saved = errno;

	if (!*real)
		*real = (jump_fn *)dlsym(RTLD_NEXT, name);
	thag_unwind_to(saved_sp(env));
	errno = saved;
	(*real)(env, value);
	__builtin_unreachable();
}

/* Looked up when the library is loaded: dlsym is not for signal handlers. */
#define THAG_JUMP(name) \
	static jump_fn *real_##name; \
	__attribute__((constructor)) static void find_##name(void) \
	{ \
		real_##name = (jump_fn *)dlsym(RTLD_NEXT, #name); \
	} \
	__attribute__((noreturn, visibility("default"))) void name(struct __jmp_buf_tag env[1], \
								   int value); \
	void name(struct __jmp_buf_tag env[1], int value) \
	{ \
		jump(&real_##name, #name, env, value); \
	}

THAG_JUMP(longjmp)
THAG_JUMP(_longjmp)
THAG_JUMP(siglongjmp)
THAG_JUMP(__longjmp_chk)
#endif
