/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "diff_print.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "fields.h"
#include "numbers.h"

#define CELL_BYTES (THAG_NUMBER_BYTES + 2)

static const char *const measures[THAG_DIFF_MEASURES] = { "self", "total", "calls" };

const char *thag_diff_measure_word(uint32_t measure)
{
	return measure < THAG_DIFF_MEASURES ? measures[measure] : NULL;
}

static const char *unit_of(const struct thag_diff_view *view)
{
	return view->measure == THAG_DIFF_CALLS ? "" : view->after->unit;
}

static uint32_t shown_rows(const struct thag_diff_view *view)
{
	return view->most && view->most < view->rows->count ? view->most : view->rows->count;
}

/* --- for people --- */

static void format_change(char out[static CELL_BYTES], const char *unit, double change)
{
	char number[THAG_NUMBER_BYTES];

	thag_number_of_unit(number, unit, fabs(change));
	snprintf(out, CELL_BYTES, "%s%s", change < 0 ? "-" : change > 0 ? "+" : "", number);
}

static void format_relative(char out[static CELL_BYTES], double before, double after)
{
	double relative = thag_diff_relative(before, after);

	if (before == after)
		snprintf(out, CELL_BYTES, "%s", after == 0 ? "-" : "0%");
	else if (isinf(relative))
		snprintf(out, CELL_BYTES, "new");
	else if (after == 0 && before > 0)
		snprintf(out, CELL_BYTES, "gone");
	else if (fabs(relative) >= 100)
		snprintf(out, CELL_BYTES, "x%.0f", relative + 1);
	else
		snprintf(out, CELL_BYTES, "%+.1f%%", 100 * relative);
}

static int add_row(struct thag_columns *table, const struct thag_diff_view *view,
		   const struct thag_diff_row *row)
{
	struct thag_buffer name = { 0 };
	const char *unit = unit_of(view);
	char text[CELL_BYTES];
	int ret = thag_stat_row_name(&row->of, &name);

	if (!ret)
		ret = thag_buffer_append(&name, "", 1);
	if (!ret) {
		thag_number_of_unit(text, unit, row->before);
		thag_columns_add(table, text);
		thag_number_of_unit(text, unit, row->after);
		thag_columns_add(table, text);
		format_change(text, unit, row->after - row->before);
		thag_columns_add(table, text);
		format_relative(text, row->before, row->after);
		thag_columns_add(table, text);
		thag_columns_add(table, (const char *)name.data);
	}
	thag_buffer_fini(&name);
	return ret;
}

/** What both are, and how they differ in all. */
static int print_totals(const struct thag_diff_view *view, FILE *out)
{
	static const struct thag_column columns[] = { { "", false }, { "", true }, { "", false } };
	const struct thag_diff_rows *rows = view->rows;
	const char *unit = unit_of(view);
	char number[CELL_BYTES], change[CELL_BYTES], relative[CELL_BYTES], text[3 * CELL_BYTES];
	struct thag_columns lines;
	int ret;

	thag_columns_init(&lines, columns, 3);
	lines.has_no_titles = true;
	lines.width = view->width;
	thag_columns_add(&lines, "before");
	thag_number_of_unit(number, unit, rows->before_sum);
	thag_columns_add(&lines, number);
	thag_columns_add(&lines, view->before->title);
	thag_columns_add(&lines, "after");
	thag_number_of_unit(number, unit, rows->after_sum);
	thag_columns_add(&lines, number);
	thag_columns_add(&lines, view->after->title);
	ret = thag_columns_print(&lines, out);
	thag_columns_fini(&lines);
	format_change(change, unit, rows->after_sum - rows->before_sum);
	format_relative(relative, rows->before_sum, rows->after_sum);
	text[0] = '\0';
	if (rows->scale != 1)
		snprintf(text, sizeof(text), "; before is scaled by %.3f below", rows->scale);
	fprintf(out, "%s in all, %s; %" PRIu32 " of %" PRIu32 " %s changed%s\n\n", change, relative,
		rows->changed, rows->count, view->stacks ? "stacks" : "functions", text);
	return ret;
}

int thag_diff_print_table(const struct thag_diff_view *view, FILE *out)
{
	const struct thag_column columns[] = {
		{ "BEFORE", true },
		{ "AFTER", true },
		{ "CHANGE", true },
		{ "RELATIVE", true },
		{ view->stacks ? "STACK" : "FUNCTION", false },
	};
	struct thag_columns table;
	uint32_t count = shown_rows(view);
	int ret = print_totals(view, out);

	thag_columns_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.width = view->width;
	table.cuts_front = view->stacks;
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = add_row(&table, view, &view->rows->list[i]);
	if (!ret)
		ret = thag_columns_print(&table, out);
	if (!ret && count < view->rows->count)
		fprintf(out, "… and %" PRIu32 " more; --top 0 shows all\n",
			view->rows->count - count);
	thag_columns_fini(&table);
	return ret;
}

