/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_firefox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_profile_private.h"
#include "thag_text.h"

#define LINE_BYTES 256

/** A profile on its way into the file. */
struct addition {
	struct thag_buffer *out;
	const struct thag_profile *profile;
	uint32_t *samples; /* the nodes that are one, in order */
	uint32_t sample_count;
	uint64_t time; /* of the next sample: what those before it weigh */
};

/** Writes the value of row `i` of a column. */
typedef int put_row_fn(struct addition *addition, uint32_t i);

static int put_text(struct thag_buffer *out, const char *text)
{
	return thag_buffer_append(out, text, strlen(text));
}

static int put_string(struct thag_buffer *out, const char *text, size_t bytes)
{
	return thag_text_append_json(out, text, bytes, THAG_FRAME_NAME_MAX);
}

int thag_firefox_begin(struct thag_firefox *firefox, struct thag_buffer *out,
		       const struct thag_firefox_options *options)
{
	char text[LINE_BYTES];
	int ret;

	*firefox = (struct thag_firefox){ .out = out, .options = *options, .start = out->bytes };
	snprintf(text, sizeof(text),
		 "{\"meta\":{\"interval\":1,\"startTime\":%" PRIu64 ".%06" PRIu64
		 ",\"processType\":0,\"product\":",
		 options->time_ns / 1000000, options->time_ns % 1000000);
	ret = put_text(out, text);
	if (!ret)
		ret = put_string(out, options->program, strlen(options->program));
	if (!ret)
		ret = put_text(out, ",\"stackwalk\":0,\"version\":31,"
				    "\"preprocessedProfileVersion\":55,\"symbolicated\":true,"
				    "\"usesOnlyOneStackType\":true,"
				    "\"sourceCodeIsNotOnSearchfox\":true,"
				    "\"importedFrom\":\"thag " THAG_VERSION "\",");
	return ret ? ret
		   : put_text(out, "\"markerSchema\":[],\"categories\":[{\"name\":\"Other\","
				   "\"color\":\"grey\",\"subcategories\":[\"Other\"]}]},"
				   "\"libs\":[],\"threads\":[");
}

static int put_number(struct addition *addition, uint64_t value)
{
	return thag_buffer_append_decimal(addition->out, value);
}

static int put_null(struct addition *addition, uint32_t i)
{
	(void)i;
	return put_text(addition->out, "null");
}

static int put_zero(struct addition *addition, uint32_t i)
{
	(void)i;
	return put_text(addition->out, "0");
}

static int put_none(struct addition *addition, uint32_t i)
{
	(void)i;
	return put_text(addition->out, "-1");
}

static int put_false(struct addition *addition, uint32_t i)
{
	(void)i;
	return put_text(addition->out, "false");
}

static int put_index(struct addition *addition, uint32_t i)
{
	return put_number(addition, i);
}

static int put_column(struct addition *addition, const char *name, uint32_t rows, put_row_fn *put)
{
	struct thag_buffer *out = addition->out;
	int ret = put_text(out, ",\"");

	if (!ret)
		ret = put_text(out, name);
	if (!ret)
		ret = put_text(out, "\":[");
	for (uint32_t i = 0; i < rows && !ret; i++) {
		if (i)
			ret = put_text(out, ",");
		if (!ret)
			ret = put(addition, i);
	}
	return ret ? ret : put_text(out, "]");
}

struct column {
	const char *name;
	put_row_fn *put;
};

static int put_table(struct addition *addition, const char *name, uint32_t rows,
		     const struct column *columns)
{
	char text[64];
	int ret;

	snprintf(text, sizeof(text), ",\n\"%s\":{\"length\":%" PRIu32, name, rows);
	ret = put_text(addition->out, text);
	for (; columns->name && !ret; columns++)
		ret = put_column(addition, columns->name, rows, columns->put);
	return ret ? ret : put_text(addition->out, "}");
}

