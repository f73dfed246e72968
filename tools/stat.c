/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stat_print.h"

#define HEAD_LINES 5 /* of a table: totals, titles, what is left out, and the prompt */

static int run(int argc, char **argv);

const struct thag_command thag_command_stat = {
	.name = "stat",
	.help = "Usage: thag stat INPUT [OPTION]…\n"
		"Statistics of a profile: a file of folded stacks, '-' for stdin, a recording, or\n"
		"a session by its ID or 'latest'. By function: calls, self and total time, the\n"
		"share of all self time, mean, percentiles and most of single calls.\n"
		"\n"
		"  -S, --stacks        by stack, not by function\n"
		"  -s, --sort KEY      self (default), total, calls, mean, min, p50, p90, p99,\n"
		"                      max, name, allocated, allocations, live, peak, leaked,\n"
		"                      temporary\n"
		"  -n, --top N         N rows at most, 0: all; default: what fits the terminal\n"
		"  -F, --filter REGEX  rows with a name that matches\n"
		"  -m, --memory        columns of memory, too, where the program's was recorded\n"
		"  -j, --json          all that is known, as JSON\n"
		"  -c, --csv           likewise, as CSV\n"
		"  -h, --help          print this and exit\n" THAG_LOOK_HELP
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd; 4 no such session.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

int thag_stat_parse_sort(const struct thag_command *command, const char *name,
			 enum thag_stat_sort *sort)
{
	for (uint32_t i = 0; i < THAG_STAT_SORTS; i++)
		if (strcmp(name, thag_stat_sort_word(i)) == 0) {
			*sort = i;
			return -1;
		}
	return thag_command_bad_usage(command, "no order '%s'", name);
}

int thag_stat_parse_count(const struct thag_command *command, const char *text, uint32_t *count)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || errno || value > UINT32_MAX)
		return thag_command_bad_usage(command, "'%s' is no whole number", text);
	*count = (uint32_t)value;
	return -1;
}

bool thag_stat_terminal(uint32_t *lines, size_t *columns)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return false;
	*lines = size.ws_row;
	*columns = size.ws_col;
	return true;
}

static bool sorts_by_memory(enum thag_stat_sort sort)
{
	return sort >= THAG_STAT_ALLOCATED;
}

/** The memory of a session beside its time, of the same functions or stacks. */
static int load_memory(const struct thag_command *command, const struct thag_stat_options *options,
		       struct thag_source *out)
{
	struct thag_look look = options->look;

	look.query.metric = thag_metric_word(THAG_METRIC_ALLOCATED);
	look.query.by = "calls";
	look.query.raw = false;
	look.quiet = true; /* what has no memory may have time */
	return thag_look_load(command, options->input, &look, out);
}

/** Whether there is any in what was loaded. */
static bool has_memory(const struct thag_profile *profile)
{
	uint32_t count;

	if (!profile || !thag_profile_heaps(profile))
		return false;
	thag_profile_nodes(profile, &count);
	return count > 1;
}

static int print(const struct thag_stat_options *options, const struct thag_stat_view *view,
		 FILE *out)
{
	switch (options->format) {
	case THAG_STAT_JSON:
		return thag_stat_print_json(view, out);
	case THAG_STAT_CSV:
		return thag_stat_print_csv(view, out);
	case THAG_STAT_TABLE:
		break;
	}
	return thag_stat_print_table(view, out);
}

static int show(const struct thag_command *command, const struct thag_stat_options *options,
		const struct thag_source *source, const struct thag_source *memory,
		struct thag_search *search, FILE *out)
{
	const struct thag_profile *heaps =
		has_memory(source->profile) ? source->profile : memory->profile;
	const struct thag_stat_query query = { .profile = source->profile,
					       .memory = has_memory(heaps) ? heaps : NULL,
					       .search = search,
					       .stacks = options->stacks,
					       .sort = options->sort };
	struct thag_stat_rows rows;
	int ret = thag_stat_rows_make(&rows, &query);
	const struct thag_stat_view view = { .source = source,
					     .rows = &rows,
					     .most = options->most,
					     .width = options->width,
					     .uncut = options->uncut,
					     .stacks = options->stacks,
					     .has_memory = query.memory != NULL,
					     .is_of_thread = options->look.query.thread != 0 };

