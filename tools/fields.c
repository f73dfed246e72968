/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fields.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "thag_text.h"

int thag_fields_text(struct thag_buffer *out, const char *text)
{
	return thag_buffer_append(out, text, strlen(text));
}

/* A character of `bytes` bytes of which a reader of lines or a terminal would make something. */
static bool is_control(const uint8_t *text, size_t bytes)
{
	return bytes == 1 ? text[0] < 0x20 || text[0] == 0x7f
			  : bytes == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

/* Valid UTF-8, in which a space takes the place of each control character. */
static void drop_controls(struct thag_buffer *text)
{
	size_t kept = 0, taken;

	for (size_t at = 0; at < text->bytes; at += taken) {
		uint32_t point;

		taken = thag_text_decode((const char *)text->data + at, text->bytes - at, &point);
		if (is_control(text->data + at, taken)) {
			text->data[kept++] = ' ';
		} else {
			memmove(text->data + kept, text->data + at, taken);
			kept += taken;
		}
	}
	text->bytes = kept;
}

int thag_fields_csv(struct thag_buffer *out, const char *text, size_t bytes)
{
	struct thag_buffer plain = { 0 };
	int ret = thag_text_append_utf8(&plain, text, bytes, SIZE_MAX);

	if (!ret) {
		drop_controls(&plain);
		ret = thag_text_append_csv(out, plain.data ? (const char *)plain.data : "",
					   plain.bytes);
	}
	thag_buffer_fini(&plain);
	return ret;
}

int thag_fields_json(struct thag_buffer *out, const char *text, size_t bytes)
{
	return thag_text_append_json(out, text, bytes, SIZE_MAX);
}

static void flush(struct thag_buffer *text, FILE *out)
{
	fwrite(text->data, 1, text->bytes, out);
	text->bytes = 0;
}

int thag_fields_rows(FILE *out, struct thag_buffer *head, uint32_t count, const char *between,
		     const char *end, thag_fields_row_fn *row, const void *context)
{
	int ret = 0;

	for (uint32_t i = 0; i < count && !ret; i++) {
		flush(head, out);
		ret = row(head, context, i);
		if (!ret && i + 1 < count)
			ret = thag_fields_text(head, between);
	}
	if (!ret)
		ret = thag_fields_text(head, end);
	if (!ret)
		flush(head, out);
	return ret;
}
