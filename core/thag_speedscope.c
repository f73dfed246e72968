/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_speedscope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_deep.h"
#include "thag_profile_private.h"
#include "thag_text.h"

#define FIRST_FRAMES 256
#define INDEX_BYTES 11	/* of a frame in a stack, and what parts it from the next */
#define SAMPLE_BYTES 32 /* of a sample beside its stack: its weight, brackets */
#define NO_FRAME UINT32_MAX

struct thag_speedscope_frame {
	uint32_t file; /* in the files; the first that the name came with */
	uint32_t line;
};

/** A profile on its way into the file. */
struct addition {
	struct thag_speedscope *scope;
	const struct thag_profile *profile;
	uint32_t *frames; /* by name of the profile; NO_FRAME: not asked yet */
	uint32_t *stack;  /* of the sample that is written, the innermost first */
	struct thag_deep deep;
	uint32_t deeper; /* the frame for what is below */
};

static int put_text(struct thag_buffer *out, const char *text)
{
	return thag_buffer_append(out, text, strlen(text));
}

int thag_speedscope_begin(struct thag_speedscope *scope, struct thag_buffer *out)
{
	*scope = (struct thag_speedscope){ .out = out, .start = out->bytes };
	return put_text(out, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
			     "\"exporter\":\"thag " THAG_VERSION "\",\"profiles\":[");
}

static int reserve_frames(struct thag_speedscope *scope, uint32_t count)
{
	uint32_t capacity = scope->capacity ? scope->capacity : FIRST_FRAMES;

	if (count <= scope->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	void *grown = reallocarray(scope->frames, capacity, sizeof(*scope->frames));
	if (!grown)
		return -ENOMEM;
	scope->frames = grown;
	scope->capacity = capacity;
	return 0;
}

static int put_frame(struct thag_speedscope *scope, const char *name, size_t name_bytes,
		     const char *file, size_t file_bytes, uint32_t line, uint32_t *frame)
{
	uint32_t before = scope->names.count, file_number;
	int ret = reserve_frames(scope, before + 1);

	if (!ret)
		ret = thag_strings_put(&scope->names, name, (uint32_t)name_bytes, frame);
	if (ret || *frame != before)
		return ret;
	ret = thag_strings_put(&scope->files, file, (uint32_t)file_bytes, &file_number);
	scope->frames[before] = (struct thag_speedscope_frame){ ret ? 0 : file_number, line };
	return ret;
}

static int frame_of(struct addition *addition, uint32_t name, uint32_t *frame)
{
	const struct thag_profile *profile = addition->profile;
	const struct thag_function *function = &profile->functions[name];
	size_t name_bytes, file_bytes;

	*frame = addition->frames[name];
	if (*frame != NO_FRAME)
		return 0;
	const char *text = thag_strings_get(&profile->names, name, &name_bytes);
	const char *file = thag_strings_get(&profile->files, function->file, &file_bytes);
	int ret = put_frame(addition->scope, text, name_bytes, file, file_bytes, function->line,
			    frame);

	addition->frames[name] = ret ? NO_FRAME : *frame;
	return ret;
}

static int limit_depth(struct addition *addition)
{
	uint64_t used = addition->scope->out->bytes - addition->scope->start;
	const struct thag_deep_costs costs = {
		.room = used < THAG_SPEEDSCOPE_BYTES_MAX ? THAG_SPEEDSCOPE_BYTES_MAX - used : 0,
		.stack_bytes = SAMPLE_BYTES,
		.frame_bytes = INDEX_BYTES,
	};

	return thag_deep_init(&addition->deep, addition->profile, &costs);
}

static int addition_init(struct addition *addition)
{
	const struct thag_profile *profile = addition->profile;
	int ret = limit_depth(addition);

	if (ret)
		return ret;
	addition->frames = malloc(profile->names.count * sizeof(*addition->frames));
	addition->stack = malloc(((size_t)addition->deep.depth_max + 1) * sizeof(*addition->stack));
	if (!addition->frames || !addition->stack)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->names.count; i++)
		addition->frames[i] = NO_FRAME;
	if (!addition->deep.shown)
		return 0;
	return put_frame(addition->scope, THAG_FOLDED_DEEPER, strlen(THAG_FOLDED_DEEPER), "", 0, 0,
			 &addition->deeper);
}

/** The stack of a node, the innermost first; how deep it is. */
static int find_stack(struct addition *addition, uint32_t node, uint32_t *depth)
{
	const struct thag_profile_node *nodes = addition->profile->nodes;
	int ret = 0;

	*depth = 0;
	if (thag_deep_shown(&addition->deep, node) != node) {
		addition->stack[(*depth)++] = addition->deeper;
		node = thag_deep_shown(&addition->deep, node);
	}
	for (; node && !ret; node = nodes[node].parent)
		ret = frame_of(addition, nodes[node].name, &addition->stack[(*depth)++]);
	return ret;
}

