/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stat_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "fields.h"
#include "numbers.h"
#include "thag_buffer.h"

#define COLUMNS_MAX 20
#define NARROW 100 /* columns of a terminal: below that some percentiles are left out … */
#define TINY 60	   /* … and below that all but times, or no name would fit */

/** What there may be in a column, beside the name. */
enum value {
	SHARE,
	SELF,
	TOTAL,
	CALLS,
	MEAN,
	MIN,
	P50,
	P90,
	P99,
	MAX,
	ALLOCATED,
	ALLOCATIONS,
	LIVE,
	PEAK,
	LEAKED,
	TEMPORARY,
	VALUES
};

enum kind { OF_UNIT, NS, BYTES, COUNT, PERCENT };

static const struct {
	const char *title;
	const char *word; /* of programs */
	enum kind kind;
} values[VALUES] = {
	[SHARE] = { "SHARE", "share", PERCENT },
	[SELF] = { "SELF", "self", OF_UNIT },
	[TOTAL] = { "TOTAL", "total", OF_UNIT },
	[CALLS] = { "CALLS", "calls", COUNT },
	[MEAN] = { "MEAN", "mean", NS },
	[MIN] = { "MIN", "min", NS },
	[P50] = { "P50", "p50", NS },
	[P90] = { "P90", "p90", NS },
	[P99] = { "P99", "p99", NS },
	[MAX] = { "MAX", "max", NS },
	[ALLOCATED] = { "ALLOCATED", "allocated_bytes", BYTES },
	[ALLOCATIONS] = { "ALLOCS", "allocations", COUNT },
	[LIVE] = { "LIVE", "live_bytes", BYTES },
	[PEAK] = { "PEAK", "peak_bytes", BYTES },
	[LEAKED] = { "LEAKED", "leaked_bytes", BYTES },
	[TEMPORARY] = { "TEMP", "temporary", COUNT },
};

static double value_of(const struct thag_stat_row *row, enum value value, uint64_t sum)
{
	const double all[VALUES] = {
		[SHARE] = sum ? (double)row->self / (double)sum : 0,
		[SELF] = (double)row->self,
		[TOTAL] = (double)row->total,
		[CALLS] = (double)row->calls,
		[MEAN] = row->mean,
		[MIN] = (double)row->min,
		[P50] = (double)row->quantiles.p50_ns,
		[P90] = (double)row->quantiles.p90_ns,
		[P99] = (double)row->quantiles.p99_ns,
		[MAX] = (double)row->max,
		[ALLOCATED] = (double)row->heap.allocated_bytes,
		[ALLOCATIONS] = (double)row->heap.allocations,
		[LIVE] = (double)row->heap.live_bytes,
		[PEAK] = (double)row->heap.peak_bytes,
		[LEAKED] = (double)row->heap.leaked_bytes,
		[TEMPORARY] = (double)row->heap.temporary,
	};

	return all[value];
}

/** Whole numbers, to the digit; false: it is none. */
static bool whole_value_of(const struct thag_stat_row *row, enum value value, uint64_t *out)
{
	const uint64_t all[VALUES] = {
		[SELF] = row->self,
		[TOTAL] = row->total,
		[CALLS] = row->calls,
		[MIN] = row->min,
		[P50] = row->quantiles.p50_ns,
		[P90] = row->quantiles.p90_ns,
		[P99] = row->quantiles.p99_ns,
		[MAX] = row->max,
		[ALLOCATED] = row->heap.allocated_bytes,
		[ALLOCATIONS] = row->heap.allocations,
		[LIVE] = row->heap.live_bytes,
		[PEAK] = row->heap.peak_bytes,
		[LEAKED] = row->heap.leaked_bytes,
		[TEMPORARY] = row->heap.temporary,
	};

	*out = all[value];
	return value != SHARE && value != MEAN;
}

/** Whether anything is known of it. */
static bool is_known(const struct thag_stat_view *view, enum value value)
{
	if (value >= ALLOCATED)
		return view->has_memory;
	return value <= TOTAL || view->source->has_calls;
}

static bool is_shown(const struct thag_stat_view *view, enum value value)
{
	bool narrow = view->width && view->width < NARROW;

	if (view->width && view->width < TINY && value > TOTAL)
		return false;
	if (value == MIN || (narrow && (value == P50 || value == P90)))
		return false;
	/* where there is no time but memory, what is below it says the same */
	return is_known(view, value);
}

static uint32_t shown_rows(const struct thag_stat_view *view)
{
	return view->most && view->most < view->rows->count ? view->most : view->rows->count;
}

