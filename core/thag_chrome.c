/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chrome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_text.h"

#define LINE_BYTES 256	/* numbers and names of fields of an event */
#define NAMES_PART 4	/* of all bytes names of threads get one in so many */
#define TAIL_BYTES 1024 /* what is behind all events */

static int put_text(struct thag_buffer *out, const char *text)
{
	return thag_buffer_append(out, text, strlen(text));
}

static int put_string(struct thag_buffer *out, const char *text, size_t bytes)
{
	return thag_text_append_json(out, text, bytes, THAG_FRAME_NAME_MAX);
}

static uint64_t ns_of(const struct thag_chrome *chrome, uint64_t ticks)
{
	uint64_t start = chrome->options.start_ticks;
	double ns = ticks > start ? (double)(ticks - start) * chrome->options.ns_per_tick : 0;

	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

static int put_us(struct thag_buffer *out, const char *field, uint64_t ns)
{
	char text[64];

	snprintf(text, sizeof(text), ",\"%s\":%" PRIu64 ".%03" PRIu64, field, ns / 1000, ns % 1000);
	return put_text(out, text);
}

int thag_chrome_name(struct thag_chrome *chrome, uint32_t tid, const char *name, size_t bytes)
{
	struct thag_buffer *out = chrome->out;
	char text[LINE_BYTES];
	int ret;

	if (out->bytes - chrome->start > chrome->options.bytes_max / NAMES_PART)
		return 0;
	snprintf(text, sizeof(text),
		 ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32
		 ",\"args\":{\"name\":",
		 chrome->options.pid, tid);
	ret = put_text(out, text);
	if (!ret)
		ret = put_string(out, name, bytes);
	return ret ? ret : put_text(out, "}}");
}

int thag_chrome_begin(struct thag_chrome *chrome, struct thag_buffer *out,
		      const struct thag_chrome_options *options)
{
	char text[LINE_BYTES];
	int ret;

	*chrome = (struct thag_chrome){ .out = out, .options = *options, .start = out->bytes };
	if (chrome->options.bytes_max == 0)
		chrome->options.bytes_max = THAG_CHROME_BYTES_MAX;
	snprintf(text, sizeof(text),
		 "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
		 "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%" PRIu32
		 ",\"tid\":0,\"args\":{\"name\":",
		 options->pid);
	ret = put_text(out, text);
	if (!ret)
		ret = put_string(out, options->program, strlen(options->program));
	return ret ? ret : put_text(out, "}}");
}

/* The fields that all events have. */
static int put_head(struct thag_chrome *chrome, const struct thag_call *call,
		    const struct thag_name *name, const char *phase, uint64_t ticks)
{
	static const char *const categories[] = { "function", "section", "task", "mark", "value" };
	struct thag_buffer *out = chrome->out;
	uint32_t track = call->flags & THAG_CALL_IN_TASK ? THAG_CHROME_TASKS_TID : 0;
	char text[LINE_BYTES];
	int ret = put_text(out, ",\n{\"name\":");

	if (!ret)
		ret = put_string(out, name->name, name->name_bytes);
	snprintf(text, sizeof(text),
		 ",\"cat\":\"%s\",\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32,
		 categories[call->kind], phase, chrome->options.pid, call->tid | track);
	if (!ret)
		ret = put_text(out, text);
	return ret ? ret : put_us(out, "ts", ns_of(chrome, ticks));
}

/* Flags, by the names of fields that are true. */
static int put_flags(struct thag_buffer *out, uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} names[] = { { THAG_CALL_BEFORE, ",\"begins_before\":true" },
		      { THAG_CALL_AFTER, ",\"ends_after\":true" },
		      { THAG_CALL_WAITED, ",\"waited\":true" },
		      { THAG_CALL_WAITS, ",\"waits\":true" },
		      { THAG_CALL_UNWOUND, ",\"unwound\":true" },
		      { THAG_CALL_TRUNCATED, ",\"truncated\":true" } };
	int ret = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !ret; i++)
		if (flags & names[i].flag)
			ret = put_text(out, names[i].text);
	return ret;
}

static int put_args(struct thag_buffer *out, const struct thag_call *call,
		    const struct thag_name *name)
{
	char text[64];
	int ret = put_text(out, ",\"args\":{\"file\":");

	if (!ret)
		ret = put_string(out, name->file, name->file_bytes);
	snprintf(text, sizeof(text), ",\"line\":%" PRIu32, name->line);
	if (!ret)
		ret = put_text(out, text);
	/* as text: a number of JSON isn't exact beyond 2^53 */
	snprintf(text, sizeof(text), ",\"task\":\"%" PRIu64 "\"", call->task);
	if (!ret && call->kind == THAG_CALL_TASK)
		ret = put_text(out, text);
	if (!ret)
		ret = put_flags(out, call->flags);
	return ret ? ret : put_text(out, "}}");
}

static int put_complete(struct thag_chrome *chrome, const struct thag_call *call,
			const struct thag_name *name)
{
	/* both ends are rounded alike: so what is within another stays there */
	uint64_t duration = ns_of(chrome, call->end) - ns_of(chrome, call->start);
	int ret = put_head(chrome, call, name, "X", call->start);

	if (!ret)
		ret = put_us(chrome->out, "dur", duration);
	return ret ? ret : put_args(chrome->out, call, name);
}