static int put_stack(struct addition *addition, uint32_t i)
{
	return put_number(addition, addition->samples[i] - 1);
}

/* Milliseconds; bytes and counts as they are. */
static int put_amount(struct addition *addition, uint64_t value)
{
	char text[64];

	if (addition->profile->heap)
		return put_number(addition, value);
	snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
	return put_text(addition->out, text);
}

static int put_time(struct addition *addition, uint32_t i)
{
	uint64_t time = addition->time;

	addition->time += addition->profile->nodes[addition->samples[i]].self_ns;
	return put_amount(addition, time);
}

static int put_weight(struct addition *addition, uint32_t i)
{
	return put_amount(addition, addition->profile->nodes[addition->samples[i]].self_ns);
}

static const char *weight_type_of(const struct thag_profile *profile)
{
	if (!profile->heap)
		return "tracing-ms";
	switch (profile->heap->metric) {
	case THAG_METRIC_ALLOCATIONS:
	case THAG_METRIC_TEMPORARY:
		return "samples";
	default:
		return "bytes";
	}
}

/** The nodes that have something themselves, in the order of a walk. */
static int find_samples(struct addition *addition)
{
	const struct thag_profile *profile = addition->profile;
	const struct thag_profile_node *nodes = profile->nodes;
	uint32_t node = nodes[0].first_child;

	addition->samples = malloc(profile->count * sizeof(*addition->samples));
	if (!addition->samples)
		return -ENOMEM;
	while (node && node != UINT32_MAX) {
		if (nodes[node].self_ns)
			addition->samples[addition->sample_count++] = node;
		node = nodes[node].first_child ? nodes[node].first_child
					       : thag_profile_after(profile, node, 0);
	}
	return 0;
}

static int put_samples(struct addition *addition)
{
	static const struct column columns[] = { { "stack", put_stack },
						 { "time", put_time },
						 { "weight", put_weight },
						 { NULL, NULL } };
	char text[64];
	int ret = find_samples(addition);

	snprintf(text, sizeof(text), ",\"weightType\":\"%s\"}", weight_type_of(addition->profile));
	if (!ret)
		ret = put_table(addition, "samples", addition->sample_count, columns);
	if (ret)
		return ret;
	addition->out->bytes--; /* the brace, which ends `text` */
	return put_text(addition->out, text);
}

static int put_prefix(struct addition *addition, uint32_t i)
{
	uint32_t parent = addition->profile->nodes[i + 1].parent;

	return parent ? put_number(addition, parent - 1) : put_null(addition, i);
}

static int put_frame(struct addition *addition, uint32_t i)
{
	return put_number(addition, addition->profile->nodes[i + 1].name);
}

static int put_line(struct addition *addition, uint32_t i)
{
	uint32_t line = addition->profile->functions[i].line;

	return line ? put_number(addition, line) : put_null(addition, i);
}

/* The texts are all names, and then all files, whose first is none. */
static int put_file(struct addition *addition, uint32_t i)
{
	const struct thag_profile *profile = addition->profile;
	uint32_t file = profile->functions[i].file;

	return file ? put_number(addition, (uint64_t)profile->names.count + file)
		    : put_null(addition, i);
}

static int put_name(struct addition *addition, uint32_t i)
{
	const struct thag_profile *profile = addition->profile;
	uint32_t names = profile->names.count;
	size_t bytes;
	const char *text = i < names ? thag_strings_get(&profile->names, i, &bytes)
				     : thag_strings_get(&profile->files, i - names, &bytes);

	return put_string(addition->out, text, bytes);
}

static int put_stacks(struct addition *addition)
{
	static const struct column columns[] = { { "prefix", put_prefix },
						 { "frame", put_frame },
						 { NULL, NULL } };

	return put_table(addition, "stackTable", addition->profile->count - 1, columns);
}

