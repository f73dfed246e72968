/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Compiled with -finstrument-functions. */
#include "stepped.h"

static __attribute__((noinline)) int inner(int x)
{
	__asm__ volatile("");
	return x + 1;
}

static __attribute__((noinline)) int outer(int x)
{
	return inner(x) + inner(x);
}

void stepped_functions(void)
{
	int volatile sum = outer(1);

	(void)sum;
}
