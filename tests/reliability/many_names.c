/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * many_names COUNT: calls COUNT functions, each of a name of its own, once, and prints "PID CALLS":
 * how many calls that were, main's among them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "thag.h"

static void call(long number)
{
	char name[32];
	struct thag_site site = {
		.kind = THAG_SITE_FUNCTION, .modes = THAG_BOTH, .name = name, .file = __FILE__
	};
	struct thag_span span;

	snprintf(name, sizeof(name), "function %ld", number);
	span = thag_span_enter(&site);
	thag_span_exit(&span);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 0;

	THAG_ENABLE_PROFILING(time);
	printf("%d %ld\n", (int)getpid(), count + 1);
	fflush(stdout);
	for (long i = 0; i < count; i++)
		call(i);
	return 0;
}
