/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program whose names try to be something else: markup, script, frame and line separators,
 * controls, text from right to left, a megabyte. Runs until it is killed, or for as many rounds
 * as its argument says.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thag.h>

#define LONG_BYTES (1 << 20)

static char long_name[LONG_BYTES + 1];

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

#define NAMED(name) \
	do { \
		THAG_SECTION(section, name); \
		pause_a_little(); \
		THAG_END(section); \
	} while (0)

static void one_round(void)
{
	THAG_PROFILED();
	NAMED("<img src=x onerror=\"window.hacked=1\">");
	NAMED("<script>window.hacked=1</script>");
	NAMED("frame;other 12\nline 13");
	NAMED("\x1b[31m\x01\x7f");
	NAMED("\xe2\x80\xae"
	      "gnp.exe");
	NAMED("\xff\xfe invalid");
	NAMED("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d");
	NAMED("'\"&amp;</table></body>");
	NAMED("");
	NAMED(long_name);
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : -1;

	memset(long_name, 'x', LONG_BYTES);
	while (rounds < 0 || rounds-- > 0)
		one_round();
	return 0;
}
