/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stddef.h>

#include "client.h"
#include "command.h"
#include "sessions.h"

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
		"being saved; 2 wrong usage; 3 no thagd is running; 4 no such session. At the\n"
		"first that can't go it stops.\n",
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
	return thag_sessions_each(&thag_command_forget, argc, argv, forget_session);
}
