/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What makes a profiler of a library that is preloaded: the program needn't know of it. */
#include "internal.h"

__attribute__((constructor(101))) static void begin(void)
{
	thag_start_preloaded();
}
