/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "record.h"
#include "sessions.h"

#define WAIT_MS 60000 /* thagd does first with what was read before, and waits for its disk */

static int record(int argc, char **argv);

const struct thag_command thag_command_record = {
	.name = "record",
	.help = "Usage: thag record ID [-o FILE]\n"
		"       thag record --stop ID\n"
		"Records a program that runs to a file, from now on: until --stop, or until it\n"
		"ends. 'thag open' shows what is in it. Calls that are open count from now on.\n"
		"ID: as 'thag list' shows it, or 'latest'. To record a program from its start:\n"
		"'thag run -o FILE'.\n"
		"\n"
		"  -o, --output FILE  record to FILE.thag, which must not be there; usually\n"
		"                     PROGRAM-yyyymmdd-HHmmss.thag in the current directory\n"
		"      --stop         end the recording; the session goes on\n"
		"  -h, --help         print this and exit\n"
		"\n"
		"Exit status: 0 done, and the file was said; 1 failure: it is being recorded\n"
		"already, or isn't; it has ended; or the file can't be written; 2 wrong usage; 3\n"
		"no thagd is running; 4 no such session.\n",
	.run = record,
	.usage_status = THAG_EXIT_USAGE,
};

/** What is to be recorded, and where to. */
struct wish {
	const char *id;
	const char *file; /* NULL: it has the usual name */
	bool stop;
};

static int conclude(const struct wish *wish, const struct thag_reply *reply)
{
	const char *file = thag_session_text(reply->body, "file");
	char *name = thag_session_name(reply->body);

	if (!name) {
		thag_command_complain(&thag_command_record, "%s", strerror(ENOMEM));
		return THAG_EXIT_FAILURE;
	}
	printf("%s: %s %s\n", name, wish->stop ? "recorded" : "recording to", file);
	free(name);
	return thag_command_end_output(&thag_command_record);
}

static int ask(const struct wish *wish, json_t *request)
{
	struct thag_reply reply;
	int ret;

	if (!request)
		return thag_command_bad_usage(&thag_command_record, "that is no text");
	ret = thag_client_command(&thag_command_record, request, WAIT_MS, &reply);
	if (ret != THAG_EXIT_OK)
		return ret;
	ret = conclude(wish, &reply);
	thag_reply_fini(&reply);
	return ret;
}

static int begin(const struct wish *wish)
{
	char path[PATH_MAX];
	int ret = 0;

	if (wish->file)
		ret = thag_record_make_path(wish->file, path);
	else if (!getcwd(path, sizeof(path)))
		ret = -errno;
	if (ret != 0) {
		thag_command_complain(&thag_command_record, "can't record to '%s': %s",
				      wish->file ? wish->file : ".", strerror(-ret));
		return THAG_EXIT_FAILURE;
	}
	return ask(wish, json_pack("{s:s, s:s, s:s}", "op", "record", "session", wish->id,
				   wish->file ? "file" : "directory", path));
}

static int record(int argc, char **argv)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "stop", no_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	struct wish wish = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
		if (option == 'h')
			return thag_command_print_help(&thag_command_record);
		if (option == 'o')
			wish.file = optarg;
		else if (option == 's')
			wish.stop = true;
		else
			return thag_command_bad_option(&thag_command_record, option, argv);
	}
	if (optind == argc)
		return thag_command_bad_usage(&thag_command_record,
					      "which session? An ID of 'thag list' or 'latest' is "
					      "missing");
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_record, "what is '%s'?",
					      argv[optind + 1]);
	if (wish.stop && wish.file)
		return thag_command_bad_usage(&thag_command_record,
					      "--stop ends a recording: its file is known");
	wish.id = argv[optind];
	if (wish.stop)
		return ask(&wish, json_pack("{s:s, s:s}", "op", "unrecord", "session", wish.id));
	return begin(&wish);
}
