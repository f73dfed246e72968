/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_folded_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_buffer.h"
#include "thag_lines.h"
#include "thag_stacks.h"

#define MARK "\xef\xbb\xbf" /* a byte order mark */
#define MARK_BYTES 3

/** A frame of the stack read last: most stacks begin as the one before them. */
struct step {
	uint32_t end; /* of its name in the line, counted from its start */
	uint32_t node;
};

struct thag_folded_reader {
	struct thag_folded_options options;
	struct thag_folded_counts counts;
	struct thag_stacks *stacks[THAG_FOLDED_SIDES];
	struct thag_lines lines;
	struct thag_buffer previous; /* the stack read last, … */
	struct thag_buffer steps;    /* … and its frames, struct step */
	struct thag_buffer title;
};

/** What a line is. */
struct line {
	const char *text; /* the stack */
	size_t bytes;
	uint64_t values[THAG_FOLDED_SIDES];
	bool fraction;
};

void thag_folded_reader_destroy(struct thag_folded_reader *reader)
{
	if (!reader)
		return;
	for (int side = 0; side < THAG_FOLDED_SIDES; side++)
		thag_stacks_destroy(reader->stacks[side]);
	thag_lines_fini(&reader->lines);
	thag_buffer_fini(&reader->previous);
	thag_buffer_fini(&reader->steps);
	thag_buffer_fini(&reader->title);
	free(reader);
}

static int refuse(struct thag_folded_reader *reader, const char *what)
{
	if (reader->options.malformed)
		reader->options.malformed(reader->options.context, reader->counts.lines, what);
	reader->counts.malformed++;
	return reader->options.strict ? -EBADMSG : 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t trim_end(const char *text, size_t bytes)
{
	while (bytes && is_space(text[bytes - 1]))
		bytes--;
	return bytes;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum number { NO_NUMBER, NUMBER, TOO_LARGE, NEGATIVE };

static enum number read_digits(const char *text, size_t bytes, uint64_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(text[i] - '0'), &sum))
			return TOO_LARGE;
	*value = sum;
	return NUMBER;
}

/** Reads a whole word: digits, and maybe a point and more of them. */
static enum number read_number(const char *text, size_t bytes, uint64_t *value, bool *fraction)
{
	size_t sign = bytes && text[0] == '-', whole = sign, end;

	while (whole < bytes && is_digit(text[whole]))
		whole++;
	end = whole;
	if (end < bytes && text[end] == '.')
		for (end++; end < bytes && is_digit(text[end]);)
			end++;
	if (whole == sign || end < bytes)
		return NO_NUMBER;
	if (sign)
		return NEGATIVE;
	for (size_t i = whole; i < end; i++)
		*fraction |= text[i] != '.' && text[i] != '0';
	return read_digits(text, whole, value);
}

/** Takes the number off the line's end, and the space before it. */
static enum number take_number(struct line *line, uint64_t *value)
{
	size_t end = trim_end(line->text, line->bytes), start = end;

	while (start && !is_space(line->text[start - 1]))
		start--;
	if (start == 0)
		return NO_NUMBER;
	enum number kind = read_number(line->text + start, end - start, value, &line->fraction);

	if (kind != NO_NUMBER)
		line->bytes = trim_end(line->text, start);
	return kind;
}

/** How many numbers stand at the end of the first stack. */
static uint32_t count_sides(const struct line *line)
{
	struct line copy = *line;
	uint64_t value;

	if (take_number(&copy, &value) == NO_NUMBER)
		return 0;
	return take_number(&copy, &value) != NUMBER || copy.bytes == 0 ? 1 : 2;
}

/** Takes the values off; what is wrong, or NULL. */
static const char *take_values(struct line *line, uint32_t sides)
{
	static const char *const faults[] = {
		[NO_NUMBER] = "no number at its end",
		[TOO_LARGE] = "its number is larger than 2^64 - 1",
		[NEGATIVE] = "its number is negative",
	};

	for (uint32_t side = sides; side-- > 0;) {
		enum number kind = take_number(line, &line->values[side]);

		if (kind == NO_NUMBER && side + 1 < sides)
			return "one number at its end, where the first stack has two";
		if (kind != NUMBER)
			return faults[kind];
	}
	return line->bytes ? NULL : "no stack before its number";
}

/** How many bytes `line` and the stack before it have in common at the start. */
static size_t common_bytes(const struct thag_folded_reader *reader, const struct line *line)
{
	size_t most = line->bytes < reader->previous.bytes ? line->bytes : reader->previous.bytes;
	const char *previous = (const char *)reader->previous.data;
	size_t at = 0;

	for (; at + 64 <= most && memcmp(line->text + at, previous + at, 64) == 0;)
		at += 64;
	while (at < most && line->text[at] == previous[at])
		at++;
	return at;
}

/** Cuts the steps down to the frames that this stack begins with as well; where they end. */
static size_t keep_steps(struct thag_folded_reader *reader, const struct line *line)
{
	const struct step *steps = (const struct step *)reader->steps.data;
	size_t common = common_bytes(reader, line), count = reader->steps.bytes / sizeof(*steps);

	/* a frame ends where either stack does, or both have a `;` */
	while (count &&
	       (steps[count - 1].end > common ||
		(steps[count - 1].end < line->bytes && line->text[steps[count - 1].end] != ';')))
		count--;
	reader->steps.bytes = count * sizeof(*steps);
	return count ? (size_t)steps[count - 1].end + 1 : 0;
}

