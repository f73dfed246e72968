/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../command.h"
#include "app.h"
#include "list.h"

static int run(int argc, char **argv);

const struct thag_command thag_command_analyze = {
	.name = "analyze",
	.help = "Usage: thag analyze [DIR]\n"
		"Looks at profiles on the terminal: those in DIR (default: here), .folded and\n"
		"\x2ethag, and the sessions of thagd, by program, the newest first.\n"
		"\n"
		"Flamegraphs, flamecharts and differences are SVG files, opened by xdg-open where\n"
		"there is a display; flamegraphs are drawn in the terminal, too. Statistics, what\n"
		"became of memory, sizes of allocations; filters for all of it. Keys are on the\n"
		"screen, ? explains them, q goes back.\n"
		"\n"
		"Each action shows the command line that does the same without a screen: 'thag\n"
		"stat', 'thag diff', 'thag memory' and 'thag svg'.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"What was chosen is kept in $XDG_CONFIG_HOME/thag/analyze.json. NO_COLOR is\n"
		"heeded.\n"
		"\n"
		"Exit status: 0 done; 1 failure; 2 wrong usage, or no terminal.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

static const char help[] =
	"thag analyze looks at profiles: of time and of memory, one alone, or two of\n"
	"them, before and after a change.\n"
	"\n"
	"  Up, Down       move; PgUp, PgDn, Home, End, too\n"
	"  Enter, 1 to 5  choose\n"
	"  /              show only what holds a text\n"
	"  ?              help\n"
	"  q, Esc         back; here: end\n";

static const char *const items[] = {
	"Time Profile: Single",
	"Time Profile: Differential",
	"Memory Profile: Single",
	"Memory Profile: Differential",
	"Exit",
};

#define ITEM_COUNT (sizeof(items) / sizeof(items[0]))
#define EXIT_ITEM (ITEM_COUNT - 1)

static int write_item(const void *context, size_t item, struct thag_buffer *out)
{
	(void)context;
	return thag_buffer_append(out, items[item], strlen(items[item]));
}

static void look_at_one(struct thag_app *app, bool memory)
{
	size_t chosen = SIZE_MAX;

	while (thag_app_pick(app, memory, memory ? "Memory" : "Time", NULL, &chosen)) {
		const struct thag_finding *finding = &app->finder.list[chosen];

		if (memory)
			thag_app_act_memory(app, finding);
		else
			thag_app_act_time(app, finding);
	}
}

static void look_at_two(struct thag_app *app, bool memory)
{
	size_t before = SIZE_MAX, after;

	while (thag_app_pick(app, memory, "Before", NULL, &before)) {
		const struct thag_finding *list = app->finder.list;

		after = SIZE_MAX;
		thag_screen_say(&app->screen, "and what came after it");
		if (!thag_app_pick(app, memory, "After", list[before].program, &after))
			continue;
		if (strcmp(list[before].program, list[after].program) != 0)
			thag_screen_say(&app->screen, "these are of two programs: little may be "
						      "the same");
		else if (before == after)
			thag_screen_say(&app->screen, "both are the same profile");
		thag_app_act_difference(app, memory, &list[before], &list[after]);
	}
}

static void look(struct thag_app *app)
{
	static const struct thag_list list = { .title = " thag analyze",
					       .keys = "",
					       .accept = "",
					       .help = help,
					       .count = ITEM_COUNT,
					       .write = write_item,
					       .is_numbered = true };
	size_t chosen = app->choices.menu < EXIT_ITEM ? app->choices.menu : 0;

	for (;;) {
		int key = thag_list_choose(&app->screen, &list, &chosen);

		if (key == THAG_LIST_LEFT || chosen == EXIT_ITEM)
			return;
		app->choices.menu = (uint32_t)chosen;
		thag_app_find(app);
		if (chosen % 2)
			look_at_two(app, chosen >= 2);
		else
			look_at_one(app, chosen >= 2);
	}
}

/* --- the whole --- */

/** What can't be written is found out now, when it can be said. */
static void load_choices(struct thag_app *app, const char *path)
{
	int ret = path ? thag_choices_load(&app->choices, path) : 0;

	thag_app_check_options(app);
	thag_app_check_orders(app);
	if (ret == -EBADMSG)
		thag_screen_say(&app->screen, "not as it was written, and replaced: %s", path);
	else if (!ret && path)
		ret = thag_choices_save(&app->choices, path);
	if (ret && ret != -EBADMSG)
		thag_screen_say(&app->screen, "%s: %s", path, strerror(-ret));
}

/** As a shell would see it: what a signal ended, ends by it. */
static int end_by(int number)
{
	signal(number, SIG_DFL); /* ncurses has a handler of its own there */
	raise(number);
	return 128 + number;
}

static int look_on_screen(struct thag_app *app)
{
	char *path = thag_choices_path();
	int ret = thag_screen_begin(&app->screen), number;

	if (ret) {
		free(path);
		thag_command_complain(&thag_command_analyze,
				      "this terminal can't be drawn on: use thag stat, svg, diff "
				      "or memory");
		return THAG_EXIT_USAGE;
	}
	load_choices(app, path);
	look(app);
	number = app->screen.signal;
	thag_screen_end(&app->screen);
	if (path)
		thag_choices_save(&app->choices, path);
	free(path);
	return number ? end_by(number) : THAG_EXIT_OK;
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, ":h", options, NULL);

	if (option == 'h')
		return thag_command_print_help(&thag_command_analyze);
	if (option != -1)
		return thag_command_bad_option(&thag_command_analyze, option, argv);
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_analyze, "one directory at a time");
	return -1;
}

static int run(int argc, char **argv)
{
	struct thag_app app = { 0 };
	int ret = parse_arguments(argc, argv);

	if (ret >= 0)
		return ret;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		thag_command_complain(&thag_command_analyze,
				      "no terminal: use thag stat, svg, diff or memory");
		return THAG_EXIT_USAGE;
	}
	app.directory = strdup(optind < argc && argv[optind][0] ? argv[optind] : ".");
	ret = app.directory ? look_on_screen(&app) : THAG_EXIT_FAILURE;
	thag_choices_fini(&app.choices);
	thag_finder_fini(&app.finder);
	free(app.directory);
	return ret;
}
