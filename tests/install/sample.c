/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program as a user would write it, in what C and C++ have in common. */
#include <stdio.h>

#include <thag.h>

static int twice(int x)
{
	THAG_PROFILED();
	return 2 * x;
}

static int count(int n)
{
	THAG_PROFILED();
	int sum = 0;

	THAG_SECTION(adding, "adding");
	for (int i = 0; i < n; i++)
		sum += twice(i);
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
