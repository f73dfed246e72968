/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_buffer.h"
#include "thag_perf_line.h"
#include "thag_stacks.h"

#define UNKNOWN "[unknown]"

/** A sample, as far as its lines have come. */
struct sample {
	struct thag_perf_head head;
	struct thag_buffer frames; /* struct thag_perf_frame, the innermost first */
	uint64_t value;
	bool open, other; /* of an event that doesn't count */
};

struct reading {
	struct thag_stacks *stacks;
	struct thag_import_report *report;
	struct sample sample;
	struct thag_perf_text event; /* that counts: the first */
	struct thag_buffer name;
	uint64_t line;
	bool by_samples;
};

static bool same(struct thag_perf_text a, struct thag_perf_text b)
{
	return a.bytes == b.bytes && (!a.bytes || memcmp(a.text, b.text, a.bytes) == 0);
}

/** A command's spaces become underscores. */
static int name_command(struct reading *reading, struct thag_perf_text comm)
{
	int ret;

	reading->name.bytes = 0;
	ret = thag_buffer_append(&reading->name, comm.text, comm.bytes);
	for (size_t i = 0; i < reading->name.bytes && !ret; i++)
		if (reading->name.data[i] == ' ')
			reading->name.data[i] = '_';
	return ret;
}

/** What has no symbol goes by its file's name, in brackets. */
static int name_frame(struct reading *reading, const struct thag_perf_frame *frame)
{
	static const struct thag_perf_text unknown = { UNKNOWN, sizeof(UNKNOWN) - 1 };
	struct thag_perf_text file = frame->file;
	const char *slash = file.bytes ? memrchr(file.text, '/', file.bytes) : NULL;
	int ret;

	reading->name.bytes = 0;
	if (!same(frame->symbol, unknown) || same(file, unknown) || !file.bytes)
		return thag_buffer_append(&reading->name, frame->symbol.text, frame->symbol.bytes);
	if (slash) {
		file.bytes -= (size_t)(slash + 1 - file.text);
		file.text = slash + 1;
	}
	if (file.bytes && file.text[0] == '[') /* [vdso], [kernel.kallsyms] */
		return thag_buffer_append(&reading->name, file.text, file.bytes);
	ret = thag_buffer_append(&reading->name, "[", 1);
	if (!ret)
		ret = thag_buffer_append(&reading->name, file.text, file.bytes);
	return ret ? ret : thag_buffer_append(&reading->name, "]", 1);
}

static int step_down(struct reading *reading, uint32_t *node)
{
	return thag_stacks_child(reading->stacks, *node, (const char *)reading->name.data,
				 reading->name.bytes, node);
}

static int add_sample(struct reading *reading)
{
	struct sample *sample = &reading->sample;
	const struct thag_perf_frame *frames = (const void *)sample->frames.data;
	uint32_t node = THAG_STACKS_ROOT;
	int ret = name_command(reading, sample->head.comm);

	if (!ret)
		ret = step_down(reading, &node);
	for (size_t i = sample->frames.bytes / sizeof(*frames); i-- > 0 && !ret;) {
		ret = name_frame(reading, &frames[i]);
		if (!ret)
			ret = step_down(reading, &node);
	}
	if (!ret)
		ret = thag_stacks_add(reading->stacks, node, sample->value, 1);
	reading->report->stacks += !ret;
	return ret;
}

static int end_sample(struct reading *reading)
{
	struct sample *sample = &reading->sample;
	int ret = 0;

	if (sample->open && sample->other) {
		reading->report->left_out++;
		reading->report->why = "samples of other events than the first";
	} else if (sample->open) {
		ret = add_sample(reading);
	}
	sample->open = false;
	sample->frames.bytes = 0;
	return ret;
}

static int read_value(struct reading *reading, const struct thag_perf_head *head)
{
	uint64_t value = 0;

	for (size_t i = 0; i < head->digits.bytes; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(head->digits.text[i] - '0'), &value))
			return thag_import_fail(reading->report, -EBADMSG,
						"line %" PRIu64 ": the period is 2^64 or more",
						reading->line);
	reading->sample.value = reading->by_samples || !head->digits.bytes ? 1 : value;
	return 0;
}

static int begin_sample(struct reading *reading, const struct thag_perf_head *head)
{
	struct sample *sample = &reading->sample;
	int ret = end_sample(reading);

	if (!ret)
		ret = read_value(reading, head);
	if (ret)
		return ret;
	if (!reading->event.bytes)
		reading->event = head->event;
	sample->head = *head;
	sample->other = head->event.bytes && !same(reading->event, head->event);
	sample->open = true;
	return 0;
}

static bool is_blank(const char *line, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static int read_line(struct reading *reading, const char *line, size_t bytes)
{
	struct thag_perf_frame frame;
	struct thag_perf_head head;

	if (is_blank(line, bytes))
		return end_sample(reading);
	if (line[0] == '#')
		return 0;
	if (thag_perf_frame_parse(line, bytes, &frame)) {
		if (reading->sample.open)
			return thag_buffer_append(&reading->sample.frames, &frame, sizeof(frame));
		return thag_import_fail(reading->report, -EBADMSG,
					"line %" PRIu64 ": a frame before any sample",
					reading->line);
	}
	if (thag_perf_head_parse(line, bytes, &head))
		return begin_sample(reading, &head);
	return thag_import_fail(reading->report, -EBADMSG,
				"line %" PRIu64 ": neither a sample nor a frame of perf script",
				reading->line);
}

static int read_lines(struct reading *reading, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	int ret = 0;

	while (text < end && !ret) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		if (!line_end)
			line_end = end;
		reading->line++;
		ret = read_line(reading, text, (size_t)(line_end - text));
		text = line_end + 1;
	}
	return ret ? ret : end_sample(reading);
}

static int choose_value(struct reading *reading, const char *value)
{
	reading->by_samples = value && strcmp(value, "samples") == 0;
	if (value && !reading->by_samples && strcmp(value, "period") != 0)
		return thag_import_fail(reading->report, -EINVAL,
					"perf script has the values 'period' and 'samples'");
	return 0;
}

int thag_perf_read(const void *data, size_t bytes, const struct thag_import_options *options,
		   struct thag_import_report *report, struct thag_profile **out)
{
	struct reading reading = { .report = report };
	int ret = thag_stacks_create(&reading.stacks, options->root_name);

	if (!ret)
		ret = choose_value(&reading, options->value);
	if (!ret)
		ret = read_lines(&reading, data, bytes);
	if (!ret)
		ret = thag_stacks_finish(reading.stacks, out);
	if (!ret)
		snprintf(report->unit, sizeof(report->unit), "%s",
			 reading.by_samples ? "samples" : "");
	thag_stacks_destroy(reading.stacks);
	thag_buffer_fini(&reading.sample.frames);
	thag_buffer_fini(&reading.name);
	return ret;
}