/* A frame is a function: row by row they are the names of the profile. */
static int put_frames(struct addition *addition)
{
	static const struct column columns[] = {
		{ "address", put_none },       { "inlineDepth", put_zero },
		{ "category", put_zero },      { "subcategory", put_zero },
		{ "func", put_index },	       { "nativeSymbol", put_null },
		{ "innerWindowID", put_null }, { "line", put_line },
		{ "column", put_null },	       { NULL, NULL },
	};

	return put_table(addition, "frameTable", addition->profile->names.count, columns);
}

static int put_functions(struct addition *addition)
{
	static const struct column columns[] = {
		{ "name", put_index },		{ "isJS", put_false },
		{ "relevantForJS", put_false }, { "resource", put_none },
		{ "fileName", put_file },	{ "lineNumber", put_line },
		{ "columnNumber", put_null },	{ NULL, NULL },
	};

	return put_table(addition, "funcTable", addition->profile->names.count, columns);
}

/* What the format asks for, and is empty. */
static int put_rest(struct addition *addition)
{
	static const struct column resources[] = { { "lib", put_null },
						   { "name", put_null },
						   { "host", put_null },
						   { "type", put_null },
						   { NULL, NULL } };
	static const struct column symbols[] = { { "libIndex", put_null },
						 { "address", put_null },
						 { "name", put_null },
						 { "functionSize", put_null },
						 { NULL, NULL } };
	static const struct column markers[] = {
		{ "data", put_null },	 { "name", put_null },	{ "startTime", put_null },
		{ "endTime", put_null }, { "phase", put_null }, { "category", put_null },
		{ NULL, NULL }
	};
	int ret = put_table(addition, "resourceTable", 0, resources);

	if (!ret)
		ret = put_table(addition, "nativeSymbols", 0, symbols);
	return ret ? ret : put_table(addition, "markers", 0, markers);
}

static int put_tables(struct addition *addition)
{
	const struct thag_profile *profile = addition->profile;
	int ret = put_samples(addition);

	if (!ret)
		ret = put_stacks(addition);
	if (!ret)
		ret = put_frames(addition);
	if (!ret)
		ret = put_functions(addition);
	if (!ret)
		ret = put_rest(addition);
	return ret ? ret
		   : put_column(addition, "stringArray",
				profile->names.count + profile->files.count, put_name);
}

static int put_head(struct thag_firefox *firefox, const char *title, size_t title_bytes)
{
	struct thag_buffer *out = firefox->out;
	const char *program = firefox->options.program;
	char text[LINE_BYTES];
	int ret = put_text(out, firefox->threads ? ",\n{\"name\":" : "\n{\"name\":");

	if (!ret)
		ret = put_string(out, title, title_bytes);
	if (!ret)
		ret = put_text(out, ",\"processName\":");
	if (!ret)
		ret = put_string(out, program, strlen(program));
	snprintf(text, sizeof(text),
		 ",\"processType\":\"default\",\"processStartupTime\":0,"
		 "\"processShutdownTime\":null,\"registerTime\":0,\"unregisterTime\":null,"
		 "\"pausedRanges\":[],\"isMainThread\":%s,\"pid\":\"%" PRIu32 "\",\"tid\":%" PRIu32,
		 firefox->threads ? "false" : "true", firefox->options.pid, firefox->threads + 1);
	return ret ? ret : put_text(out, text);
}

int thag_firefox_add(struct thag_firefox *firefox, const struct thag_profile *profile,
		     const char *title, size_t title_bytes)
{
	struct addition addition = { .out = firefox->out, .profile = profile };
	int ret = put_head(firefox, title, title_bytes);

	if (!ret)
		ret = put_tables(&addition);
	free(addition.samples);
	firefox->threads++;
	return ret ? ret : put_text(firefox->out, "}");
}

int thag_firefox_end(struct thag_firefox *firefox, int ret)
{
	if (!ret)
		ret = put_text(firefox->out, "]}\n");
	if (ret)
		firefox->out->bytes = firefox->start;
	return ret;
}
