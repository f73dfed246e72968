/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_deep.h"
#include "thag_gzip.h"
#include "thag_profile_private.h"
#include "thag_pprof_fields.h"
#include "thag_protobuf.h"
#include "thag_text.h"

#define FIRST_FUNCTIONS 256
#define MAPPING 1	/* the one there is */
#define SAMPLE_BYTES 64 /* of a sample beside its locations */
#define LOCATION_BYTES 5
#define NOT_ASKED UINT32_MAX

/* By index in the texts. */
struct thag_pprof_function {
	uint32_t name;
	uint32_t file;
	uint32_t line;
};

/** What the values of samples are; without `objects` there is one. */
struct types {
	const char *objects, *value, *unit;
};

/** A profile on its way into the file. */
struct addition {
	struct thag_pprof *pprof;
	const struct thag_profile *profile;
	struct thag_protobuf_writer writer;
	struct thag_deep deep;
	uint32_t *locations; /* by name of the profile; NOT_ASKED */
	uint32_t deeper;
	uint32_t thread_key, title; /* in the texts; 0: no label */
};

/* As Go and tcmalloc call them, where they have such a thing. */
static struct types types_of(const struct thag_profile *profile)
{
	static const struct types of[THAG_METRIC_COUNT] = {
		[THAG_METRIC_TIME] = { "calls", "time", "nanoseconds" },
		[THAG_METRIC_ALLOCATED] = { "alloc_objects", "alloc_space", "bytes" },
		[THAG_METRIC_ALLOCATIONS] = { NULL, "alloc_objects", "count" },
		[THAG_METRIC_LIVE] = { "inuse_objects", "inuse_space", "bytes" },
		[THAG_METRIC_PEAK] = { "alloc_objects", "peak_space", "bytes" },
		[THAG_METRIC_LEAKED] = { "leaked_objects", "leaked_space", "bytes" },
		[THAG_METRIC_TEMPORARY] = { NULL, "temporary_objects", "count" },
		[THAG_METRIC_FREED] = { "freed_objects", "freed_space", "bytes" },
	};

	return of[profile && profile->heap ? profile->heap->metric : THAG_METRIC_TIME];
}

/** Puts a text that is to be valid UTF-8 into the table. */
static int put_string(struct thag_pprof *pprof, const char *text, size_t bytes, uint32_t *number)
{
	struct thag_buffer clean = { 0 };
	int ret = thag_text_append_utf8(&clean, text, bytes, THAG_FRAME_NAME_MAX);

	if (!ret)
		ret = thag_strings_put(&pprof->texts, clean.data ? (const char *)clean.data : "",
				       (uint32_t)clean.bytes, number);
	thag_buffer_fini(&clean);
	return ret;
}

static int put_constant(struct thag_pprof *pprof, const char *text, uint32_t *number)
{
	return thag_strings_put(&pprof->texts, text, (uint32_t)strlen(text), number);
}

int thag_pprof_begin(struct thag_pprof *pprof, struct thag_buffer *out,
		     const struct thag_pprof_options *options)
{
	uint32_t number;

	*pprof = (struct thag_pprof){ .out = out, .options = *options };
	return put_constant(pprof, "", &number); /* the table begins with it */
}

static int put_value_type(struct thag_pprof *pprof, uint32_t field, const char *type,
			  const char *unit)
{
	struct thag_protobuf_writer writer = { .out = &pprof->message };
	uint32_t type_text = 0, unit_text = 0;
	int ret = put_constant(pprof, type, &type_text);

	if (!ret)
		ret = put_constant(pprof, unit, &unit_text);
	if (ret)
		return ret;
	size_t begin = thag_protobuf_begin(&writer, field);

	thag_protobuf_put_varint(&writer, VALUE_TYPE_TYPE, type_text);
	thag_protobuf_put_varint(&writer, VALUE_TYPE_UNIT, unit_text);
	thag_protobuf_end(&writer, begin);
	return writer.error;
}

/** What samples are, before the first of them. */
static int put_types(struct thag_pprof *pprof, const struct thag_profile *profile)
{
	struct types types = types_of(profile);
	struct thag_protobuf_writer writer = { .out = &pprof->message };
	uint32_t number;
	int ret = 0;

	if (types.objects)
		ret = put_value_type(pprof, PROFILE_SAMPLE_TYPE, types.objects, "count");
	if (!ret)
		ret = put_value_type(pprof, PROFILE_SAMPLE_TYPE, types.value, types.unit);
	/* each call and each block is in it, none stands for others */
	if (!ret)
		ret = put_value_type(pprof, PROFILE_PERIOD_TYPE, types.value, types.unit);
	if (!ret)
		ret = put_constant(pprof, types.value, &number);
	if (ret)
		return ret;
	thag_protobuf_put_varint(&writer, PROFILE_PERIOD, 1);
	thag_protobuf_put_varint(&writer, PROFILE_DEFAULT_SAMPLE_TYPE, number);
	return writer.error;
}

