/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg_text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_text.h"

#define THIN "\xe2\x80\xaf" /* U+202F: between thousands, and between a number and its unit */
#define REPLACEMENT "\xef\xbf\xbd"
#define CUT ".."
#define CUT_CELLS 2
#define DIGITS_MAX 20

void thag_svg_put_bytes(struct thag_svg_sink *sink, const void *data, size_t bytes)
{
	if (!sink->ret)
		sink->ret = thag_buffer_append(sink->out, data, bytes);
}

void thag_svg_put(struct thag_svg_sink *sink, const char *text)
{
	thag_svg_put_bytes(sink, text, strlen(text));
}

void thag_svg_put_decimal(struct thag_svg_sink *sink, uint64_t value)
{
	if (!sink->ret)
		sink->ret = thag_buffer_append_decimal(sink->out, value);
}

void thag_svg_put_fixed(struct thag_svg_sink *sink, double value, unsigned digits)
{
	char fraction[DIGITS_MAX + 1] = "";
	uint64_t power = 1;

	for (unsigned i = 0; i < digits; i++)
		power *= 10;
	uint64_t scaled = (uint64_t)llround(value * (double)power), rest = scaled % power;

	for (unsigned i = digits; i-- > 0; rest /= 10)
		fraction[i] = (char)('0' + rest % 10);
	thag_svg_put_decimal(sink, scaled / power);
	thag_svg_put(sink, digits ? "." : "");
	thag_svg_put(sink, fraction);
}

static bool is_space(uint32_t point)
{
	return (point >= 0x09 && point <= 0x0d) || point == ' ' || point == 0x85 ||
	       point == 0x2028 || point == 0x2029;
}

