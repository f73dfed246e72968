/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "daemon.h"
#include "format.h"
#include "memory_view.h"
#include "source_sites.h"
#include "thag_text.h"

/* Lines shown at first, around what is known of the function. */
#define BEFORE_START 4
#define BEFORE_CALL 10
#define AFTER_LAST 10
#define USUAL_LINES 40
#define LONG_LINES 200

/* What is being put together. */
struct reading {
	const struct thag_ask_job *job;
	struct thag_source_places places;
	struct thag_source_place *place; /* NULL: there is none */
	struct thag_source_sites sites;
	struct thag_buffer text;
	uint32_t line_count;  /* of the file */
	uint32_t first, last; /* of the answer; `first` > `last`: no line */
	const char *error;    /* a sentence, NULL: there is none */
};

static uint32_t count_lines(const struct thag_buffer *text)
{
	uint32_t count = text->bytes && text->data[text->bytes - 1] != '\n';

	for (const uint8_t *at = text->data, *end = at + text->bytes;
	     at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		count++;
	return count;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

/* From a little before the function to the next one, as far as that is known. */
static void choose_usual(struct reading *reading)
{
	const struct thag_source_place *place = reading->place;
	uint32_t before = place->starts ? BEFORE_START : BEFORE_CALL;
	uint32_t last = place->last, next = reading->sites.next;

	reading->first = place->first > before ? place->first - before : 1;
	if (last > place->first + LONG_LINES)
		last = place->first + LONG_LINES; /* a name may be of a file's two ends */
	reading->last = place->first + USUAL_LINES > last + AFTER_LAST ? place->first + USUAL_LINES
								       : last + AFTER_LAST;
	if (next > last && next <= last + LONG_LINES)
		reading->last = next - 1;
}

static void choose_lines(struct reading *reading)
{
	const struct thag_ask *ask = &reading->job->ask;

	if (ask->first) {
		reading->first = ask->first;
		reading->last = ask->first + ask->count - 1;
	} else {
		choose_usual(reading);
	}
	reading->last = at_most(reading->last, reading->first + THAG_SOURCE_LINES_MAX - 1);
	reading->last = at_most(reading->last, reading->line_count);
	if (reading->first > reading->last ||
	    (ask->first == 0 && reading->place->first > reading->line_count))
		reading->error = "This file ends before that line.";
	if (reading->error)
		reading->last = 0;
}

/* Finds the file, what is in it, and which of its lines are told. 0 or -ENOMEM. */
static int read_file(struct reading *reading)
{
	const struct thag_ask_job *job = reading->job;
	int ret = thag_source_places_find(&reading->places, job->session, job->ask.function);

	reading->last = 0;
	reading->first = 1;
	reading->error = "The file of this function isn't known.";
	if (ret != 0)
		return ret == -ENOENT ? 0 : ret;
	reading->place = &reading->places.list[at_most(job->ask.place, reading->places.count - 1)];
	ret = thag_source_file_read(&reading->place->file, &reading->text, &reading->error);
	if (ret != 0)
		return 0;
	reading->error = NULL;
	reading->line_count = count_lines(&reading->text);
	ret = thag_source_sites_find(&reading->sites, job->session, reading->place,
				     job->ask.function);
	if (ret == 0)
		choose_lines(reading);
	return ret;
}

/* One line as it may be shown: valid UTF-8, and not too long; the page sees to what it holds. */
static json_t *line_json(const char *line, size_t bytes)
{
	struct thag_buffer utf8 = { 0 };
	json_t *json = NULL;

	if (bytes && line[bytes - 1] == '\r')
		bytes--;
	if (thag_text_append_utf8(&utf8, line, bytes, THAG_SOURCE_LINE_BYTES) == 0)
		json = json_stringn(utf8.data ? (const char *)utf8.data : "", utf8.bytes);
	thag_buffer_fini(&utf8);
	return json;
}

/* Ends the window where it has as many bytes as an answer may have. */
static json_t *lines_json(struct reading *reading)
{
	const char *at = (const char *)reading->text.data, *end = at + reading->text.bytes;
	json_t *list = json_array();
	size_t told = 0;

	for (uint32_t line = 1; line <= reading->last && at < end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t bytes = (size_t)((stop ? stop : end) - at);

		if (line >= reading->first) {
			told += bytes < THAG_SOURCE_LINE_BYTES ? bytes : THAG_SOURCE_LINE_BYTES;
			if (told > THAG_SOURCE_WINDOW_BYTES)
				reading->last = line;
			json_array_append_new(list, line_json(at, bytes));
		}
		at = stop ? stop + 1 : end;
	}
	return list;
}

static json_t *starts_json(const struct reading *reading)
{
	const struct thag_source_sites *sites = &reading->sites;
	json_t *list = json_array();
	char function[20];

	for (uint32_t i = 0; i < sites->start_count; i++) {
		const struct thag_source_start *start = &sites->starts[i];

		if (start->line < reading->first || start->line > reading->last ||
		    json_array_size(list) == THAG_SOURCE_FUNCTIONS_MAX)
			continue;
		snprintf(function, sizeof(function), "%016" PRIx64, start->function);
		json_array_append_new(list, json_pack("{s:I, s:s, s:b}", "line",
						      (json_int_t)start->line, "function", function,
						      "shared", (int)start->shared));
	}
	return list;
}

static json_t *integer(uint64_t value)
{
	return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *line_object(const struct thag_heap_line *line)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "line", integer(line->line),
			 "value", integer(line->value), "own", integer(line->own_value),
			 "allocated_bytes", integer(line->heap.allocated_bytes), "allocations",
			 integer(line->heap.allocations), "live_bytes",
			 integer(line->heap.live_bytes), "live", integer(line->heap.live));
}

static json_t *list_memory(const struct reading *reading, const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_heap_line *lines = thag_profile_lines(profile, &count);
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		if (lines[i].line >= reading->first && lines[i].line <= reading->last)
			json_array_append_new(list, line_object(&lines[i]));
	return list;
}

/* What native stacks allocated at those lines; null where the metric isn't by native stacks. */
static json_t *memory_json(const struct reading *reading)
{
	const struct thag_ask_job *job = reading->job;
	const struct thag_metric_query *metric = &job->ask.metric;
	struct thag_heap_query query = { 0 };
	struct thag_profile *profile = NULL;
	struct thag_memory_view view;
	json_t *list = NULL;

	if (metric->metric == THAG_METRIC_TIME || !reading->place || reading->error ||
	    thag_memory_view_take(&view, job->session, &job->daemon->clock, metric) != 0)
		return json_null();
	thag_memory_view_query(&view, metric, &query);
	query.lines_of = (const char *const *)reading->sites.names;
	query.lines_of_count = reading->sites.name_count;
	if (query.kind == THAG_HEAP_TRACES &&
	    thag_memory_view_profile(&view, &query, &profile) == 0) {
		list = list_memory(reading, profile);
		thag_profile_destroy(profile);
	}
	thag_memory_view_fini(&view);
	return list ? list : json_null();
}

static json_t *places_json(const struct thag_source_places *places)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < places->count; i++) {
		const struct thag_source_place *place = &places->list[i];

		json_array_append_new(
			list, json_pack("{s:o, s:I, s:b}", "file",
					thag_format_json(place->name, strlen(place->name)), "line",
					(json_int_t)place->first, "begins", (int)place->starts));
	}
	return list;
}

