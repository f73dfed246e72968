/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stepped.h"
#include "thag.hpp"

static __attribute__((noinline)) int guarded(int x)
{
	THAG_PROFILED();
	THAG_SECTION(section, "guarded section");
	if (x)
		return 1;
	__asm__ volatile("");
	return 0;
}

void stepped_guards(void)
{
	guarded(1);
	guarded(0);
}
