/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names that try to be something else, for each kind of thing that has one. Prints them, in
 * hexadecimal, a line each.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <pthread.h>

#include <thag.h>

#define LONG_BYTES (1 << 20)

static char long_name[LONG_BYTES + 1];

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void tell(const char *name)
{
	for (const char *c = name; *c; c++)
		printf("%02x", (unsigned char)*c);
	putchar('\n');
}

static void *run_thread(void *name)
{
	THAG_PROFILED();

	thag_thread_name(name);
	pause_a_little();
	return NULL;
}

static void run_task(const char *name)
{
	struct thag_task task = thag_task_create(name);

	thag_task_resume(task);
	THAG_SECTION(section, "in a task");
	pause_a_little();
	THAG_END(section);
	thag_task_suspend(task);
	thag_task_destroy(task);
}

static void use(const char *name)
{
	pthread_t thread;

	thag_mark(name);
	thag_frame(name);
	thag_value(name, 7);
	run_task(name);
	if (pthread_create(&thread, NULL, run_thread, (void *)(uintptr_t)name) == 0)
		pthread_join(thread, NULL);
	tell(name);
}

/* A section's name is constant. */
#define USE(name) \
	do { \
		THAG_SECTION(section, name); \
		pause_a_little(); \
		THAG_END(section); \
		use(name); \
	} while (0)

static void use_all(void)
{
	THAG_PROFILED();

	USE("semi;colon; 12");
	USE("line\nfeed 13\r\n");
	USE("tab\tand \x01");
	USE("\"double\" 'single' `back` \\ \\n");
	USE("<img src=x onerror=\"window.hacked=1\">");
	USE("<script>window.hacked=1</script>");
	USE("</script></style></title><svg onload=hacked()>");
	USE("]]><!--&amp;&lt;%s%n{{x}}${y}");
	USE("\x1b[31mred\x1b]0;title\x07\x1b[2J\x9bmore");
	USE("\xe2\x80\xaegnp.exe"); /* from right to left */
	USE("\xff\xfe\xc3(\xed\xa0\x80 is no UTF-8");
	USE("cut short \xf0\x9f\x98");
	USE("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d");
	USE("=HYPERLINK(\"http://evil.example\")");
	USE("@SUM(1+1)*cmd|' /C calc'!A0");
	USE("line\xe2\x80\xa8separator\xc2\x85next\xef\xbb\xbf");
	USE("");
	USE(long_name);
}

int main(void)
{
	THAG_ENABLE_PROFILING(time);
	memset(long_name, 'x', LONG_BYTES);
	use_all();
	return 0;
}
