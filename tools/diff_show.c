/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diff.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diff_print.h"
#include "output.h"
#include "thag_diff.h"
#include "thag_folded_pair.h"
#include "thag_svg.h"

#define PIECE_BYTES (1 << 20)
#define TOLD_MAX 5 /* malformed lines that are told of one by one */

/* --- rows --- */

static int print_rows(const struct thag_diff_options *options, const struct thag_diff_view *view,
		      FILE *out)
{
	switch (options->format) {
	case THAG_DIFF_JSON:
		return thag_diff_print_json(view, out);
	case THAG_DIFF_CSV:
		return thag_diff_print_csv(view, out);
	default:
		return thag_diff_print_table(view, out);
	}
}

static int show_rows(const struct thag_diff_options *options, const struct thag_source *before,
		     const struct thag_source *after, struct thag_search *search, FILE *out)
{
	const struct thag_diff_query query = { .before = before->profile,
					       .after = after->profile,
					       .search = search,
					       .stacks = options->stacks,
					       .normalise = options->normalise,
					       .measure = options->measure,
					       .order = options->order };
	struct thag_diff_rows rows;
	int ret = thag_diff_rows_make(&rows, &query);
	const struct thag_diff_view view = { .before = before,
					     .after = after,
					     .rows = &rows,
					     .most = options->most,
					     .width = options->width,
					     .stacks = options->stacks,
					     .measure = options->measure };

	if (!ret)
		ret = print_rows(options, &view, out);
	thag_diff_rows_fini(&rows);
	return ret;
}

/* --- a picture --- */

static int show_picture(const struct thag_diff_options *options, const struct thag_source *before,
			const struct thag_source *after, FILE *out)
{
	struct thag_svg_options svg = THAG_SVG_DEFAULTS;
	struct thag_profile *diff;
	struct thag_buffer text = { 0 };
	char *subtitle = NULL;
	int ret = thag_diff_make(&diff, before->profile, after->profile, options->normalise);

	if (ret)
		return ret;
	if (asprintf(&subtitle, "%s \xe2\x86\x92 %s", before->title, after->title) < 0)
		subtitle = NULL;
	svg.subtitle = subtitle;
	svg.count_name = after->unit[0] ? after->unit : "samples";
	svg.normalise = options->normalise;
	ret = thag_svg_write_profile(diff, &svg, &text);
	if (!ret)
		fwrite(text.data, 1, text.bytes, out);
	thag_buffer_fini(&text);
	thag_profile_destroy(diff);
	free(subtitle);
	return ret;
}

/* --- folded stacks --- */

struct pairing {
	const struct thag_diff_options *options;
	uint64_t told;
};

static void tell(void *context, enum thag_folded_side side, uint64_t line, const char *what)
{
	struct pairing *pairing = context;
	const char *input = pairing->options->inputs[side];

	if (pairing->told++ < TOLD_MAX)
		thag_command_complain_of(&thag_command_diff,
					 strcmp(input, "-") == 0 ? "standard input" : input,
					 "line %" PRIu64 ": %s%s", line, what,
					 pairing->options->look.query.strict ? "" : "; left out");
}

