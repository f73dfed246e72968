/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program whose source is looked at. What its functions cost is told at their lines here; the
 * last ones say that they are from files below the working directory, whatever those are.
 */
#include <time.h>

#include <thag.h>

#define OUTER 5
#define INNER 3

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void inner(void)
{
	THAG_PROFILED(); /* begin of inner */
	pause_ms(2);
}

static void outer(void)
{
	THAG_PROFILED(); /* begin of outer */
	for (int i = 0; i < INNER; i++)
		inner();
	THAG_SECTION(part, "part"); /* begin of part */
	pause_ms(1);
	THAG_END(part);
}

static void elsewhere(void);

int main(void)
{
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < OUTER; i++)
		outer();
	elsewhere();
	return 0;
}

#define IN_FILE(name) \
	static void name(void) \
	{ \
		THAG_PROFILED(); \
		pause_ms(1); \
	}

#define WITH_TWIN(name) \
	static void name(void) \
	{ \
		THAG_SECTION(section, "twin"); \
		pause_ms(1); \
		THAG_END(section); \
	}

/* clang-format off */
#line 5 "files/markup.c"
IN_FILE(in_markup)
#line 5 "files/binary.c"
IN_FILE(in_binary)
#line 5 "files/fifo.c"
IN_FILE(in_fifo)
#line 5 "files/device.c"
IN_FILE(in_device)
#line 5 "files/directory.c"
IN_FILE(in_directory)
#line 5 "files/gone.c"
IN_FILE(in_gone)
#line 5 "files/huge.c"
IN_FILE(in_huge)
#line 5 "/proc/self/mem"
IN_FILE(in_memory)
#line 5 "files/short.c"
IN_FILE(in_short)
#line 700 "files/many.c"
IN_FILE(in_many)
#line 5 "files/beside.c"
IN_FILE(in_beside)
#line 5 "files/one.c"
WITH_TWIN(in_one)
#line 6 "files/other.c"
WITH_TWIN(in_other)

static void elsewhere(void)
{
	in_markup();
	in_binary();
	in_fifo();
	in_device();
	in_directory();
	in_gone();
	in_huge();
	in_memory();
	in_short();
	in_many();
	in_beside();
	in_one();
	in_other();
}