static int reserve_functions(struct thag_pprof *pprof, uint32_t count)
{
	uint32_t capacity = pprof->capacity ? pprof->capacity : FIRST_FUNCTIONS;

	if (count <= pprof->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	void *grown = reallocarray(pprof->functions, capacity, sizeof(*pprof->functions));
	if (!grown)
		return -ENOMEM;
	pprof->functions = grown;
	pprof->capacity = capacity;
	return 0;
}

/** The location of a name; those that come out equal as UTF-8 stay two. */
static int put_function(struct thag_pprof *pprof, const char *name, size_t name_bytes,
			const char *file, size_t file_bytes, uint32_t line, uint32_t *location)
{
	uint32_t before = pprof->names.count, number;
	struct thag_pprof_function function = { .line = line };
	int ret = reserve_functions(pprof, before + 1);

	if (!ret)
		ret = put_string(pprof, name, name_bytes, &function.name);
	if (!ret)
		ret = put_string(pprof, file, file_bytes, &function.file);
	if (!ret)
		ret = thag_strings_put(&pprof->names, name, (uint32_t)name_bytes, &number);
	if (ret)
		return ret;
	if (number == before)
		pprof->functions[number] = function;
	*location = number + 1; /* 0 is none */
	return 0;
}

static int find_location(struct addition *addition, uint32_t name, uint32_t *location)
{
	const struct thag_profile *profile = addition->profile;
	const struct thag_function *function = &profile->functions[name];
	size_t name_bytes, file_bytes;

	*location = addition->locations[name];
	if (*location != NOT_ASKED)
		return 0;
	const char *text = thag_strings_get(&profile->names, name, &name_bytes);
	const char *file = thag_strings_get(&profile->files, function->file, &file_bytes);
	int ret = put_function(addition->pprof, text, name_bytes, file, file_bytes, function->line,
			       location);

	if (!ret)
		addition->locations[name] = *location;
	return ret;
}

static int addition_init(struct addition *addition, const char *title, size_t title_bytes)
{
	struct thag_pprof *pprof = addition->pprof;
	const struct thag_profile *profile = addition->profile;
	const struct thag_deep_costs costs = {
		.room = pprof->message.bytes < THAG_PPROF_BYTES_MAX
				? THAG_PPROF_BYTES_MAX - pprof->message.bytes
				: 0,
		.stack_bytes = SAMPLE_BYTES,
		.frame_bytes = LOCATION_BYTES,
		.with_calls = true,
	};
	int ret = thag_deep_init(&addition->deep, profile, &costs);

	addition->locations = malloc(profile->names.count * sizeof(*addition->locations));
	if (ret || !addition->locations)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->names.count; i++)
		addition->locations[i] = NOT_ASKED;
	if (title_bytes) {
		ret = put_constant(pprof, "thread", &addition->thread_key);
		if (!ret)
			ret = put_string(pprof, title, title_bytes, &addition->title);
	}
	if (ret || !addition->deep.shown)
		return ret;
	return put_function(pprof, THAG_FOLDED_DEEPER, strlen(THAG_FOLDED_DEEPER), "", 0, 0,
			    &addition->deeper);
}

/** The innermost first. */
static int put_locations(struct addition *addition, uint32_t node)
{
	const struct thag_profile_node *nodes = addition->profile->nodes;
	uint32_t shown = thag_deep_shown(&addition->deep, node), location;
	size_t begin = thag_protobuf_begin(&addition->writer, SAMPLE_LOCATION_ID);

	if (shown != node)
		thag_protobuf_put(&addition->writer, addition->deeper);
	for (; shown; shown = nodes[shown].parent) {
		if (find_location(addition, nodes[shown].name, &location))
			return -ENOMEM;
		thag_protobuf_put(&addition->writer, location);
	}
	thag_protobuf_end(&addition->writer, begin);
	return 0;
}

static uint64_t as_int64(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : value;
}

static void put_values(struct addition *addition, const struct thag_profile_node *node)
{
	size_t begin = thag_protobuf_begin(&addition->writer, SAMPLE_VALUE);

	if (types_of(addition->profile).objects)
		thag_protobuf_put(&addition->writer, as_int64(node->calls));
	thag_protobuf_put(&addition->writer, as_int64(node->self_ns));
	thag_protobuf_end(&addition->writer, begin);
}

static void put_label(struct addition *addition)
{
	if (!addition->title)
		return;
	size_t begin = thag_protobuf_begin(&addition->writer, SAMPLE_LABEL);

	thag_protobuf_put_varint(&addition->writer, LABEL_KEY, addition->thread_key);
	thag_protobuf_put_varint(&addition->writer, LABEL_STR, addition->title);
	thag_protobuf_end(&addition->writer, begin);
}

static int put_samples(struct addition *addition)
{
	const struct thag_profile *profile = addition->profile;
	int ret = 0;

	for (uint32_t i = 1; i < profile->count && !ret; i++) {
		if (!thag_deep_has(&profile->nodes[i], true))
			continue;
		size_t begin = thag_protobuf_begin(&addition->writer, PROFILE_SAMPLE);

		ret = put_locations(addition, i);
		put_values(addition, &profile->nodes[i]);
		put_label(addition);
		thag_protobuf_end(&addition->writer, begin);
	}
	return ret ? ret : addition->writer.error;
}

