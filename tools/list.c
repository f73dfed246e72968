/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "columns.h"
#include "command.h"

static int list(int argc, char **argv);

const struct thag_command thag_command_list = {
	.name = "list",
	.help = "Usage: thag list [--json]\n"
		"Lists the sessions thagd has, one for each run of a program, oldest first.\n"
		"\n"
		"STATE: live; idle, when nothing was recorded for two seconds; paused, when\n"
		"recording is switched off; ended; crashed, with its signal where that is known;\n"
		"lost, when it ended while no thagd ran; or recorded, when it was opened from a\n"
		"file. EVENTS: calls and returns recorded. LOST: calls that found no room. What\n"
		"was wrong in a program's use of thag is said below the table.\n"
		"\n"
		"      --json  everything thagd knows: {\"sessions\":[…]}\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd is running.\n",
	.run = list,
	.usage_status = THAG_EXIT_USAGE,
};

static const struct thag_column columns[] = {
	{ "ID", true },	    { "PROGRAM", false }, { "PID", true },    { "STATE", false },
	{ "START", false }, { "DURATION", true }, { "EVENTS", true }, { "LOST", true },
};

#define TEXT_BYTES 64

static void add_text(struct thag_columns *table, const json_t *session, const char *field)
{
	thag_columns_add(table, json_string_value(json_object_get(session, field)));
}

static void add_number(struct thag_columns *table, const json_t *session, const char *field)
{
	const json_t *value = json_object_get(session, field);
	char text[TEXT_BYTES] = "";

	if (json_is_integer(value))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	thag_columns_add(table, text);
}

static void add_program(struct thag_columns *table, const json_t *session)
{
	const char *path = json_string_value(json_object_get(session, "program"));
	const char *slash = path ? strrchr(path, '/') : NULL;

	thag_columns_add(table, slash && slash[1] ? slash + 1 : path);
}

/** Whether its program runs, but is not to record anything. */
static bool is_paused(const json_t *session, const char *state)
{
	const char *active = json_string_value(json_object_get(session, "active"));

	return active && strcmp(active, "none") == 0 &&
	       (strcmp(state, "live") == 0 || strcmp(state, "idle") == 0);
}

static void add_state(struct thag_columns *table, const json_t *session)
{
	const char *state = json_string_value(json_object_get(session, "state"));
	const char *signal = json_string_value(json_object_get(session, "signal"));
	char text[TEXT_BYTES];

	if (is_paused(session, state ? state : ""))
		state = "paused";
	snprintf(text, sizeof(text), "%s%s%s", state ? state : "", signal ? ":" : "",
		 signal ? signal : "");
	thag_columns_add(table, text);
}

/** 2026-11-22T22:10:01.123Z as the local time, to the second. */
static void add_start(struct thag_columns *table, const json_t *session)
{
	const char *start = json_string_value(json_object_get(session, "start"));
	struct tm utc = { 0 }, local;
	char text[TEXT_BYTES] = "";
	const char *end = start ? strptime(start, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
	time_t seconds = end ? timegm(&utc) : 0;

	if (end && localtime_r(&seconds, &local))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
	thag_columns_add(table, text);
}

/** Three places at least: 12.4s, 3m07s, 25h03m. */
static void format_duration(char *text, size_t size, uint64_t ns)
{
	uint64_t ms = ns / 1000000, s = ms / 1000, minutes = s / 60;

	if (s < 1)
		snprintf(text, size, "%" PRIu64 "ms", ms);
	else if (s < 60)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64 "s", s, ms % 1000 / 100);
	else if (minutes < 60)
		snprintf(text, size, "%" PRIu64 "m%02" PRIu64 "s", minutes, s % 60);
	else
		snprintf(text, size, "%" PRIu64 "h%02" PRIu64 "m", minutes / 60, minutes % 60);
}

static void add_duration(struct thag_columns *table, const json_t *session)
{
	const json_t *value = json_object_get(session, "duration_ns");
	char text[TEXT_BYTES] = "";

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		format_duration(text, sizeof(text), (uint64_t)json_integer_value(value));
	thag_columns_add(table, text);
}

/** What went wrong, below the table: a line each, with the session's id. */
static void print_mistakes(const json_t *session)
{
	const json_t *mistakes = json_object_get(session, "mistakes"), *mistake;
	const char *id = json_string_value(json_object_get(session, "id"));
	size_t i;

	json_array_foreach(mistakes, i, mistake) if (id && json_is_string(mistake))
		printf("session %s: %s\n", id, json_string_value(mistake));
}

static int print_table(const json_t *sessions)
{
	struct thag_columns table;
	const json_t *session;
	size_t i;
	int ret;

	thag_columns_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(sessions, i, session)
	{
		add_text(&table, session, "id");
		add_program(&table, session);
		add_number(&table, session, "pid");
		add_state(&table, session);
		add_start(&table, session);
		add_duration(&table, session);
		add_number(&table, session, "events");
		add_number(&table, session, "lost");
	}
	ret = thag_columns_print(&table, stdout);
	json_array_foreach(sessions, i, session) print_mistakes(session);
	thag_columns_fini(&table);
	return ret;
}

/** Printable ASCII only, so that no name can tell a terminal what to do. */
static int print_json(const json_t *answer)
{
	char *text = json_dumps(answer, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	if (!text)
		return -ENOMEM;
	for (const char *c = text; *c; c++) {
		if (*c == 0x7f)
			fputs("\\u007f", stdout); /* the one control character that JSON allows */
		else
			putchar(*c);
	}
	putchar('\n');
	free(text);
	return 0;
}

static int print_reply(const struct thag_reply *reply, bool as_json)
{
	json_t *answer = thag_reply_take_list(reply);
	int ret;

	if (!answer)
		return thag_client_complain(&thag_command_list, -EPROTO);
	ret = as_json ? print_json(answer) : print_table(json_object_get(answer, "sessions"));
	json_decref(answer);
	if (ret == -ENOMEM)
		return thag_client_complain(&thag_command_list, ret);
	return thag_command_end_output(&thag_command_list);
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(int argc, char **argv, bool *as_json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return thag_command_print_help(&thag_command_list);
		if (option != 'j')
			return thag_command_bad_option(&thag_command_list, option, argv);
		*as_json = true;
	}
	if (optind < argc)
		return thag_command_bad_usage(&thag_command_list, "what is '%s'?", argv[optind]);
	return -1;
}

static int list(int argc, char **argv)
{
	struct thag_reply reply;
	bool as_json = false;
	int ret = parse_arguments(argc, argv, &as_json);

	if (ret >= 0)
		return ret;
	ret = thag_client_command(&thag_command_list, json_pack("{s:s}", "op", "list"),
				  THAG_CLIENT_TIMEOUT_MS, &reply);
	if (ret)
		return ret;
	ret = print_reply(&reply, as_json);
	thag_reply_fini(&reply);
	return ret;
}