/* --- for programs --- */

/** A side: whole, but where it is scaled. */
static int put_number(struct thag_buffer *out, double value)
{
	char text[THAG_NUMBER_BYTES];

	snprintf(text, sizeof(text), value == trunc(value) ? "%.0f" : "%.3f", value);
	return thag_fields_text(out, text);
}

/** Not a number where there was nothing before. */
static int put_relative(struct thag_buffer *out, const struct thag_diff_row *row, const char *none)
{
	double relative = thag_diff_relative(row->before, row->after);
	char text[THAG_NUMBER_BYTES];

	if (isinf(relative))
		return thag_fields_text(out, none);
	snprintf(text, sizeof(text), "%.6f", relative);
	return thag_fields_text(out, text);
}

static int put_json_row(struct thag_buffer *out, const void *context, uint32_t index)
{
	const struct thag_diff_view *view = context;
	const struct thag_diff_row *row = &view->rows->list[index];
	struct thag_buffer name = { 0 };
	int ret = thag_stat_row_name(&row->of, &name);

	if (!ret)
		ret = thag_fields_text(out, row->of.node ? "{\"stack\":" : "{\"function\":");
	if (!ret)
		ret = thag_fields_json(out, (const char *)name.data, name.bytes);
	if (!ret)
		ret = thag_fields_text(out, ",\"before\":");
	if (!ret)
		ret = put_number(out, row->before);
	if (!ret)
		ret = thag_fields_text(out, ",\"after\":");
	if (!ret)
		ret = put_number(out, row->after);
	if (!ret)
		ret = thag_fields_text(out, ",\"change\":");
	if (!ret)
		ret = put_number(out, row->after - row->before);
	if (!ret)
		ret = thag_fields_text(out, ",\"relative\":");
	if (!ret)
		ret = put_relative(out, row, "null");
	thag_buffer_fini(&name);
	return ret ? ret : thag_fields_text(out, "}");
}

static int put_json_side(struct thag_buffer *out, const char *name,
			 const struct thag_source *source, double sum)
{
	int ret = thag_fields_text(out, "\"");

	if (!ret)
		ret = thag_fields_text(out, name);
	if (!ret)
		ret = thag_fields_text(out, "\":{\"title\":");
	if (!ret)
		ret = thag_fields_json(out, source->title, strlen(source->title));
	if (!ret)
		ret = thag_fields_text(out, ",\"sum\":");
	if (!ret)
		ret = put_number(out, sum);
	return ret ? ret : thag_fields_text(out, "},");
}

static int put_json_head(struct thag_buffer *out, const struct thag_diff_view *view)
{
	char text[160];
	int ret = thag_fields_text(out, "{");

	if (!ret)
		ret = put_json_side(out, "before", view->before, view->rows->before_sum);
	if (!ret)
		ret = put_json_side(out, "after", view->after, view->rows->after_sum);
	snprintf(text, sizeof(text),
		 "\"measure\":\"%s\",\"unit\":\"%s\",\"scale\":%.9g,\"count\":%" PRIu32
		 ",\"rows\":[\n",
		 measures[view->measure], unit_of(view), view->rows->scale, view->rows->count);
	return ret ? ret : thag_fields_text(out, text);
}

int thag_diff_print_json(const struct thag_diff_view *view, FILE *out)
{
	struct thag_buffer text = { 0 };
	int ret = put_json_head(&text, view);

	if (!ret)
		ret = thag_fields_rows(out, &text, shown_rows(view), ",\n", "\n]}\n", put_json_row,
				       view);
	thag_buffer_fini(&text);
	return ret;
}

static int put_csv_row(struct thag_buffer *out, const void *context, uint32_t index)
{
	const struct thag_diff_view *view = context;
	const struct thag_diff_row *row = &view->rows->list[index];
	struct thag_buffer name = { 0 };
	const double numbers[] = { row->before, row->after, row->after - row->before };
	int ret = thag_stat_row_name(&row->of, &name);

	if (!ret)
		ret = thag_fields_csv(out, (const char *)name.data, name.bytes);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && !ret; i++) {
		ret = thag_fields_text(out, ",");
		if (!ret)
			ret = put_number(out, numbers[i]);
	}
	if (!ret)
		ret = thag_fields_text(out, ",");
	if (!ret)
		ret = put_relative(out, row, "");
	thag_buffer_fini(&name);
	return ret ? ret : thag_fields_text(out, "\n");
}

int thag_diff_print_csv(const struct thag_diff_view *view, FILE *out)
{
	struct thag_buffer text = { 0 };
	int ret = thag_fields_text(&text, view->stacks ? "stack,before,after,change,relative\n"
						       : "function,before,after,change,relative\n");

	if (!ret)
		ret = thag_fields_rows(out, &text, shown_rows(view), "", "", put_csv_row, view);
	thag_buffer_fini(&text);
	return ret;
}
