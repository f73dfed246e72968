/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_json_scan.h"

#include <string.h>

#include "thag_text.h"

static bool fail(struct thag_json_scan *scan, const char *wrong)
{
	if (!scan->wrong)
		scan->wrong = wrong;
	return false;
}

char thag_json_peek(struct thag_json_scan *scan)
{
	while (scan->at < scan->end &&
	       (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
		scan->at++;
	return scan->wrong || scan->at == scan->end ? '\0' : *scan->at;
}

bool thag_json_take(struct thag_json_scan *scan, char expected)
{
	if (thag_json_peek(scan) != expected)
		return fail(scan, scan->at == scan->end ? "the file ends in the middle"
							: "another character is expected there");
	scan->at++;
	return true;
}

bool thag_json_string(struct thag_json_scan *scan, struct thag_json_piece *piece)
{
	if (!thag_json_take(scan, '"'))
		return false;
	piece->text = scan->at;
	for (; scan->at < scan->end && *scan->at != '"'; scan->at++)
		if (*scan->at == '\\' && ++scan->at == scan->end)
			break;
	if (scan->at >= scan->end) {
		scan->at = scan->end;
		return fail(scan, "the file ends in a string");
	}
	piece->bytes = (size_t)(scan->at++ - piece->text);
	return true;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '+' || c == '.';
}

/** A number, true, false or null; what it says is for who uses it. */
static bool take_word(struct thag_json_scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && is_word(*scan->at))
		scan->at++;
	return scan->at > start || fail(scan, "no value stands there");
}

/** All up to the bracket that closes the one there: strings are looked at, nothing else is. */
static bool take_nested(struct thag_json_scan *scan)
{
	char closing[THAG_JSON_DEPTH_MAX];
	struct thag_json_piece string;
	size_t depth = 0;

	do {
		char c = thag_json_peek(scan);

		if (c == '"') {
			if (!thag_json_string(scan, &string))
				return false;
			continue;
		}
		if (c == '\0')
			return fail(scan, "the file ends in the middle");
		scan->at++;
		if (c == '{' || c == '[') {
			if (depth == THAG_JSON_DEPTH_MAX)
				return fail(scan, "it is nested too deep");
			closing[depth++] = c == '{' ? '}' : ']';
		} else if ((c == '}' || c == ']') && closing[--depth] != c) {
			return fail(scan, "another bracket is open there");
		}
	} while (depth);
	return true;
}

bool thag_json_value(struct thag_json_scan *scan, struct thag_json_piece *piece)
{
	char c = thag_json_peek(scan);
	bool ok;

	piece->text = scan->at;
	if (c == '"')
		ok = thag_json_string(scan, &(struct thag_json_piece){ 0 });
	else if (c == '{' || c == '[')
		ok = take_nested(scan);
	else
		ok = take_word(scan);
	piece->bytes = (size_t)(scan->at - piece->text);
	return ok;
}

bool thag_json_key(struct thag_json_scan *scan, bool *first, struct thag_json_piece *key)
{
	if (thag_json_peek(scan) == '}') {
		scan->at++;
		return false;
	}
	if (!*first && !thag_json_take(scan, ','))
		return false;
	*first = false;
	return thag_json_string(scan, key) && thag_json_take(scan, ':');
}

bool thag_json_next(struct thag_json_scan *scan, bool *first)
{
	char c = thag_json_peek(scan);

	if (c == ']') {
		scan->at++;
		return false;
	}
	if (!*first && c == ',') {
		scan->at++;
		/* one more than there are values, which traces that were cut short have */
		if (thag_json_peek(scan) == ']') {
			scan->at++;
			return false;
		}
	} else if (!*first) {
		return fail(scan, c ? "a comma is expected there" : "the file ends in an array");
	}
	*first = false;
	return !scan->wrong;
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Four digits; -1: they aren't. */
static int32_t read_unit(const char *text, size_t bytes)
{
	int32_t unit = 0;

	if (bytes < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		if (hex_of(text[i]) < 0)
			return -1;
		unit = unit << 4 | hex_of(text[i]);
	}
	return unit;
}

static int append_point(struct thag_buffer *out, uint32_t point)
{
	char text[4];
	size_t bytes = 0;

	if (point < 0x80) {
		text[bytes++] = (char)point;
	} else if (point < 0x800) {
		text[bytes++] = (char)(0xc0 | point >> 6);
	} else if (point < 0x10000) {
		text[bytes++] = (char)(0xe0 | point >> 12);
		text[bytes++] = (char)(0x80 | (point >> 6 & 0x3f));
	} else {
		text[bytes++] = (char)(0xf0 | point >> 18);
		text[bytes++] = (char)(0x80 | (point >> 12 & 0x3f));
		text[bytes++] = (char)(0x80 | (point >> 6 & 0x3f));
	}
	if (point >= 0x80)
		text[bytes++] = (char)(0x80 | (point & 0x3f));
	return thag_buffer_append(out, text, bytes);
}

/** What follows `\u`, with its other half where it needs one. Returns the bytes it took. */
static size_t read_point(const char *text, size_t bytes, uint32_t *point)
{
	int32_t unit = read_unit(text, bytes), low;

	*point = THAG_TEXT_REPLACEMENT;
	if (unit < 0)
		return 0;
	if (unit < 0xd800 || unit > 0xdfff) {
		*point = (uint32_t)unit;
		return 4;
	}
	if (unit > 0xdbff || bytes < 10 || text[4] != '\\' || text[5] != 'u')
		return 4;
	low = read_unit(text + 6, bytes - 6);
	if (low < 0xdc00 || low > 0xdfff)
		return 4;
	*point = 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return 10;
}

static int append_escape(struct thag_buffer *out, const char **at, const char *end)
{
	static const char escapes[] = "b\bf\fn\nr\rt\t";
	char c = *(*at)++;
	uint32_t point;

	if (c == 'u') {
		*at += read_point(*at, (size_t)(end - *at), &point);
		return append_point(out, point);
	}
	for (size_t i = 0; escapes[i]; i += 2)
		if (escapes[i] == c)
			return thag_buffer_append(out, &escapes[i + 1], 1);
	return thag_buffer_append(out, &c, 1);
}

int thag_json_text(struct thag_json_piece piece, struct thag_buffer *out)
{
	const char *at = piece.text, *end = piece.text + piece.bytes;
	int ret = 0;

	while (at < end && !ret) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));

		if (!escape)
			escape = end;
		ret = thag_buffer_append(out, at, (size_t)(escape - at));
		at = escape + 1;
		if (!ret && at < end)
			ret = append_escape(out, &at, end);
	}
	return ret;
}

bool thag_json_is(struct thag_json_piece piece, const char *text)
{
	return piece.bytes == strlen(text) && memcmp(piece.text, text, piece.bytes) == 0;
}
