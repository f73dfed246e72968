/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "command.h"
#include "look.h"
#include "output.h"
#include "source.h"
#include "thag_diff.h"
#include "thag_svg.h"
#include "thag_svg_chart.h"

#define FONT_MIN 6
#define FONT_MAX 72

static int run(int argc, char **argv);

const struct thag_command thag_command_svg = {
	.name = "svg",
	.help = "Usage: thag svg INPUT [AFTER] [-o FILE] [OPTION]…\n"
		"Draws a profile as one SVG file, in which a browser zooms and searches; with\n"
		"AFTER, what is more (red) and less (blue) there. INPUT: a folded file, '-' for\n"
		"stdin, a recording, a session's ID or 'latest'.\n"
		"\n"
		"  -o, --output FILE   write FILE, whole or not at all; default and '-': stdout\n"
		"  -t, --type TYPE     flamegraph (default), icicle: the root at the top, or\n"
		"                      flamechart: calls, or a file's lines, in their order\n"
		"  -p, --palette NAME  colours of functions; default: aqua\n"
		"      --list-palettes  print their names and exit\n"
		"      --theme THEME   light, dark or auto: as the viewer prefers (default)\n"
		"      --title TEXT, --subtitle TEXT, --count-name NAME\n"
		"      --min-width PX  leave out what is narrower than that (0.1)\n"
		"      --width PX      as an image (1200); a window it fills\n"
		"      --font-size PX  of names (12)\n"
		"      --search REGEX  open it with that searched\n"
		"  -N, --normalise     of two: the second scaled to the total of the first\n"
		"  -h, --help          print this and exit\n"
		"\n" THAG_LOOK_HELP,
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

enum {
	OPTION_THEME = 256,
	OPTION_TITLE,
	OPTION_SUBTITLE,
	OPTION_COUNT_NAME,
	OPTION_MIN_WIDTH,
	OPTION_WIDTH,
	OPTION_FONT_SIZE,
	OPTION_SEARCH,
	OPTION_LIST_PALETTES,
};

struct request {
	struct thag_svg_options options;
	struct thag_look look;
	const char *inputs[2]; /* the second NULL: one */
	const char *file;      /* NULL: stdout */
};

static int list_palettes(void)
{
	for (unsigned i = 0; i < THAG_SVG_PALETTES; i++)
		puts(thag_svg_palette_name((enum thag_svg_palette)i));
	return thag_command_end_output(&thag_command_svg);
}

/** Which of the words it is, or -1. */
static int find_word(const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static int parse_type(struct request *request, const char *text)
{
	static const char *const types[] = {
		[THAG_SVG_FLAMEGRAPH] = "flamegraph",
		[THAG_SVG_ICICLE] = "icicle",
		[THAG_SVG_FLAMECHART] = "flamechart",
		NULL,
	};
	int found = find_word(text, types);

	if (found < 0)
		return thag_command_bad_usage(
			&thag_command_svg,
			"no type '%s': flamegraph, icicle and flamechart are there", text);
	request->options.kind = (enum thag_svg_kind)found;
	return -1;
}

static int parse_theme(struct request *request, const char *text)
{
	static const char *const themes[] = {
		[THAG_SVG_AUTO] = "auto",
		[THAG_SVG_LIGHT] = "light",
		[THAG_SVG_DARK] = "dark",
		NULL,
	};
	int found = find_word(text, themes);

	if (found < 0)
		return thag_command_bad_usage(
			&thag_command_svg, "no theme '%s': auto, light and dark are there", text);
	request->options.theme = (enum thag_svg_theme)found;
	return -1;
}

static int parse_palette(struct request *request, const char *text)
{
	if (thag_svg_palette_find(text, &request->options.palette))
		return thag_command_bad_usage(&thag_command_svg,
					      "no palette '%s'; --list-palettes lists them", text);
	return -1;
}

static int parse_pixels(uint32_t *pixels, const char *text, uint32_t least, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < least || value > most)
		return thag_command_bad_usage(&thag_command_svg, "'%s' are no pixels from %u to %u",
					      text, least, most);
	*pixels = (uint32_t)value;
	return -1;
}

static int parse_min_width(struct request *request, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (text[0] < '0' || text[0] > '9' || *end || !(value <= THAG_SVG_WIDTH_MAX))
		return thag_command_bad_usage(&thag_command_svg, "'%s' are no pixels", text);
	request->options.min_width_px = value;
	return -1;
}

static int parse_file(struct request *request, const char *text)
{
	if (!text[0])
		return thag_command_bad_usage(&thag_command_svg, "-o needs a file");
	request->file = strcmp(text, "-") == 0 ? NULL : text;
	return -1;
}

static int parse_option(struct request *request, int option, char **argv)
{
	struct thag_svg_options *options = &request->options;

	if (thag_look_has(option))
		return thag_look_take(&thag_command_svg, &request->look, option, optarg);
	switch (option) {
	case 'o':
		return parse_file(request, optarg);
	case 't':
		return parse_type(request, optarg);
	case 'p':
		return parse_palette(request, optarg);
	case OPTION_THEME:
		return parse_theme(request, optarg);
	case OPTION_TITLE:
		options->title = optarg;
		return -1;
	case OPTION_SUBTITLE:
		options->subtitle = optarg;
		return -1;
	case OPTION_COUNT_NAME:
		options->count_name = optarg;
		return -1;
	case OPTION_MIN_WIDTH:
		return parse_min_width(request, optarg);
	case OPTION_WIDTH:
		return parse_pixels(&options->width_px, optarg, THAG_SVG_WIDTH_MIN,
				    THAG_SVG_WIDTH_MAX);
	case OPTION_FONT_SIZE:
		return parse_pixels(&options->font_px, optarg, FONT_MIN, FONT_MAX);
	case OPTION_SEARCH:
		options->search = optarg;
		return -1;
	case 'N':
		options->normalise = true;
		return -1;
	case OPTION_LIST_PALETTES:
		return list_palettes();
	case 'h':
		return thag_command_print_help(&thag_command_svg);
	default:
		return thag_command_bad_option(&thag_command_svg, option, argv);
	}
}

/** What goes together. -1 to go on, or the status to exit with. */
static int check(const struct request *request)
{
	bool chart = request->options.kind == THAG_SVG_FLAMECHART;

	if (chart && request->inputs[1])
		return thag_command_bad_usage(&thag_command_svg,
					      "a difference has no order of time");
	if (chart && (request->look.at_least || request->look.collapse))
		return thag_command_bad_usage(&thag_command_svg,
					      "--at-least and --collapse are of sums, which a "
					      "flamechart has none of");
	if (request->inputs[1] && strcmp(request->inputs[0], "-") == 0 &&
	    strcmp(request->inputs[1], "-") == 0)
		return thag_command_bad_usage(&thag_command_svg, "stdin can be read only once");
	return thag_look_check(&thag_command_svg, &request->look);
}

static int parse_inputs(struct request *request, int argc, char **argv)
{
	int count = argc - optind;

	if (count == 0 || !argv[optind][0])
		return thag_command_bad_usage(
			&thag_command_svg, "of what? A folded file, a recording or a session's ID "
					   "is missing");
	if (count > 2)
		return thag_command_bad_usage(&thag_command_svg, "more than two inputs");
	request->inputs[0] = argv[optind];
	request->inputs[1] = count == 2 ? argv[optind + 1] : NULL;
	return check(request);
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "type", required_argument, NULL, 't' },
		{ "palette", required_argument, NULL, 'p' },
		{ "theme", required_argument, NULL, OPTION_THEME },
		{ "title", required_argument, NULL, OPTION_TITLE },
		{ "subtitle", required_argument, NULL, OPTION_SUBTITLE },
		{ "count-name", required_argument, NULL, OPTION_COUNT_NAME },
		{ "min-width", required_argument, NULL, OPTION_MIN_WIDTH },
		{ "width", required_argument, NULL, OPTION_WIDTH },
		{ "font-size", required_argument, NULL, OPTION_FONT_SIZE },
		{ "search", required_argument, NULL, OPTION_SEARCH },
		{ "normalise", no_argument, NULL, 'N' },
		{ "normalize", no_argument, NULL, 'N' },
		{ "list-palettes", no_argument, NULL, OPTION_LIST_PALETTES },
		{ "help", no_argument, NULL, 'h' },
		THAG_LOOK_OPTIONS,
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":o:t:p:Nh", options, NULL)) != -1)
		ret = parse_option(request, option, argv);
	return ret < 0 ? parse_inputs(request, argc, argv) : ret;
}

