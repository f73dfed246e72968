/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that makes one call, then none until it is killed. */
#include <unistd.h>

#include <thag.h>

static void one_call(void)
{
	THAG_PROFILED();
}

int main(void)
{
	THAG_ENABLE_PROFILING(time);
	one_call();
	for (;;)
		pause();
}