/* On no stack, since calls that began in it go on. */
static int put_pair(struct thag_chrome *chrome, const struct thag_call *call,
		    const struct thag_name *name)
{
	char id[64];
	int ret = put_head(chrome, call, name, "b", call->start);

	snprintf(id, sizeof(id), ",\"id\":\"%" PRIu64 "\"", ++chrome->pairs);
	if (!ret)
		ret = put_text(chrome->out, id);
	if (!ret)
		ret = put_args(chrome->out, call, name);
	if (!ret)
		ret = put_head(chrome, call, name, "e", call->end);
	if (!ret)
		ret = put_text(chrome->out, id);
	return ret ? ret : put_text(chrome->out, "}");
}

static int put_mark(struct thag_chrome *chrome, const struct thag_call *call,
		    const struct thag_name *name)
{
	int ret = put_head(chrome, call, name, "i", call->start);

	if (!ret)
		ret = put_text(chrome->out, ",\"s\":\"t\"");
	return ret ? ret : put_args(chrome->out, call, name);
}

static int put_value(struct thag_chrome *chrome, const struct thag_call *call,
		     const struct thag_name *name)
{
	char text[64];
	int ret = put_head(chrome, call, name, "C", call->start);

	snprintf(text, sizeof(text), ",\"args\":{\"value\":%" PRId64 "}}", call->value);
	return ret ? ret : put_text(chrome->out, text);
}

static int put_call(struct thag_chrome *chrome, const struct thag_call *call,
		    const struct thag_name *name)
{
	if (call->kind == THAG_CALL_MARK)
		return put_mark(chrome, call, name);
	if (call->kind == THAG_CALL_VALUE)
		return put_value(chrome, call, name);
	if (call->flags & THAG_CALL_CROSSES)
		return put_pair(chrome, call, name);
	return put_complete(chrome, call, name);
}

int thag_chrome_add(struct thag_chrome *chrome, const struct thag_calls *calls,
		    const struct thag_names *names)
{
	struct thag_buffer *out = chrome->out;
	int ret = 0;

	for (size_t i = 0; i < calls->count && !ret && !chrome->cut; i++) {
		struct thag_name name = thag_names_get(names, calls->calls[i].site);
		size_t before = out->bytes;

		ret = put_call(chrome, &calls->calls[i], &name);
		if (!ret && out->bytes - chrome->start + TAIL_BYTES > chrome->options.bytes_max) {
			out->bytes = before;
			chrome->cut = true;
			chrome->cut_ticks = calls->calls[i].start;
		}
	}
	return ret;
}

bool thag_chrome_is_whole(const struct thag_chrome *chrome, const struct thag_calls *calls,
			  const struct thag_chrome_facts *facts)
{
	return !chrome->cut && !calls->cut && calls->missing_to == 0 &&
	       facts->dropped_events == 0 && !facts->unread;
}

static int put_missing(struct thag_chrome *chrome, const struct thag_calls *calls,
		       const struct thag_chrome_facts *facts)
{
	char text[LINE_BYTES];
	int ret = 0;

	if (chrome->cut || calls->cut) {
		uint64_t end = ns_of(chrome, chrome->cut ? chrome->cut_ticks : calls->to);

		snprintf(text, sizeof(text), ",\"cut_ns\":%" PRIu64, end);
		ret = put_text(chrome->out, text);
	}
	if (!ret && calls->missing_to) {
		snprintf(text, sizeof(text),
			 ",\"missing_from_ns\":%" PRIu64 ",\"missing_to_ns\":%" PRIu64
			 ",\"missing_events\":%" PRIu64,
			 ns_of(chrome, calls->missing_from), ns_of(chrome, calls->missing_to),
			 calls->missing_events);
		ret = put_text(chrome->out, text);
	}
	snprintf(text, sizeof(text), ",\"dropped_events\":%" PRIu64, facts->dropped_events);
	return ret ? ret : put_text(chrome->out, text);
}

int thag_chrome_end(struct thag_chrome *chrome, const struct thag_calls *calls,
		    const struct thag_chrome_facts *facts, int ret)
{
	struct thag_buffer *out = chrome->out;
	uint64_t last = calls->last_ticks < calls->to ? calls->last_ticks : calls->to;
	char text[LINE_BYTES];

	snprintf(text, sizeof(text),
		 "\n],\"otherData\":{\"exporter\":\"thag " THAG_VERSION
		 "\",\"complete\":%s,\"from_ns\":%" PRIu64 ",\"to_ns\":%" PRIu64,
		 thag_chrome_is_whole(chrome, calls, facts) ? "true" : "false",
		 ns_of(chrome, facts->from_ticks), ns_of(chrome, last));
	if (!ret)
		ret = put_text(out, text);
	if (!ret)
		ret = put_missing(chrome, calls, facts);
	if (!ret)
		ret = put_text(out, "}}\n");
	if (ret)
		out->bytes = chrome->start;
	return ret;
}
