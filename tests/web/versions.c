/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program in two versions, "before" and "after": some functions take as long in both, one takes
 * longer, one less, one is gone, one is new, and so are two with names that try to be markup. With
 * a second argument it does that so many times, "0": until it is killed.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thag.h>

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void same(void)
{
	THAG_PROFILED();
	pause_ms(80);
}

static void slower(bool after)
{
	THAG_PROFILED();
	pause_ms(after ? 160 : 20);
}

static void faster(bool after)
{
	THAG_PROFILED();
	pause_ms(after ? 20 : 160);
}

static void helper(void)
{
	THAG_PROFILED();
	pause_ms(10);
}

static void gone(void)
{
	THAG_PROFILED();
	for (int i = 0; i < 3; i++)
		helper();
	pause_ms(70);
}

static void fresh(void)
{
	THAG_PROFILED();
	for (int i = 0; i < 5; i++)
		helper();
	pause_ms(50);
}

#define NAMED(name) \
	do { \
		THAG_SECTION(section, name); \
		pause_ms(5); \
		THAG_END(section); \
	} while (0)

static void work(bool after)
{
	THAG_PROFILED();
	same();
	slower(after);
	faster(after);
	if (after) {
		fresh();
		NAMED("<img src=x onerror=\"window.hacked=1\">");
	} else {
		gone();
		NAMED("\xe2\x80\xae</table><script>window.hacked=1</script>");
	}
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	bool after = argc > 1 && strcmp(argv[1], "after") == 0;
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 1;

	do
		work(after);
	while (rounds == 0 || --rounds > 0);
	return 0;
}
