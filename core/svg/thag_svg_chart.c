/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg_chart.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_strings.h"

#define SPANS_FIRST 16384
#define SPANS_MAX 524288 /* at most half of them are left when it is full */
#define LEAST_MIN_WIDTH_PX 1e-6

/** A call: open as long as it is in `open`. */
struct span {
	uint64_t start, width, self;
	uint32_t name;
	uint32_t depth;
};

struct thag_svg_chart {
	struct thag_svg_options options;
	struct thag_strings names;
	struct span *spans; /* by start, callers before what they call; the first is the root */
	size_t count, capacity;
	uint32_t open[THAG_SVG_DEPTH_MAX + 1]; /* by depth: the span */
	uint32_t depth;			       /* of the innermost that is open */
	uint64_t too_deep;		       /* open below THAG_SVG_DEPTH_MAX */
	uint64_t now;
	uint64_t hidden;
	double least_px; /* grows when there are too many boxes */
};

void thag_svg_chart_destroy(struct thag_svg_chart *chart)
{
	if (!chart)
		return;
	thag_strings_fini(&chart->names);
	free(chart->spans);
	free(chart);
}

int thag_svg_chart_create(struct thag_svg_chart **out, const struct thag_svg_options *options,
			  const char *root_name)
{
	struct thag_svg_chart *chart = calloc(1, sizeof(*chart));
	uint32_t name;

	if (!chart)
		return -ENOMEM;
	chart->spans = malloc(SPANS_FIRST * sizeof(*chart->spans));
	if (!chart->spans ||
	    thag_strings_put(&chart->names, root_name, (uint32_t)strlen(root_name), &name)) {
		thag_svg_chart_destroy(chart);
		return -ENOMEM;
	}
	chart->options = *options;
	chart->least_px = options->min_width_px;
	chart->capacity = SPANS_FIRST;
	chart->spans[chart->count++] = (struct span){ .name = name };
	*out = chart;
	return 0;
}

static uint64_t width_of(const struct thag_svg_chart *chart, size_t index)
{
	const struct span *span = &chart->spans[index];

	return span->depth <= chart->depth && chart->open[span->depth] == index
		       ? chart->now - span->start
		       : span->width;
}

/** Takes out what is too narrow by now: it never gets wider beside the rest. What is open stays. */
static void prune(struct thag_svg_chart *chart)
{
	struct thag_svg_options options = chart->options;
	size_t kept = 1;

	options.min_width_px = chart->least_px;
	for (size_t i = 1; i < chart->count; i++) {
		struct span *span = &chart->spans[i];
		bool open = span->depth <= chart->depth && chart->open[span->depth] == i;

		if (!open && !thag_svg_is_drawn(&options, span->width, chart->now)) {
			chart->hidden++;
			continue;
		}
		if (open)
			chart->open[span->depth] = (uint32_t)kept;
		chart->spans[kept++] = *span;
	}
	chart->count = kept;
}

/** Leaves out ever wider boxes until there are no more than `most`. */
static void prune_to(struct thag_svg_chart *chart, size_t most)
{
	prune(chart);
	while (chart->count > most) {
		double *least = &chart->least_px;

		*least = *least < LEAST_MIN_WIDTH_PX ? LEAST_MIN_WIDTH_PX : 2 * *least;
		prune(chart);
	}
}

/** Makes room for one more. */
static int reserve(struct thag_svg_chart *chart)
{
	if (chart->count < chart->capacity)
		return 0;
	prune(chart);
	if (chart->count <= chart->capacity / 2)
		return 0;
	if (chart->capacity >= SPANS_MAX) {
		prune_to(chart, THAG_SVG_BOXES_MAX);
		return 0;
	}
	void *grown = reallocarray(chart->spans, 2 * chart->capacity, sizeof(*chart->spans));

	if (!grown)
		return -ENOMEM;
	chart->spans = grown;
	chart->capacity *= 2;
	return 0;
}