static uint32_t last_node(const struct thag_folded_reader *reader)
{
	const struct step *steps = (const struct step *)reader->steps.data;
	size_t count = reader->steps.bytes / sizeof(*steps);

	return count ? steps[count - 1].node : THAG_STACKS_ROOT;
}

/** Both sides have the same nodes, in the same order. */
static int put_frame(struct thag_folded_reader *reader, const struct line *line, size_t start,
		     size_t end)
{
	uint32_t parent = last_node(reader);
	struct step step = { .end = (uint32_t)end };
	int ret = 0;

	for (uint32_t side = 0; side < reader->counts.sides && !ret; side++)
		ret = thag_stacks_child(reader->stacks[side], parent, line->text + start,
					end - start, &step.node);
	return ret ? ret : thag_buffer_append(&reader->steps, &step, sizeof(step));
}

static int put_frames(struct thag_folded_reader *reader, const struct line *line)
{
	size_t start = keep_steps(reader, line);
	int ret = 0;

	while (start <= line->bytes && !ret) {
		const char *end = memchr(line->text + start, ';', line->bytes - start);
		size_t end_at = end ? (size_t)(end - line->text) : line->bytes;

		ret = put_frame(reader, line, start, end_at);
		start = end_at + 1;
	}
	return ret;
}

static int put_stack(struct thag_folded_reader *reader, const struct line *line)
{
	int ret;

	reader->counts.stacks++;
	reader->counts.fractions += line->fraction;
	if (reader->options.stack)
		return reader->options.stack(reader->options.context, line->text, line->bytes,
					     line->values);
	ret = put_frames(reader, line);

	for (uint32_t side = 0; side < reader->counts.sides && !ret; side++)
		ret = thag_stacks_add(reader->stacks[side], last_node(reader), line->values[side],
				      0);
	reader->previous.bytes = 0;
	if (!ret)
		ret = thag_buffer_append(&reader->previous, line->text, line->bytes);
	return ret;
}

static int keep_title(struct thag_folded_reader *reader, const struct line *line)
{
	size_t start = 0;

	if (reader->title.bytes)
		return 0;
	while (start < line->bytes && (line->text[start] == '#' || is_space(line->text[start])))
		start++;
	if (start == line->bytes)
		return 0;
	int ret = thag_buffer_append(&reader->title, line->text + start, line->bytes - start);

	return ret ? ret : thag_buffer_append(&reader->title, "", 1);
}

static int read_line(void *context, const char *text, size_t bytes)
{
	struct thag_folded_reader *reader = context;
	struct line line = { .text = text, .bytes = trim_end(text, bytes) };

	reader->counts.lines++;
	if (!text)
		return refuse(reader, "longer than 256 MiB");
	if (reader->counts.lines == 1 && line.bytes >= MARK_BYTES &&
	    memcmp(line.text, MARK, MARK_BYTES) == 0) {
		line.text += MARK_BYTES;
		line.bytes -= MARK_BYTES;
	}
	if (line.bytes == 0)
		return 0;
	if (line.text[0] == '#' && reader->counts.sides == 0)
		return keep_title(reader, &line);
	if (reader->counts.sides == 0)
		reader->counts.sides = count_sides(&line);
	const char *fault = take_values(&line, reader->counts.sides ? reader->counts.sides : 1);

	return fault ? refuse(reader, fault) : put_stack(reader, &line);
}

int thag_folded_reader_create(struct thag_folded_reader **out,
			      const struct thag_folded_options *options)
{
	struct thag_folded_reader *reader = calloc(1, sizeof(*reader));
	int ret = reader ? 0 : -ENOMEM;

	for (int side = 0; side < THAG_FOLDED_SIDES && !ret; side++) {
		ret = thag_stacks_create(&reader->stacks[side], options->root_name);
		if (!ret)
			thag_stacks_limit(reader->stacks[side], options->stacks_most);
	}
	if (ret) {
		thag_folded_reader_destroy(reader);
		return ret;
	}
	reader->options = *options;
	reader->lines = (struct thag_lines){ .line = read_line,
					     .context = reader,
					     .most = THAG_FOLDED_LINE_MAX };
	*out = reader;
	return 0;
}

int thag_folded_reader_feed(struct thag_folded_reader *reader, const void *text, size_t bytes)
{
	return thag_lines_feed(&reader->lines, text, bytes);
}

int thag_folded_reader_finish(struct thag_folded_reader *reader,
			      struct thag_profile *profiles[static THAG_FOLDED_SIDES])
{
	struct thag_profile *made[THAG_FOLDED_SIDES] = { NULL };
	int ret = thag_lines_finish(&reader->lines);
	uint32_t sides = reader->counts.sides == 2 ? 2 : 1;

	for (uint32_t side = 0; side < sides && !ret; side++)
		ret = thag_stacks_finish(reader->stacks[side], &made[side]);
	if (ret) {
		for (uint32_t side = 0; side < sides; side++)
			thag_profile_destroy(made[side]);
		return ret;
	}
	memcpy(profiles, made, sizeof(made));
	return 0;
}

void thag_folded_reader_count(const struct thag_folded_reader *reader,
			      struct thag_folded_counts *counts)
{
	*counts = reader->counts;
}

const char *thag_folded_reader_title(const struct thag_folded_reader *reader)
{
	return reader->title.bytes ? (const char *)reader->title.data : "";
}
