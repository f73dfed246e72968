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

/** Columns of a terminal that `text`, valid UTF-8, takes. */
static size_t width_of(const char *text)
{
	size_t bytes = strlen(text), width = 0;

	for (size_t at = 0; at < bytes;) {
		uint32_t point;
		int columns;

		at += thag_text_decode(text + at, bytes - at, &point);
		columns = wcwidth((wchar_t)point);
		width += columns < 0 ? 1 : (size_t)columns;
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

static void print_cell(const struct thag_columns *table, size_t cell, size_t width, FILE *out)
{
	size_t column = cell % table->count;
	bool last = column == table->count - 1;
	const char *text = table->cells[cell];
	int pad = (int)(width - width_of(text));

	if (table->columns[column].right)
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : pad, "");
	fprintf(out, "%*s", last ? 0 : GAP, "");
	if (last)
		fputc('\n', out);
}

int thag_columns_print(const struct thag_columns *table, FILE *out)
{
	size_t *widths = calloc(table->count, sizeof(*widths));

	if (!widths || table->failed) {
		free(widths);
		return -ENOMEM;
	}
	for (size_t i = 0; i < table->count; i++)
		widths[i] = widest(table, i);
	for (size_t i = 0; i < table->cell_count; i++)
		print_cell(table, i, widths[i % table->count], out);
	free(widths);
	return 0;
}
