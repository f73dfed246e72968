/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "thag_regex_private.h"
#include "thag_text.h"

#define POINT_MAX UINT32_C(0x10ffff)
#define UNBOUNDED UINT32_MAX

struct parser {
	struct thag_regex_program *program;
	const char *pattern;
	size_t bytes, at;
	uint32_t nested;
	struct thag_regex_error *error; /* its `why` is set by the first mistake */
};

/** Says what is wrong, at the byte read next unless told. */
static void fail_at(struct parser *parser, const char *why, size_t at)
{
	if (parser->error->why)
		return;
	*parser->error = (struct thag_regex_error){ why, (uint32_t)at };
}

static void fail(struct parser *parser, const char *why)
{
	fail_at(parser, why, parser->at);
}

static bool more(const struct parser *parser)
{
	return parser->at < parser->bytes && !parser->error->why;
}

static bool next_is(const struct parser *parser, char what)
{
	return more(parser) && parser->pattern[parser->at] == what;
}

static bool accept(struct parser *parser, char what)
{
	bool is = next_is(parser, what);

	parser->at += is;
	return is;
}

static uint32_t take_point(struct parser *parser)
{
	uint32_t point;

	parser->at +=
		thag_text_decode(parser->pattern + parser->at, parser->bytes - parser->at, &point);
	return point;
}

static void emit(struct parser *parser, struct thag_regex_instruction code)
{
	struct thag_regex_program *program = parser->program;

	if (program->length == THAG_REGEX_INSTRUCTIONS_MAX)
		fail(parser, "it is too large");
	else
		program->code[program->length++] = code;
}

/** Makes room for an instruction at `at`; what was there moves on as one piece. */
static void insert(struct parser *parser, uint32_t at, struct thag_regex_instruction code)
{
	struct thag_regex_program *program = parser->program;
	uint32_t count = program->length - at;

	emit(parser, code);
	if (parser->error->why)
		return;
	memmove(&program->code[at + 1], &program->code[at], count * sizeof(code));
	program->code[at] = code;
}

static void add_range(struct parser *parser, uint32_t low, uint32_t high)
{
	struct thag_regex_program *program = parser->program;

	if (program->range_count == THAG_REGEX_RANGES_MAX)
		fail(parser, "it is too large");
	else
		program->ranges[program->range_count++] = (struct thag_regex_range){ low, high };
}

/** A range as written; its letters of ASCII match in either case, so they count as lower case. */
static void put_range(struct parser *parser, uint32_t low, uint32_t high)
{
	uint32_t from = low > 'A' ? low : 'A', to = high < 'Z' ? high : 'Z';

	add_range(parser, low, high);
	if (from <= to)
		add_range(parser, from - 'A' + 'a', to - 'A' + 'a');
}

static void put_ranges(struct parser *parser, const uint32_t (*ranges)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_range(parser, ranges[i][0], ranges[i][1]);
}

/** All that is in none of the ranges, which are in order. */
static void put_others(struct parser *parser, const uint32_t (*ranges)[2], size_t count)
{
	uint32_t low = 0;

	for (size_t i = 0; i < count; i++) {
		if (ranges[i][0] > low)
			add_range(parser, low, ranges[i][0] - 1);
		low = ranges[i][1] + 1;
	}
	add_range(parser, low, POINT_MAX);
}