static int put_sample(struct addition *addition, uint32_t node, bool first)
{
	struct thag_buffer *out = addition->scope->out;
	uint32_t depth;
	int ret = find_stack(addition, node, &depth);

	if (!ret)
		ret = put_text(out, first ? "[" : ",[");
	while (depth > 0 && !ret) {
		ret = thag_buffer_append_decimal(out, addition->stack[--depth]);
		if (!ret && depth > 0)
			ret = put_text(out, ",");
	}
	return ret ? ret : put_text(out, "]");
}

static int put_weight(struct addition *addition, uint32_t node, bool first)
{
	struct thag_buffer *out = addition->scope->out;
	int ret = first ? 0 : put_text(out, ",");

	return ret ? ret : thag_buffer_append_decimal(out, addition->profile->nodes[node].self_ns);
}

/** One of the two lists, which go together. */
static int put_list(struct addition *addition,
		    int (*put)(struct addition *addition, uint32_t node, bool first))
{
	const struct thag_profile *profile = addition->profile;
	bool first = true;
	int ret = 0;

	for (uint32_t i = 1; i < profile->count && !ret; i++) {
		if (!profile->nodes[i].self_ns)
			continue;
		ret = put(addition, i, first);
		first = false;
	}
	return ret;
}

static const char *unit_of(const struct thag_profile *profile)
{
	if (!profile->heap)
		return "nanoseconds";
	switch (profile->heap->metric) {
	case THAG_METRIC_ALLOCATIONS:
	case THAG_METRIC_TEMPORARY:
		return "none";
	default:
		return "bytes";
	}
}

static int put_head(struct addition *addition, const char *title, size_t title_bytes)
{
	const struct thag_profile *profile = addition->profile;
	struct thag_buffer *out = addition->scope->out;
	uint64_t sum = profile->nodes[0].total_ns - profile->nodes[0].self_ns;
	char text[128];
	int ret = put_text(out, addition->scope->profiles++ ? ",\n{\"type\":\"sampled\",\"name\":"
							    : "\n{\"type\":\"sampled\",\"name\":");

	if (!ret)
		ret = thag_text_append_json(out, title, title_bytes, THAG_FRAME_NAME_MAX);
	snprintf(text, sizeof(text), ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%llu,",
		 unit_of(profile), (unsigned long long)sum);
	return ret ? ret : put_text(out, text);
}

static int put_profile(struct addition *addition, const char *title, size_t title_bytes)
{
	struct thag_buffer *out = addition->scope->out;
	int ret = put_head(addition, title, title_bytes);

	if (!ret)
		ret = put_text(out, "\"samples\":[");
	if (!ret)
		ret = put_list(addition, put_sample);
	if (!ret)
		ret = put_text(out, "],\"weights\":[");
	if (!ret)
		ret = put_list(addition, put_weight);
	return ret ? ret : put_text(out, "]}");
}

int thag_speedscope_add(struct thag_speedscope *scope, const struct thag_profile *profile,
			const char *title, size_t title_bytes)
{
	struct addition addition = { .scope = scope, .profile = profile };
	int ret = addition_init(&addition);

	if (!ret)
		ret = put_profile(&addition, title, title_bytes);
	free(addition.frames);
	free(addition.stack);
	thag_deep_fini(&addition.deep);
	return ret;
}

static int put_shared_frame(struct thag_speedscope *scope, uint32_t number)
{
	const struct thag_speedscope_frame *frame = &scope->frames[number];
	struct thag_buffer *out = scope->out;
	size_t bytes;
	const char *text = thag_strings_get(&scope->names, number, &bytes);
	int ret = put_text(out, number ? ",\n{\"name\":" : "\n{\"name\":");

	if (!ret)
		ret = thag_text_append_json(out, text, bytes, THAG_FRAME_NAME_MAX);
	text = thag_strings_get(&scope->files, frame->file, &bytes);
	if (!ret && bytes) {
		ret = put_text(out, ",\"file\":");
		if (!ret)
			ret = thag_text_append_json(out, text, bytes, THAG_FRAME_NAME_MAX);
	}
	if (!ret && frame->line) {
		ret = put_text(out, ",\"line\":");
		if (!ret)
			ret = thag_buffer_append_decimal(out, frame->line);
	}
	return ret ? ret : put_text(out, "}");
}

static int put_shared(struct thag_speedscope *scope, const char *name)
{
	struct thag_buffer *out = scope->out;
	int ret = put_text(out, "],\"shared\":{\"frames\":[");

	for (uint32_t i = 0; i < scope->names.count && !ret; i++)
		ret = put_shared_frame(scope, i);
	if (!ret)
		ret = put_text(out, "]},\"name\":");
	if (!ret)
		ret = thag_text_append_json(out, name, strlen(name), THAG_FRAME_NAME_MAX);
	return ret ? ret : put_text(out, "}\n");
}

int thag_speedscope_end(struct thag_speedscope *scope, const char *name, int ret)
{
	if (!ret)
		ret = put_shared(scope, name);
	if (ret)
		scope->out->bytes = scope->start;
	thag_strings_fini(&scope->names);
	thag_strings_fini(&scope->files);
	free(scope->frames);
	return ret;
}