static int complain(int error)
{
	thag_command_complain(&thag_command_svg, "%s", strerror(-error));
	return THAG_EXIT_FAILURE;
}

/** What the values of a source are called. */
static const char *count_name_of(const struct thag_source *source)
{
	if (source->metric == THAG_METRIC_ALLOCATIONS)
		return "allocations";
	if (source->metric == THAG_METRIC_TEMPORARY)
		return "temporary allocations";
	return source->unit[0] && strcmp(source->unit, "count") != 0 ? source->unit : "samples";
}

/** Says of what it is, where that isn't said. */
static void name_picture(struct thag_svg_options *options, const struct thag_source *source,
			 const char *subtitle)
{
	if (!options->count_name)
		options->count_name = count_name_of(source);
	if (!options->subtitle)
		options->subtitle = subtitle;
}

static int write_out(const struct request *request, const struct thag_buffer *out)
{
	int ret = thag_output_write_data(request->file, out->data, out->bytes);

	if (!ret)
		return THAG_EXIT_OK;
	thag_command_complain_of(&thag_command_svg, request->file ? request->file : "the output",
				 "can't write it: %s", strerror(-ret));
	return THAG_EXIT_FAILURE;
}

static int draw_profile(struct request *request, const struct thag_profile *profile,
			const struct thag_source *source, const char *subtitle)
{
	struct thag_buffer out = { 0 };
	int ret;

	name_picture(&request->options, source, subtitle);
	ret = thag_svg_write_profile(profile, &request->options, &out);
	ret = ret ? complain(ret) : write_out(request, &out);
	thag_buffer_fini(&out);
	return ret;
}

