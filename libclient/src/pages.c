/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14; before it the kernel says EINVAL */
#endif

bool thag_pages_populate(void *at, size_t bytes)
{
	int saved = errno;
	bool done = madvise(at, bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;

	errno = saved;
	return done;
}
