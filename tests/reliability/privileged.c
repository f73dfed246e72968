/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that may run with more rights than its user has: says so, and if thag heeds it. */
#include <stdio.h>
#include <sys/auxv.h>

#include "thag.h"

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

int main(void)
{
	THAG_ENABLE_PROFILING(runtime);
	for (int i = 0; i < 1000; i++)
		leaf();
	thag_mark("mark");
	printf("secure %d, enable %d\n", getauxval(AT_SECURE) != 0, thag_enable(THAG_BOTH));
	leaf();
	return 0;
}
