/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program with 111,111 different stacks: ten functions, each of which calls all ten, five deep.
 * Goes through all of them until it is killed, or as often as its argument says.
 */
#include <stdlib.h>

#include <thag.h>

#define DEPTH 5

static void all(int depth);

#define FUNCTION(name) \
	static void name(int depth) \
	{ \
		THAG_PROFILED(); \
		all(depth); \
	}

FUNCTION(alder)
FUNCTION(birch)
FUNCTION(cedar)
FUNCTION(elm)
FUNCTION(fir)
FUNCTION(hazel)
FUNCTION(larch)
FUNCTION(maple)
FUNCTION(oak)
FUNCTION(pine)

static void all(int depth)
{
	static void (*const functions[])(int) = { alder, birch, cedar, elm, fir,
						  hazel, larch, maple, oak, pine };

	for (size_t at = 0; depth > 0 && at < sizeof(functions) / sizeof(functions[0]); at++)
		functions[at](depth - 1);
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : -1;

	while (rounds < 0 || rounds-- > 0)
		all(DEPTH);
	return 0;
}
