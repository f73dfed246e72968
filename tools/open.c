/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bring.h"
#include "client.h"
#include "command.h"
#include "thag_buffer.h"
#include "thag_text.h"

#define OPEN_MS 3600000 /* as long as thagd is at it */
#define URL_BYTES 256

static int open_files(int argc, char **argv);

const struct thag_command thag_command_open = {
	.name = "open",
	.help = "Usage: thag open FILE…\n"
		"Opens recordings, made by 'thag run -o' or 'thagd --record', as sessions of "
		"thagd:\n"
		"they can be looked at and exported as if their programs had just ended. Starts a\n"
		"thagd when none answers. Prints where to look at each.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 all are open, and whole; 1 one could not be opened; 2 wrong "
		"usage;\n"
		"6 all are open, but one isn't whole: what is missing is said.\n",
	.run = open_files,
	.usage_status = THAG_EXIT_USAGE,
};

/** Says something of a file, both of which may be any bytes. */
static void say(const char *file, const char *text)
{
	struct thag_buffer name = { 0 }, said = { 0 };

	if (thag_text_append_terminal(&name, file, strlen(file)) == 0 &&
	    thag_text_append_terminal(&said, text, strlen(text)) == 0)
		thag_command_complain(&thag_command_open, "%.*s: %.*s", (int)name.bytes,
				      (const char *)name.data, (int)said.bytes,
				      (const char *)said.data);
	thag_buffer_fini(&name);
	thag_buffer_fini(&said);
}

/** What thagd made of the file; the status to exit with. */
static int report(const char *file, const char *url, const struct thag_reply *reply)
{
	const char *id = json_string_value(json_object_get(reply->body, "id"));
	const char *message = json_string_value(json_object_get(reply->body, "message"));

	if (reply->status != 0) {
		say(file, thag_reply_error(reply));
		return THAG_EXIT_FAILURE;
	}
	printf("%s/#session=%s\n", url, id ? id : "");
	if (message && message[0])
		say(file, message);
	return json_is_true(json_object_get(reply->body, "whole")) ? THAG_EXIT_OK
								   : THAG_EXIT_PARTIAL;
}

static int open_file(const char *file, const char *url)
{
	struct thag_reply reply;
	char path[PATH_MAX];
	int ret;

	if (!realpath(file, path)) {
		say(file, strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	ret = thag_client_ask(json_pack("{s:s, s:s}", "op", "open", "file", path), OPEN_MS, &reply);
	if (ret)
		return thag_client_complain(&thag_command_open, ret);
	ret = report(file, url, &reply);
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