static json_t *make_answer(struct reading *reading)
{
	const struct thag_ask_job *job = reading->job;
	const struct thag_source_place *place = reading->place;
	const char *path = place ? place->file.path : "";
	json_t *lines = lines_json(reading);
	json_t *answer = json_pack(
		"{s:I, s:o, s:o, s:b, s:b, s:I, s:I, s:o, s:o, s:o}", "place",
		place ? (json_int_t)(place - reading->places.list) : 0, "places",
		places_json(&reading->places), "path", thag_format_json(path, strlen(path)),
		"beside", place && place->file.beside, "changed",
		place && reading->line_count &&
			place->file.changed_ns > job->session->start_real_ns,
		"first", (json_int_t)reading->first, "line_count", (json_int_t)reading->line_count,
		"lines", lines, "starts", starts_json(reading), "memory", memory_json(reading));

	if (answer && reading->error)
		json_object_set_new(answer, "error", json_string(reading->error));
	return answer;
}

int thag_source_answer(json_t **out, const struct thag_ask_job *job)
{
	struct reading reading = { .job = job };

	*out = read_file(&reading) == 0 ? make_answer(&reading) : NULL;
	thag_source_places_fini(&reading.places);
	thag_source_sites_fini(&reading.sites);
	thag_buffer_fini(&reading.text);
	return *out ? 0 : -ENOMEM;
}
