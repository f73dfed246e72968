/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pages.h"

#include <stdint.h>

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

#define WORTH_PAGES 16

bool thag_pages_make(void *at, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)at + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)at + bytes) & ~(page - 1);

	if (end <= start || end - start < WORTH_PAGES * page)
		return false;
	return madvise((void *)start, end - start, MADV_POPULATE_WRITE) == 0;
}