int thag_svg_chart_enter(struct thag_svg_chart *chart, const char *name, size_t bytes)
{
	struct span span = { .start = chart->now, .depth = chart->depth + 1 };
	int ret = 0;

	if (chart->depth == THAG_SVG_DEPTH_MAX) {
		chart->too_deep++;
		chart->hidden++;
		return 0;
	}
	ret = reserve(chart);
	if (!ret)
		ret = thag_strings_put(&chart->names, name,
				       (uint32_t)(bytes < UINT32_MAX ? bytes : UINT32_MAX),
				       &span.name);
	if (ret)
		return ret;
	chart->depth++;
	chart->open[chart->depth] = (uint32_t)chart->count;
	chart->spans[chart->count++] = span;
	return 0;
}

void thag_svg_chart_leave(struct thag_svg_chart *chart)
{
	if (chart->too_deep) {
		chart->too_deep--;
		return;
	}
	assert(chart->depth > 0);
	size_t index = chart->open[chart->depth];
	uint64_t width = width_of(chart, index);

	chart->depth--;
	chart->spans[index].width = width;
	if (width == 0 && index + 1 == chart->count) { /* nothing ever passed in it */
		chart->count--;
		chart->hidden++;
	}
}

int thag_svg_chart_pass(struct thag_svg_chart *chart, uint64_t width)
{
	if (__builtin_add_overflow(chart->now, width, &chart->now))
		return -EOVERFLOW;
	chart->spans[chart->open[chart->depth]].self += width;
	return 0;
}

/** How many of the frames that are open the stack begins with; `*at`: where the rest of it is. */
static uint32_t count_common(const struct thag_svg_chart *chart, const char *stack, size_t bytes,
			     size_t *at)
{
	uint32_t common = 0;

	*at = 0;
	while (common < chart->depth) {
		const struct span *span = &chart->spans[chart->open[common + 1]];
		size_t name_bytes;
		const char *name = thag_strings_get(&chart->names, span->name, &name_bytes);

		if (*at > bytes || name_bytes > bytes - *at ||
		    memcmp(stack + *at, name, name_bytes) != 0 ||
		    (*at + name_bytes < bytes && stack[*at + name_bytes] != ';'))
			break;
		*at += name_bytes + 1;
		common++;
	}
	return common;
}

int thag_svg_chart_add_stack(struct thag_svg_chart *chart, const char *stack, size_t bytes,
			     uint64_t width)
{
	size_t at;
	uint32_t common = count_common(chart, stack, bytes, &at);
	int ret = 0;

	chart->too_deep = 0;
	while (chart->depth > common)
		thag_svg_chart_leave(chart);
	while (at <= bytes && !ret) {
		const char *end = memchr(stack + at, ';', bytes - at);
		size_t frame = end ? (size_t)(end - stack) - at : bytes - at;

		ret = thag_svg_chart_enter(chart, stack + at, frame);
		at += frame + 1;
	}
	return ret ? ret : thag_svg_chart_pass(chart, width);
}

static struct thag_svg_box box_of(const struct thag_svg_chart *chart, size_t index)
{
	const struct span *span = &chart->spans[index];
	struct thag_svg_box box = { .start = span->start,
				    .width = width_of(chart, index),
				    .self = span->self,
				    .depth = span->depth };

	box.name = thag_strings_get(&chart->names, span->name, &box.name_bytes);
	return box;
}

int thag_svg_chart_write(struct thag_svg_chart *chart, const struct thag_svg_options *options,
			 struct thag_buffer *out)
{
	struct thag_svg_box *boxes;
	int ret;

	chart->too_deep = 0;
	while (chart->depth > 0)
		thag_svg_chart_leave(chart);
	prune_to(chart, THAG_SVG_BOXES_MAX);
	boxes = malloc(chart->count * sizeof(*boxes));
	if (!boxes)
		return -ENOMEM;
	for (size_t i = 0; i < chart->count; i++)
		boxes[i] = box_of(chart, i);
	struct thag_svg_picture picture = { .boxes = boxes,
					    .count = chart->count,
					    .hidden = chart->hidden };

	ret = thag_svg_write(&picture, options, out);
	free(boxes);
	return ret;
}
