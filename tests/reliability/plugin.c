/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A library with marks of its own, loaded and unloaded again and again. NAME tells two apart. */
#include "thag.h"

__attribute__((visibility("default"))) void plugin_entry(void);

static __attribute__((noinline)) void NAME(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

void plugin_entry(void)
{
	NAME();
}
