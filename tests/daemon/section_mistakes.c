/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ends a section twice, one that never began, and one on another thread; two names are no good. */
#include <pthread.h>
#include <string.h>

#include "thag.h"

static void *end_it(void *section)
{
	THAG_END(*(struct thag_section *)section);
	return NULL;
}

int main(void)
{
	static char name[(1 << 20) + 2];
	static struct thag_site long_site = {
		.kind = THAG_SITE_SECTION, .modes = THAG_BOTH, .name = name, .file = __FILE__
	};
	struct thag_section never = { 0 }, section;
	pthread_t thread;

	THAG_ENABLE_PROFILING(time);
	THAG_SECTION(twice, "twice");
	THAG_END(twice);
	THAG_END(twice);
	THAG_END(never);
	THAG_SECTION(foreign, "foreign");
	if (pthread_create(&thread, NULL, end_it, &foreign) != 0)
		return 1;
	pthread_join(thread, NULL);
	memset(name, 'n', sizeof(name) - 1);
	section = thag_section_begin(&long_site);
	THAG_SECTION(unnamed, NULL);
	THAG_END(section);
	return 0;
}
