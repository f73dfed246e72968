/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_deep.h"
#include "thag_profile_private.h"
#include "thag_text.h"

#define NUMBERS_BYTES 256 /* of a row */
#define FRAME_BYTES 1	  /* what parts it from the next */

struct table {
	const struct thag_profile *profile;
	struct thag_buffer *out;
	struct thag_strings texts; /* frames as they are written */
	uint32_t *text_of;	   /* by name */
	uint32_t *name_bytes;	   /* of a frame in quotes, by name */
	struct thag_deep deep;
	struct thag_profile_node *below; /* by node of the last level: sums of what is deeper */
	struct thag_buffer path;
};

static void table_fini(struct table *table)
{
	thag_strings_fini(&table->texts);
	free(table->text_of);
	free(table->name_bytes);
	thag_deep_fini(&table->deep);
	free(table->below);
	thag_buffer_fini(&table->path);
}

static int put_text(struct table *table, const char *text)
{
	return thag_buffer_append(table->out, text, strlen(text));
}

static uint32_t count_quotes(const char *text, size_t bytes)
{
	uint32_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += text[i] == '"';
	return count;
}

static int prepare_text(struct table *table, uint32_t name, struct thag_buffer *scratch)
{
	size_t bytes;
	const char *text = thag_strings_get(&table->profile->names, name, &bytes);
	int ret;

	scratch->bytes = 0;
	ret = thag_text_append_frame(scratch, text, bytes, THAG_FRAME_NAME_MAX);
	if (ret)
		return ret;
	const char *frame = (const char *)scratch->data;

	/* the stack and, of its last frame, the function */
	table->name_bytes[name] =
		2 * (uint32_t)scratch->bytes + 2 * count_quotes(frame, scratch->bytes);
	return thag_strings_put(&table->texts, frame, (uint32_t)scratch->bytes,
				&table->text_of[name]);
}

static int prepare_texts(struct table *table)
{
	uint32_t count = table->profile->names.count;
	struct thag_buffer scratch = { 0 };
	int ret = 0;

	table->text_of = malloc(count * sizeof(*table->text_of));
	table->name_bytes = malloc(count * sizeof(*table->name_bytes));
	if (!table->text_of || !table->name_bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && !ret; i++)
		ret = prepare_text(table, i, &scratch);
	thag_buffer_fini(&scratch);
	return ret;
}

/** Sums up what lies below the last level, by the node there. */
static int sum_below(struct table *table)
{
	const struct thag_profile *profile = table->profile;

	if (!table->deep.shown)
		return 0;
	table->below = calloc(profile->count, sizeof(*table->below));
	if (!table->below)
		return -ENOMEM;
	for (uint32_t i = 1; i < profile->count; i++) {
		struct thag_profile_node *below = &table->below[table->deep.shown[i]];

		if (table->deep.shown[i] == i)
			continue;
		below->self_ns += profile->nodes[i].self_ns;
		below->total_ns += profile->nodes[i].self_ns;
		below->wait_ns += profile->nodes[i].wait_ns;
		below->calls += profile->nodes[i].calls;
	}
	return 0;
}

static int table_init(struct table *table)
{
	int ret = prepare_texts(table);
	const struct thag_deep_costs costs = {
		.room = THAG_CSV_BYTES_MAX,
		.stack_bytes = NUMBERS_BYTES,
		.frame_bytes = FRAME_BYTES,
		.name_bytes = table->name_bytes,
		.with_calls = true,
	};

	if (!ret)
		ret = thag_deep_init(&table->deep, table->profile, &costs);
	return ret ? ret : sum_below(table);
}

static int put_field(struct table *table, const char *text, size_t bytes)
{
	return thag_text_append_csv(table->out, text, bytes);
}

static int put_number(struct table *table, uint64_t value)
{
	int ret = put_text(table, ",");

	return ret ? ret : thag_buffer_append_decimal(table->out, value);
}

static int put_share(struct table *table, uint64_t part)
{
	const struct thag_profile_node *root = &table->profile->nodes[0];
	uint64_t whole = root->total_ns - root->self_ns;
	char text[32];

	snprintf(text, sizeof(text), ",%.4f", whole ? 100 * (double)part / (double)whole : 0.0);
	return put_text(table, text);
}

static int put_header(struct table *table)
{
	const struct thag_profile *profile = table->profile;

	if (!profile->heap)
		return put_text(table, "stack,function,file,line,calls,self_ns,total_ns,min_ns,"
				       "max_ns,wait_ns,self_percent,total_percent\r\n");
	if (profile->heap->metric == THAG_METRIC_ALLOCATIONS ||
	    profile->heap->metric == THAG_METRIC_TEMPORARY)
		return put_text(table, "stack,function,file,line,blocks,self_count,total_count,"
				       "self_percent,total_percent\r\n");
	return put_text(table, "stack,function,file,line,blocks,self_bytes,total_bytes,"
			       "self_percent,total_percent\r\n");
}

