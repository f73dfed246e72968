/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "sessions.h"

#define WAIT_MS 60000 /* thagd waits for names of functions, and for its disk */

static int end(int argc, char **argv);

const struct thag_command thag_command_end = {
	.name = "end",
	.help = "Usage: thag end ID…\n"
		"Ends sessions of programs that run: what they recorded is saved as when they\n"
		"end, and their recordings are finished. The programs go on, and nothing of them\n"
		"is recorded any more, nor of the processes that they fork from then on. To go on\n"
		"later, use 'thag disable' and 'thag enable' instead. ID: as 'thag list' shows\n"
		"it, or 'latest'.\n"
		"\n"
		"Says of each where its profile was saved.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 all have ended; 1 failure, or one had ended before; 2 wrong\n"
		"usage; 3 no thagd is running; 4 no such session. At the first that can't end it\n"
		"stops.\n",
	.run = end,
	.usage_status = THAG_EXIT_USAGE,
};

/** The session `id` of a list; NULL: it isn't there. Borrowed. */
static const json_t *find(const json_t *list, const char *id)
{
	const json_t *session;
	size_t i;

	json_array_foreach(json_object_get(list, "sessions"), i, session)
	{
		if (strcmp(thag_session_text(session, "id"), id) == 0)
			return session;
	}
	return NULL;
}

/** Says what became of it; the status to exit with. `session`: NULL where it was forgotten. */
static int conclude(const json_t *session, const char *name)
{
	const char *file = thag_session_file(session);

	if (session && !json_is_true(json_object_get(session, "saved"))) {
		thag_command_complain(&thag_command_end, "%s is still being saved", name);
		return THAG_EXIT_FAILURE;
	}
	if (session && !file) {
		thag_command_complain(&thag_command_end, "%s has ended, but was not saved: %s",
				      name, thag_session_text(session, "message"));
		return THAG_EXIT_FAILURE;
	}
	printf("%s: ended%s%s\n", name, file ? ", saved " : "", file ? file : "");
	return thag_command_end_output(&thag_command_end);
}

/** Waits until the session that `begun` tells of is saved. */
static int wait_until_saved(const json_t *begun, const char *name)
{
	int pid = (int)json_integer_value(json_object_get(begun, "pid"));
	json_t *request =
		json_pack("{s:s, s:i, s:i}", "op", "await", "pid", pid, "limit_ms", WAIT_MS);
	struct thag_reply reply;
	json_t *list;
	int ret = thag_client_command(&thag_command_end, request, WAIT_MS + THAG_CLIENT_TIMEOUT_MS,
				      &reply);

	if (ret != THAG_EXIT_OK)
		return ret;
	list = thag_reply_take_list(&reply);
	if (list) {
		ret = conclude(find(list, thag_session_text(begun, "id")), name);
	} else {
		thag_command_complain(&thag_command_end, "not an answer of thagd's");
		ret = THAG_EXIT_FAILURE;
	}
	json_decref(list);
	thag_reply_fini(&reply);
	return ret;
}

static int end_session(const char *id)
{
	json_t *request = json_pack("{s:s, s:s}", "op", "end", "session", id);
	struct thag_reply reply;
	char *name;
	int ret;

	if (!request)
		return thag_command_bad_usage(&thag_command_end, "the ID is no text");
	ret = thag_client_command(&thag_command_end, request, THAG_CLIENT_TIMEOUT_MS, &reply);
	if (ret != THAG_EXIT_OK)
		return ret;
	name = thag_session_name(reply.body);
	ret = wait_until_saved(reply.body, name ? name : "the session");
	free(name);
	thag_reply_fini(&reply);
	return ret;
}

static int end(int argc, char **argv)
{
	return thag_sessions_each(&thag_command_end, argc, argv, end_session);
}
