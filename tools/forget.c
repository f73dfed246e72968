/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <getopt.h>
#include <stddef.h>

#include "client.h"
#include "command.h"

static int forget(int argc, char **argv);

const struct thag_command thag_command_forget = {
	.name = "forget",
	.help = "Usage: thag forget ID…\n"
		"Drops sessions that ended, or recordings that were opened, and frees the memory\n"
		"that thagd holds for them. Files stay: the profiles it saved, and recordings.\n"
		"ID: as 'thag list' shows it, or 'latest'.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 all are gone; 1 one can't go: its program runs, or its profile is\n"
		"being saved; 2 wrong usage; 3 no thagd is running; 4 no such session. At the "
		"first\n"
		"that can't go it stops.\n",
	.run = forget,
	.usage_status = THAG_EXIT_USAGE,
};

static int forget_session(const char *id)
{
	json_t *request = json_pack("{s:s, s:s}", "op", "forget", "session", id);
	struct thag_reply reply;
	int ret;

	if (!request)
		return thag_command_bad_usage(&thag_command_forget, "the ID is no text");
	ret = thag_client_command(&thag_command_forget, request, THAG_CLIENT_TIMEOUT_MS, &reply);
	if (ret == THAG_EXIT_OK)
		thag_reply_fini(&reply);
	return ret;
}

static int forget(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, "h", options, NULL);
	int ret = THAG_EXIT_OK;

	if (option == 'h')
		return thag_command_print_help(&thag_command_forget);
	if (option != -1)
		return thag_command_bad_option(&thag_command_forget, option, argv);
	if (optind == argc)
		return thag_command_bad_usage(&thag_command_forget,
					      "which session? An ID of 'thag list' or "
					      "'latest' is missing");
	for (int i = optind; i < argc && ret == THAG_EXIT_OK; i++)
		ret = forget_session(argv[i]);
	return ret;
}
