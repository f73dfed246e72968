/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "diff_print.h"
#include "look.h"
#include "numbers.h"
#include "stat.h"

#define HEAD_LINES 8 /* of a table: totals, titles, what is left out, and the prompt */

static int run(int argc, char **argv);

const struct thag_command thag_command_diff = {
	.name = "diff",
	.help = "Usage: thag diff BEFORE AFTER [OPTION]…\n"
		"What changed from one profile to another: each a file of folded stacks, '-', a\n"
		"recording, or a session by its ID or 'latest'. By function: its self time before\n"
		"and after, the change, and that by what it was before.\n"
		"\n"
		"  -f, --format FORMAT  table (default), json, csv; folded: `a;b;c N M` as\n"
		"                       inferno-diff-folded writes it; svg: as 'thag svg'\n"
		"  -o, --output FILE    write FILE, whole or not at all; default: stdout\n"
		"  -m, --measure WHAT   self (default), total, calls\n"
		"  -S, --stacks         by stack, not by function\n"
		"  -s, --sort KEY       change (default), relative, before, after, name\n"
		"  -N, --normalise      before is scaled so that both take the same in all\n"
		"  -n, --top N          N rows at most, 0: all; default: what fits the terminal\n"
		"  -F, --filter REGEX   rows with a name that matches\n"
		"      --fail-above P%  exit 7 when more than that was added in all, or to --of\n"
		"      --of FUNCTION    a function that --fail-above looks at; may come again\n"
		"      --strip-hex      with folded: addresses become 0x...\n"
		"  -h, --help           print this and exit\n" THAG_LOOK_HELP
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd; 4 no such session;\n"
		"7 above --fail-above.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

enum own_option { FAIL_ABOVE = 0x2000, OF, STRIP_HEX };

static const char *const orders[THAG_DIFF_ORDERS] = {
	[THAG_DIFF_BY_CHANGE] = "change", [THAG_DIFF_BY_RELATIVE] = "relative",
	[THAG_DIFF_BY_AFTER] = "after",	  [THAG_DIFF_BY_BEFORE] = "before",
	[THAG_DIFF_BY_NAME] = "name",
};

static int parse_format(struct thag_diff_options *options, const char *text)
{
	static const char *const formats[] = {
		[THAG_DIFF_TABLE] = "table",   [THAG_DIFF_JSON] = "json", [THAG_DIFF_CSV] = "csv",
		[THAG_DIFF_FOLDED] = "folded", [THAG_DIFF_SVG] = "svg",
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(text, formats[i]) == 0) {
			options->format = (enum thag_diff_format)i;
			return -1;
		}
	return thag_command_bad_usage(&thag_command_diff,
				      "no format '%s': table, json, csv, folded and svg are there",
				      text);
}

static int parse_measure(struct thag_diff_options *options, const char *text)
{
	for (uint32_t i = 0; i < THAG_DIFF_MEASURES; i++)
		if (strcmp(text, thag_diff_measure_word(i)) == 0) {
			options->measure = (enum thag_diff_measure)i;
			return -1;
		}
	return thag_command_bad_usage(&thag_command_diff,
				      "no measure '%s': self, total and calls are there", text);
}

static int parse_order(struct thag_diff_options *options, const char *text)
{
	for (uint32_t i = 0; i < THAG_DIFF_ORDERS; i++)
		if (strcmp(text, orders[i]) == 0) {
			options->order = (enum thag_diff_order)i;
			return -1;
		}
	return thag_command_bad_usage(
		&thag_command_diff,
		"no order '%s': change, relative, before, after and name are there", text);
}

static int parse_limit(struct thag_diff_options *options, const char *text)
{
	char *end;

	options->limit_percent = strtod(text, &end);
	options->has_limit = true;
	if (text[0] < '0' || text[0] > '9' || strcmp(end, "%") != 0)
		return thag_command_bad_usage(&thag_command_diff,
					      "'%s' is no percentage, as 5%% is", text);
	return -1;
}

static int parse_function(struct thag_diff_options *options, const char *text)
{
	if (options->function_count == THAG_DIFF_FUNCTIONS_MAX)
		return thag_command_bad_usage(&thag_command_diff, "more than %d functions",
					      THAG_DIFF_FUNCTIONS_MAX);
	options->functions[options->function_count++] = text;
	return -1;
}

static int take_option(struct thag_diff_options *options, int option, char **argv)
{
	if (thag_look_has(option))
		return thag_look_take(&thag_command_diff, &options->look, option, optarg);
	switch (option) {
	case 'f':
		return parse_format(options, optarg);
	case 'o':
		if (!optarg[0])
			return thag_command_bad_usage(&thag_command_diff, "-o needs a file");
		options->file = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return -1;
	case 'm':
		return parse_measure(options, optarg);
	case 'S':
		options->stacks = true;
		return -1;
	case 's':
		return parse_order(options, optarg);
	case 'N':
		options->normalise = true;
		return -1;
	case 'n':
		options->has_most = true;
		return thag_stat_parse_count(&thag_command_diff, optarg, &options->most);
	case 'F':
		options->filter = optarg;
		return -1;
	case FAIL_ABOVE:
		return parse_limit(options, optarg);
	case OF:
		return parse_function(options, optarg);
	case STRIP_HEX:
		options->strip_hex = true;
		return -1;
	case 'h':
		return thag_command_print_help(&thag_command_diff);
	default:
		return thag_command_bad_option(&thag_command_diff, option, argv);
	}
}

/** What goes together. */
static int check(const struct thag_diff_options *options)
{
	bool folded = options->format == THAG_DIFF_FOLDED;
	bool rows = !folded && options->format != THAG_DIFF_SVG;

	if (options->function_count && !options->has_limit)
		return thag_command_bad_usage(&thag_command_diff, "--of needs --fail-above");
	if (options->strip_hex && !folded)
		return thag_command_bad_usage(&thag_command_diff,
					      "--strip-hex is of the format 'folded'");
	if (!rows && (options->filter || options->stacks || options->has_most ||
		      options->measure != THAG_DIFF_SELF))
		return thag_command_bad_usage(&thag_command_diff,
					      "folded stacks and pictures have no rows to choose "
					      "from");
	if (folded && options->has_limit)
		return thag_command_bad_usage(&thag_command_diff,
					      "--fail-above is of tables, JSON and CSV");
	if (strcmp(options->inputs[0], "-") == 0 && strcmp(options->inputs[1], "-") == 0)
		return thag_command_bad_usage(&thag_command_diff, "stdin can't be both");
	return thag_look_check(&thag_command_diff, &options->look);
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct thag_diff_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "measure", required_argument, NULL, 'm' },
		{ "stacks", no_argument, NULL, 'S' },
		{ "sort", required_argument, NULL, 's' },
		{ "normalise", no_argument, NULL, 'N' },
		{ "normalize", no_argument, NULL, 'N' },
		{ "top", required_argument, NULL, 'n' },
		{ "filter", required_argument, NULL, 'F' },
		{ "fail-above", required_argument, NULL, FAIL_ABOVE },
		{ "of", required_argument, NULL, OF },
		{ "strip-hex", no_argument, NULL, STRIP_HEX },
		{ "help", no_argument, NULL, 'h' },
		THAG_LOOK_OPTIONS,
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":f:o:m:Ss:Nn:F:h", known, NULL)) != -1)
		ret = take_option(options, option, argv);
	if (ret >= 0)
		return ret;
	if (optind + 2 != argc || !argv[optind][0] || !argv[optind + 1][0])
		return thag_command_bad_usage(&thag_command_diff,
					      "two profiles are compared: one before, one after");
	options->inputs[0] = argv[optind];
	options->inputs[1] = argv[optind + 1];
	return check(options);
}

