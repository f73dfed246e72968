/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The message is walked three times: for how many there are of each table, for what they hold, and
 * for the samples, which may come before the tables that they refer to.
 */
#include "thag_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_buffer.h"
#include "thag_gzip.h"
#include "thag_pprof_fields.h"
#include "thag_protobuf.h"
#include "thag_stacks.h"

#define UNPACKED_MAX ((size_t)4 << 30)

struct function {
	uint64_t id;
	uint64_t name, file; /* in the strings */
};

struct location {
	uint64_t id;
	uint64_t address;
	struct thag_cursor lines; /* the message, to find its lines in */
};

struct type {
	uint64_t name, unit; /* in the strings */
};

struct reading {
	const uint8_t *start; /* offsets are told from here */
	struct thag_cursor message;
	struct thag_import_report *report;
	struct thag_stacks *stacks;
	uint64_t counts[PROFILE_FIELDS];
	struct thag_cursor *strings;
	struct type *types;
	struct function *functions; /* by id */
	struct location *locations; /* by id */
	size_t string_count, type_count, function_count, location_count;
	uint64_t default_type;
	size_t value, calls;	/* indices of a sample's values; SIZE_MAX: none */
	struct thag_buffer ids; /* of a sample's locations, uint64_t, the innermost first */
	struct thag_buffer values;
};

static int fail(struct reading *reading, const struct thag_cursor *at, const char *what)
{
	return thag_import_fail(reading->report, -EBADMSG, "byte %zu: %s",
				(size_t)(at->at - reading->start), what);
}

static int fail_cut(struct reading *reading, const struct thag_cursor *at)
{
	return fail(reading, at, "what stands there is no field of a profile");
}

static int need_bytes(struct reading *reading, const struct thag_cursor *at,
		      const struct thag_protobuf_field *field)
{
	return field->wire == THAG_PROTOBUF_BYTES
		       ? 0
		       : fail(reading, at, "a number where a message should be");
}

static int count_fields(struct reading *reading)
{
	struct thag_cursor from = reading->message;
	struct thag_protobuf_field field;

	while (thag_protobuf_next(&from, &field))
		if (field.number < PROFILE_FIELDS)
			reading->counts[field.number]++;
	if (from.bad)
		return fail_cut(reading, &from);
	return 0;
}

static int reserve(struct reading *reading)
{
	const uint64_t *counts = reading->counts;

	reading->strings = calloc(counts[PROFILE_STRING_TABLE] + 1, sizeof(*reading->strings));
	reading->types = calloc(counts[PROFILE_SAMPLE_TYPE] + 1, sizeof(*reading->types));
	reading->functions = calloc(counts[PROFILE_FUNCTION] + 1, sizeof(*reading->functions));
	reading->locations = calloc(counts[PROFILE_LOCATION] + 1, sizeof(*reading->locations));
	return reading->strings && reading->types && reading->functions && reading->locations
		       ? 0
		       : -ENOMEM;
}

static int read_type(struct reading *reading, struct thag_cursor *from)
{
	struct type *type = &reading->types[reading->type_count++];
	struct thag_protobuf_field field;

	while (thag_protobuf_next(from, &field)) {
		if (field.number == VALUE_TYPE_TYPE)
			type->name = field.value;
		else if (field.number == VALUE_TYPE_UNIT)
			type->unit = field.value;
	}
	return from->bad ? fail_cut(reading, from) : 0;
}

static int read_function(struct reading *reading, struct thag_cursor *from)
{
	struct function *function = &reading->functions[reading->function_count++];
	struct thag_protobuf_field field;
	uint64_t system_name = 0;

	while (thag_protobuf_next(from, &field)) {
		if (field.number == FUNCTION_ID)
			function->id = field.value;
		else if (field.number == FUNCTION_NAME)
			function->name = field.value;
		else if (field.number == FUNCTION_SYSTEM_NAME)
			system_name = field.value;
		else if (field.number == FUNCTION_FILENAME)
			function->file = field.value;
	}
	if (!function->name)
		function->name = system_name;
	return from->bad ? fail_cut(reading, from) : 0;
}

