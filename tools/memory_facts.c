/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_facts.h"

#include <errno.h>
#include <langinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "columns.h"
#include "numbers.h"
#include "source.h"

#define BAR_CELLS 20
#define BAR_BYTES (BAR_CELLS * 3 + 4)
#define PLACE_BYTES 256
#define REPORT_SUFFIX ".json"

void thag_memory_facts_fini(struct thag_memory_facts_of *facts)
{
	json_decref(facts->memory);
	free(facts->title);
	*facts = (struct thag_memory_facts_of){ 0 };
}

static double number(const json_t *object, const char *field)
{
	return json_number_value(json_object_get(object, field));
}

/* --- where it comes from --- */

static int take(const struct thag_command *command, const char *input, json_t *memory,
		const char *title, struct thag_memory_facts_of *out)
{
	/* one that was recorded has something in it: a program's own start allocates */
	if (!json_is_object(memory) ||
	    (number(memory, "allocations") == 0 && number(memory, "unmatched_frees") == 0)) {
		json_decref(memory);
		thag_command_complain_of(command, input,
					 "its memory was not recorded; 'thag run --memory' does");
		return THAG_EXIT_FAILURE;
	}
	*out = (struct thag_memory_facts_of){ .memory = memory, .title = strdup(title) };
	if (out->title)
		return THAG_EXIT_OK;
	thag_memory_facts_fini(out);
	thag_command_complain(command, "%s", strerror(ENOMEM));
	return THAG_EXIT_FAILURE;
}

static int load_session(const struct thag_command *command, const char *input, const char *id,
			struct thag_memory_facts_of *out)
{
	struct thag_reply reply;
	json_t *memory;
	char title[64];
	int ret = thag_client_command(
		command,
		json_pack("{s:s, s:s, s:s}", "op", "export", "session", id, "format", "memory"),
		THAG_CLIENT_EXPORT_TIMEOUT_MS, &reply);

	if (ret)
		return ret;
	memory = reply.data_fd < 0 ? NULL : json_loadfd(reply.data_fd, JSON_DECODE_ANY, NULL);
	thag_reply_fini(&reply);
	if (!memory)
		return thag_client_complain(command, -EPROTO);
	snprintf(title, sizeof(title), strcmp(id, "latest") == 0 ? "latest session" : "session %s",
		 id);
	return take(command, input, memory, title, out);
}

/** The report beside a folded file; NULL without memory. */
static char *report_of(const char *input)
{
	static const char *const suffixes[] = { "-memory_detail_dealloc.folded",
						"-memory_detail.folded", "-memory.folded",
						".folded", REPORT_SUFFIX };
	size_t bytes = strlen(input);
	char *path;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (bytes > suffix && strcmp(input + bytes - suffix, suffixes[i]) == 0) {
			bytes -= suffix;
			break;
		}
	}
	return asprintf(&path, "%.*s" REPORT_SUFFIX, (int)bytes, input) < 0 ? NULL : path;
}

static int load_report(const struct thag_command *command, const char *input,
		       struct thag_memory_facts_of *out)
{
	char *path = report_of(input);
	json_error_t error;
	json_t *report = path ? json_load_file(path, 0, &error) : NULL;
	const char *program = json_string_value(json_object_get(report, "program"));
	int ret = THAG_EXIT_FAILURE;

	if (!path)
		thag_command_complain(command, "%s", strerror(ENOMEM));
	else if (!report && access(path, R_OK) != 0)
		thag_command_complain_of(command, path, "%s", strerror(errno));
	else if (!program)
		thag_command_complain_of(command, path, "is no report of thagd");
	else
		ret = take(command, input, json_incref(json_object_get(report, "memory")), program,
			   out);
	json_decref(report);
	free(path);
	return ret;
}

int thag_memory_facts_load(const struct thag_command *command, const char *input,
			   struct thag_memory_facts_of *out)
{
	char *id = NULL;
	int ret;

	if (strcmp(input, "-") == 0)
		return thag_command_bad_usage(command, "folded stacks don't tell sizes: name a "
						       "session, a recording or a report");
	ret = thag_source_session(command, input, &id);
	if (ret == THAG_EXIT_OK)
		ret = id ? load_session(command, input, id, out) : load_report(command, input, out);
	free(id);
	return ret;
}