/* --- the limit --- */

static bool is_called(const struct thag_diff_row *row, const char *name)
{
	size_t bytes;
	const char *text = thag_profile_name(row->of.profile, row->of.name, &bytes);

	return bytes == strlen(name) && memcmp(text, name, bytes) == 0;
}

/** Says when more was added than is allowed. */
static int judge(const struct thag_diff_options *options, const char *unit, const char *what,
		 double before, double after)
{
	char was[THAG_NUMBER_BYTES], is[THAG_NUMBER_BYTES];

	if (after <= before * (1 + options->limit_percent / 100))
		return THAG_EXIT_OK;
	thag_number_of_unit(was, unit, before);
	thag_number_of_unit(is, unit, after);
	if (before > 0)
		thag_command_complain_of(&thag_command_diff, what,
					 "from %s to %s, %+.1f%%: more than %g%%", was, is,
					 100 * (after - before) / before, options->limit_percent);
	else
		thag_command_complain_of(&thag_command_diff, what, "%s, where nothing was", is);
	return THAG_EXIT_ABOVE;
}

static int judge_function(const struct thag_diff_options *options, const char *unit,
			  const struct thag_diff_rows *rows, const char *name)
{
	for (uint32_t i = 0; i < rows->count; i++)
		if (is_called(&rows->list[i], name))
			return judge(options, unit, name, rows->list[i].before,
				     rows->list[i].after);
	thag_command_complain_of(&thag_command_diff, name, "no function is called that");
	return THAG_EXIT_FAILURE;
}

int thag_diff_judge(const struct thag_diff_options *options, const struct thag_source *before,
		    const struct thag_source *after)
{
	const struct thag_diff_query query = { .before = before->profile,
					       .after = after->profile,
					       .normalise = options->normalise,
					       .measure = options->measure };
	const char *unit = options->measure == THAG_DIFF_CALLS ? "" : after->unit;
	struct thag_diff_rows rows;
	int ret = THAG_EXIT_OK;

	if (!options->has_limit)
		return THAG_EXIT_OK;
	if (thag_diff_rows_make(&rows, &query)) {
		thag_command_complain(&thag_command_diff, "%s", strerror(ENOMEM));
		return THAG_EXIT_FAILURE;
	}
	if (options->function_count == 0)
		ret = judge(options, unit, "in all", rows.before_sum * rows.scale, rows.after_sum);
	for (uint32_t i = 0; i < options->function_count; i++) {
		int one = judge_function(options, unit, &rows, options->functions[i]);

		ret = ret == THAG_EXIT_FAILURE ? ret : one ? one : ret;
	}
	thag_diff_rows_fini(&rows);
	return ret;
}

static int run(int argc, char **argv)
{
	struct thag_diff_options options = { 0 };
	uint32_t lines;
	int ret = parse_arguments(&options, argc, argv);

	if (ret >= 0)
		return ret;
	if (options.format == THAG_DIFF_TABLE && !options.file &&
	    thag_stat_terminal(&lines, &options.width) && !options.has_most)
		options.most = lines > 2 * HEAD_LINES ? lines - HEAD_LINES : HEAD_LINES;
	return thag_diff_show(&options);
}
