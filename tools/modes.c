/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "command.h"
#include "sessions.h"

#define WAIT_MS 3000 /* a program that makes calls heeds a wish well within that */
#define FIRST_PROBE_MS 1
#define LAST_PROBE_MS 20

static int enable(int argc, char **argv);
static int disable(int argc, char **argv);

#define EXIT_STATUS \
	"Exit status: 0 it is so; 1 failure; 2 wrong usage; 3 no thagd is running; 4 no\n" \
	"such session; 5 it takes effect at the program's next event.\n"

const struct thag_command thag_command_enable = {
	.name = "enable",
	.help = "Usage: thag enable ID [time|memory|both]\n"
		"Switches recording on in a program that runs, or changes what is recorded. ID:\n"
		"as 'thag list' shows it, or 'latest'. Without a kind: what the program was\n"
		"started with.\n"
		"\n"
		"Waits up to three seconds until the program has heeded it, which it does at its\n"
		"next event. Calls that are open by then stay unrecorded.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n" EXIT_STATUS,
	.run = enable,
	.usage_status = THAG_EXIT_USAGE,
};

const struct thag_command thag_command_disable = {
	.name = "disable",
	.help = "Usage: thag disable ID\n"
		"Switches recording off in a program that runs; it stays connected, and\n"
		"'thag enable' switches it on again. ID: as 'thag list' shows it, or 'latest'.\n"
		"\n"
		"Waits up to three seconds until the program has heeded it. Calls that are open\n"
		"by then are recorded to their ends; no other call is.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n" EXIT_STATUS,
	.run = disable,
	.usage_status = THAG_EXIT_USAGE,
};

static const char *text_of(const struct thag_reply *reply, const char *field)
{
	return thag_session_text(reply->body, field);
}

static const char *describe(const char *kinds)
{
	if (strcmp(kinds, "none") == 0)
		return "recording is off";
	if (strcmp(kinds, "both") == 0)
		return "recording time and memory";
	return strcmp(kinds, "memory") == 0 ? "recording memory" : "recording time";
}

static bool is_running(const struct thag_reply *reply)
{
	const char *state = text_of(reply, "state");

	return strcmp(state, "live") == 0 || strcmp(state, "idle") == 0;
}

static bool is_waiting(const struct thag_reply *reply)
{
	return is_running(reply) && json_is_string(json_object_get(reply->body, "wished"));
}

/** Says what has come of it; the status to exit with. */
static int conclude(const struct thag_command *command, const struct thag_reply *reply)
{
	char *session = thag_session_name(reply->body);
	int ret = THAG_EXIT_FAILURE;

	if (!session) {
		thag_command_complain(command, "%s", strerror(ENOMEM));
	} else if (!is_running(reply)) {
		thag_command_complain(command, "%s has ended", session);
	} else if (is_waiting(reply)) {
		thag_command_complain(command,
				      "%s has made no event since: it takes effect at its next "
				      "event",
				      session);
		ret = THAG_EXIT_PENDING;
	} else {
		printf("%s: %s\n", session, describe(text_of(reply, "active")));
		ret = thag_command_end_output(command);
	}
	free(session);
	return ret;
}

/** Asks again and again, until the program has heeded it; `reply` is the last answer. */
static int wait_until_heeded(const struct thag_command *command, struct thag_reply *reply)
{
	int ret = THAG_EXIT_OK, probe = FIRST_PROBE_MS;

	for (int waited = 0; waited < WAIT_MS && is_waiting(reply); waited += probe) {
		struct timespec pause = { 0, probe * 1000000 };
		struct thag_reply next;
		json_t *request =
			json_pack("{s:s, s:s}", "op", "modes", "session", text_of(reply, "id"));

		nanosleep(&pause, NULL);
		ret = thag_client_command(command, request, THAG_CLIENT_TIMEOUT_MS, &next);
		if (ret != THAG_EXIT_OK)
			break;
		thag_reply_fini(reply);
		*reply = next;
		probe = 2 * probe < LAST_PROBE_MS ? 2 * probe : LAST_PROBE_MS;
	}
	return ret;
}

static int run_switch(const struct thag_command *command, const char *id, const char *kinds)
{
	json_t *request =
		json_pack("{s:s, s:s, s:s*}", "op", command->name, "session", id, "kinds", kinds);
	struct thag_reply reply;
	int ret;

	if (!request)
		return thag_command_bad_usage(command, "the ID is no text");
	ret = thag_client_command(command, request, THAG_CLIENT_TIMEOUT_MS, &reply);
	if (ret != THAG_EXIT_OK)
		return ret;
	ret = wait_until_heeded(command, &reply);
	if (ret == THAG_EXIT_OK)
		ret = conclude(command, &reply);
	thag_reply_fini(&reply);
	return ret;
}

/** -1 to go on with the words from optind on, or the status to exit with. */
static int parse_options(const struct thag_command *command, int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option == 'h')
		return thag_command_print_help(command);
	if (option != -1)
		return thag_command_bad_option(command, option, argv);
	if (optind == argc || !argv[optind][0])
		return thag_command_bad_usage(command, "which session? An ID of 'thag list' or "
						       "'latest' is missing");
	return -1;
}

static bool is_kind(const char *text)
{
	return strcmp(text, "time") == 0 || strcmp(text, "memory") == 0 ||
	       strcmp(text, "both") == 0;
}

static int enable(int argc, char **argv)
{
	const struct thag_command *command = &thag_command_enable;
	int ret = parse_options(command, argc, argv);
	const char *kinds = ret < 0 && optind + 1 < argc ? argv[optind + 1] : NULL;

	if (ret >= 0)
		return ret;
	if (kinds && !is_kind(kinds))
		return thag_command_bad_usage(command, "'%s' is not time, memory or both", kinds);
	if (optind + 2 < argc)
		return thag_command_bad_usage(command, "what is '%s'?", argv[optind + 2]);
	return run_switch(command, argv[optind], kinds);
}

static int disable(int argc, char **argv)
{
	int ret = parse_options(&thag_command_disable, argc, argv);

	if (ret >= 0)
		return ret;
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_disable, "what is '%s'?",
					      argv[optind + 1]);
	return run_switch(&thag_command_disable, argv[optind], NULL);
}