/* --- how it is shown --- */

/** A line of the summary: what, how many bytes, of how many. */
static void print_amount(FILE *out, const char *what, double bytes, double count, const char *of)
{
	char text[THAG_NUMBER_BYTES], number[THAG_NUMBER_BYTES];

	thag_number_bytes(text, bytes);
	thag_number_count(number, count);
	fprintf(out, "  %-12s %8s in %s %s\n", what, text, number, of);
}

static void print_lifetimes(const json_t *memory, FILE *out)
{
	const json_t *lifetimes = json_object_get(memory, "lifetimes");
	char p50[THAG_NUMBER_BYTES], p99[THAG_NUMBER_BYTES], max[THAG_NUMBER_BYTES];

	if (!json_is_object(lifetimes))
		return;
	thag_number_ns(p50, number(lifetimes, "p50_ns"));
	thag_number_ns(p99, number(lifetimes, "p99_ns"));
	thag_number_ns(max, number(lifetimes, "max_ns"));
	fprintf(out, "  %-12s %8s half of what was freed, %s 99%%, %s the longest\n", "lifetime",
		p50, p99, max);
}

static void print_notes(const json_t *memory, FILE *out)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(memory, "notes"), i, note) if (json_is_string(note))
		fprintf(out, "  %s\n", json_string_value(note));
}

static void print_totals(const json_t *memory, FILE *out)
{
	char when[THAG_NUMBER_BYTES];

	print_amount(out, "allocated", number(memory, "allocated_bytes"),
		     number(memory, "allocations"), "allocations");
	print_amount(out, "peak", number(memory, "peak_bytes"), number(memory, "peak_blocks"),
		     "blocks");
	thag_number_ns(when, number(memory, "peak_ns"));
	fprintf(out, "  %-12s %8s after the start\n", "", when);
	print_amount(out, "live", number(memory, "live_bytes"), number(memory, "live"), "blocks");
	print_amount(out, "leaked", number(memory, "leaked_bytes"), number(memory, "leaked"),
		     "blocks");
	print_amount(out, "temporary", number(memory, "temporary_bytes"),
		     number(memory, "temporary"), "allocations");
	print_lifetimes(memory, out);
	print_notes(memory, out);
}

/** As many cells as the share of the most has, half ones too where they can be shown. */
static void make_bar(char out[static BAR_BYTES], double part, double most)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	double cells = most > 0 ? BAR_CELLS * part / most : 0;
	size_t bytes = 0;

	for (; cells >= (utf8 ? 0.75 : 0.5); cells--)
		bytes += (size_t)snprintf(out + bytes, BAR_BYTES - bytes, "%s",
					  utf8 ? "\xe2\x96\x88" : "#");
	if (utf8 && cells >= 0.25)
		bytes += (size_t)snprintf(out + bytes, BAR_BYTES - bytes, "\xe2\x96\x8c");
	if (bytes == 0)
		snprintf(out, BAR_BYTES, "%s", part > 0 ? utf8 ? "\xe2\x96\x8f" : "." : "");
}

static double most_of(const json_t *sizes, const char *field)
{
	const json_t *size;
	double most = 0;
	size_t i;

	json_array_foreach(sizes, i, size) most =
		number(size, field) > most ? number(size, field) : most;
	return most;
}

/** "257-1K"; the last class has no upper bound. */
static void name_class(char out[static THAG_NUMBER_BYTES], const json_t *size)
{
	double low = number(size, "low"), high = number(size, "high");
	char ends[2][12];

	for (int i = 0; i < 2; i++) {
		double end = i == 0 ? low : high;

		/* a class begins one above a power of two, which is what it is called by */
		if (end <= 1000)
			snprintf(ends[i], sizeof(ends[i]), "%.0f", end);
		else
			snprintf(ends[i], sizeof(ends[i]), "%.0fK", (end - (i == 0)) / 1024);
	}
	if (json_is_integer(json_object_get(size, "high")) && high < 1e15)
		snprintf(out, THAG_NUMBER_BYTES, "%s-%s", ends[0], ends[1]);
	else
		snprintf(out, THAG_NUMBER_BYTES, ">%s", ends[0]);
}

