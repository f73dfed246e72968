/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "heap_real.h"
#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define ALIGNMENT 16

unsigned char thag_heap_arena[THAG_ARENA_BYTES] __attribute__((aligned(4096)));
static size_t arena_used;

/* Before each block: its size, in the last bytes of what aligns it. */
void *thag_heap_arena_take(size_t alignment, size_t size)
{
	size_t used = __atomic_load_n(&arena_used, __ATOMIC_RELAXED), start;

	if (alignment < ALIGNMENT)
		alignment = ALIGNMENT;
	do {
		start = (used + sizeof(size_t) + alignment - 1) & ~(alignment - 1);
		if (alignment > THAG_ARENA_BYTES || start > THAG_ARENA_BYTES ||
		    size > THAG_ARENA_BYTES - start) {
			errno = ENOMEM;
			return NULL;
		}
	} while (!__atomic_compare_exchange_n(&arena_used, &used, start + size, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	memcpy(&thag_heap_arena[start - sizeof(size_t)], &size, sizeof(size_t));
	return &thag_heap_arena[start];
}

size_t thag_heap_arena_size(const void *block)
{
	size_t size;

	memcpy(&size, (const unsigned char *)block - sizeof(size_t), sizeof(size_t));
	return size;
}

/* What the table holds before anything was looked up. */

static void *first_malloc(size_t size)
{
	return thag_heap_look_up() ? thag_heap_real.malloc(size) : thag_heap_arena_take(1, size);
}

static void *first_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (thag_heap_look_up())
		return thag_heap_real.calloc(count, size);
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return thag_heap_arena_take(1, bytes); /* nothing in it was ever used */
}

/* A block of the arena's doesn't get here: the entry point copies it by itself. */
static void *first_realloc(void *block, size_t size)
{
	if (thag_heap_look_up())
		return thag_heap_real.realloc(block, size);
	return block ? NULL : thag_heap_arena_take(1, size);
}

static void first_free(void *block)
{
	if (thag_heap_look_up())
		thag_heap_real.free(block);
}

static void *first_memalign(size_t alignment, size_t size)
{
	return thag_heap_look_up() ? thag_heap_real.memalign(alignment, size)
				   : thag_heap_arena_take(alignment, size);
}

static void *first_aligned_alloc(size_t alignment, size_t size)
{
	return thag_heap_look_up() ? thag_heap_real.aligned_alloc(alignment, size)
				   : thag_heap_arena_take(alignment, size);
}

static int first_posix_memalign(void **block, size_t alignment, size_t size)
{
	void *taken;

	if (thag_heap_look_up())
		return thag_heap_real.posix_memalign(block, alignment, size);
	taken = thag_heap_arena_take(alignment, size);
	if (!taken)
		return ENOMEM;
	*block = taken;
	return 0;
}

static void *first_valloc(size_t size)
{
	return thag_heap_look_up() ? thag_heap_real.valloc(size) : thag_heap_arena_take(4096, size);
}

static void *first_pvalloc(size_t size)
{
	return thag_heap_look_up() ? thag_heap_real.pvalloc(size)
				   : thag_heap_arena_take(4096, (size + 4095) & ~(size_t)4095);
}

static size_t first_usable_size(void *block)
{
	return thag_heap_look_up() ? thag_heap_real.malloc_usable_size(block) : 0;
}

struct thag_heap_real thag_heap_real = {
	.malloc = first_malloc,
	.calloc = first_calloc,
	.realloc = first_realloc,
	.free = first_free,
	.posix_memalign = first_posix_memalign,
	.aligned_alloc = first_aligned_alloc,
	.memalign = first_memalign,
	.valloc = first_valloc,
	.pvalloc = first_pvalloc,
	.malloc_usable_size = first_usable_size,
};

/* An allocator may lack what few programs call; the C library below it has it. */
#define FIND(name) \
	do { \
		*(void **)(void *)&found.name = dlsym(RTLD_NEXT, #name); \
	} while (0)

static void look_up(void)
{
	struct thag_heap_real found;

	FIND(malloc);
	FIND(calloc);
	FIND(realloc);
	FIND(free);
	FIND(posix_memalign);
	FIND(aligned_alloc);
	FIND(memalign);
	FIND(valloc);
	FIND(pvalloc);
	FIND(malloc_usable_size);
	thag_heap_real = found;
}

bool thag_heap_look_up(void)
{
	enum { NONE, BUSY, DONE };
	static int state;
	int expected = NONE;

	if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == DONE)
		return true;
	if (!__atomic_compare_exchange_n(&state, &expected, BUSY, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_ACQUIRE))
		return expected == DONE;
	look_up();
	__atomic_store_n(&state, DONE, __ATOMIC_RELEASE);
	return true;
}

static bool was_reached;
static void *(*malloc_below)(size_t size);

static void *note_malloc(size_t size)
{
	__atomic_store_n(&was_reached, true, __ATOMIC_RELAXED);
	return malloc_below(size);
}

/*
 * Whoever has malloc before us may pass on what it is asked for, or not: that is tried, before
 * anything is recorded.
 */
__attribute__((constructor(101))) static void look_above(void)
{
	void *(*first_malloc_of_all)(size_t);
	void (*first_free_of_all)(void *);

	*(void **)(void *)&first_malloc_of_all = dlsym(RTLD_DEFAULT, "malloc");
	*(void **)(void *)&first_free_of_all = dlsym(RTLD_DEFAULT, "free");
	thag_heap_bypassed = thag_heap_is_sanitized();
	if (thag_heap_bypassed || !thag_heap_look_up() || !first_malloc_of_all ||
	    !first_free_of_all)
		return;
	malloc_below = thag_heap_real.malloc;
	__atomic_store_n(&thag_heap_real.malloc, note_malloc, __ATOMIC_RELAXED);
	first_free_of_all(first_malloc_of_all(1));
	__atomic_store_n(&thag_heap_real.malloc, malloc_below, __ATOMIC_RELAXED);
	thag_heap_bypassed = !was_reached;
}
