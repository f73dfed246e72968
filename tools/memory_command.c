/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_facts.h"
#include "stat.h"

#define PLACES 10

static int run(int argc, char **argv);

const struct thag_command thag_command_memory = {
	.name = "memory",
	.help = "Usage: thag memory INPUT [--top N] [--json]\n"
		"What a program did with memory: its peak, what it leaked, how long blocks\n"
		"lived, how large they were, and where they were allocated. INPUT: a session by\n"
		"its ID or 'latest', a recording, or the report STEM.json that thagd wrote, also\n"
		"by a folded file beside it.\n"
		"\n"
		"  -n, --top N  N places at most, 0: all that are known; default: 10\n"
		"  -j, --json   all that is known, as JSON\n"
		"  -h, --help   print this and exit\n"
		"\n"
		"By function, with what is called: 'thag stat --memory'; by stack: 'thag stat\n"
		"--stacks --metric leaked'; as a picture: 'thag svg --metric peak'.\n"
		"\n"
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd is running; 4 no such\n"
		"session.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

struct asked {
	const char *input;
	uint32_t most;
	bool as_json;
};

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct asked *asked, int argc, char **argv)
{
	static const struct option options[] = {
		{ "top", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":n:jh", options, NULL)) != -1) {
		if (option == 'h')
			ret = thag_command_print_help(&thag_command_memory);
		else if (option == 'n')
			ret = thag_stat_parse_count(&thag_command_memory, optarg, &asked->most);
		else if (option == 'j')
			asked->as_json = true;
		else
			ret = thag_command_bad_option(&thag_command_memory, option, argv);
	}
	if (ret >= 0)
		return ret;
	if (optind + 1 != argc || !argv[optind][0])
		return thag_command_bad_usage(&thag_command_memory, "one session, recording or "
								    "report is needed");
	asked->input = argv[optind];
	return -1;
}

static int print(const struct thag_memory_facts_of *facts, const struct asked *asked)
{
	size_t width = 0;
	uint32_t lines;

	if (asked->as_json)
		return json_dumpf(facts->memory, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) ||
				       putchar('\n') == EOF
			       ? -EIO
			       : 0;
	thag_stat_terminal(&lines, &width);
	return thag_memory_facts_print(facts, asked->most, width, stdout);
}

static int run(int argc, char **argv)
{
	struct asked asked = { .most = PLACES };
	struct thag_memory_facts_of facts;
	int ret = parse_arguments(&asked, argc, argv);

	if (ret >= 0)
		return ret;
	ret = thag_memory_facts_load(&thag_command_memory, asked.input, &facts);
	if (ret)
		return ret;
	ret = print(&facts, &asked);
	thag_memory_facts_fini(&facts);
	if (ret == -ENOMEM) {
		thag_command_complain(&thag_command_memory, "%s", strerror(ENOMEM));
		return THAG_EXIT_FAILURE;
	}
	return thag_command_end_output(&thag_command_memory);
}
