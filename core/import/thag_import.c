/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_import.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "thag_gzip.h"
#include "thag_perf_line.h"
#include "thag_protobuf.h"

#define GUESS_LINES 64
#define PPROF_FIELDS 6	     /* that a profile may begin with: types, samples, tables */
#define PPROF_FIRST_MAX 4096 /* bytes */

int thag_import_fail(struct thag_import_report *report, int ret, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(report->what, sizeof(report->what), format, arguments);
	va_end(arguments);
	return ret;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** A bracket, and what may stand behind it. */
static bool is_json(const char *text, size_t bytes)
{
	size_t at = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < bytes && is_space(text[at]))
		at++;
	if (at == bytes || (text[at] != '{' && text[at] != '['))
		return false;
	char second = text[at] == '{' ? '"' : '{';

	for (at++; at < bytes && is_space(text[at]);)
		at++;
	return at == bytes || text[at] == second || text[at] == ']' || text[at] == '}';
}

/** It begins with a field of a profile, with fields in it: no text does. */
static bool is_pprof(const void *data, size_t bytes)
{
	struct thag_cursor from = { .at = data, .end = (const uint8_t *)data + bytes };
	struct thag_protobuf_field first, second;

	if (!thag_protobuf_next(&from, &first) || first.wire != THAG_PROTOBUF_BYTES ||
	    first.number > PPROF_FIELDS)
		return false;
	const uint8_t *inside = first.data.at;
	size_t length = (size_t)(first.data.end - inside);

	/* the first byte of field 1 is that of an empty line */
	if (first.number == 1 && memchr(inside, '\n', length))
		return false;
	return length && length < PPROF_FIRST_MAX && inside[0] < ' ' &&
	       (from.at == from.end || thag_protobuf_next(&from, &second));
}

static bool is_perf(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	bool head = false;

	for (int i = 0; i < GUESS_LINES && text < end; i++) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((line_end ? line_end : end) - text);
		struct thag_perf_head parsed;
		struct thag_perf_frame frame;

		if (head && thag_perf_frame_parse(text, length, &frame))
			return true;
		head = thag_perf_head_parse(text, length, &parsed);
		text += length + 1;
	}
	return head;
}

enum thag_import_format thag_import_guess(const void *data, size_t bytes)
{
	if (thag_gzip_is(data, bytes))
		return THAG_IMPORT_PPROF;
	if (is_json(data, bytes))
		return THAG_IMPORT_CHROME;
	if (is_perf(data, bytes))
		return THAG_IMPORT_PERF;
	return is_pprof(data, bytes) ? THAG_IMPORT_PPROF : THAG_IMPORT_FOLDED;
}