int thag_pprof_add(struct thag_pprof *pprof, const struct thag_profile *profile, const char *title,
		   size_t title_bytes)
{
	struct addition addition = { .pprof = pprof,
				     .profile = profile,
				     .writer = { .out = &pprof->message } };
	int ret = pprof->profiles++ ? 0 : put_types(pprof, profile);

	if (!ret)
		ret = addition_init(&addition, title, title_bytes);
	if (!ret)
		ret = put_samples(&addition);
	free(addition.locations);
	thag_deep_fini(&addition.deep);
	return ret;
}

static void put_mapping(struct thag_protobuf_writer *writer, uint32_t program)
{
	size_t begin = thag_protobuf_begin(writer, PROFILE_MAPPING);

	thag_protobuf_put_varint(writer, MAPPING_ID, MAPPING);
	thag_protobuf_put_varint(writer, MAPPING_FILENAME, program);
	/* so that nobody looks for symbols, which addresses that aren't there would have */
	for (uint32_t has = MAPPING_HAS_FUNCTIONS; has <= MAPPING_HAS_INLINE_FRAMES; has++)
		thag_protobuf_put_varint(writer, has, 1);
	thag_protobuf_end(writer, begin);
}

static void put_location(struct thag_protobuf_writer *writer, uint32_t id, uint32_t line)
{
	size_t begin = thag_protobuf_begin(writer, PROFILE_LOCATION);

	thag_protobuf_put_varint(writer, LOCATION_ID, id);
	thag_protobuf_put_varint(writer, LOCATION_MAPPING_ID, MAPPING);
	size_t line_begin = thag_protobuf_begin(writer, LOCATION_LINE);

	thag_protobuf_put_varint(writer, LINE_FUNCTION_ID, id);
	thag_protobuf_put_varint(writer, LINE_LINE, line);
	thag_protobuf_end(writer, line_begin);
	thag_protobuf_end(writer, begin);
}

static void put_functions(struct thag_pprof *pprof, struct thag_protobuf_writer *writer)
{
	for (uint32_t i = 0; i < pprof->names.count; i++) {
		const struct thag_pprof_function *function = &pprof->functions[i];

		put_location(writer, i + 1, function->line);
		size_t begin = thag_protobuf_begin(writer, PROFILE_FUNCTION);

		thag_protobuf_put_varint(writer, FUNCTION_ID, i + 1);
		thag_protobuf_put_varint(writer, FUNCTION_NAME, function->name);
		thag_protobuf_put_varint(writer, FUNCTION_SYSTEM_NAME, function->name);
		thag_protobuf_put_varint(writer, FUNCTION_FILENAME, function->file);
		thag_protobuf_put_varint(writer, FUNCTION_START, function->line);
		thag_protobuf_end(writer, begin);
	}
}

static void put_times(const struct thag_pprof *pprof, struct thag_protobuf_writer *writer)
{
	if (pprof->options.time_ns)
		thag_protobuf_put_varint(writer, PROFILE_TIME_NANOS,
					 as_int64(pprof->options.time_ns));
	if (pprof->options.duration_ns)
		thag_protobuf_put_varint(writer, PROFILE_DURATION_NANOS,
					 as_int64(pprof->options.duration_ns));
}

static int put_tables(struct thag_pprof *pprof)
{
	struct thag_protobuf_writer writer = { .out = &pprof->message };
	const char *program = pprof->options.program;
	uint32_t program_text = 0, comment = 0;
	int ret = pprof->profiles ? 0 : put_types(pprof, NULL);

	if (!ret)
		ret = put_string(pprof, program, strlen(program), &program_text);
	if (!ret)
		ret = put_constant(pprof, "thag " THAG_VERSION, &comment);
	if (ret)
		return ret;
	put_mapping(&writer, program_text);
	put_functions(pprof, &writer);
	put_times(pprof, &writer);
	thag_protobuf_put_varint(&writer, PROFILE_COMMENT, comment);
	for (uint32_t i = 0; i < pprof->texts.count; i++) {
		size_t bytes;
		const char *text = thag_strings_get(&pprof->texts, i, &bytes);

		thag_protobuf_put_bytes(&writer, PROFILE_STRING_TABLE, text, bytes);
	}
	return writer.error;
}

int thag_pprof_end(struct thag_pprof *pprof, int ret)
{
	size_t start = pprof->out->bytes;

	if (!ret)
		ret = put_tables(pprof);
	if (!ret)
		ret = thag_gzip_append(pprof->out, pprof->message.data, pprof->message.bytes);
	if (ret)
		pprof->out->bytes = start;
	thag_buffer_fini(&pprof->message);
	thag_strings_fini(&pprof->texts);
	thag_strings_fini(&pprof->names);
	free(pprof->functions);
	return ret;
}
