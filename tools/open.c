/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bring.h"
#include "client.h"
#include "command.h"
#include "sessions.h"

#define OPEN_MS 3600000 /* as long as thagd is at it */
#define URL_BYTES 256
#define PROGRESS_MS 250

static int open_files(int argc, char **argv);

const struct thag_command thag_command_open = {
	.name = "open",
	.help = "Usage: thag open FILE…\n"
		"Opens recordings, made by 'thag run -o', 'thag record' or 'thagd --record', as\n"
		"sessions of thagd: they can be looked at and exported as if their programs had\n"
		"just ended. Starts a thagd when none answers. Prints where to look at each,\n"
		"which can be done at once, and waits until all of it is read.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 all are open, and whole; 1 one could not be opened; 2 wrong\n"
		"usage; 6 all are open, but one isn't whole: what is missing is said.\n",
	.run = open_files,
	.usage_status = THAG_EXIT_USAGE,
};

/** Asks for the file; `early`: the answer comes once it can be looked at, not when all is read. */
static int ask(const char *file, const char *path, bool early, struct thag_reply *reply)
{
	int ret = thag_client_ask(
		json_pack("{s:s, s:s, s:b}", "op", "open", "file", path, "early", (int)early),
		OPEN_MS, reply);

	if (ret)
		return thag_client_complain(&thag_command_open, ret);
	if (reply->status == 0)
		return THAG_EXIT_OK;
	thag_command_complain_of(&thag_command_open, file, "%s", thag_reply_error(reply));
	thag_reply_fini(reply);
	return THAG_EXIT_FAILURE;
}

/** How much of the session was read, 0 to 100; -1: nothing more will be. */
static int percent_read(const char *id)
{
	struct thag_reply reply;
	const json_t *session;
	int percent = -1;
	json_t *list;
	size_t i;

	if (thag_client_ask(json_pack("{s:s}", "op", "list"), THAG_CLIENT_TIMEOUT_MS, &reply))
		return -1;
	list = thag_reply_take_list(&reply);
	json_array_foreach(json_object_get(list, "sessions"), i, session)
	{
		json_int_t events = json_integer_value(json_object_get(session, "events"));
		json_int_t all = json_integer_value(json_object_get(session, "expected"));

		if (strcmp(thag_session_text(session, "id"), id) == 0 &&
		    strcmp(thag_session_text(session, "state"), "opening") == 0)
			percent = all > events ? (int)(100 * (double)events / (double)all) : 99;
	}
	json_decref(list);
	thag_reply_fini(&reply);
	return percent;
}

/** For who looks at a terminal: until it is read. */
static void show_progress(const char *id)
{
	static const struct timespec beat = { .tv_nsec = PROGRESS_MS * 1000000L };
	bool shown = false;

	if (!isatty(STDERR_FILENO))
		return;
	for (int percent; nanosleep(&beat, NULL), (percent = percent_read(id)) >= 0; shown = true)
		fprintf(stderr, "\rreading: %d %%", percent);
	if (shown)
		fputs("\r\033[K", stderr);
}

/** Where to look at it, at once, and what thagd made of it; the status to exit with. */
static int open_file(const char *file, const char *url)
{
	struct thag_reply reply;
	const char *message;
	char path[PATH_MAX];
	int ret;

	if (!realpath(file, path)) {
		thag_command_complain_of(&thag_command_open, file, "%s", strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	ret = ask(file, path, true, &reply);
	if (ret)
		return ret;
	printf("%s/#session=%s\n", url, thag_session_text(reply.body, "id"));
	fflush(stdout); /* an error shows at the end: see thag_command_end_output */
	show_progress(thag_session_text(reply.body, "id"));
	thag_reply_fini(&reply);
	ret = ask(file, path, false, &reply);
	if (ret)
		return ret;
	message = thag_session_text(reply.body, "message");
	if (message[0])
		thag_command_complain_of(&thag_command_open, file, "%s", message);
	ret = json_is_true(json_object_get(reply.body, "whole")) ? THAG_EXIT_OK : THAG_EXIT_PARTIAL;
	thag_reply_fini(&reply);
	return ret;
}

/** A file that could not be opened counts more than one that isn't whole. */
static int graver(int a, int b)
{
	if (a == THAG_EXIT_OK || a == THAG_EXIT_PARTIAL)
		return b == THAG_EXIT_OK ? a : b;
	return a;
}

static int open_files(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, "h", options, NULL);
	char url[URL_BYTES];
	int ret = THAG_EXIT_OK;

	if (option == 'h')
		return thag_command_print_help(&thag_command_open);
	if (option != -1)
		return thag_command_bad_option(&thag_command_open, option, argv);
	if (optind == argc)
		return thag_command_bad_usage(&thag_command_open, "a file is missing");
	if (thag_bring_daemon(&thag_command_open, url, sizeof(url)))
		return THAG_EXIT_FAILURE;
	for (int i = optind; i < argc; i++)
		ret = graver(ret, open_file(argv[i], url));
	if (thag_command_end_output(&thag_command_open) != THAG_EXIT_OK)
		return THAG_EXIT_FAILURE;
	return ret;
}
