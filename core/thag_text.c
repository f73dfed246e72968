/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/**
 * What the first byte of a character asks of the rest: how many bytes follow, and between which
 * bounds the second lies (Unicode, table 3-7). Bounds 0: the byte begins no character.
 */
struct lead {
	unsigned follow, low, high;
};

static struct lead classify_lead(unsigned byte)
{
	if (byte >= 0xc2 && byte <= 0xdf)
		return (struct lead){ 1, 0x80, 0xbf };
	if (byte >= 0xe0 && byte <= 0xef)
		return (struct lead){ 2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf };
	if (byte >= 0xf0 && byte <= 0xf4)
		return (struct lead){ 3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf };
	return (struct lead){ 0, 0, 0 };
}

size_t thag_text_decode(const char *text, size_t bytes, uint32_t *point)
{
	unsigned byte = (uint8_t)text[0];
	struct lead lead = classify_lead(byte);
	uint32_t value = byte & (0x3fu >> lead.follow);

	*point = byte < 0x80 ? byte : THAG_TEXT_REPLACEMENT;
	for (size_t i = 1; i <= lead.follow; i++) {
		unsigned next = i < bytes ? (uint8_t)text[i] : 0;

		if (next < lead.low || next > lead.high)
			return i;
		value = value << 6 | (next & 0x3f);
		lead.low = 0x80;
		lead.high = 0xbf;
	}
	if (lead.follow)
		*point = value;
	return lead.follow + 1;
}

/** Encodes a valid `point` and returns its bytes. */
static size_t encode(uint32_t point, char out[static 4])
{
	size_t bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = bytes; i-- > 1; point >>= 6)
		out[i] = (char)(0x80 | (point & 0x3f));
	out[0] = (char)(marks[bytes] | point);
	return bytes;
}

/** An output of at most `max` bytes in `buffer`, that began at `start`. */
struct limited {
	struct thag_buffer *buffer;
	size_t start, max;
	bool cut;
};

/** Takes whole characters away until U+2026 fits, and ends with it. */
static int cut_short(struct limited *out)
{
	struct thag_buffer *buffer = out->buffer;

	while (buffer->bytes > out->start + out->max - strlen(THAG_TEXT_ELLIPSIS))
		do {
			buffer->bytes--;
		} while ((buffer->data[buffer->bytes] & 0xc0) == 0x80);
	out->cut = true;
	return thag_buffer_append(buffer, THAG_TEXT_ELLIPSIS, strlen(THAG_TEXT_ELLIPSIS));
}

static int put_point(struct limited *out, uint32_t point)
{
	char text[4];
	size_t bytes = encode(point, text);

	if (out->buffer->bytes - out->start + bytes > out->max)
		return cut_short(out);
	return thag_buffer_append(out->buffer, text, bytes);
}

int thag_text_append_utf8(struct thag_buffer *buffer, const char *text, size_t bytes, size_t max)
{
	struct limited out = { buffer, buffer->bytes, max, false };
	int ret = 0;

	assert(max >= strlen(THAG_TEXT_ELLIPSIS));
	for (size_t at = 0; at < bytes && !out.cut && !ret;) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		ret = put_point(&out, point);
	}
	return ret;
}

static int put_json_byte(struct thag_buffer *out, uint8_t byte)
{
	char text[8];

	if (byte == '"' || byte == '\\')
		snprintf(text, sizeof(text), "\\%c", byte);
	else if (byte < 0x20 || byte == 0x7f)
		snprintf(text, sizeof(text), "\\u%04x", byte);
	else
		return thag_buffer_append(out, &byte, 1);
	return thag_buffer_append(out, text, strlen(text));
}

int thag_text_append_json(struct thag_buffer *out, const char *text, size_t bytes, size_t max)
{
	struct thag_buffer plain = { 0 };
	int ret = thag_text_append_utf8(&plain, text, bytes, max);

	if (!ret)
		ret = thag_buffer_append(out, "\"", 1);
	for (size_t i = 0; i < plain.bytes && !ret; i++)
		ret = put_json_byte(out, plain.data[i]);
	thag_buffer_fini(&plain);
	return ret ? ret : thag_buffer_append(out, "\"", 1);
}

static bool is_space(uint32_t point)
{
	return point == ' ' || (point >= '\t' && point <= '\r') || point == 0x85 ||
	       point == 0x2028 || point == 0x2029;
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xfeff;
}

/** The last space of the name in `out`, if what follows it reads as a number; else NULL. */
static uint8_t *space_before_number(const struct limited *out)
{
	uint8_t *start = out->buffer->data + out->start;
	uint8_t *at = out->buffer->data + out->buffer->bytes;

	while (at > start && (at[-1] == '.' || (at[-1] >= '0' && at[-1] <= '9')))
		at--;
	return at > start && at[-1] == ' ' ? at - 1 : NULL;
}

