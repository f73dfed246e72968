/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * longjmp: the frames it leaves never run their exits. The library stands in front of libc's
 * longjmp, takes the stack pointer it will restore from the jump buffer (as the sanitizers do),
 * and closes what lies below it, so that stacks are right from the jump on. Where the buffer's
 * layout isn't known to us, the next exit of a frame below closes them.
 */
#include "left.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>

static uint32_t depth_after(const struct thag_producer *producer, uint32_t depth, uintptr_t target)
{
	struct thag_place place = thag_place_at(target);

	while (depth > thag_stack_floor(producer) &&
	       thag_frame_is_left(producer, depth - 1, &place))
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
	thag_functions_unwound(producer, sp);
}

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#if defined(__x86_64__)
/* glibc stores it rotated, and mixed with a secret of the thread's control block. */
static uintptr_t saved_sp(const struct __jmp_buf_tag *env)
{
	uintptr_t sp = (uintptr_t)env->__jmpbuf[6];

	__asm__("rorq $17, %0\n\txorq %%fs:0x30, %0" : "+r"(sp));
	return sp;
}
#else
#define JMPBUF_SP 13

/* Mixed with a secret of glibc, which is seen where the stack pointer is known. */
static uintptr_t secret;

__attribute__((constructor, noinline)) static void find_secret(void)
{
	jmp_buf env;
	uintptr_t sp;

	if (_setjmp(env) != 0)
		return;
	__asm__ volatile("mov %0, sp" : "=r"(sp));
	secret = (uintptr_t)env->__jmpbuf[JMPBUF_SP] ^ sp;
}

static uintptr_t saved_sp(const struct __jmp_buf_tag *env)
{
	return (uintptr_t)env->__jmpbuf[JMPBUF_SP] ^ secret;
}
#endif

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
