/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The allocator below ours: whatever the program would call if we weren't there.
 *
 * It is looked up by the first call of any of them. Looking up may allocate (glibc's dlsym does,
 * where it fails), and so may other threads meanwhile: they get memory of an arena of ours, which
 * is never given back.
 */
#ifndef THAG_HEAP_REAL_H
#define THAG_HEAP_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thag_heap_real {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *block, size_t size);
	void (*free)(void *block);
	int (*posix_memalign)(void **block, size_t alignment, size_t size);
	void *(*aligned_alloc)(size_t alignment, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	void *(*valloc)(size_t size);
	void *(*pvalloc)(size_t size);
	size_t (*malloc_usable_size)(void *block);
};

extern struct thag_heap_real thag_heap_real;

/** What sanitizers define. They must be the first, and have a malloc of their own. */
void __asan_init(void) __attribute__((weak));
void __hwasan_init(void) __attribute__((weak));
void __lsan_init(void) __attribute__((weak));
void __msan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));

/**
 * Whether a sanitizer is in the program: it isn't ready for calls of anything when the constructors
 * of a preloaded library run.
 */
static inline bool thag_heap_is_sanitized(void)
{
	return __asan_init || __hwasan_init || __lsan_init || __msan_init || __tsan_init;
}

/** Looks them up, if nobody has; false while that is under way. */
bool thag_heap_look_up(void);

/* Bytes of the arena: far more than any lookup takes. Untouched pages cost nothing. */
#define THAG_ARENA_BYTES (1u << 20)
extern unsigned char thag_heap_arena[THAG_ARENA_BYTES];

/** Whether the block is the arena's: it is never freed, and has no events. */
static inline bool thag_heap_is_arena(const void *block)
{
	return (uintptr_t)block - (uintptr_t)thag_heap_arena < THAG_ARENA_BYTES;
}

/** A block of the arena's, zeroed; NULL and ENOMEM when it is used up. `alignment`: power of 2. */
void *thag_heap_arena_take(size_t alignment, size_t size);

/** The bytes that the block was asked for. */
size_t thag_heap_arena_size(const void *block);

#endif