static int read_location(struct reading *reading, struct thag_cursor *from)
{
	struct location *location = &reading->locations[reading->location_count++];
	struct thag_protobuf_field field;

	location->lines = *from;
	while (thag_protobuf_next(from, &field)) {
		if (field.number == LOCATION_ID)
			location->id = field.value;
		else if (field.number == LOCATION_ADDRESS)
			location->address = field.value;
		else if (field.number == LOCATION_LINE && need_bytes(reading, from, &field))
			return -EBADMSG;
	}
	return from->bad ? fail_cut(reading, from) : 0;
}

static int read_table(struct reading *reading, const struct thag_cursor *from,
		      struct thag_protobuf_field *field)
{
	int ret = 0;

	if (field->number == PROFILE_DEFAULT_SAMPLE_TYPE)
		reading->default_type = field->value;
	else if (field->number > PROFILE_STRING_TABLE)
		return 0;
	else
		ret = need_bytes(reading, from, field);
	if (ret)
		return ret;
	switch (field->number) {
	case PROFILE_STRING_TABLE:
		reading->strings[reading->string_count++] = field->data;
		return 0;
	case PROFILE_SAMPLE_TYPE:
		return read_type(reading, &field->data);
	case PROFILE_FUNCTION:
		return read_function(reading, &field->data);
	case PROFILE_LOCATION:
		return read_location(reading, &field->data);
	default:
		return 0;
	}
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b; /* ids come first in both */

	return (*x > *y) - (*x < *y);
}

static int read_tables(struct reading *reading)
{
	struct thag_cursor from = reading->message;
	struct thag_protobuf_field field;
	int ret = 0;

	while (!ret && thag_protobuf_next(&from, &field))
		ret = read_table(reading, &from, &field);
	qsort(reading->functions, reading->function_count, sizeof(*reading->functions),
	      compare_ids);
	qsort(reading->locations, reading->location_count, sizeof(*reading->locations),
	      compare_ids);
	return ret;
}

/** A string of the table, "" when there is no such one. */
static struct thag_cursor string_of(const struct reading *reading, uint64_t number)
{
	static const struct thag_cursor none = { 0 };

	return number < reading->string_count ? reading->strings[number] : none;
}

static size_t bytes_of(const struct thag_cursor *text)
{
	return (size_t)(text->end - text->at);
}

static bool is_called(const struct reading *reading, const struct type *type, const char *name)
{
	struct thag_cursor text = string_of(reading, type->name);

	return bytes_of(&text) == strlen(name) && memcmp(text.at, name, strlen(name)) == 0;
}

static size_t find_type(const struct reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->type_count; i++)
		if (is_called(reading, &reading->types[i], name))
			return i;
	return SIZE_MAX;
}

static int refuse_value(struct reading *reading, const char *value)
{
	char text[128] = "";

	for (size_t i = 0; i < reading->type_count; i++) {
		struct thag_cursor name = string_of(reading, reading->types[i].name);
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%.*s", i ? ", " : "",
			 (int)(bytes_of(&name) < 40 ? bytes_of(&name) : 40),
			 name.at ? (const char *)name.at : "");
	}
	return thag_import_fail(reading->report, -EINVAL, "no value '%.40s': it has %s", value,
				text[0] ? text : "none");
}

static int choose_value(struct reading *reading, const char *value)
{
	if (!reading->type_count && reading->counts[PROFILE_SAMPLE])
		return fail(reading, &reading->message, "samples, but no types of values");
	reading->value = value ? find_type(reading, value) : reading->type_count - 1;
	if (value && reading->value == SIZE_MAX)
		return refuse_value(reading, value);
	for (size_t i = 0; i < reading->type_count && !value; i++)
		if (reading->default_type && reading->types[i].name == reading->default_type)
			reading->value = i;
	reading->calls = find_type(reading, "calls");
	if (reading->type_count) {
		struct thag_cursor unit = string_of(reading, reading->types[reading->value].unit);
		size_t bytes = bytes_of(&unit);

		snprintf(reading->report->unit, sizeof(reading->report->unit), "%.*s",
			 (int)(bytes < 31 ? bytes : 31), unit.at ? (const char *)unit.at : "");
	}
	return 0;
}

