/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sessions.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "thag_text.h"

const char *thag_session_text(const json_t *session, const char *field)
{
	const char *text = json_string_value(json_object_get(session, field));

	return text ? text : "";
}

char *thag_session_name(const json_t *session)
{
	struct thag_buffer program = { 0 };
	const char *name = thag_session_text(session, "program");
	char *text = NULL;

	if (thag_text_append_terminal(&program, name, strlen(name)) != 0 ||
	    asprintf(&text, "session %s (%.*s, pid %lld)", thag_session_text(session, "id"),
		     (int)program.bytes, (const char *)program.data,
		     (long long)json_integer_value(json_object_get(session, "pid"))) < 0)
		text = NULL;
	thag_buffer_fini(&program);
	return text;
}

const char *thag_session_file(const json_t *session)
{
	const json_t *files = json_object_get(session, "files");
	const char *first = json_string_value(json_array_get(files, 0));
	const char *second = json_string_value(json_array_get(files, 1));

	if (first && second && thag_text_ends_with(first, "-memory.folded") &&
	    thag_text_ends_with(second, "-memory_detail.folded"))
		return second;
	return first;
}

int thag_sessions_each(const struct thag_command *command, int argc, char **argv,
		       int (*act)(const char *id))
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, "h", options, NULL);
	int ret = THAG_EXIT_OK;

	if (option == 'h')
		return thag_command_print_help(command);
	if (option != -1)
		return thag_command_bad_option(command, option, argv);
	if (optind == argc)
		return thag_command_bad_usage(
			command, "which session? An ID of 'thag list' or 'latest' is missing");
	for (int i = optind; i < argc && ret == THAG_EXIT_OK; i++)
		ret = act(argv[i]);
	return ret;
}