static const uint32_t digits[][2] = { { '0', '9' } };
static const uint32_t word[][2] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
static const uint32_t space[][2] = { { '\t', '\r' }, { ' ', ' ' } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Puts what `\d` and the like stand for; false: `letter` is none of them. */
static bool put_class(struct parser *parser, uint32_t letter)
{
	switch (letter) {
	case 'd':
		put_ranges(parser, digits, COUNT(digits));
		return true;
	case 'D':
		put_others(parser, digits, COUNT(digits));
		return true;
	case 'w':
		put_ranges(parser, word, COUNT(word));
		return true;
	case 'W':
		put_others(parser, word, COUNT(word));
		return true;
	case 's':
		put_ranges(parser, space, COUNT(space));
		return true;
	case 'S':
		put_others(parser, space, COUNT(space));
		return true;
	default:
		return false;
	}
}

/** The character that an escaped one stands for. */
static uint32_t escaped(struct parser *parser, uint32_t point)
{
	if (point == 't')
		return '\t';
	if (point == 'n')
		return '\n';
	if (point == 'r')
		return '\r';
	if (point < 0x80 && thag_regex_is_word(point) && point != '_')
		fail_at(parser,
			point >= '0' && point <= '9' ? "references back are not supported"
						     : "no such escape",
			parser->at - 2);
	return point;
}

/** An escape behind its backslash. Whether it was a class, which then is put; else `*point`. */
static bool take_escape(struct parser *parser, uint32_t *point)
{
	if (!more(parser)) {
		fail_at(parser, "nothing follows the backslash", parser->at - 1);
		return true;
	}
	*point = take_point(parser);
	if (put_class(parser, *point))
		return true;
	*point = escaped(parser, *point);
	return false;
}

/** One member of a class: a character, a range of them, or a class of its own. */
static void take_member(struct parser *parser)
{
	size_t start = parser->at;
	uint32_t low = take_point(parser), high;

	if (low == '\\' && take_escape(parser, &low))
		return;
	high = low;
	if (next_is(parser, '-') && parser->at + 1 < parser->bytes &&
	    parser->pattern[parser->at + 1] != ']') {
		parser->at++;
		high = take_point(parser);
		if (high == '\\' && take_escape(parser, &high))
			fail_at(parser, "a range ends in a class", start);
	}
	if (high < low)
		fail_at(parser, "a range is the wrong way round", start);
	put_range(parser, low, high);
}

/** Ranges from `first` on become an instruction. */
static void emit_set(struct parser *parser, uint32_t first, bool negated)
{
	uint32_t count = parser->program->range_count - first;

	emit(parser, (struct thag_regex_instruction){ .op = THAG_REGEX_SET,
						      .negated = negated,
						      .first = (uint16_t)first,
						      .count = (uint16_t)count });
}

static void take_brackets(struct parser *parser)
{
	uint32_t first = parser->program->range_count;
	size_t start = parser->at - 1;
	bool negated = accept(parser, '^');

	/* a bracket that comes first is a member */
	do {
		if (!more(parser))
			break;
		take_member(parser);
	} while (more(parser) && !next_is(parser, ']'));
	if (!accept(parser, ']'))
		fail_at(parser, "“[” is never closed", start);
	emit_set(parser, first, negated);
}

static void take_alternatives(struct parser *parser);

static void take_group(struct parser *parser)
{
	size_t start = parser->at - 1;

	if (next_is(parser, '?')) {
		parser->at++;
		if (!accept(parser, ':'))
			fail_at(parser, "of groups with “?” only “(?:” is supported", start);
	}
	if (++parser->nested > THAG_REGEX_NESTED_MAX)
		fail_at(parser, "groups lie too deep in each other", start);
	else
		take_alternatives(parser);
	parser->nested--;
	if (!accept(parser, ')'))
		fail_at(parser, "“(” is never closed", start);
}

static void emit_point(struct parser *parser, uint32_t point)
{
	uint32_t first = parser->program->range_count;

	put_range(parser, point, point);
	emit_set(parser, first, false);
}

static void take_backslash(struct parser *parser)
{
	uint32_t first = parser->program->range_count, point = 0;

	if (next_is(parser, 'b') || next_is(parser, 'B'))
		emit(parser, (struct thag_regex_instruction){
				     .op = THAG_REGEX_EDGE, .negated = take_point(parser) == 'B' });
	else if (take_escape(parser, &point))
		emit_set(parser, first, false);
	else
		emit_point(parser, point);
}

static void take_atom(struct parser *parser)
{
	uint32_t point = take_point(parser);

	switch (point) {
	case '(':
		take_group(parser);
		break;
	case '[':
		take_brackets(parser);
		break;
	case '\\':
		take_backslash(parser);
		break;
	case '^':
		emit(parser, (struct thag_regex_instruction){ .op = THAG_REGEX_BEGIN });
		break;
	case '$':
		emit(parser, (struct thag_regex_instruction){ .op = THAG_REGEX_END });
		break;
	case '.':
		emit(parser,
		     (struct thag_regex_instruction){ .op = THAG_REGEX_SET, .negated = true });
		break;
	case '*':
	case '+':
	case '?':
		fail_at(parser, "there is nothing to repeat", parser->at - 1);
		break;
	default:
		emit_point(parser, point);
	}
}

/** A number of a repetition; `otherwise` when there is none. */
static uint32_t take_number(struct parser *parser, uint32_t otherwise)
{
	size_t start = parser->at;
	uint32_t number = 0;

	while (more(parser) && parser->pattern[parser->at] >= '0' &&
	       parser->pattern[parser->at] <= '9' && number <= THAG_REGEX_REPEAT_MAX)
		number = number * 10 + (uint32_t)(parser->pattern[parser->at++] - '0');
	if (number > THAG_REGEX_REPEAT_MAX)
		fail_at(parser, "it repeats too often", start);
	return parser->at == start ? otherwise : number;
}

/** Whether `{` begins a repetition here; else it is a character like others. */
static bool is_repetition(const struct parser *parser)
{
	return next_is(parser, '{') && parser->at + 1 < parser->bytes &&
	       strchr("0123456789,", parser->pattern[parser->at + 1]) != NULL &&
	       parser->pattern[parser->at + 1];
}

static void take_braces(struct parser *parser, uint32_t *least, uint32_t *most)
{
	size_t start = parser->at++;

	*least = take_number(parser, 0);
	*most = accept(parser, ',') ? take_number(parser, UNBOUNDED) : *least;
	if (!accept(parser, '}'))
		fail_at(parser, "“{” is never closed", start);
	if (*most < *least)
		fail_at(parser, "a repetition is the wrong way round", start);
}

/** Appends a copy of `count` instructions from `from` on. */
static void copy(struct parser *parser, uint32_t from, uint32_t count)
{
	for (uint32_t i = 0; i < count && !parser->error->why; i++)
		emit(parser, parser->program->code[from + i]);
}

static struct thag_regex_instruction jump(enum thag_regex_op op, uint32_t from, uint32_t to)
{
	return (struct thag_regex_instruction){ .op = (uint8_t)op,
						.jump = (int32_t)to - (int32_t)from };
}

/** Makes what begins at `start` optional: once, or as often as there is. */
static void make_optional(struct parser *parser, uint32_t start, bool forever)
{
	uint32_t end = parser->program->length + 1 + forever;

	insert(parser, start, jump(THAG_REGEX_SPLIT, start, end));
	if (forever)
		emit(parser, jump(THAG_REGEX_JUMP, end - 1, start));
}

/** Repeats the atom that begins at `start`; it is there once. */
static void repeat(struct parser *parser, uint32_t start, uint32_t least, uint32_t most)
{
	struct thag_regex_program *program = parser->program;
	uint32_t count = program->length - start, last;

	if (most == 0) {
		program->length = start;
		return;
	}
	for (uint32_t i = 1; i < least; i++)
		copy(parser, start, count);
	if (least && most == UNBOUNDED) { /* the last one again and again */
		last = program->length;
		emit(parser, jump(THAG_REGEX_SPLIT, last, last + 2));
		emit(parser, jump(THAG_REGEX_JUMP, last + 1, last - count));
		return;
	}
	if (least == 0) {
		make_optional(parser, start, most == UNBOUNDED);
		count = program->length - start;
		for (uint32_t i = 1; most != UNBOUNDED && i < most; i++)
			copy(parser, start, count);
		return;
	}
	for (uint32_t i = least; i < most && !parser->error->why; i++) {
		last = program->length;
		copy(parser, start, count);
		make_optional(parser, last, false);
	}
}

static bool take_quantifier(struct parser *parser, uint32_t *least, uint32_t *most)
{
	*least = next_is(parser, '+');
	*most = next_is(parser, '?') ? 1 : UNBOUNDED;
	if (is_repetition(parser))
		take_braces(parser, least, most);
	else if (!accept(parser, '*') && !accept(parser, '+') && !accept(parser, '?'))
		return false;
	accept(parser, '?');
	return true;
}

static void take_sequence(struct parser *parser)
{
	while (more(parser) && !next_is(parser, '|') && !next_is(parser, ')')) {
		uint32_t start = parser->program->length, least, most;

		take_atom(parser);
		while (more(parser) && take_quantifier(parser, &least, &most))
			repeat(parser, start, least, most);
	}
}

static void take_alternatives(struct parser *parser)
{
	uint32_t start = parser->program->length, out;

	take_sequence(parser);
	if (accept(parser, '|')) {
		insert(parser, start, jump(THAG_REGEX_SPLIT, start, parser->program->length + 2));
		out = parser->program->length;
		emit(parser, jump(THAG_REGEX_JUMP, out, out + 1));
		take_alternatives(parser);
		if (!parser->error->why)
			parser->program->code[out] =
				jump(THAG_REGEX_JUMP, out, parser->program->length);
	}
}

int thag_regex_compile(struct thag_regex_program *program, const char *pattern, size_t bytes,
		       struct thag_regex_error *error)
{
	struct parser parser = {
		.program = program, .pattern = pattern, .bytes = bytes, .error = error
	};

	*error = (struct thag_regex_error){ 0 };
	take_alternatives(&parser);
	if (more(&parser))
		fail(&parser, "“)” closes nothing");
	emit(&parser, (struct thag_regex_instruction){ .op = THAG_REGEX_MATCH });
	return error->why ? -EINVAL : 0;
}