static int feed_file(struct thag_folded_pair *pair, enum thag_folded_side side, int fd)
{
	char *piece = malloc(PIECE_BYTES);
	ssize_t got = 0;
	int ret = piece ? 0 : -ENOMEM;

	while (!ret && (got = read(fd, piece, PIECE_BYTES)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		ret = got < 0 ? -errno : thag_folded_pair_feed(pair, side, piece, (size_t)got);
	}
	free(piece);
	return ret ? ret : thag_folded_pair_finish(pair, side);
}

/** What is looked at as a profile: a session, a recording, or what is left of a file. */
static int feed_source(struct thag_folded_pair *pair, enum thag_folded_side side,
		       const struct thag_diff_options *options)
{
	struct thag_buffer text = { 0 };
	struct thag_source source;
	int ret =
		thag_look_load(&thag_command_diff, options->inputs[side], &options->look, &source);

	if (ret != THAG_EXIT_OK)
		return ret;
	ret = thag_folded_write(source.profile, &text);
	if (!ret)
		ret = thag_folded_pair_feed(pair, side, text.data, text.bytes);
	if (!ret)
		ret = thag_folded_pair_finish(pair, side);
	thag_buffer_fini(&text);
	thag_source_fini(&source);
	return ret;
}

/** A file goes in as it is, so that its names stay what they are to the byte. */
static int feed_input(struct thag_folded_pair *pair, enum thag_folded_side side,
		      const struct thag_diff_options *options)
{
	const char *input = options->inputs[side];
	int fd, ret;

	if (thag_look_leaves_out(&options->look) || !thag_source_is_folded(input))
		return feed_source(pair, side, options);
	if (strcmp(input, "-") == 0)
		return feed_file(pair, side, STDIN_FILENO);
	fd = open(input, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = feed_file(pair, side, fd);
	close(fd);
	return ret;
}

/** What was already said has a positive status; the rest is a negative errno. */
static int complain(const struct thag_diff_options *options, enum thag_folded_side side, int ret)
{
	if (ret >= 0)
		return ret;
	if (ret == -EOVERFLOW)
		thag_command_complain_of(&thag_command_diff, options->inputs[side],
					 "the sum of all values has no room in 64 bits");
	else if (ret != -EBADMSG) /* whose line has been told */
		thag_command_complain_of(&thag_command_diff, options->inputs[side], "%s",
					 strerror(-ret));
	return THAG_EXIT_FAILURE;
}

static int show_folded(const struct thag_diff_options *options, FILE *out)
{
	struct pairing pairing = { .options = options };
	const struct thag_folded_pair_options how = { .strict = options->look.query.strict,
						      .strip_hex = options->strip_hex,
						      .malformed = tell,
						      .context = &pairing };
	struct thag_folded_pair *pair = NULL;
	struct thag_buffer text = { 0 };
	int ret = thag_folded_pair_create(&pair, &how);

	for (int side = THAG_FOLDED_BEFORE; side <= THAG_FOLDED_AFTER && !ret; side++)
		ret = complain(options, (enum thag_folded_side)side,
			       feed_input(pair, (enum thag_folded_side)side, options));
	if (pairing.told > TOLD_MAX)
		thag_command_complain(&thag_command_diff,
				      "%" PRIu64 " more lines are malformed, and left out",
				      pairing.told - TOLD_MAX);
	if (!ret)
		ret = thag_folded_pair_write(pair, options->normalise, &text);
	if (!ret)
		fwrite(text.data, 1, text.bytes, out);
	if (ret < 0)
		thag_command_complain(&thag_command_diff, "%s", strerror(-ret));
	thag_buffer_fini(&text);
	thag_folded_pair_destroy(pair);
	return ret < 0 ? THAG_EXIT_FAILURE : ret;
}

/* --- all --- */

static int show_sources(const struct thag_diff_options *options, const struct thag_source *before,
			const struct thag_source *after, FILE *out)
{
	struct thag_search_error error;
	struct thag_search *search = NULL;
	int ret = options->filter ? thag_search_create(&search, options->filter, &error) : 0;

	if (ret == -EINVAL)
		return thag_command_bad_usage(&thag_command_diff, "'%s': %s, behind its byte %u",
					      options->filter, error.why, error.at);
	if (!ret && options->format == THAG_DIFF_SVG)
		ret = show_picture(options, before, after, out);
	else if (!ret)
		ret = show_rows(options, before, after, search, out);
	thag_search_destroy(search);
	if (!ret)
		return thag_diff_judge(options, before, after);
	thag_command_complain(&thag_command_diff, "%s", strerror(-ret));
	return THAG_EXIT_FAILURE;
}

/** Numbers of different things can't be compared. */
static int check_units(const struct thag_source *before, const struct thag_source *after)
{
	if (strcmp(before->unit, after->unit) == 0 || !before->unit[0] || !after->unit[0])
		return THAG_EXIT_OK;
	thag_command_complain(&thag_command_diff, "one counts %s and the other %s", before->unit,
			      after->unit);
	return THAG_EXIT_FAILURE;
}

static int load_and_show(const struct thag_diff_options *options, FILE *out)
{
	struct thag_source before = { 0 }, after = { 0 };
	int ret = thag_look_load(&thag_command_diff, options->inputs[0], &options->look, &before);

	if (ret == THAG_EXIT_OK)
		ret = thag_look_load(&thag_command_diff, options->inputs[1], &options->look,
				     &after);
	if (ret == THAG_EXIT_OK)
		ret = check_units(&before, &after);
	if (ret == THAG_EXIT_OK)
		ret = show_sources(options, &before, &after, out);
	thag_source_fini(&before);
	thag_source_fini(&after);
	return ret;
}

static int show(const struct thag_diff_options *options, FILE *out)
{
	return options->format == THAG_DIFF_FOLDED ? show_folded(options, out)
						   : load_and_show(options, out);
}

static bool is_written(int status)
{
	return status == THAG_EXIT_OK || status == THAG_EXIT_ABOVE;
}

/** Whole or not at all: it is made in memory first. */
static int show_in_file(const struct thag_diff_options *options)
{
	int fd = memfd_create("thag-diff", MFD_CLOEXEC), error = 0;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int ret = THAG_EXIT_FAILURE;

	if (out) {
		ret = show(options, out);
		error = fflush(out) ? -errno : 0;
	} else {
		error = -errno;
	}
	if (!error && is_written(ret))
		error = thag_output_write_file(options->file, fd);
	if (error)
		thag_command_complain_of(&thag_command_diff, options->file, "%s", strerror(-error));
	if (out)
		fclose(out);
	else if (fd >= 0)
		close(fd);
	return error ? THAG_EXIT_FAILURE : ret;
}

int thag_diff_show(const struct thag_diff_options *options)
{
	int ret;

	if (options->file)
		return show_in_file(options);
	ret = show(options, stdout);
	if (thag_command_end_output(&thag_command_diff) != THAG_EXIT_OK)
		return THAG_EXIT_FAILURE;
	return ret;
}
