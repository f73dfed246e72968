/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"

#define MIN_LINES_MAX 1000000000

const struct thag_command thag_instrument_command = { .name = "instrument",
						      .help = thag_help_instrument,
						      .usage_status = THAG_EXIT_USAGE };
const struct thag_command thag_remove_command = { .name = "remove",
						  .help = thag_help_remove,
						  .usage_status = THAG_EXIT_USAGE };

/* Long options without a letter. */
enum { BACKUP = 256, ONLY, SKIP, MIN_LINES, PATH, EXCLUDE, HEADERS, LAMBDAS, PROFILE, JSON };

static const struct option both_options[] = {
	{ "in-place", no_argument, NULL, 'i' },	   { "backup", optional_argument, NULL, BACKUP },
	{ "diff", no_argument, NULL, 'd' },	   { "check", no_argument, NULL, 'c' },
	{ "path", required_argument, NULL, PATH }, { "exclude", required_argument, NULL, EXCLUDE },
	{ "json", no_argument, NULL, JSON },	   { "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },	   { "version", no_argument, NULL, 'V' },
};
static const struct option instrument_options[] = {
	{ "build", required_argument, NULL, 'p' },
	{ "lang", required_argument, NULL, 'x' },
	{ "only", required_argument, NULL, ONLY },
	{ "skip", required_argument, NULL, SKIP },
	{ "min-lines", required_argument, NULL, MIN_LINES },
	{ "headers", no_argument, NULL, HEADERS },
	{ "lambdas", no_argument, NULL, LAMBDAS },
	{ "profile", required_argument, NULL, PROFILE },
	{ "report", no_argument, NULL, 'v' },
};
static const struct option remove_options[] = {
	{ "all", no_argument, NULL, 'a' },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int add_glob(const struct thag_options *options, struct thag_globs *globs, char *glob)
{
	char **list = reallocarray(globs->list, globs->count + 1, sizeof(*list));

	if (!list) {
		thag_command_complain(options->command, "no memory");
		return THAG_EXIT_FAILURE;
	}
	globs->list = list;
	globs->list[globs->count++] = glob;
	return -1;
}

static int add_search(const struct thag_options *options, struct thag_search **search,
		      const char *text)
{
	struct thag_search_error error;
	int ret;

	if (*search)
		return thag_command_bad_usage(options->command,
					      "one --only and one --skip: join them by |");
	if (!text[0])
		return thag_command_bad_usage(options->command, "the expression is empty");
	ret = thag_search_create(search, text, &error);
	if (!ret)
		return -1;
	if (ret == -EINVAL)
		return thag_command_bad_usage(options->command, "'%s': %s, at byte %u", text,
					      error.why, error.at);
	thag_command_complain(options->command, "no memory");
	return THAG_EXIT_FAILURE;
}

static int set_language(struct thag_options *options, const char *text)
{
	if (strcmp(text, "c") == 0)
		options->language = THAG_LANGUAGE_C;
	else if (strcmp(text, "c++") == 0)
		options->language = THAG_LANGUAGE_CPP;
	else
		return thag_command_bad_usage(options->command,
					      "no language '%s': c and c++ are there", text);
	return -1;
}

static int set_profile(struct thag_options *options, const char *text)
{
	if (!thag_words_is_mode(text))
		return thag_command_bad_usage(options->command,
					      "'%s' can't be switched on: time, memory, both, "
					      "runtime and no are there",
					      text);
	options->wishes.mode = text;
	return -1;
}

static int set_min_lines(struct thag_options *options, const char *text)
{
	char *end;
	unsigned long lines = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || lines > MIN_LINES_MAX)
		return thag_command_bad_usage(options->command, "'%s' is no number of lines", text);
	options->wishes.min_lines = (unsigned)lines;
	return -1;
}

static int set_backup(struct thag_options *options, const char *text)
{
	options->backup = text ? text : ".orig";
	if (!options->backup[0] || strchr(options->backup, '/'))
		return thag_command_bad_usage(options->command,
					      "'%s' can't be put behind a file's name", text);
	return -1;
}

/** The options with values. */
static int take_value(struct thag_options *options, int option, char **argv)
{
	switch (option) {
	case BACKUP:
		return set_backup(options, optarg);
	case 'p':
		options->build = optarg;
		return -1;
	case 'x':
		return set_language(options, optarg);
	case ONLY:
		return add_search(options, &options->wishes.only, optarg);
	case SKIP:
		return add_search(options, &options->wishes.skip, optarg);
	case MIN_LINES:
		return set_min_lines(options, optarg);
	case PATH:
		return add_glob(options, &options->path, optarg);
	case EXCLUDE:
		return add_glob(options, &options->exclude, optarg);
	case PROFILE:
		return set_profile(options, optarg);
	case 'h':
		return thag_command_print_help(options->command);
	case 'V':
		puts("thag " THAG_VERSION);
		return thag_command_end_output(options->command);
	default:
		return thag_command_bad_option(options->command, option, argv);
	}
}

static int take_option(struct thag_options *options, int option, char **argv)
{
	const struct {
		int option;
		bool *flag;
	} flags[] = {
		{ 'i', &options->in_place },	{ 'd', &options->diff },
		{ 'c', &options->check },	{ 'v', &options->report },
		{ 'q', &options->quiet },	{ 'a', &options->every },
		{ HEADERS, &options->headers }, { LAMBDAS, &options->wishes.lambdas },
		{ JSON, &options->json },
	};

	for (size_t i = 0; i < COUNT(flags); i++) {
		if (flags[i].option == option) {
			*flags[i].flag = true;
			return -1;
		}
	}
	return take_value(options, option, argv);
}

/** What goes together. */
static int check(const struct thag_options *options)
{
	const struct thag_command *command = options->command;

	if (options->in_place + options->diff + options->check > 1)
		return thag_command_bad_usage(command, "one of --in-place, --diff and --check");
	if (options->in_place && !options->file_count)
		return thag_command_bad_usage(command, "--in-place needs files");
	if (options->backup && !options->in_place)
		return thag_command_bad_usage(command, "--backup is for --in-place");
	if (options->json && !options->in_place && !options->check)
		return thag_command_bad_usage(command, "--json is for --in-place and --check: "
						       "otherwise stdout has the source");
	if (options->file_count > 1 && !options->in_place && !options->diff && !options->check)
		return thag_command_bad_usage(command, "several files need --in-place, --diff or "
						       "--check");
	return -1;
}

/** The words behind `--` are the compiler's. */
static int split_flags(struct thag_options *options, int argc, char **argv)
{
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	if (i == argc || options->remove)
		return argc;
	options->flags = argv + i + 1;
	options->flag_count = argc - i - 1;
	return i;
}

int thag_options_parse(struct thag_options *options, int argc, char **argv)
{
	struct option list[COUNT(both_options) + COUNT(instrument_options) + 1] = { 0 };
	int option, ret = -1;

	memcpy(list, both_options, sizeof(both_options));
	if (options->remove)
		memcpy(list + COUNT(both_options), remove_options, sizeof(remove_options));
	else
		memcpy(list + COUNT(both_options), instrument_options, sizeof(instrument_options));
	options->wishes.mode = "time";
	opterr = 0;
	argc = split_flags(options, argc, argv);
	while (ret < 0 &&
	       (option = getopt_long(argc, argv, options->remove ? ":idcqha" : ":idcqhvp:x:", list,
				     NULL)) != -1)
		ret = take_option(options, option, argv);
	if (ret >= 0)
		return ret;
	options->files = argv + optind;
	options->file_count = argc - optind;
	return check(options);
}

void thag_options_fini(struct thag_options *options)
{
	thag_search_destroy(options->wishes.only);
	thag_search_destroy(options->wishes.skip);
	free(options->path.list);
	free(options->exclude.list);
}
