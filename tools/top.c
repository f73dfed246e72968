/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "stat.h"

#define HEAD_LINES 5
#define SCREEN_LINES 24 /* where the terminal doesn't say */
#define SCREEN_COLUMNS 80
#define DELAY_MAX_S 3600.0

#define CLEAR "\033[H\033[2J"
#define TO_TOP "\033[H"
#define ERASE_LINE "\033[K"
#define ERASE_REST "\033[J"

static int run(int argc, char **argv);

const struct thag_command thag_command_top = {
	.name = "top",
	.help = "Usage: thag top [ID] [OPTION]…\n"
		"Shows where a session's time goes, and looks again and again while it runs, as\n"
		"top(1) does of processes. ID: as 'thag list' shows it; default: the latest.\n"
		"\n"
		"  -d, --delay S       seconds between two looks; default: 1\n"
		"  -n, --iterations N  looks; default: until q or ^C\n"
		"  -s, --sort KEY      as of 'thag stat'; default: self\n"
		"  -S, --stacks        by stack, not by function\n"
		"  -F, --filter REGEX  rows with a name that matches\n"
		"  -m, --memory        columns of memory, too\n"
		"  -h, --help          print this and exit\n"
		"\n"
		"Keys: s t c m x n order by self, total, calls, mean, max, name; S functions or\n"
		"stacks; q quits. Where stdout is no terminal, each look is printed below the\n"
		"one before it.\n"
		"\n" THAG_LOOK_HELP
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd; 4 no such session.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

struct top {
	struct thag_stat_options stat;
	double delay_s;
	uint32_t looks; /* 0: no end */
	bool is_screen;
	bool has_screen; /* a look is on it */
	bool reads_keys;
	struct termios before;
};

static volatile sig_atomic_t is_over;

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

/** ^C ends it as q does: the terminal is left as it was. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = end };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void take_keys(struct top *top)
{
	struct termios raw;

	if (!top->is_screen || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &top->before))
		return;
	raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	top->reads_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void leave_keys(struct top *top)
{
	if (top->reads_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

/** Does what a key says; whether to look again at once. */
static bool obey(struct top *top, char key)
{
	static const struct {
		char key;
		enum thag_stat_sort sort;
	} orders[] = {
		{ 's', THAG_STAT_SELF }, { 't', THAG_STAT_TOTAL }, { 'c', THAG_STAT_CALLS },
		{ 'm', THAG_STAT_MEAN }, { 'x', THAG_STAT_MAX },   { 'n', THAG_STAT_NAME },
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (key == orders[i].key) {
			top->stat.sort = orders[i].sort;
			return true;
		}
	if (key == 'S')
		top->stat.stacks = !top->stat.stacks;
	if (key == 'q')
		is_over = 1;
	return key == 'S' || key == 'q' || key == ' ';
}

/** Waits for the next look, or a key. */
static void wait_for_next(struct top *top)
{
	struct pollfd keys = { .fd = top->reads_keys ? STDIN_FILENO : -1, .events = POLLIN };
	char key;

	while (!is_over && poll(&keys, 1, (int)(top->delay_s * 1000)) > 0) {
		if (read(STDIN_FILENO, &key, 1) != 1) {
			keys.fd = -1; /* no terminal any more */
			continue;
		}
		if (obey(top, key))
			return;
	}
}

/**
 * Writes a look over the one before it: no line flickers, and none of the old stays. The last one
 * stays on the screen, as top(1) leaves it, and so does an error below it.
 */
static void put_on_screen(struct top *top, const char *text)
{
	fputs(top->has_screen ? TO_TOP : CLEAR, stdout);
	top->has_screen = true;
	for (const char *at = text; *at; at++) {
		if (*at == '\n')
			fputs(ERASE_LINE, stdout);
		putchar(*at);
	}
	fputs(ERASE_REST, stdout);
}

static int look(struct top *top)
{
	uint32_t lines = SCREEN_LINES;
	char *text = NULL;
	size_t bytes = 0, columns = SCREEN_COLUMNS;
	FILE *out = open_memstream(&text, &bytes);
	int ret;

	if (!out) {
		thag_command_complain(&thag_command_top, "%s", strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	if (top->is_screen) {
		thag_stat_terminal(&lines, &columns);
		top->stat.width = columns;
	}
	top->stat.most = lines > 2 * HEAD_LINES ? lines - HEAD_LINES : HEAD_LINES;
	ret = thag_stat_show(&thag_command_top, &top->stat, out);
	fclose(out);
	if (ret == THAG_EXIT_OK && top->is_screen)
		put_on_screen(top, text);
	else if (ret == THAG_EXIT_OK)
		fputs(text, stdout);
	free(text);
	if (ret == THAG_EXIT_OK)
		ret = thag_command_end_output(&thag_command_top);
	return ret;
}

static int look_again_and_again(struct top *top)
{
	int ret = look(top);

	for (uint32_t looks = 1; ret == THAG_EXIT_OK && !is_over; looks++) {
		if (top->looks && looks >= top->looks)
			break;
		wait_for_next(top);
		if (is_over)
			break;
		if (!top->is_screen)
			putchar('\n');
		ret = look(top);
	}
	return ret;
}

static int parse_delay(struct top *top, const char *text)
{
	char *end;

	top->delay_s = strtod(text, &end);
	if (text[0] < '0' || text[0] > '9' || *end ||
	    !(top->delay_s >= 0.1 && top->delay_s <= DELAY_MAX_S))
		return thag_command_bad_usage(&thag_command_top,
					      "'%s' is no delay: 0.1 to 3600 seconds", text);
	return -1;
}

static int take_option(struct top *top, int option, char **argv)
{
	if (thag_look_has(option))
		return thag_look_take(&thag_command_top, &top->stat.look, option, optarg);
	switch (option) {
	case 'd':
		return parse_delay(top, optarg);
	case 'n':
		return thag_stat_parse_count(&thag_command_top, optarg, &top->looks);
	case 's':
		return thag_stat_parse_sort(&thag_command_top, optarg, &top->stat.sort);
	case 'S':
		top->stat.stacks = true;
		return -1;
	case 'F':
		top->stat.filter = optarg;
		return -1;
	case 'm':
		top->stat.memory = true;
		return -1;
	case 'h':
		return thag_command_print_help(&thag_command_top);
	default:
		return thag_command_bad_option(&thag_command_top, option, argv);
	}
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct top *top, int argc, char **argv)
{
	static const struct option known[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "iterations", required_argument, NULL, 'n' },
		{ "sort", required_argument, NULL, 's' },
		{ "stacks", no_argument, NULL, 'S' },
		{ "filter", required_argument, NULL, 'F' },
		{ "memory", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		THAG_LOOK_OPTIONS,
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":d:n:s:SF:mh", known, NULL)) != -1)
		ret = take_option(top, option, argv);
	if (ret >= 0)
		return ret;
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_top, "one session at a time");
	top->stat.input = optind < argc ? argv[optind] : "latest";
	if (!top->stat.input[0] || strcmp(top->stat.input, "-") == 0)
		return thag_command_bad_usage(&thag_command_top,
					      "it shows sessions; see 'thag list'");
	return thag_look_check(&thag_command_top, &top->stat.look);
}

static int run(int argc, char **argv)
{
	struct top top = { .delay_s = 1, .is_screen = isatty(STDOUT_FILENO) == 1 };
	int ret = parse_arguments(&top, argc, argv);

	if (ret >= 0)
		return ret;
	catch_signals();
	take_keys(&top);
	ret = look_again_and_again(&top);
	leave_keys(&top);
	if (thag_command_end_output(&thag_command_top) != THAG_EXIT_OK)
		return THAG_EXIT_FAILURE;
	return ret;
}