static int put_frame_points(struct limited *out, const char *text, size_t bytes)
{
	bool space = false;
	int ret = 0;

	for (size_t at = 0; at < bytes && !out->cut && !ret;) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		if (is_space(point)) {
			space = out->buffer->bytes > out->start;
		} else if (!is_control(point)) {
			if (space)
				ret = put_point(out, ' ');
			space = false;
			if (!ret && !out->cut)
				ret = put_point(out, point == ';' ? ':' : point);
		}
	}
	return ret;
}

int thag_text_append_frame(struct thag_buffer *buffer, const char *text, size_t bytes, size_t max)
{
	static const char unnamed[] = "<unnamed>";
	struct limited out = { buffer, buffer->bytes, max, false };

	assert(max >= strlen(THAG_TEXT_ELLIPSIS));
	int ret = put_frame_points(&out, text, bytes);
	if (!ret && buffer->bytes == out.start)
		ret = thag_buffer_append(buffer, unnamed, sizeof(unnamed) - 1);
	if (ret)
		return ret;
	uint8_t *space = space_before_number(&out);
	if (space)
		*space = '_';
	return 0;
}

/** Characters that a terminal would obey, hide, or let change the direction of the text. */
static bool is_unprintable(uint32_t point)
{
	return is_control(point) || point == 0xad || point == 0x61c ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2060 && point <= 0x206f) || (point >= 0xfff9 && point <= 0xfffb) ||
	       (point >= 0xe0000 && point <= 0xe0fff);
}

static int put_hex(struct thag_buffer *out, char letter, unsigned digits, uint32_t value)
{
	char text[2 + 8] = { '\\', letter };

	for (unsigned i = 0; i < digits; i++)
		text[2 + i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
	return thag_buffer_append(out, text, 2 + digits);
}

static int put_escaped(struct thag_buffer *out, uint32_t point)
{
	switch (point) {
	case '\n':
		return thag_buffer_append(out, "\\n", 2);
	case '\t':
		return thag_buffer_append(out, "\\t", 2);
	case '\r':
		return thag_buffer_append(out, "\\r", 2);
	case '\\':
		return thag_buffer_append(out, "\\\\", 2);
	}
	if (point < 0x80)
		return put_hex(out, 'x', 2, point);
	return point < 0x10000 ? put_hex(out, 'u', 4, point) : put_hex(out, 'U', 8, point);
}

/** Whether the `bytes` at `text` are U+FFFD itself, not something invalid. */
static bool is_replacement(const char *text, size_t bytes)
{
	return bytes == 3 && memcmp(text, "\xef\xbf\xbd", 3) == 0;
}

int thag_text_append_terminal(struct thag_buffer *out, const char *text, size_t bytes)
{
	int ret = 0;

	for (size_t at = 0; at < bytes && !ret;) {
		uint32_t point;
		size_t taken = thag_text_decode(text + at, bytes - at, &point);

		if (point == THAG_TEXT_REPLACEMENT && !is_replacement(text + at, taken)) {
			taken = 1;
			ret = put_hex(out, 'x', 2, (uint8_t)text[at]);
		} else if (point == '\\' || is_unprintable(point)) {
			ret = put_escaped(out, point);
		} else {
			ret = thag_buffer_append(out, text + at, taken);
		}
		at += taken;
	}
	return ret;
}

static bool is_formula(const char *text, size_t bytes)
{
	return bytes && memchr("=+-@", text[0], 4);
}

int thag_text_append_csv(struct thag_buffer *out, const char *text, size_t bytes)
{
	const char *at = text, *end = text + bytes,
		   *opening = is_formula(text, bytes) ? "\"'" : "\"";
	int ret = thag_buffer_append(out, opening, strlen(opening));

	while (at < end && !ret) {
		const char *quote = memchr(at, '"', (size_t)(end - at));
		const char *part_end = quote ? quote + 1 : end;

		ret = thag_buffer_append(out, at, (size_t)(part_end - at));
		if (!ret && quote)
			ret = thag_buffer_append(out, "\"", 1);
		at = part_end;
	}
	return ret ? ret : thag_buffer_append(out, "\"", 1);
}

static uint8_t fold_case(char c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool thag_text_holds(const char *text, size_t bytes, const char *part, size_t part_bytes)
{
	if (part_bytes == 0)
		return false;
	for (size_t at = 0; at + part_bytes <= bytes; at++) {
		size_t i = 0;

		while (i < part_bytes && fold_case(text[at + i]) == fold_case(part[i]))
			i++;
		if (i == part_bytes)
			return true;
	}
	return false;
}

bool thag_text_ends_with(const char *text, const char *end)
{
	size_t bytes = strlen(text), end_bytes = strlen(end);

	return bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}
