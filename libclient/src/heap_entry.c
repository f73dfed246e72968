/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The entry points of the allocator, which stand before those of the C library, or of whatever
 * allocator the program has. As a library they bear their names; for programs that are linked
 * statically (THAG_WRAP) they are what the linker's --wrap calls.
 *
 * Each does what the one below does, and leaves errno as that left it. Each keeps a frame
 * pointer, where a walk of the stack begins.
 */
#include "heap.h"

#include <errno.h>
#include <string.h>

#ifdef THAG_WRAP
#define ENTRY(name) __wrap_##name
#define REAL(name) __real_##name
#else
#include "heap_real.h"
#define ENTRY(name) name
#define REAL(name) thag_heap_real.name
#endif

#define FRAME ((void *const *)__builtin_frame_address(0))

#pragma GCC visibility push(default)
void *ENTRY(malloc)(size_t size);
void *ENTRY(calloc)(size_t count, size_t size);
void *ENTRY(realloc)(void *block, size_t size);
void *ENTRY(reallocarray)(void *block, size_t count, size_t size);
void ENTRY(free)(void *block);
int ENTRY(posix_memalign)(void **block, size_t alignment, size_t size);
void *ENTRY(aligned_alloc)(size_t alignment, size_t size);
void *ENTRY(memalign)(size_t alignment, size_t size);
void *ENTRY(valloc)(size_t size);
void *ENTRY(pvalloc)(size_t size);
#ifdef THAG_WRAP
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *block, size_t size);
void REAL(free)(void *block);
int REAL(posix_memalign)(void **block, size_t alignment, size_t size);
void *REAL(aligned_alloc)(size_t alignment, size_t size);
void *REAL(memalign)(size_t alignment, size_t size);
void *REAL(valloc)(size_t size);
void *REAL(pvalloc)(size_t size);
#else
size_t malloc_usable_size(void *block);
#endif
#pragma GCC visibility pop

void *ENTRY(malloc)(size_t size)
{
	void *block = REAL(malloc)(size);

	thag_heap_allocated(block, size, FRAME);
	return block;
}

void *ENTRY(calloc)(size_t count, size_t size)
{
	void *block = REAL(calloc)(count, size);

	thag_heap_allocated(block, count * size, FRAME); /* NULL if that overflows */
	return block;
}

void ENTRY(free)(void *block)
{
#ifndef THAG_WRAP
	if (THAG_UNLIKELY(thag_heap_is_arena(block)))
		return;
#endif
	thag_heap_freed(block, FRAME);
	REAL(free)(block);
}

#ifndef THAG_WRAP
/* As realloc does, but the old block stays: it is never given back. */
static void *leave_arena(void *block, size_t size, void *const *frame)
{
	size_t bytes = thag_heap_arena_size(block);
	void *copy = size ? thag_heap_real.malloc(size) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, block, bytes < size ? bytes : size);
	thag_heap_allocated(copy, size, frame);
	return copy;
}
#endif

THAG_INLINE void *reallocate(void *block, size_t size, void *const *frame)
{
	void *moved;
	bool begun;

	if (!block) {
		moved = REAL(realloc)(NULL, size);
		thag_heap_allocated(moved, size, frame);
		return moved;
	}
#ifndef THAG_WRAP
	if (THAG_UNLIKELY(thag_heap_is_arena(block)))
		return leave_arena(block, size, frame);
#endif
	begun = thag_heap_moves(block, frame);
	moved = REAL(realloc)(block, size);
	thag_heap_moved(block, moved, size, begun, frame);
	return moved;
}

void *ENTRY(realloc)(void *block, size_t size)
{
	return reallocate(block, size, FRAME);
}

/* The C library's calls realloc, but another allocator's needn't. */
void *ENTRY(reallocarray)(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return reallocate(block, bytes, FRAME);
}

int ENTRY(posix_memalign)(void **block, size_t alignment, size_t size)
{
	int result = REAL(posix_memalign)(block, alignment, size);

	if (result == 0)
		thag_heap_allocated(*block, size, FRAME);
	return result;
}

void *ENTRY(aligned_alloc)(size_t alignment, size_t size)
{
	void *block = REAL(aligned_alloc)(alignment, size);

	thag_heap_allocated(block, size, FRAME);
	return block;
}

void *ENTRY(memalign)(size_t alignment, size_t size)
{
	void *block = REAL(memalign)(alignment, size);

	thag_heap_allocated(block, size, FRAME);
	return block;
}

void *ENTRY(valloc)(size_t size)
{
	void *block = REAL(valloc)(size);

	thag_heap_allocated(block, size, FRAME);
	return block;
}

void *ENTRY(pvalloc)(size_t size)
{
	void *block = REAL(pvalloc)(size);

	thag_heap_allocated(block, size, FRAME);
	return block;
}

#ifndef THAG_WRAP
size_t malloc_usable_size(void *block)
{
	return block && thag_heap_is_arena(block) ? thag_heap_arena_size(block)
						  : thag_heap_real.malloc_usable_size(block);
}
#endif
