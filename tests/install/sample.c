/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program as a user would write it, in what C and C++ have in common. */
#include <stdio.h>

#include <thag.h>

/* Takes long enough to have time of its own once what recording costs is taken off. */
static int sum_below(int n)
{
	THAG_PROFILED();
	volatile int sum = 0;

	for (int i = 0; i < n; i++)
		sum += i;
	return sum;
}

static int count(int n)
{
	THAG_PROFILED();
	int sum = 0;

	THAG_SECTION(adding, "adding");
	for (int i = 0; i < n; i++)
		sum += sum_below(i);
	THAG_END(adding);
	THAG_SECTION(rest, "rest");
	return sum;
}

int main(void)
{
	THAG_ENABLE_PROFILING(time);
	printf("%d\n", count(100));
	return 0;
}
