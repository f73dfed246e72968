/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fields.h"

#include <stdint.h>
#include <string.h>

#include "thag_text.h"

int thag_fields_text(struct thag_buffer *out, const char *text)
{
	return thag_buffer_append(out, text, strlen(text));
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
