/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * `thag instrument` and `thag remove`: a program of their own, because of what libclang weighs.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "instrument/help.h"

#define PROGRAM "thag-instrument"

static int run_instrument(int argc, char **argv);
static int run_remove(int argc, char **argv);

const struct thag_command thag_command_instrument = {
	.name = "instrument",
	.help = thag_help_instrument,
	.run = run_instrument,
	.usage_status = THAG_EXIT_USAGE,
};

const struct thag_command thag_command_remove = {
	.name = "remove",
	.help = thag_help_remove,
	.run = run_remove,
	.usage_status = THAG_EXIT_USAGE,
};

/** Becomes the program beside this one, installed or in its build; else the one on PATH. */
static int become(const struct thag_command *command, char **argv, char *name)
{
	static const char *const places[] = { PROGRAM, "instrument/" PROGRAM };
	char own[PATH_MAX], place[2 * PATH_MAX], *slash;
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[bytes > 0 ? bytes : 0] = '\0';
	slash = strrchr(own, '/');
	argv[0] = name;
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(place, sizeof(place), "%.*s/%s", (int)(slash - own), own, places[i]);
		execv(place, argv);
	}
	execvp(PROGRAM, argv);
	thag_command_complain(command, "can't run " PROGRAM ": %s%s", strerror(errno),
			      errno == ENOENT ? " (thag was built without libclang)" : "");
	return THAG_EXIT_FAILURE;
}

static int run_instrument(int argc, char **argv)
{
	char name[] = PROGRAM;

	(void)argc;
	return become(&thag_command_instrument, argv, name);
}

static int run_remove(int argc, char **argv)
{
	char name[] = "thag-remove";

	(void)argc;
	return become(&thag_command_remove, argv, name);
}
