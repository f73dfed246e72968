/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thag_text.h"

static _Thread_local bool is_partial;

static void *allocate(size_t bytes)
{
	void *block = malloc(bytes);

	if (!block)
		is_partial = true;
	return block;
}

void thag_format_begin(void)
{
	json_set_alloc_funcs(allocate, free);
}

bool thag_format_is_whole(void)
{
	bool is_whole = !is_partial;

	is_partial = false;
	return is_whole;
}

char *thag_format_dump(const json_t *json, size_t flags)
{
	char *text = json_dumps(json, flags);

	if (!thag_format_is_whole()) {
		free(text);
		text = NULL;
	}
	return text;
}

int thag_format_load(json_t **out, const char *text, size_t bytes, size_t flags)
{
	thag_format_is_whole(); /* what is read is another matter than what was made before */
	*out = json_loadb(text, bytes, flags, NULL);
	if (thag_format_is_whole())
		return *out ? 0 : -EBADMSG;
	json_decref(*out);
	*out = NULL;
	return -ENOMEM;
}

#define YEAR_9999_S UINT64_C(253402300799)
#define UTF8_GROWTH 3 /* an invalid byte becomes U+FFFD */

json_t *thag_format_json(const char *text, size_t bytes)
{
	struct thag_buffer utf8 = { 0 };
	json_t *json = NULL;

	bytes = strnlen(text, bytes);
	if (thag_text_append_utf8(&utf8, text, bytes, bytes * UTF8_GROWTH + UTF8_GROWTH) == 0)
		json = json_stringn(utf8.data ? (const char *)utf8.data : "", utf8.bytes);
	thag_buffer_fini(&utf8);
	return json;
}

json_t *thag_format_list(const char *texts, size_t bytes)
{
	json_t *list = json_array();

	for (size_t at = 0; at < bytes;) {
		size_t length = strnlen(texts + at, bytes - at);

		json_array_append_new(list, thag_format_json(texts + at, length));
		at += length + 1;
	}
	return list;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._+-", c));
}

void thag_format_file_name(char *out, size_t size, const char *text, size_t bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < bytes && text[i] && used + 1 < size; i++)
		out[used++] = is_plain(text[i]) ? text[i] : '_';
	if (used == 0)
		used = (size_t)snprintf(out, size, "program");
	if (out[0] == '.' || out[0] == '-')
		out[0] = '_';
	out[used] = '\0';
}

/* Any 64-bit time must be printable: a program names its own start. */
static time_t seconds(uint64_t real_ns)
{
	return (time_t)(real_ns / 1000000000 % YEAR_9999_S);
}

void thag_format_stamp(char out[static 16], uint64_t real_ns)
{
	time_t s = seconds(real_ns);
	struct tm tm;

	localtime_r(&s, &tm);
	if (strftime(out, 16, "%Y%m%d-%H%M%S", &tm) == 0)
		memcpy(out, "00000000-000000", 16);
}

void thag_format_iso(char out[static 32], uint64_t real_ns)
{
	time_t s = seconds(real_ns);
	struct tm tm;
	size_t used;

	gmtime_r(&s, &tm);
	used = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, 32 - used, ".%03uZ", (unsigned)(real_ns / 1000000 % 1000));
}
