/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "preload.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Below this program's own directory, its build's or its installation's; else where it goes. */
static bool find_library(const char *library, char path[static PATH_MAX])
{
	static const char *const places[] = { "../libclient/", "../" THAG_LIBDIR "/" };
	char own[PATH_MAX], place[2 * PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[bytes > 0 ? bytes : 0] = '\0';
	char *slash = strrchr(own, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(place, sizeof(place), "%.*s/%s%s", (int)(slash - own), own, places[i],
			 library);
		if (access(place, R_OK) == 0 && realpath(place, path))
			return true;
	}
	snprintf(place, sizeof(place), "%s/%s", THAG_FULL_LIBDIR, library);
	return access(place, R_OK) == 0 && realpath(place, path);
}

int thag_preload(const struct thag_command *command, const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char path[PATH_MAX], *all = NULL;

	if (!find_library(library, path)) {
		thag_command_complain(command, "can't find %s", library);
		return -1;
	}
	if (strpbrk(path, " :")) {
		thag_command_complain(command,
				      "'%s' can't be preloaded: its path has a blank or ':'", path);
		return -1;
	}
	if (asprintf(&all, "%s%s%s", path, before && *before ? ":" : "", before ? before : "") < 0)
		all = NULL;
	int ret = all ? setenv("LD_PRELOAD", all, 1) : -1;

	free(all);
	if (ret)
		thag_command_complain(command, "no memory");
	return ret;
}
