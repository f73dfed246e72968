/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "complete.h"

static const char overview[] =
	"Usage: thag COMMAND [ARGUMENT]…\n"
	"Profiles C and C++ programs, live.\n"
	"\n"
	"  run                 run a program and profile it; brings a daemon\n"
	"  list, forget        what was profiled and what is running; drop what ended\n"
	"  enable, disable     switch recording on or off in a program that runs\n"
	"  record, end         record a program that runs to a file; end its session\n"
	"  open                open recordings\n"
	"  analyze             look at profiles on the terminal, by menus\n"
	"  stat, top           statistics by function or stack; the same again and again\n"
	"  memory              what a program did with memory: totals, sizes, places\n"
	"  diff                what changed from one profile to another\n"
	"  svg                 draw a profile, or what two differ in, for a browser\n"
	"  export, import      write a profile for other tools; read what they wrote\n"
	"  instrument, remove  mark the functions of sources; take the marks out\n"
	"  symbols             say what addresses in a program are called, and why not\n"
	"  stop                end thagd; it saves the profiles it holds\n"
	"  help, completion    explain a command; complete command lines in a shell\n"
	"\n"
	"  --version           print the version and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd is running; 4 no such\n"
	"session. 'thag run' exits as its program does. See thag(1).\n";

static int help(int argc, char **argv);

static const struct thag_command thag_command_help = {
	.name = "help",
	.help = "Usage: thag help [COMMAND]\n"
		"Explains a command, or lists them all.\n",
	.run = help,
	.usage_status = THAG_EXIT_USAGE,
};

static const struct thag_command *const commands[] = {
	&thag_command_run,	  &thag_command_analyze, &thag_command_list,
	&thag_command_export,	  &thag_command_import,	 &thag_command_stat,
	&thag_command_top,	  &thag_command_memory,	 &thag_command_diff,
	&thag_command_svg,	  &thag_command_open,	 &thag_command_enable,
	&thag_command_disable,	  &thag_command_record,	 &thag_command_end,
	&thag_command_forget,	  &thag_command_stop,	 &thag_command_symbols,
	&thag_command_instrument, &thag_command_remove,	 &thag_command_completion,
	&thag_command_help,
};

#define LINK_PREFIX "thag-"
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct thag_command *thag_command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int print_overview(void)
{
	fputs(overview, stdout);
	return thag_command_end_output(NULL);
}

static int help(int argc, char **argv)
{
	const struct thag_command *command;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_overview();
	if (argc > 2)
		return thag_command_bad_usage(&thag_command_help, "one command at a time");
	command = thag_command_find(argv[1]);
	if (!command)
		return thag_command_bad_usage(NULL, "no command '%s'", argv[1]);
	return thag_command_print_help(command);
}

/** What thag-NAME, a link to this program, is; NULL: it is called otherwise. */
static const struct thag_command *find_by_link(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0
		       ? thag_command_find(name + strlen(LINK_PREFIX))
		       : NULL;
}

int main(int argc, char **argv)
{
	const struct thag_command *command = argc > 0 ? find_by_link(argv[0]) : NULL;

	setlocale(LC_CTYPE, "");
	if (command) {
		opterr = 0;
		return command->run(argc, argv);
	}
	if (argc < 2)
		return thag_command_bad_usage(NULL, "what shall it do? A command is missing");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_overview();
	if (strcmp(argv[1], "--version") == 0) {
		puts("thag " THAG_VERSION);
		return thag_command_end_output(NULL);
	}
	if (strcmp(argv[1], "__complete") == 0)
		return thag_complete(argc - 2, argv + 2, commands, COMMAND_COUNT);
	command = thag_command_find(argv[1]);
	if (!command)
		return thag_command_bad_usage(NULL, "no command '%s'", argv[1]);
	opterr = 0;
	return command->run(argc - 1, argv + 1);
}
