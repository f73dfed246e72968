/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* dlclose: what is known of addresses in a file of code holds no longer than that is loaded. */
#include <dlfcn.h>
#include <stddef.h>

#include "trace.h"

typedef int close_fn(void *handle);

static close_fn *real;

__attribute__((constructor)) static void find_real(void)
{
	real = (close_fn *)dlsym(RTLD_NEXT, "dlclose");
}

__attribute__((visibility("default"))) int dlclose(void *handle)
{
	int result;

	if (!real)
		find_real();
	if (!real)
		return -1;
	result = real(handle);
	thag_trace_recheck();
	return result;
}