static int draw_difference(struct request *request, const struct thag_source *source,
			   const struct thag_profile *after, const char *subtitle)
{
	struct thag_profile *diff;
	int ret = thag_diff_make(&diff, source->profile, after, request->options.normalise);

	if (ret)
		return complain(ret);
	ret = draw_profile(request, diff, source, subtitle);
	thag_profile_destroy(diff);
	return ret;
}

static int draw_two(struct request *request, const struct thag_source *before,
		    const struct thag_source *after)
{
	char *subtitle;
	int ret;

	if (before->after || after->after) {
		thag_command_complain_of(&thag_command_svg, request->inputs[before->after ? 0 : 1],
					 "is a difference itself: draw it alone");
		return THAG_EXIT_FAILURE;
	}
	if (before->metric != after->metric)
		thag_command_complain_of(&thag_command_svg, request->inputs[1],
					 "doesn't count what the other does");
	if (asprintf(&subtitle, "%s \xe2\x86\x92 %s", before->title, after->title) < 0)
		return complain(-ENOMEM);
	ret = draw_difference(request, before, after->profile, subtitle);
	free(subtitle);
	return ret;
}

static int run_profile(struct request *request)
{
	struct thag_source before = { 0 }, after = { 0 };
	int ret = thag_look_load(&thag_command_svg, request->inputs[0], &request->look, &before);

	if (ret == THAG_EXIT_OK && request->inputs[1])
		ret = thag_look_load(&thag_command_svg, request->inputs[1], &request->look, &after);
	if (ret != THAG_EXIT_OK)
		goto out;
	if (request->inputs[1])
		ret = draw_two(request, &before, &after);
	else if (before.after)
		ret = draw_difference(request, &before, before.after, before.title);
	else
		ret = draw_profile(request, before.profile, &before, before.title);
out:
	thag_source_fini(&before);
	thag_source_fini(&after);
	return ret;
}

static int take_stack(void *context, const char *text, size_t bytes, const uint64_t *values)
{
	return thag_svg_chart_add_stack(context, text, bytes, values[0]);
}

static int draw_chart(struct request *request, struct thag_svg_chart *chart)
{
	struct thag_buffer out = { 0 };
	int ret = thag_svg_chart_write(chart, &request->options, &out);

	ret = ret ? complain(ret) : write_out(request, &out);
	thag_buffer_fini(&out);
	return ret;
}

static int draw_session_chart(struct request *request, struct thag_svg_chart *chart, const char *id)
{
	struct thag_source none = { .unit = "ns" };
	char *title = NULL;
	int ret;

	if (request->look.query.metric || request->look.query.raw)
		return thag_command_bad_usage(&thag_command_svg,
					      "a flamechart is of calls, as they were recorded");
	ret = thag_calls_load(&thag_command_svg, id, &request->look.query, chart, &title);
	if (ret != THAG_EXIT_OK)
		return ret;
	name_picture(&request->options, &none, title);
	ret = draw_chart(request, chart);
	free(title);
	return ret;
}

static int draw_folded_chart(struct request *request, struct thag_svg_chart *chart)
{
	struct thag_source source = { 0 };
	int ret;

	request->look.query.stack = take_stack;
	request->look.query.stack_context = chart;
	ret = thag_source_load(&thag_command_svg, request->inputs[0], &request->look.query,
			       &source);
	if (ret != THAG_EXIT_OK)
		return ret;
	name_picture(&request->options, &source, source.title);
	ret = draw_chart(request, chart);
	thag_source_fini(&source);
	return ret;
}

/** A chart of what the options leave. */
static int run_sifted_chart(struct request *request, const char *id, struct thag_look_judge *judge)
{
	struct thag_svg_chart *chart;
	int ret = thag_svg_chart_create(&chart, &request->options, "all");

	if (ret)
		return complain(ret);
	if (request->look.pattern_count)
		thag_svg_chart_sift(chart, thag_look_judge_ask, judge,
				    thag_look_judge_seeks(judge));
	ret = id ? draw_session_chart(request, chart, id) : draw_folded_chart(request, chart);
	if (ret == THAG_EXIT_OK)
		thag_look_judge_tell(judge);
	thag_svg_chart_destroy(chart);
	return ret;
}

static int run_chart(struct request *request)
{
	struct thag_look_judge *judge = NULL;
	char *id = NULL;
	int ret = thag_look_judge_create(&thag_command_svg, &request->look, &judge);

	if (ret == THAG_EXIT_OK)
		ret = thag_source_session(&thag_command_svg, request->inputs[0], &id);
	if (ret == THAG_EXIT_OK)
		ret = run_sifted_chart(request, id, judge);
	thag_look_judge_destroy(judge);
	free(id);
	return ret;
}

static int run(int argc, char **argv)
{
	struct request request = { .options = THAG_SVG_DEFAULTS };
	int ret;

	request.options.count_name = NULL;
	ret = parse_arguments(&request, argc, argv);
	if (ret >= 0)
		return ret;
	return request.options.kind == THAG_SVG_FLAMECHART ? run_chart(&request)
							   : run_profile(&request);
}
