/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_buffer.h"
#include "thag_text.h"

static void say(const struct thag_command *command, const char *format, va_list args)
{
	fputs("thag", stderr);
	if (command)
		fprintf(stderr, " %s", command->name);
	fputs(": ", stderr);
	vfprintf(stderr, format, args);
}

void thag_command_complain(const struct thag_command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(command, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void thag_command_complain_of(const struct thag_command *command, const char *subject,
			      const char *format, ...)
{
	struct thag_buffer shown = { 0 };
	char *text = NULL;
	va_list args;
	int bytes;

	va_start(args, format);
	bytes = vasprintf(&text, format, args);
	va_end(args);
	if (bytes >= 0 && thag_text_append_terminal(&shown, subject, strlen(subject)) == 0 &&
	    thag_buffer_append(&shown, ": ", 2) == 0 &&
	    thag_text_append_terminal(&shown, text, (size_t)bytes) == 0)
		thag_command_complain(command, "%.*s", (int)shown.bytes, (const char *)shown.data);
	thag_buffer_fini(&shown);
	free(text);
}

int thag_command_bad_usage(const struct thag_command *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(command, format, args);
	va_end(args);
	if (!command) {
		fputs("; see 'thag --help'\n", stderr);
		return THAG_EXIT_USAGE;
	}
	fprintf(stderr, "; see 'thag help %s'\n", command->name);
	return command->usage_status;
}

int thag_command_bad_option(const struct thag_command *command, int option, char **argv)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		return thag_command_bad_usage(command, "'%s' needs a value", word);
	if (optopt && word[0] == '-' && word[1] != '-')
		return thag_command_bad_usage(command, "no option '-%c'", optopt);
	return thag_command_bad_usage(command, "no option '%s'", word);
}

int thag_command_end_output(const struct thag_command *command)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return THAG_EXIT_OK;
	thag_command_complain(command, "can't write the output: %s", strerror(errno));
	return THAG_EXIT_FAILURE;
}

int thag_command_print_help(const struct thag_command *command)
{
	fputs(command->help, stdout);
	return thag_command_end_output(command);
}
