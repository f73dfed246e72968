/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * mmap, munmap and mremap, where the program itself calls them: neither its allocator, whose
 * blocks are counted one by one, nor this library. They are told apart by the module that the
 * call comes from.
 *
 * All mappings count, files' too: what is unmapped doesn't tell what it was. One at a fixed
 * address replaces pages that were mapped before, and counts nothing.
 */
#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap_real.h"

#define FRAME ((void *const *)__builtin_frame_address(0))
#define PAGE ((size_t)4096)

struct range {
	uintptr_t start, end;
};

/* Modules whose calls don't count: the allocator's, and this one. Written before `is_on`. */
static struct range left_out[2];

static struct {
	void *(*mmap)(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
	int (*munmap)(void *at, size_t bytes);
	void *(*mremap)(void *at, size_t bytes, size_t wanted, int flags, ...);
} real;

static int find_range(struct dl_phdr_info *info, size_t size, void *context)
{
	struct range *range = context, whole = { UINTPTR_MAX, 0 };
	uintptr_t inside = range->start;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		whole.start = start < whole.start ? start : whole.start;
		if (start + info->dlpi_phdr[i].p_memsz > whole.end)
			whole.end = start + info->dlpi_phdr[i].p_memsz;
	}
	if (inside < whole.start || inside >= whole.end)
		return 0;
	*range = whole;
	return 1;
}

/* The module that has `address`; none: an empty range. */
static struct range module_of(uintptr_t address)
{
	struct range range = { address, 0 };

	if (!dl_iterate_phdr(find_range, &range))
		range.start = 0;
	return range;
}

__attribute__((constructor(101))) static void look_up(void)
{
	*(void **)(void *)&real.mmap = dlsym(RTLD_NEXT, "mmap");
	*(void **)(void *)&real.munmap = dlsym(RTLD_NEXT, "munmap");
	*(void **)(void *)&real.mremap = dlsym(RTLD_NEXT, "mremap");
	if (thag_heap_is_sanitized() || !thag_heap_look_up())
		return;
	left_out[0] = module_of((uintptr_t)look_up);
	/* the C library's allocator doesn't call these; but what calls them last, and was called by
	 * the C library, seems to be there */
	left_out[1] = module_of((uintptr_t)thag_heap_real.malloc);
	if (left_out[1].start == module_of((uintptr_t)real.mmap).start)
		left_out[1].end = left_out[1].start;
}

/* What is so before the constructor has run: as the C library does it. */

static void *call_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	if (real.mmap)
		return real.mmap(at, bytes, prot, flags, fd, offset);
	return (void *)syscall(SYS_mmap, at, bytes, prot, flags, fd, offset);
}

static int call_munmap(void *at, size_t bytes)
{
	return real.munmap ? real.munmap(at, bytes) : (int)syscall(SYS_munmap, at, bytes);
}

static void *call_mremap(void *at, size_t bytes, size_t wanted, int flags, void *target)
{
	if (real.mremap)
		return real.mremap(at, bytes, wanted, flags, target);
	return (void *)syscall(SYS_mremap, at, bytes, wanted, flags, target);
}

static bool counts(void *const *frame)
{
	uintptr_t caller = (uintptr_t)frame[1];

	if (!thag_heap_maps() || thag_heap_way() == THAG_HEAP_OFF)
		return false;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (caller - left_out[i].start < left_out[i].end - left_out[i].start)
			return false;
	return true;
}

static size_t whole_pages(size_t bytes)
{
	return (bytes + PAGE - 1) & ~(PAGE - 1);
}

static void *map(void *at, size_t bytes, int prot, int flags, int fd, off_t offset,
		 void *const *frame)
{
	void *mapped = call_mmap(at, bytes, prot, flags, fd, offset);

	if (mapped != MAP_FAILED && !(flags & MAP_FIXED) && counts(frame))
		thag_heap_mapped(mapped, whole_pages(bytes), frame);
	return mapped;
}

/* The header names mmap64 so where files may be large: what these export is said here. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *thag_mmap(void *at, size_t bytes, int prot, int flags, int fd,
			 off_t offset) __asm__("mmap");
EXPORTED void *thag_mmap64(void *at, size_t bytes, int prot, int flags, int fd,
			   off_t offset) __asm__("mmap64");
EXPORTED int thag_munmap(void *at, size_t bytes) __asm__("munmap");
EXPORTED void *thag_mremap(void *at, size_t bytes, size_t wanted, int flags, ...) __asm__("mremap");

void *thag_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return map(at, bytes, prot, flags, fd, offset, FRAME);
}

void *thag_mmap64(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return map(at, bytes, prot, flags, fd, offset, FRAME);
}

int thag_munmap(void *at, size_t bytes)
{
	void *const *frame = FRAME;

	/* before: another thread may have the pages right afterwards */
	if (bytes && !((uintptr_t)at & (PAGE - 1)) && counts(frame))
		thag_heap_unmapped(at, whole_pages(bytes), frame);
	return call_munmap(at, bytes);
}

void *thag_mremap(void *at, size_t bytes, size_t wanted, int flags, ...)
{
	void *const *frame = FRAME;
	bool is_counted = counts(frame) && bytes;
	void *target, *moved;
	va_list rest;

	va_start(rest, flags);
	target = flags & MREMAP_FIXED ? va_arg(rest, void *) : NULL;
	va_end(rest);
	if (is_counted)
		thag_heap_unmapped(at, whole_pages(bytes), frame);
	moved = call_mremap(at, bytes, wanted, flags, target);
	if (is_counted)
		thag_heap_mapped(moved == MAP_FAILED ? at : moved,
				 whole_pages(moved == MAP_FAILED ? bytes : wanted), frame);
	return moved;
}
