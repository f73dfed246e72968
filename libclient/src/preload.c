/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What makes a profiler of a library that is preloaded: the program needn't know of it. */
#include "heap_real.h"
#include "internal.h"

#include <unistd.h>

/*
 * Linked with -z initfirst, this comes before the constructors of every library, whose allocations
 * are the program's, too. The C library's own has not run either: it is the one that takes over
 * the environment, from where glibc's loader hands it to each constructor.
 */
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	if (!environ)
		environ = envp;
	if (!thag_heap_is_sanitized())
		thag_start_preloaded();
}
