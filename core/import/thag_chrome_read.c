/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Events are gathered as slices of tracks, whose memory is all that it takes beside the file's:
 * begins and ends become slices first, then each track's slices are nested by time.
 */
#include "thag_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_json_scan.h"
#include "thag_stacks.h"
#include "thag_strings.h"

#define NUMBER_BYTES 64
#define LAST UINT64_MAX /* the end of a slice that has none */

enum kind { COMPLETE, BEGIN, END, TAKEN };

struct slice {
	uint64_t start, end; /* ns */
	uint32_t track, name;
	uint32_t kind;
	uint32_t order; /* in the file */
};

struct reading {
	struct thag_json_scan scan;
	const char *text;
	struct thag_import_report *report;
	struct thag_stacks *stacks;
	struct thag_strings names, tracks;
	struct thag_buffer slices; /* struct slice */
	struct thag_buffer scratch;
	uint64_t events;
};

/** The fields of an event that matter, as they stand there; empty where they don't. */
struct event {
	struct thag_json_piece name, phase, ts, dur, pid, tid;
};

static int fail_event(struct reading *reading, const char *what)
{
	return thag_import_fail(reading->report, -EBADMSG, "event %" PRIu64 " (byte %zu): %s",
				reading->events, (size_t)(reading->scan.at - reading->text), what);
}

static int fail_json(struct reading *reading)
{
	return thag_import_fail(reading->report, -EBADMSG, "byte %zu: %s",
				(size_t)(reading->scan.at - reading->text), reading->scan.wrong);
}

static bool take_field(struct thag_json_scan *scan, struct thag_json_piece key, struct event *event)
{
	const struct {
		const char *key;
		struct thag_json_piece *piece;
	} fields[] = { { "name", &event->name }, { "ph", &event->phase }, { "ts", &event->ts },
		       { "dur", &event->dur },	 { "pid", &event->pid },  { "tid", &event->tid } };
	struct thag_json_piece other;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (thag_json_is(key, fields[i].key))
			return thag_json_value(scan, fields[i].piece);
	return thag_json_value(scan, &other);
}

static bool is_digits(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return bytes > 0;
}