/** Numbers of a list, packed or not. */
static int add_numbers(struct reading *reading, struct thag_buffer *list,
		       struct thag_protobuf_field *field)
{
	uint64_t number = field->value;

	if (field->wire != THAG_PROTOBUF_BYTES)
		return thag_buffer_append(list, &number, sizeof(number));
	while (field->data.at < field->data.end) {
		number = thag_varint_get(&field->data);
		if (field->data.bad)
			return fail(reading, &field->data, "a list of numbers is cut short");
		if (thag_buffer_append(list, &number, sizeof(number)))
			return -ENOMEM;
	}
	return 0;
}

static int add_frame(struct reading *reading, uint64_t function_id, uint64_t line, uint32_t *node)
{
	const struct function *function =
		bsearch(&function_id, reading->functions, reading->function_count,
			sizeof(*reading->functions), compare_ids);
	struct thag_cursor name, file;
	int ret;

	if (!function)
		return thag_import_fail(reading->report, -EBADMSG,
					"there is no function %" PRIu64 ", which a location names",
					function_id);
	if (function->name >= reading->string_count || function->file >= reading->string_count)
		return thag_import_fail(reading->report, -EBADMSG,
					"function %" PRIu64 " names a string that isn't there",
					function_id);
	name = string_of(reading, function->name);
	file = string_of(reading, function->file);
	ret = thag_stacks_child(reading->stacks, *node, name.at ? (const char *)name.at : "",
				bytes_of(&name), node);
	if (!ret && bytes_of(&file))
		ret = thag_stacks_describe(reading->stacks, *node, (const char *)file.at,
					   bytes_of(&file), line < UINT32_MAX ? (uint32_t)line : 0);
	return ret;
}

static int add_line(struct reading *reading, struct thag_cursor *from, uint32_t *node)
{
	struct thag_protobuf_field field;
	uint64_t function = 0, line = 0;

	while (thag_protobuf_next(from, &field)) {
		if (field.number == LINE_FUNCTION_ID)
			function = field.value;
		else if (field.number == LINE_LINE)
			line = field.value;
	}
	return from->bad ? fail_cut(reading, from) : add_frame(reading, function, line, node);
}

/** A location that no function is known of. */
static int add_address(struct reading *reading, const struct location *location, uint32_t *node)
{
	char text[32];
	int bytes = snprintf(text, sizeof(text), "0x%" PRIx64, location->address);

	return thag_stacks_child(reading->stacks, *node, text, (size_t)bytes, node);
}

/** The lines of a location: the last of them is the caller that the others are inlined in. */
static int add_location(struct reading *reading, const struct location *location, uint32_t *node)
{
	struct thag_cursor from = location->lines;
	struct thag_buffer lines = { 0 }; /* struct thag_cursor */
	struct thag_protobuf_field field;
	int ret = 0;

	while (!ret && thag_protobuf_next(&from, &field))
		if (field.number == LOCATION_LINE)
			ret = thag_buffer_append(&lines, &field.data, sizeof(field.data));
	if (!ret && !lines.bytes)
		ret = add_address(reading, location, node);
	for (size_t i = lines.bytes / sizeof(field.data); i-- > 0 && !ret;)
		ret = add_line(reading, (struct thag_cursor *)(void *)lines.data + i, node);
	thag_buffer_fini(&lines);
	return ret;
}