/* --- for people --- */

static void format(char out[static THAG_NUMBER_BYTES], const struct thag_stat_view *view,
		   const struct thag_stat_row *row, enum value value)
{
	double number = value_of(row, value, view->rows->sum);

	switch (values[value].kind) {
	case OF_UNIT:
		thag_number_of_unit(out, view->source->unit, number);
		break;
	case NS:
		thag_number_ns(out, number);
		break;
	case BYTES:
		thag_number_bytes(out, number);
		break;
	case COUNT:
		thag_number_count(out, number);
		break;
	case PERCENT:
		thag_number_share(out, number, 1);
		break;
	}
}

/** No call has ended; or it is a percentile of calls from places that were put together. */
static bool is_unknown(const struct thag_stat_row *row, enum value value)
{
	if (value < MEAN || value > MAX)
		return false;
	return row->calls == 0 ||
	       (value >= P50 && value <= P99 && row->quantiles.p99_ns == 0 && row->max > 0);
}

static int add_row(struct thag_columns *table, const struct thag_stat_view *view,
		   const struct thag_stat_row *row)
{
	struct thag_buffer name = { 0 };
	char text[THAG_NUMBER_BYTES];
	int ret = thag_stat_row_name(row, &name);

	for (enum value value = 0; value < VALUES && !ret; value++) {
		if (!is_shown(view, value))
			continue;
		format(text, view, row, value);
		thag_columns_add(table, is_unknown(row, value) ? "-" : text);
	}
	if (!ret)
		ret = thag_buffer_append(&name, "", 1);
	if (!ret)
		thag_columns_add(table, (const char *)name.data);
	thag_buffer_fini(&name);
	return ret;
}

/** What it is of, and how much: a table of nothing but a title, so that it is cut as lines are. */
static int print_totals(const struct thag_stat_view *view, FILE *out)
{
	const struct thag_stat_rows *rows = view->rows;
	char sum[THAG_NUMBER_BYTES], calls[THAG_NUMBER_BYTES];
	bool has_calls = view->source->has_calls;
	struct thag_columns line;
	char *text;
	int ret;

	thag_number_of_unit(sum, view->source->unit, (double)rows->sum);
	thag_number_count(calls, (double)rows->calls);
	if (asprintf(&text, "%s: %s%s, %" PRIu32 " %s%s%s%s", view->source->title, sum,
		     has_calls && !view->is_of_thread ? " of all threads" : "", rows->all,
		     view->stacks ? "stacks" : "functions", has_calls ? ", " : "",
		     has_calls ? calls : "", has_calls ? " calls" : "") < 0)
		return -ENOMEM;
	thag_columns_init(&line, &(struct thag_column){ .title = text }, 1);
	line.width = view->uncut ? 0 : view->width;
	ret = thag_columns_print(&line, out);
	thag_columns_fini(&line);
	free(text);
	fputc('\n', out);
	return ret;
}

int thag_stat_print_table(const struct thag_stat_view *view, FILE *out)
{
	struct thag_column columns[COLUMNS_MAX];
	struct thag_columns table;
	uint32_t count = shown_rows(view);
	size_t column_count = 0;
	int ret = 0;

	for (enum value value = 0; value < VALUES; value++)
		if (is_shown(view, value))
			columns[column_count++] = (struct thag_column){ values[value].title, true };
	columns[column_count++] =
		(struct thag_column){ view->stacks ? "STACK" : "FUNCTION", false };
	thag_columns_init(&table, columns, column_count);
	table.width = view->uncut ? 0 : view->width;
	table.cuts_front = view->stacks;
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = add_row(&table, view, &view->rows->list[i]);
	if (!ret)
		ret = print_totals(view, out);
	if (!ret)
		ret = thag_columns_print(&table, out);
	if (!ret && count < view->rows->count)
		fprintf(out, "… and %" PRIu32 " more; --top 0 shows all\n",
			view->rows->count - count);
	thag_columns_fini(&table);
	return ret;
}

/* --- for programs --- */

/** A number as both formats have it: whole, or with what is needed to tell it from others. */
static int put_value(struct thag_buffer *out, const struct thag_stat_view *view,
		     const struct thag_stat_row *row, enum value value)
{
	char text[THAG_NUMBER_BYTES];
	uint64_t whole;

	if (whole_value_of(row, value, &whole))
		return thag_buffer_append_decimal(out, whole);
	snprintf(text, sizeof(text), value == SHARE ? "%.6f" : "%.3f",
		 value_of(row, value, view->rows->sum));
	return thag_fields_text(out, text);
}