/** Controls, what changes the direction of all that follows, and what XML leaves out. */
static bool is_unfit(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point >= 0x110000 ||
	       (point & 0xfffe) == 0xfffe || (point >= 0xd800 && point < 0xe000) ||
	       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static const char *entity_of(uint32_t point)
{
	switch (point) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

static void put_point(struct thag_svg_sink *sink, uint32_t point, const char *text, size_t bytes)
{
	const char *entity = entity_of(point);

	if (entity)
		thag_svg_put(sink, entity);
	else if (is_space(point))
		thag_svg_put(sink, " ");
	else if (is_unfit(point) || point == THAG_TEXT_REPLACEMENT)
		thag_svg_put(sink, REPLACEMENT);
	else
		thag_svg_put_bytes(sink, text, bytes);
}

/** Where to stop within THAG_FRAME_NAME_MAX. */
static size_t limit(size_t bytes)
{
	return bytes < THAG_FRAME_NAME_MAX ? bytes : THAG_FRAME_NAME_MAX;
}

/** Letters, digits and the like: most of any name. */
static bool is_plain(char c)
{
	return c >= ' ' && c != '<' && c != '>' && c != '&' && c != '"' && c != 0x7f;
}

void thag_svg_put_text(struct thag_svg_sink *sink, const char *text, size_t bytes)
{
	size_t most = limit(bytes), at = 0;

	while (at < most) {
		size_t plain = at;
		uint32_t point;

		while (plain < most && is_plain(text[plain]))
			plain++;
		thag_svg_put_bytes(sink, text + at, plain - at);
		at = plain;
		if (at < most) {
			size_t took = thag_text_decode(text + at, bytes - at, &point);

			put_point(sink, point, text + at, took);
			at += took;
		}
	}
	if (most < bytes)
		thag_svg_put(sink, THAG_TEXT_ELLIPSIS);
}

/** How wide a character is beside a letter: those of East Asia, and pictures, are twice that. */
static size_t cells_of(uint32_t point)
{
	return (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
			       (point >= 0xac00 && point <= 0xd7a3) ||
			       (point >= 0xf900 && point <= 0xfaff) ||
			       (point >= 0xfe30 && point <= 0xfe6f) ||
			       (point >= 0xff00 && point <= 0xff60) || point >= 0x1f000
		       ? 2
		       : 1;
}

/** The bytes of `text` that fit into the cells. */
static size_t measure(const char *text, size_t bytes, size_t cells)
{
	size_t at = 0, took;

	for (; at < bytes; at += took) {
		uint32_t point;

		took = thag_text_decode(text + at, bytes - at, &point);
		if (cells_of(point) > cells)
			break;
		cells -= cells_of(point);
	}
	return at;
}

size_t thag_svg_put_fitted(struct thag_svg_sink *sink, const char *text, size_t bytes, size_t cells)
{
	size_t most = limit(bytes);
	bool whole = most == bytes && measure(text, bytes, cells) == bytes;
	size_t room = whole		  ? bytes
		      : cells > CUT_CELLS ? measure(text, most, cells - CUT_CELLS)
					  : 0;

	if (room == 0)
		return 0;
	thag_svg_put_text(sink, text, room);
	if (!whole)
		thag_svg_put(sink, CUT);
	return room;
}

enum thag_svg_unit thag_svg_unit_of(const char *count_name)
{
	if (strcmp(count_name, "ns") == 0)
		return THAG_SVG_NS;
	return strcmp(count_name, "bytes") == 0 ? THAG_SVG_BYTES : THAG_SVG_COUNT;
}

void thag_svg_put_count(struct thag_svg_sink *sink, uint64_t value)
{
	char text[2 * DIGITS_MAX + DIGITS_MAX];
	size_t at = sizeof(text), digits = 0;

	do {
		if (digits && digits % 3 == 0) {
			at -= strlen(THIN);
			memcpy(text + at, THIN, strlen(THIN));
		}
		text[--at] = (char)('0' + value % 10);
		value /= 10;
		digits++;
	} while (value);
	thag_svg_put_bytes(sink, text + at, sizeof(text) - at);
}

struct scale {
	double size;
	const char *name;
};

static const struct scale times[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" }, { 0, "" } };
static const struct scale sizes[] = {
	{ 0x1p40, "TiB" }, { 0x1p30, "GiB" }, { 0x1p20, "MiB" }, { 0x1p10, "KiB" }, { 0, "" },
};

/** Four digits; whether there is a unit that is larger than one. */
static bool put_scaled(struct thag_svg_sink *sink, uint64_t value, const struct scale *scale)
{
	while (scale->size > 0 && (double)value < scale->size)
		scale++;
	if (scale->size <= 0)
		return false;
	double scaled = (double)value / scale->size;

	thag_svg_put_fixed(sink, scaled,
			   scaled < 10	   ? 3
			   : scaled < 100  ? 2
			   : scaled < 1000 ? 1
					   : 0);
	thag_svg_put(sink, THIN);
	thag_svg_put(sink, scale->name);
	return true;
}

void thag_svg_put_amount(struct thag_svg_sink *sink, uint64_t value, const char *count_name)
{
	enum thag_svg_unit unit = thag_svg_unit_of(count_name);
	bool scaled = unit != THAG_SVG_COUNT &&
		      put_scaled(sink, value, unit == THAG_SVG_NS ? times : sizes);

	thag_svg_put(sink, scaled ? " (" : "");
	thag_svg_put_count(sink, value);
	thag_svg_put(sink, THIN);
	thag_svg_put_text(sink, count_name, strlen(count_name));
	thag_svg_put(sink, scaled ? ")" : "");
}

void thag_svg_put_share(struct thag_svg_sink *sink, uint64_t part, uint64_t whole)
{
	double percent = whole ? 100 * (double)part / (double)whole : 0;

	if (percent > 0 && percent < 0.005)
		thag_svg_put(sink, "&lt;" THIN "0.01");
	else if (part == 0 || part == whole)
		thag_svg_put(sink, part ? "100" : "0");
	else
		thag_svg_put_fixed(sink, percent, 2);
	thag_svg_put(sink, THIN "%");
}
