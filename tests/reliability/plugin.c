/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A library with marks of its own, loaded and unloaded again and again. */
#include "thag.h"

__attribute__((visibility("default"))) void plugin_entry(void);

void plugin_entry(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}