	if (!ret)
		ret = print(options, &view, out);
	thag_stat_rows_fini(&rows);
	if (!ret)
		return THAG_EXIT_OK;
	thag_command_complain(command, "%s", strerror(-ret));
	return THAG_EXIT_FAILURE;
}

static int make_search(const struct thag_command *command, const char *filter,
		       struct thag_search **out)
{
	struct thag_search_error error;
	int ret = filter ? thag_search_create(out, filter, &error) : 0;

	if (ret == -EINVAL)
		return thag_command_bad_usage(command, "'%s': %s, behind its byte %u", filter,
					      error.why, error.at);
	if (ret)
		thag_command_complain(command, "%s", strerror(-ret));
	return ret ? THAG_EXIT_FAILURE : THAG_EXIT_OK;
}

int thag_stat_show(const struct thag_command *command, const struct thag_stat_options *options,
		   FILE *out)
{
	bool wants_memory = options->memory || options->format != THAG_STAT_TABLE ||
			    sorts_by_memory(options->sort);
	struct thag_source source = { 0 }, memory = { 0 };
	struct thag_search *search = NULL;
	int ret = make_search(command, options->filter, &search);

	if (ret == THAG_EXIT_OK)
		ret = thag_look_load(command, options->input, &options->look, &source);
	if (ret == THAG_EXIT_OK && wants_memory && source.has_calls && !options->look.query.thread)
		ret = load_memory(command, options, &memory);
	if (ret == THAG_EXIT_OK)
		ret = show(command, options, &source, &memory, search, out);
	thag_search_destroy(search);
	thag_source_fini(&memory);
	thag_source_fini(&source);
	return ret;
}

static int take_option(struct thag_stat_options *options, int option, char **argv, bool *has_top)
{
	if (thag_look_has(option))
		return thag_look_take(&thag_command_stat, &options->look, option, optarg);
	switch (option) {
	case 'S':
		options->stacks = true;
		return -1;
	case 's':
		return thag_stat_parse_sort(&thag_command_stat, optarg, &options->sort);
	case 'n':
		*has_top = true;
		return thag_stat_parse_count(&thag_command_stat, optarg, &options->most);
	case 'F':
		options->filter = optarg;
		return -1;
	case 'm':
		options->memory = true;
		return -1;
	case 'j':
	case 'c':
		options->format = option == 'j' ? THAG_STAT_JSON : THAG_STAT_CSV;
		return -1;
	case 'h':
		return thag_command_print_help(&thag_command_stat);
	default:
		return thag_command_bad_option(&thag_command_stat, option, argv);
	}
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct thag_stat_options *options, int argc, char **argv, bool *has_top)
{
	static const struct option known[] = {
		{ "stacks", no_argument, NULL, 'S' },
		{ "sort", required_argument, NULL, 's' },
		{ "top", required_argument, NULL, 'n' },
		{ "filter", required_argument, NULL, 'F' },
		{ "memory", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		THAG_LOOK_OPTIONS,
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":Ss:n:F:mjch", known, NULL)) != -1)
		ret = take_option(options, option, argv, has_top);
	if (ret >= 0)
		return ret;
	if (optind == argc || !argv[optind][0])
		return thag_command_bad_usage(&thag_command_stat,
					      "of what? A file, a session's ID or 'latest' is "
					      "missing");
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_stat, "one profile at a time");
	options->input = argv[optind];
	return thag_look_check(&thag_command_stat, &options->look);
}

static int run(int argc, char **argv)
{
	struct thag_stat_options options = { 0 };
	bool has_top = false;
	uint32_t lines;
	int ret = parse_arguments(&options, argc, argv, &has_top);

	if (ret >= 0)
		return ret;
	if (options.format == THAG_STAT_TABLE && thag_stat_terminal(&lines, &options.width) &&
	    !has_top)
		options.most = lines > 2 * HEAD_LINES ? lines - HEAD_LINES : HEAD_LINES;
	ret = thag_stat_show(&thag_command_stat, &options, stdout);
	if (thag_command_end_output(&thag_command_stat) != THAG_EXIT_OK)
		return THAG_EXIT_FAILURE;
	return ret;
}

int thag_stat_run_for(int argc, char **argv, size_t width)
{
	struct thag_stat_options options = { .width = width, .uncut = true };
	bool has_top;
	int ret = parse_arguments(&options, argc, argv, &has_top);

	return ret >= 0 ? ret : thag_stat_show(&thag_command_stat, &options, stdout);
}
