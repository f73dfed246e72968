/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "columns.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "thag_text.h"

#define FIRST_CELLS 64
#define GAP 2

void thag_columns_init(struct thag_columns *table, const struct thag_column *columns, size_t count)
{
	*table = (struct thag_columns){ .columns = columns, .count = count };
	for (size_t i = 0; i < count; i++)
		thag_columns_add(table, columns[i].title);
}

void thag_columns_fini(struct thag_columns *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct thag_columns){ 0 };
}

static bool reserve(struct thag_columns *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CELLS;
	char **cells;

	if (table->cell_count < table->capacity)
		return true;
	cells = reallocarray(table->cells, capacity, sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->capacity = capacity;
	return true;
}

void thag_columns_add(struct thag_columns *table, const char *text)
{
	struct thag_buffer cell = { 0 };

	if (!text || !text[0])
		text = "-";
	if (!reserve(table) || thag_text_append_terminal(&cell, text, strlen(text)) ||
	    thag_buffer_append(&cell, "", 1)) {
		thag_buffer_fini(&cell);
		table->failed = true;
		return;
	}
	table->cells[table->cell_count++] = (char *)cell.data;
}

static size_t columns_of(uint32_t point)
{
	int columns = wcwidth((wchar_t)point);

	return columns < 0 ? 1 : (size_t)columns;
}

/** Columns of a terminal that `text`, valid UTF-8, takes. */
static size_t width_of(const char *text)
{
	size_t bytes = strlen(text), width = 0;

	for (size_t at = 0; at < bytes;) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		width += columns_of(point);
	}
	return width;
}

static size_t widest(const struct thag_columns *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->cell_count; i += table->count) {
		size_t one = width_of(table->cells[i]);

		width = one > width ? one : width;
	}
	return width;
}

/** Bytes of the beginning, or of what is before the end, of `text` that leave `room` columns. */
static size_t bytes_that_fit(const char *text, size_t room)
{
	size_t bytes = strlen(text), at = 0, width = 0;

	while (at < bytes) {
		uint32_t point;
		size_t next = at + thag_text_decode(text + at, bytes - at, &point);

		width += columns_of(point);
		if (width > room)
			break;
		at = next;
	}
	return at;
}

/** So many bytes at the front that what is left has no more than `room` columns. */
static size_t bytes_to_drop(const char *text, size_t room)
{
	size_t bytes = strlen(text), at = 0, width = width_of(text);

	while (at < bytes && width > room) {
		uint32_t point;

		at += thag_text_decode(text + at, bytes - at, &point);
		width -= columns_of(point);
	}
	return at;
}

/** The last cell of a line, `width` wide, before which `used` columns are taken. */
static void print_last(const struct thag_columns *table, const char *text, size_t width,
		       size_t used, FILE *out)
{
	size_t room = table->width > used + 1 ? table->width - used : 1;

	if (table->columns[table->count - 1].right)
		fprintf(out, "%*s%s\n", (int)(width - width_of(text)), "", text);
	else if (table->width == 0 || width_of(text) <= room)
		fprintf(out, "%s\n", text);
	else if (table->cuts_front)
		fprintf(out, THAG_TEXT_ELLIPSIS "%s\n", text + bytes_to_drop(text, room - 1));
	else
		fprintf(out, "%.*s" THAG_TEXT_ELLIPSIS "\n", (int)bytes_that_fit(text, room - 1),
			text);
}

static void print_cell(const struct thag_columns *table, size_t cell, size_t width, FILE *out)
{
	size_t column = cell % table->count;
	const char *text = table->cells[cell];
	int pad = (int)(width - width_of(text));

	if (table->columns[column].right)
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, pad, "");
	fprintf(out, "%*s", GAP, "");
}

int thag_columns_print(const struct thag_columns *table, FILE *out)
{
	size_t *widths = calloc(table->count, sizeof(*widths)), used = 0;

	if (!widths || table->failed) {
		free(widths);
		return -ENOMEM;
	}
	for (size_t i = 0; i < table->count; i++)
		widths[i] = widest(table, i);
	for (size_t i = 0; i + 1 < table->count; i++)
		used += widths[i] + GAP;
	for (size_t i = table->has_no_titles ? table->count : 0; i < table->cell_count; i++) {
		if ((i + 1) % table->count)
			print_cell(table, i, widths[i % table->count], out);
		else
			print_last(table, table->cells[i], widths[table->count - 1], used, out);
	}
	free(widths);
	return 0;
}