static int print_sizes(const json_t *memory, FILE *out)
{
	static const struct thag_column columns[] = { { "SIZE", true },
						      { "COUNT", true },
						      { "OF MOST", false },
						      { "BYTES", true },
						      { "OF MOST", false } };
	const json_t *sizes = json_object_get(memory, "sizes"), *size;
	double most_count = most_of(sizes, "count"), most_bytes = most_of(sizes, "bytes");
	char text[THAG_NUMBER_BYTES], bar[BAR_BYTES];
	struct thag_columns table;
	size_t i;
	int ret;

	thag_columns_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(sizes, i, size)
	{
		name_class(text, size);
		thag_columns_add(&table, text);
		thag_number_count(text, number(size, "count"));
		thag_columns_add(&table, text);
		make_bar(bar, number(size, "count"), most_count);
		thag_columns_add(&table, bar);
		thag_number_bytes(text, number(size, "bytes"));
		thag_columns_add(&table, text);
		make_bar(bar, number(size, "bytes"), most_bytes);
		thag_columns_add(&table, bar);
	}
	ret = thag_columns_print(&table, out);
	thag_columns_fini(&table);
	return ret;
}

/** "read_line words.c:107" */
static void name_place(char out[static PLACE_BYTES], const json_t *place)
{
	const char *function = json_string_value(json_object_get(place, "function"));
	const char *file = json_string_value(json_object_get(place, "file"));
	const char *slash = file ? strrchr(file, '/') : NULL;
	json_int_t line = json_integer_value(json_object_get(place, "line"));

	snprintf(out, PLACE_BYTES, "%s", function ? function : "?");
	if (file && line)
		snprintf(out + strlen(out), PLACE_BYTES - strlen(out), " %s:%lld",
			 slash ? slash + 1 : file, (long long)line);
}

static void add_place(struct thag_columns *table, const json_t *place)
{
	static const struct {
		const char *field;
		bool bytes;
	} fields[] = {
		{ "allocated_bytes", true }, { "allocations", false }, { "peak_bytes", true },
		{ "live_bytes", true },	     { "live", false },	       { "temporary", false },
	};
	char text[PLACE_BYTES];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		double value = number(place, fields[i].field);

		if (fields[i].bytes)
			thag_number_bytes(text, value);
		else
			thag_number_count(text, value);
		thag_columns_add(table, text);
	}
	name_place(text, place);
	thag_columns_add(table, text);
}

static int print_places(const json_t *memory, const char *field, const char *title, uint32_t most,
			size_t width, FILE *out)
{
	const struct thag_column columns[] = { { "ALLOCATED", true }, { "ALLOCS", true },
					       { "PEAK", true },      { "LIVE", true },
					       { "BLOCKS", true },    { "TEMP", true },
					       { title, false } };
	const json_t *places = json_object_get(memory, field), *place;
	struct thag_columns table;
	size_t i;
	int ret;

	if (json_array_size(places) == 0)
		return 0;
	thag_columns_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.width = width;
	json_array_foreach(places, i, place) if (!most || i < most) add_place(&table, place);
	fputc('\n', out);
	ret = thag_columns_print(&table, out);
	thag_columns_fini(&table);
	return ret;
}

int thag_memory_facts_print(const struct thag_memory_facts_of *facts, uint32_t most, size_t width,
			    FILE *out)
{
	const json_t *memory = facts->memory;
	struct thag_columns title;
	int ret;

	thag_columns_init(&title, &(struct thag_column){ .title = facts->title }, 1);
	title.width = width;
	ret = thag_columns_print(&title, out);
	thag_columns_fini(&title);
	print_totals(memory, out);
	fputc('\n', out);
	if (!ret)
		ret = print_sizes(memory, out);
	if (!ret)
		ret = print_places(memory, "places", "ALLOCATED AT", most, width, out);
	return ret ? ret : print_places(memory, "leaks", "NEVER FREED", most, width, out);
}