static uint32_t file_of(const struct thag_stat_row *row, uint32_t *line)
{
	return thag_functions_file(row->profile, row->name, line);
}

static int put_json_texts(struct thag_buffer *out, const struct thag_stat_row *row)
{
	struct thag_buffer name = { 0 };
	uint32_t line, file = file_of(row, &line);
	size_t file_bytes;
	const char *text = thag_profile_file(row->profile, file, &file_bytes);
	int ret = thag_stat_row_name(row, &name);

	if (!ret)
		ret = thag_fields_text(out, row->node ? "{\"stack\":" : "{\"function\":");
	if (!ret)
		ret = thag_fields_json(out, (const char *)name.data, name.bytes);
	if (!ret)
		ret = thag_fields_text(out, ",\"file\":");
	if (!ret)
		ret = file_bytes ? thag_fields_json(out, text, file_bytes)
				 : thag_fields_text(out, "null");
	if (!ret)
		ret = thag_fields_text(out, ",\"line\":");
	if (!ret)
		ret = line ? thag_buffer_append_decimal(out, line) : thag_fields_text(out, "null");
	thag_buffer_fini(&name);
	return ret;
}

static int put_json_row(struct thag_buffer *out, const void *context, uint32_t index)
{
	const struct thag_stat_view *view = context;
	const struct thag_stat_row *row = &view->rows->list[index];
	int ret = put_json_texts(out, row);

	for (enum value value = 0; value < VALUES && !ret; value++) {
		ret = thag_fields_text(out, ",\"");
		if (!ret)
			ret = thag_fields_text(out, values[value].word);
		if (!ret)
			ret = thag_fields_text(out, "\":");
		if (!ret)
			ret = is_known(view, value) ? put_value(out, view, row, value)
						    : thag_fields_text(out, "null");
	}
	return ret ? ret : thag_fields_text(out, "}");
}

static int put_json_head(struct thag_buffer *out, const struct thag_stat_view *view)
{
	const struct thag_source *source = view->source;
	char text[160];
	int ret = thag_fields_text(out, "{\"title\":");

	if (!ret)
		ret = thag_fields_json(out, source->title, strlen(source->title));
	if (!ret)
		ret = thag_fields_text(out, ",\"program\":");
	if (!ret)
		ret = thag_fields_json(out, source->program, strlen(source->program));
	snprintf(text, sizeof(text),
		 ",\"unit\":\"%s\",\"sum\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"count\":%" PRIu32
		 ",\"rows\":[\n",
		 source->unit, view->rows->sum, view->rows->calls, view->rows->all);
	return ret ? ret : thag_fields_text(out, text);
}

int thag_stat_print_json(const struct thag_stat_view *view, FILE *out)
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
	const struct thag_stat_view *view = context;
	const struct thag_stat_row *row = &view->rows->list[index];
	struct thag_buffer name = { 0 };
	uint32_t line, file = file_of(row, &line);
	size_t bytes;
	const char *text = thag_profile_file(row->profile, file, &bytes);
	int ret = thag_stat_row_name(row, &name);

	if (!ret)
		ret = thag_fields_csv(out, (const char *)name.data, name.bytes);
	if (!ret)
		ret = thag_fields_text(out, ",");
	if (!ret)
		ret = thag_fields_csv(out, text, bytes);
	if (!ret)
		ret = thag_fields_text(out, ",");
	if (!ret && line)
		ret = thag_buffer_append_decimal(out, line);
	for (enum value value = 0; value < VALUES && !ret; value++) {
		ret = thag_fields_text(out, ",");
		if (!ret && is_known(view, value))
			ret = put_value(out, view, row, value);
	}
	thag_buffer_fini(&name);
	return ret ? ret : thag_fields_text(out, "\n");
}

int thag_stat_print_csv(const struct thag_stat_view *view, FILE *out)
{
	struct thag_buffer text = { 0 };
	int ret = thag_fields_text(&text, view->stacks ? "stack,file,line" : "function,file,line");

	for (enum value value = 0; value < VALUES && !ret; value++) {
		ret = thag_fields_text(&text, ",");
		if (!ret)
			ret = thag_fields_text(&text, values[value].word);
	}
	if (!ret)
		ret = thag_fields_text(&text, "\n");
	if (!ret)
		ret = thag_fields_rows(out, &text, shown_rows(view), "", "", put_csv_row, view);
	thag_buffer_fini(&text);
	return ret;
}
