/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_svg_chart.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_sieve.h"
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

/** A function that is entered, drawn or not. */
struct frame {
	uint32_t name;
	bool drawn;
	bool drops;	/* it, and all that it calls */
	bool drops_own; /* what is its own */
	bool sought;
};

struct thag_svg_chart {
	struct thag_svg_options options;
	struct thag_strings names;
	struct span *spans; /* by start, callers before what they call; the first is the root */
	size_t count, capacity;
	uint32_t open[THAG_SVG_DEPTH_MAX + 1]; /* by depth: the span */
	uint32_t depth;			       /* of the innermost that is open */
	struct thag_buffer frames;	       /* struct frame, the innermost last */
	uint64_t dropping, sought;	       /* how many of them do, and are */
	bool seeks;
	unsigned (*fate_of)(void *context, const char *name, size_t bytes);
	void *fate_context;
	struct thag_buffer fates; /* unsigned char, by name */
	uint64_t now;
	uint64_t hidden;
	double least_px; /* grows when there are too many boxes */
};

void thag_svg_chart_destroy(struct thag_svg_chart *chart)
{
	if (!chart)
		return;
	thag_strings_fini(&chart->names);
	thag_buffer_fini(&chart->frames);
	thag_buffer_fini(&chart->fates);
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

void thag_svg_chart_sift(struct thag_svg_chart *chart,
			 unsigned (*fate_of)(void *context, const char *name, size_t bytes),
			 void *context, bool seeks)
{
	chart->fate_of = fate_of;
	chart->fate_context = context;
	chart->seeks = seeks;
}

static size_t frame_count(const struct thag_svg_chart *chart)
{
	return chart->frames.bytes / sizeof(struct frame);
}

static const struct frame *frame_at(const struct thag_svg_chart *chart, size_t index)
{
	return (const struct frame *)chart->frames.data + index;
}

/** What becomes of a function, asked for when its name is new. 0 or -ENOMEM. */
static int find_fate(struct thag_svg_chart *chart, uint32_t name, unsigned *fate)
{
	*fate = 0;
	if (!chart->fate_of)
		return 0;
	while (chart->fates.bytes <= name) {
		size_t bytes;
		const char *text =
			thag_strings_get(&chart->names, (uint32_t)chart->fates.bytes, &bytes);
		unsigned char found =
			(unsigned char)chart->fate_of(chart->fate_context, text, bytes);
		int ret = thag_buffer_append(&chart->fates, &found, 1);

		if (ret)
			return ret;
	}
	*fate = chart->fates.data[name];
	return 0;
}

static struct frame make_frame(const struct thag_svg_chart *chart, uint32_t name, unsigned fate)
{
	size_t count = frame_count(chart);
	bool hidden = fate & THAG_SIEVE_HIDE;
	struct frame frame = { .name = name,
			       .drops = fate & THAG_SIEVE_WITHOUT,
			       .drops_own = fate & THAG_SIEVE_WITHOUT_OWN,
			       .sought = fate & THAG_SIEVE_ONLY };

	/* what is a hidden one's own is its caller's */
	if (hidden)
		frame.drops_own = count && frame_at(chart, count - 1)->drops_own;
	frame.drawn =
		!hidden && !frame.drops && !chart->dropping && chart->depth < THAG_SVG_DEPTH_MAX;
	return frame;
}

/** Opens a box. 0 or -ENOMEM. */
static int open_span(struct thag_svg_chart *chart, uint32_t name)
{
	int ret = reserve(chart);

	if (ret)
		return ret;
	chart->depth++;
	chart->open[chart->depth] = (uint32_t)chart->count;
	chart->spans[chart->count++] =
		(struct span){ .start = chart->now, .name = name, .depth = chart->depth };
	return 0;
}

int thag_svg_chart_enter(struct thag_svg_chart *chart, const char *name, size_t bytes)
{
	uint32_t number;
	unsigned fate;
	int ret = thag_strings_put(&chart->names, name,
				   (uint32_t)(bytes < UINT32_MAX ? bytes : UINT32_MAX), &number);

	if (!ret)
		ret = find_fate(chart, number, &fate);
	if (ret)
		return ret;
	struct frame frame = make_frame(chart, number, fate);

	ret = thag_buffer_append(&chart->frames, &frame, sizeof(frame));
	if (ret)
		return ret;
	chart->dropping += frame.drops;
	chart->sought += frame.sought;
	chart->hidden += chart->depth == THAG_SVG_DEPTH_MAX;
	return frame.drawn ? open_span(chart, number) : 0;
}

static void close_span(struct thag_svg_chart *chart)
{
	size_t index = chart->open[chart->depth];
	uint64_t width = width_of(chart, index);

	chart->depth--;
	chart->spans[index].width = width;
	if (width == 0 && index + 1 == chart->count) { /* nothing ever passed in it */
		chart->count--;
		chart->hidden += !chart->fate_of;
	}
}

void thag_svg_chart_leave(struct thag_svg_chart *chart)
{
	assert(chart->frames.bytes > 0);
	chart->frames.bytes -= sizeof(struct frame);
	const struct frame *frame = frame_at(chart, frame_count(chart));

	chart->dropping -= frame->drops;
	chart->sought -= frame->sought;
	if (frame->drawn)
		close_span(chart);
}

/** Whether what passes now is left out. */
static bool is_dropped(const struct thag_svg_chart *chart)
{
	size_t count = frame_count(chart);

	return chart->dropping || (chart->seeks && !chart->sought) ||
	       (count && frame_at(chart, count - 1)->drops_own);
}

int thag_svg_chart_pass(struct thag_svg_chart *chart, uint64_t width)
{
	if (is_dropped(chart))
		return 0;
	if (__builtin_add_overflow(chart->now, width, &chart->now))
		return -EOVERFLOW;
	chart->spans[chart->open[chart->depth]].self += width;
	return 0;
}

/** How many of the frames that are open the stack begins with; `*at`: where the rest of it is. */
static size_t count_common(const struct thag_svg_chart *chart, const char *stack, size_t bytes,
			   size_t *at)
{
	size_t common = 0, count = frame_count(chart);

	*at = 0;
	while (common < count) {
		size_t name_bytes;
		const char *name =
			thag_strings_get(&chart->names, frame_at(chart, common)->name, &name_bytes);

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
	size_t common = count_common(chart, stack, bytes, &at);
	int ret = 0;

	while (frame_count(chart) > common)
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

	while (frame_count(chart) > 0)
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
