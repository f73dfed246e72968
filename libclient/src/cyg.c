/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The hooks that a compiler's -finstrument-functions calls: libthag-cyg, linked or preloaded. They
 * do what the emit path does (emit.h), but for two things: the function's word comes out of a
 * table, and an exit finds its frame by the function's address.
 *
 * Instrumented code runs before anything else does: in IFUNC resolvers, when this library's own
 * addresses aren't filled in yet, and in constructors of libraries that come before it. Nothing
 * but `functions`, which lies at a fixed distance, is looked at before the first call that finds
 * the library whole; that call connects to thagd. A process without instrumented code never does.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "functions.h"

#define HOOK __attribute__((visibility("default"), no_instrument_function))

HOOK void __cyg_profile_func_enter(void *function, void *call_site);
HOOK void __cyg_profile_func_exit(void *function, void *call_site);

static struct thag_function *functions; /* NULL: not begun, or nothing may be profiled */
static int begun;

/* 0 until the loader has filled in this library's addresses, and those of what it needs. */
static void *volatile filled_in = (void *)&filled_in;

/* The caller's stack pointer, as it is before the call. */
#define CALLER_SP ((uintptr_t)__builtin_dwarf_cfa())

static __attribute__((noinline)) void sample(void)
{
	__cyg_profile_func_enter((void *)(uintptr_t)sample, NULL);
	__asm__ volatile("");
	__cyg_profile_func_exit((void *)(uintptr_t)sample, NULL);
}

static void start(void)
{
	struct thag_function *table = thag_functions_prepare(sample);

	/* release: who finds the table finds it as it was prepared */
	__atomic_store_n(&functions, table, __ATOMIC_RELEASE);
	if (table)
		thag_functions_start();
}

static void start_once(void)
{
	sigset_t all, before;

	/* what a handler called meanwhile would be missed */
	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return;
	if (__atomic_exchange_n(&begun, 1, __ATOMIC_RELAXED) == 0)
		start();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The first call of all; or one that came while another thread was at it, or nothing is wanted. */
static __attribute__((cold, noinline)) void begin(uintptr_t fn, uintptr_t sp)
{
	if (!filled_in || !environ)
		return;
	if (!__atomic_load_n(&begun, __ATOMIC_RELAXED))
		start_once();
	/* a handler that interrupted the hook may have begun, too */
	if (__atomic_load_n(&functions, __ATOMIC_ACQUIRE))
		thag_function_open_slow(fn, sp);
}

void __cyg_profile_func_enter(void *function, void *call_site)
{
	struct thag_function *entry = __atomic_load_n(&functions, __ATOMIC_ACQUIRE);
	uintptr_t fn = (uintptr_t)function, sp = CALLER_SP;
	struct thag_producer *producer;
	uint64_t ticks, head;
	uint32_t word, high, index;

	(void)call_site;
	if (THAG_UNLIKELY(!entry)) {
		begin(fn, sp);
		return;
	}
	for (entry = thag_function_place(entry, fn); THAG_UNLIKELY(entry->fn != fn); entry++)
		if (entry->fn == 0)
			goto slow;
	word = __atomic_load_n(&entry->word, __ATOMIC_RELAXED);
	producer = thag_this_producer;
	if (THAG_UNLIKELY((int32_t)word <= 0)) {
		if (word)
			return; /* it is filtered out */
		goto slow;
	}
	if (THAG_UNLIKELY(thag_head_get(producer) >= thag_limit_get(producer)))
		goto slow;
	ticks = thag_ticks_halved(&high);
	if (THAG_UNLIKELY(high != producer->time_high))
		goto slow;
	head = thag_head_add(producer, THAG_HEAD_OPEN);
	index = thag_head_depth(head);
	producer->frame_sp[index] = sp + THAG_FRAME_FUNCTION;
	*thag_frame_fn(producer, index) = fn;
	thag_word_put(producer, head, ticks << THAG_WORD_TIME_SHIFT | word);
	return;
slow:
	thag_function_open_slow(fn, sp);
}

void __cyg_profile_func_exit(void *function, void *call_site)
{
	uintptr_t fn = (uintptr_t)function, sp = CALLER_SP;
	struct thag_producer *producer;
	uint32_t top, high;
	uint64_t ticks;

	(void)call_site;
	if (THAG_UNLIKELY(!__atomic_load_n(&functions, __ATOMIC_RELAXED)))
		return;
	producer = thag_this_producer;
	/* where nothing is open this looks at `words`, whose lowest bits are 0 */
	top = thag_head_depth(thag_head_get(producer)) - 1;
	if (THAG_UNLIKELY(!(producer->frame_sp[(int32_t)top] & THAG_FRAME_FUNCTION) ||
			  *thag_frame_fn(producer, top) != fn))
		goto slow;
	ticks = thag_ticks_halved(&high);
	if (THAG_UNLIKELY(high != producer->time_high))
		goto slow;
	thag_word_put(producer, thag_head_add(producer, THAG_HEAD_CLOSE),
		      ticks << THAG_WORD_TIME_SHIFT | THAG_WORD(THAG_KIND_EXIT, top));
	return;
slow:
	thag_function_close_slow(fn, sp);
}

typedef int close_fn(void *handle);

/* A library may be gone now, and another come to lie where it was. */
__attribute__((visibility("default"))) int dlclose(void *handle)
{
	static close_fn *real;
	int result;

	if (!real)
		real = (close_fn *)dlsym(RTLD_NEXT, "dlclose");
	if (!real)
		return -1;
	result = real(handle);
	if (functions)
		thag_functions_recheck();
	return result;
}