/** Microseconds with a fraction, exactly, in nanoseconds; more digits are dropped. */
static bool parse_plain(struct thag_json_piece piece, uint64_t *ns)
{
	const char *point = memchr(piece.text, '.', piece.bytes);
	size_t whole = point ? (size_t)(point - piece.text) : piece.bytes;
	size_t digits = point ? piece.bytes - whole - 1 : 0;
	uint64_t value = 0;

	if (!is_digits(piece.text, whole) || (point && !is_digits(point + 1, digits)))
		return false;
	for (size_t i = 0; i < whole + 3; i++) {
		char c = i < whole	      ? piece.text[i]
			 : i - whole < digits ? point[1 + i - whole]
					      : '0';

		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	*ns = value;
	return true;
}

/** A number of microseconds, however it is written. */
static bool parse_us(struct thag_json_piece piece, uint64_t *ns)
{
	char text[NUMBER_BYTES], *end;

	if (!piece.bytes)
		return false;
	if (parse_plain(piece, ns))
		return true;
	if (piece.bytes >= sizeof(text) || piece.text[0] < '0' || piece.text[0] > '9')
		return false;
	memcpy(text, piece.text, piece.bytes);
	text[piece.bytes] = '\0';
	double us = strtod(text, &end);

	if (*end || !(us >= 0 && us < 0x1p63 / 1e3))
		return false;
	*ns = (uint64_t)(us * 1e3 + 0.5);
	return true;
}

static int find_track(struct reading *reading, const struct event *event, uint32_t *track)
{
	struct thag_buffer *scratch = &reading->scratch;
	int ret;

	scratch->bytes = 0;
	ret = thag_buffer_append(scratch, event->pid.text, event->pid.bytes);
	if (!ret)
		ret = thag_buffer_append(scratch, " ", 1);
	if (!ret)
		ret = thag_buffer_append(scratch, event->tid.text, event->tid.bytes);
	if (!ret && scratch->bytes > NUMBER_BYTES)
		return fail_event(reading, "its pid or tid is too long");
	return ret ? ret
		   : thag_strings_put(&reading->tracks, (const char *)scratch->data,
				      (uint32_t)scratch->bytes, track);
}

/** The name of a slice, which is a string, or nothing for one that ends. */
static int find_name(struct reading *reading, const struct event *event, uint32_t *name)
{
	struct thag_buffer *scratch = &reading->scratch;
	struct thag_json_piece piece = event->name;
	int ret = 0;

	scratch->bytes = 0;
	if (piece.bytes >= 2 && piece.text[0] == '"') {
		piece.text++;
		piece.bytes -= 2;
		ret = thag_json_text(piece, scratch);
	}
	if (!ret)
		ret = thag_buffer_append(scratch, "", 1);
	if (!ret && scratch->bytes > UINT32_MAX)
		return fail_event(reading, "its name is too long");
	return ret ? ret
		   : thag_strings_put(&reading->names, (const char *)scratch->data,
				      (uint32_t)scratch->bytes - 1, name);
}

static int add_event(struct reading *reading, const struct event *event, enum kind kind)
{
	struct slice slice = { .kind = kind,
			       .order = (uint32_t)(reading->slices.bytes / sizeof(slice)) };
	uint64_t duration = 0;
	int ret;

	if (!parse_us(event->ts, &slice.start))
		return fail_event(reading, "its ts is no number from 0 to 2^64 ns");
	if (kind == COMPLETE && event->dur.bytes && !parse_us(event->dur, &duration))
		return fail_event(reading, "its dur is no number from 0 to 2^64 ns");
	if (__builtin_add_overflow(slice.start, duration, &slice.end) || slice.end == LAST)
		return fail_event(reading, "it ends after 2^64 ns");
	if (reading->slices.bytes / sizeof(slice) == UINT32_MAX)
		return fail_event(reading, "there are more than 2^32 events");
	ret = find_track(reading, event, &slice.track);
	if (!ret && kind != END)
		ret = find_name(reading, event, &slice.name);
	return ret ? ret : thag_buffer_append(&reading->slices, &slice, sizeof(slice));
}

static int read_event(struct reading *reading)
{
	struct event event = { 0 };
	struct thag_json_piece key;
	bool first = true;

	reading->events++;
	if (!thag_json_take(&reading->scan, '{'))
		return fail_json(reading);
	while (thag_json_key(&reading->scan, &first, &key))
		if (!take_field(&reading->scan, key, &event))
			break;
	if (reading->scan.wrong)
		return fail_json(reading);
	if (thag_json_is(event.phase, "\"X\""))
		return add_event(reading, &event, COMPLETE);
	if (thag_json_is(event.phase, "\"B\""))
		return add_event(reading, &event, BEGIN);
	if (thag_json_is(event.phase, "\"E\""))
		return add_event(reading, &event, END);
	return 0;
}

/** The array's end may be missing, in a trace whose program was killed. */
static int read_events(struct reading *reading)
{
	bool first = true;
	int ret = thag_json_take(&reading->scan, '[') ? 0 : fail_json(reading);

	while (!ret) {
		if (thag_json_peek(&reading->scan) == '\0')
			return 0;
		if (!thag_json_next(&reading->scan, &first))
			break;
		if (thag_json_peek(&reading->scan) == '\0')
			return 0;
		ret = read_event(reading);
	}
	return ret || !reading->scan.wrong ? ret : fail_json(reading);
}

static int read_object(struct reading *reading)
{
	struct thag_json_piece key, other;
	bool first = true, found = false;
	int ret = thag_json_take(&reading->scan, '{') ? 0 : fail_json(reading);

	while (!ret && thag_json_key(&reading->scan, &first, &key)) {
		if (thag_json_is(key, "traceEvents")) {
			found = true;
			ret = read_events(reading);
		} else if (!thag_json_value(&reading->scan, &other)) {
			break;
		}
	}
	if (!ret && reading->scan.wrong)
		ret = fail_json(reading);
	if (!ret && !found)
		return thag_import_fail(reading->report, -EBADMSG,
					"it is JSON, but has no \"traceEvents\"");
	return ret;
}

static int compare_ids(const struct slice *a, const struct slice *b)
{
	if (a->track != b->track)
		return a->track < b->track ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

static int compare_times(const void *left, const void *right)
{
	const struct slice *a = left, *b = right;
	int order = compare_ids(a, b);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/** The longer of two that begin together is around the other. */
static int compare_nesting(const void *left, const void *right)
{
	const struct slice *a = left, *b = right;
	int order = compare_ids(a, b);

	if (!order)
		order = (a->end < b->end) - (a->end > b->end);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void pair_end(struct reading *reading, struct slice *slices, struct slice *end,
		     struct thag_buffer *open)
{
	size_t count = open->bytes / sizeof(uint32_t);
	uint32_t index;

	end->kind = TAKEN;
	if (!count) {
		reading->report->left_out++;
		reading->report->why = "events that end what never began";
		return;
	}
	memcpy(&index, open->data + (count - 1) * sizeof(index), sizeof(index));
	open->bytes -= sizeof(index);
	slices[index].end = end->start;
	slices[index].kind = COMPLETE;
}

/** What was never ended is until the last that is known of its track. */
static void end_open(struct slice *slices, struct thag_buffer *open, uint64_t last)
{
	const uint32_t *list = (const void *)open->data;

	for (size_t i = 0; i < open->bytes / sizeof(*list); i++) {
		slices[list[i]].end = last;
		slices[list[i]].kind = COMPLETE;
	}
	open->bytes = 0;
}

/** Makes slices of begins and ends. */
static int pair_up(struct reading *reading, struct slice *slices, uint32_t count)
{
	struct thag_buffer open = { 0 }; /* uint32_t, of one track */
	uint64_t last = 0;
	int ret = 0;

	qsort(slices, count, sizeof(*slices), compare_times);
	for (uint32_t i = 0; i < count && !ret; i++) {
		if (i && slices[i].track != slices[i - 1].track) {
			end_open(slices, &open, last);
			last = 0;
		}
		if (slices[i].end > last)
			last = slices[i].end;
		if (slices[i].kind == BEGIN)
			ret = thag_buffer_append(&open, &i, sizeof(i));
		else if (slices[i].kind == END)
			pair_end(reading, slices, &slices[i], &open);
	}
	end_open(slices, &open, last);
	thag_buffer_fini(&open);
	return ret;
}

/** A slice that is open, while those in it are looked at. */
struct open_slice {
	uint64_t end, inside; /* ns: what slices in it take */
	uint64_t start;
	uint32_t node;
};

static int close_last(struct reading *reading, struct thag_buffer *open)
{
	struct open_slice last;

	open->bytes -= sizeof(last);
	memcpy(&last, open->data + open->bytes, sizeof(last));
	reading->report->stacks++;
	return thag_stacks_add(reading->stacks, last.node, last.end - last.start - last.inside, 1);
}

static struct open_slice *last_of(struct thag_buffer *open)
{
	struct open_slice *list = (void *)open->data;

	return open->bytes ? &list[open->bytes / sizeof(*list) - 1] : NULL;
}

static int open_slice(struct reading *reading, const struct slice *slice, struct thag_buffer *open)
{
	struct open_slice *around = last_of(open);
	struct open_slice new = { .start = slice->start, .end = slice->end };
	size_t bytes;
	const char *name = thag_strings_get(&reading->names, slice->name, &bytes);
	int ret;

	if (around && around->end < new.end)
		new.end = around->end;
	if (around)
		around->inside += new.end - new.start;
	ret = thag_stacks_child(reading->stacks, around ? around->node : THAG_STACKS_ROOT, name,
				bytes, &new.node);
	return ret ? ret : thag_buffer_append(open, &new, sizeof(new));
}

static int nest(struct reading *reading, struct slice *slices, uint32_t count)
{
	struct thag_buffer open = { 0 }; /* struct open_slice, of one track */
	int ret = 0;

	qsort(slices, count, sizeof(*slices), compare_nesting);
	for (uint32_t i = 0; i <= count && !ret; i++) {
		bool same = i && i < count && slices[i].track == slices[i - 1].track;

		while (open.bytes && !ret && (!same || last_of(&open)->end <= slices[i].start))
			ret = close_last(reading, &open);
		if (i < count && slices[i].kind == COMPLETE && !ret)
			ret = open_slice(reading, &slices[i], &open);
	}
	thag_buffer_fini(&open);
	return ret;
}

static int make_stacks(struct reading *reading)
{
	struct slice *slices = (void *)reading->slices.data;
	uint32_t count = (uint32_t)(reading->slices.bytes / sizeof(*slices));
	int ret;

	if (!count)
		return 0;
	ret = pair_up(reading, slices, count);
	return ret ? ret : nest(reading, slices, count);
}

static int read_text(struct reading *reading, const struct thag_import_options *options)
{
	struct thag_json_scan *scan = &reading->scan;

	if (options->value)
		return thag_import_fail(reading->report, -EINVAL,
					"a trace of Chrome's has no values but time");
	if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xef\xbb\xbf", 3) == 0)
		scan->at += 3;
	return thag_json_peek(scan) == '[' ? read_events(reading) : read_object(reading);
}

int thag_chrome_read(const void *data, size_t bytes, const struct thag_import_options *options,
		     struct thag_import_report *report, struct thag_profile **out)
{
	struct reading reading = { .text = data,
				   .scan = { .at = data, .end = (const char *)data + bytes },
				   .report = report };
	int ret = thag_stacks_create(&reading.stacks, options->root_name);

	if (!ret)
		ret = read_text(&reading, options);
	if (!ret)
		ret = make_stacks(&reading);
	if (!ret)
		ret = thag_stacks_finish(reading.stacks, out);
	if (!ret)
		snprintf(report->unit, sizeof(report->unit), "nanoseconds");
	thag_stacks_destroy(reading.stacks);
	thag_strings_fini(&reading.names);
	thag_strings_fini(&reading.tracks);
	thag_buffer_fini(&reading.slices);
	thag_buffer_fini(&reading.scratch);
	return ret;
}