static int put_numbers(struct table *table, const struct thag_profile_node *node)
{
	int ret = put_number(table, node->calls);

	if (!ret)
		ret = put_number(table, node->self_ns);
	if (!ret)
		ret = put_number(table, node->total_ns);
	if (!ret && !table->profile->heap) {
		ret = put_number(table, node->min_ns);
		if (!ret)
			ret = put_number(table, node->max_ns);
		if (!ret)
			ret = put_number(table, node->wait_ns);
	}
	if (!ret)
		ret = put_share(table, node->self_ns);
	if (!ret)
		ret = put_share(table, node->total_ns);
	return ret ? ret : put_text(table, "\r\n");
}

static int put_place(struct table *table, uint32_t name)
{
	const struct thag_profile *profile = table->profile;
	const struct thag_function *function = &profile->functions[name];
	struct thag_buffer clean = { 0 };
	size_t bytes;
	const char *file = thag_strings_get(&profile->files, function->file, &bytes);
	int ret = put_text(table, ",");

	if (!ret)
		ret = thag_text_append_utf8(&clean, file, bytes, THAG_FRAME_NAME_MAX);
	if (!ret)
		ret = put_field(table, clean.data ? (const char *)clean.data : "", clean.bytes);
	if (!ret)
		ret = put_number(table, function->line);
	thag_buffer_fini(&clean);
	return ret;
}

/** The row of the stack in `path`, which `node` is at the end of. */
static int put_row(struct table *table, const struct thag_profile_node *node)
{
	size_t bytes;
	const char *frame = thag_strings_get(&table->texts, table->text_of[node->name], &bytes);
	int ret = put_field(table, (const char *)table->path.data, table->path.bytes - 1);

	if (!ret)
		ret = put_text(table, ",");
	if (!ret)
		ret = put_field(table, frame, bytes);
	if (!ret)
		ret = put_place(table, node->name);
	return ret ? ret : put_numbers(table, node);
}

static int put_deeper(struct table *table, uint32_t node)
{
	const struct thag_profile_node *below = &table->below[node];
	int ret;

	if (!thag_deep_has(below, true))
		return 0;
	ret = thag_buffer_append(&table->path, THAG_FOLDED_DEEPER, strlen(THAG_FOLDED_DEEPER));
	if (!ret)
		ret = put_field(table, (const char *)table->path.data, table->path.bytes);
	if (!ret)
		ret = put_text(table, ",\"" THAG_FOLDED_DEEPER "\",\"\",0");
	table->path.bytes -= ret ? 0 : strlen(THAG_FOLDED_DEEPER);
	return ret ? ret : put_numbers(table, below);
}

static int push(struct table *table, uint32_t node)
{
	size_t bytes;
	uint32_t text = table->text_of[table->profile->nodes[node].name];
	const char *frame = thag_strings_get(&table->texts, text, &bytes);
	int ret = thag_buffer_append(&table->path, frame, bytes);

	return ret ? ret : thag_buffer_append(&table->path, ";", 1);
}

static void pop(struct table *table, uint32_t node)
{
	uint32_t text = table->text_of[table->profile->nodes[node].name];

	table->path.bytes -= (size_t)table->texts.list[text].bytes + 1;
}

/** The node after `node`, below it or, when that is all written, beside it; 0: none. */
static uint32_t next_node(struct table *table, uint32_t node)
{
	const struct thag_profile_node *nodes = table->profile->nodes;

	if (nodes[node].first_child && nodes[node].depth < table->deep.depth_max)
		return nodes[node].first_child;
	while (node) {
		pop(table, node);
		if (nodes[node].next_sibling)
			return nodes[node].next_sibling;
		node = nodes[node].parent;
	}
	return 0;
}

static int put_rows(struct table *table)
{
	const struct thag_profile_node *nodes = table->profile->nodes;
	int ret = 0;

	for (uint32_t node = nodes[0].first_child; node && !ret; node = next_node(table, node)) {
		ret = push(table, node);
		if (!ret && thag_deep_has(&nodes[node], true))
			ret = put_row(table, &nodes[node]);
		if (!ret && table->below)
			ret = put_deeper(table, node);
	}
	return ret;
}

int thag_csv_write(const struct thag_profile *profile, struct thag_buffer *out)
{
	struct table table = { .profile = profile, .out = out };
	size_t start = out->bytes;
	int ret = table_init(&table);

	if (!ret)
		ret = put_header(&table);
	if (!ret)
		ret = put_rows(&table);
	if (ret)
		out->bytes = start;
	table_fini(&table);
	return ret;
}