static int add_stack(struct reading *reading, uint32_t *node)
{
	const uint64_t *ids = (const void *)reading->ids.data;
	int ret = 0;

	*node = THAG_STACKS_ROOT;
	for (size_t i = reading->ids.bytes / sizeof(*ids); i-- > 0 && !ret;) {
		const struct location *location =
			bsearch(&ids[i], reading->locations, reading->location_count,
				sizeof(*reading->locations), compare_ids);

		if (!location)
			return thag_import_fail(
				reading->report, -EBADMSG,
				"there is no location %" PRIu64 ", which a sample names", ids[i]);
		ret = add_location(reading, location, node);
	}
	return ret;
}

static int add_values(struct reading *reading, const struct thag_cursor *at, uint32_t node)
{
	const uint64_t *values = (const void *)reading->values.data;
	uint64_t value, calls;

	if (reading->values.bytes / sizeof(*values) != reading->type_count)
		return fail(reading, at, "a sample hasn't as many values as there are types");
	value = values[reading->value];
	calls = reading->calls == SIZE_MAX ? 0 : values[reading->calls];
	if (value > INT64_MAX || calls > INT64_MAX) {
		reading->report->left_out++;
		reading->report->why = "samples whose value is less than 0";
		return 0;
	}
	reading->report->stacks++;
	return thag_stacks_add(reading->stacks, node, value, calls);
}

static int read_sample(struct reading *reading, struct thag_cursor *from)
{
	struct thag_protobuf_field field;
	uint32_t node;
	int ret = 0;

	reading->ids.bytes = reading->values.bytes = 0;
	while (!ret && thag_protobuf_next(from, &field)) {
		if (field.number == SAMPLE_LOCATION_ID)
			ret = add_numbers(reading, &reading->ids, &field);
		else if (field.number == SAMPLE_VALUE)
			ret = add_numbers(reading, &reading->values, &field);
	}
	if (!ret && from->bad)
		ret = fail_cut(reading, from);
	if (!ret)
		ret = add_stack(reading, &node);
	return ret ? ret : add_values(reading, from, node);
}

static int read_samples(struct reading *reading)
{
	struct thag_cursor from = reading->message;
	struct thag_protobuf_field field;
	int ret = 0;

	while (!ret && thag_protobuf_next(&from, &field))
		if (field.number == PROFILE_SAMPLE)
			ret = read_sample(reading, &field.data);
	return ret;
}

static int read_message(struct reading *reading, const struct thag_import_options *options)
{
	int ret = thag_stacks_create(&reading->stacks, options->root_name);

	if (!ret)
		ret = count_fields(reading);
	if (!ret)
		ret = reserve(reading);
	if (!ret)
		ret = read_tables(reading);
	if (!ret)
		ret = choose_value(reading, options->value);
	return ret ? ret : read_samples(reading);
}

static int unpack(struct thag_buffer *into, const void *data, size_t bytes,
		  struct thag_import_report *report)
{
	size_t at;
	int ret = thag_gunzip_append(into, data, bytes, UNPACKED_MAX, &at);

	if (ret == -EBADMSG)
		thag_import_fail(report, ret, "byte %zu: the gzip file is %s there", at,
				 at == bytes ? "cut short" : "damaged");
	return ret;
}

int thag_pprof_read(const void *data, size_t bytes, const struct thag_import_options *options,
		    struct thag_import_report *report, struct thag_profile **out)
{
	struct reading reading = { .report = report };
	struct thag_buffer unpacked = { 0 };
	int ret = 0;

	if (thag_gzip_is(data, bytes)) {
		ret = unpack(&unpacked, data, bytes, report);
		data = unpacked.data;
		bytes = unpacked.bytes;
	}
	reading.start = data;
	if (bytes)
		reading.message =
			(struct thag_cursor){ .at = reading.start, .end = reading.start + bytes };
	if (!ret)
		ret = read_message(&reading, options);
	if (!ret)
		ret = thag_stacks_finish(reading.stacks, out);
	thag_stacks_destroy(reading.stacks);
	free(reading.strings);
	free(reading.types);
	free(reading.functions);
	free(reading.locations);
	thag_buffer_fini(&reading.ids);
	thag_buffer_fini(&reading.values);
	thag_buffer_fini(&unpacked);
	return ret;
}
