/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * thagd gives calls as thag_chrome.h writes them: a line an event, in the order they began, and
 * each a value of JSON. So they are read line by line, whatever their number.
 */
#include "calls.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"
#include "sessions.h"

/** A call, in nanoseconds since the session began. */
struct call {
	const char *name;
	uint64_t start, end;
};

/** A thread that is drawn. */
struct drawing {
	struct thag_svg_chart *chart;
	const struct thag_source_query *query;
	uint32_t thread;
	struct thag_buffer ends; /* uint64_t, of the calls that are open, the innermost last */
	uint64_t now;
	bool begun;
	uint64_t calls;
};

static int pass_until(struct drawing *drawing, uint64_t then)
{
	uint64_t width = then > drawing->now ? then - drawing->now : 0;

	drawing->now += width;
	return thag_svg_chart_pass(drawing->chart, width);
}

/** Leaves what has ended by then, and is then. */
static int go_to(struct drawing *drawing, uint64_t then)
{
	struct thag_buffer *ends = &drawing->ends;
	uint64_t end;
	int ret = 0;

	while (ends->bytes && !ret) {
		memcpy(&end, ends->data + ends->bytes - sizeof(end), sizeof(end));
		if (end > then)
			break;
		ret = pass_until(drawing, end);
		thag_svg_chart_leave(drawing->chart);
		ends->bytes -= sizeof(end);
	}
	return ret || then == UINT64_MAX ? ret : pass_until(drawing, then);
}

static int draw_call(struct drawing *drawing, const struct call *call)
{
	int ret;

	if (!drawing->begun)
		drawing->now = call->start;
	drawing->begun = true;
	drawing->calls++;
	ret = go_to(drawing, call->start);
	if (!ret)
		ret = thag_svg_chart_enter(drawing->chart, call->name, strlen(call->name));
	return ret ? ret : thag_buffer_append(&drawing->ends, &call->end, sizeof(call->end));
}

static uint64_t ns_of(const json_t *us)
{
	double ns = json_number_value(us) * 1000;

	return ns > 0 && ns < 0x1p63 ? (uint64_t)llround(ns) : 0;
}

/** The part of a call that is in the range; whether there is any. */
static bool clip(const struct thag_source_query *query, struct call *call)
{
	if (call->start < query->from_ns)
		call->start = query->from_ns;
	if (query->to_ns && call->end > query->to_ns)
		call->end = query->to_ns;
	return call->start < call->end;
}

static int draw_event(struct drawing *drawing, const json_t *event)
{
	const char *phase = json_string_value(json_object_get(event, "ph"));
	struct call call = { .name = json_string_value(json_object_get(event, "name")),
			     .start = ns_of(json_object_get(event, "ts")) };

	if (!phase || strcmp(phase, "X") != 0 || !call.name ||
	    json_integer_value(json_object_get(event, "tid")) != drawing->thread)
		return 0;
	call.end = call.start + ns_of(json_object_get(event, "dur"));
	return clip(drawing->query, &call) ? draw_call(drawing, &call) : 0;
}

/** Of the file, lines that are no event are its beginning and its end. */
static int draw_line(struct drawing *drawing, const char *line, size_t bytes)
{
	while (bytes && (line[bytes - 1] == '\n' || line[bytes - 1] == ','))
		bytes--;
	if (bytes == 0 || line[0] != '{' || line[bytes - 1] != '}')
		return 0;
	json_t *event = json_loadb(line, bytes, 0, NULL);
	int ret = event ? draw_event(drawing, event) : 0;

	json_decref(event);
	return ret;
}

/** 0 or a negative errno. */
static int draw_all(struct drawing *drawing, int fd)
{
	int copy = dup(fd);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "r");
	char *line = NULL;
	size_t capacity = 0;
	ssize_t bytes;
	int ret = 0;

	if (!file) {
		ret = -errno;
		if (copy >= 0)
			close(copy);
		return ret;
	}
	rewind(file);
	while (!ret && (bytes = getline(&line, &capacity, file)) > 0)
		ret = draw_line(drawing, line, (size_t)bytes);
	if (!ret)
		ret = ferror(file) ? -EIO : go_to(drawing, UINT64_MAX);
	free(line);
	fclose(file);
	thag_buffer_fini(&drawing->ends);
	return ret;
}

/** The session's entry in thagd's list; NULL: it isn't there. Borrowed. */
static const json_t *find_session(const json_t *list, const char *id)
{
	const json_t *sessions = json_object_get(list, "sessions");
	size_t count = json_array_size(sessions);

	if (strcmp(id, "latest") == 0)
		return count ? json_array_get(sessions, count - 1) : NULL;
	for (size_t i = 0; i < count; i++)
		if (strcmp(thag_session_text(json_array_get(sessions, i), "id"), id) == 0)
			return json_array_get(sessions, i);
	return NULL;
}

/** The program's first thread, or another where that called nothing. */
static uint32_t first_thread(const json_t *session)
{
	const json_t *threads = json_object_get(session, "threads"), *thread;
	json_int_t pid = json_integer_value(json_object_get(session, "pid"));
	size_t i;

	json_array_foreach(threads, i, thread)
	{
		if (json_integer_value(json_object_get(thread, "tid")) == pid)
			return (uint32_t)pid;
	}
	return (uint32_t)json_integer_value(json_object_get(json_array_get(threads, 0), "tid"));
}

static int ask_list(const struct thag_command *command, json_t **list)
{
	struct thag_reply reply;
	int ret = thag_client_command(command, json_pack("{s:s}", "op", "list"),
				      THAG_CLIENT_TIMEOUT_MS, &reply);

	if (ret)
		return ret;
	*list = thag_reply_take_list(&reply);
	thag_reply_fini(&reply);
	return *list ? THAG_EXIT_OK : thag_client_complain(command, -EPROTO);
}

static json_t *make_request(const char *id, const struct drawing *drawing)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "op", "export", "session", id, "format",
			 "chrome", "thread", (json_int_t)drawing->thread, "from",
			 (json_int_t)drawing->query->from_ns, "to",
			 (json_int_t)drawing->query->to_ns);
}

/** Draws what thagd gives, and passes on what it says is missing. */
static int draw_session(const struct thag_command *command, const char *id, struct drawing *drawing)
{
	struct thag_reply reply;
	int ret = thag_client_command(command, make_request(id, drawing),
				      THAG_CLIENT_EXPORT_TIMEOUT_MS, &reply);

	if (ret)
		return ret;
	const char *note = json_string_value(json_object_get(reply.body, "note"));

	ret = reply.data_fd < 0 ? -EPROTO : draw_all(drawing, reply.data_fd);
	if (ret)
		ret = thag_client_complain(command, ret);
	else if (note)
		thag_command_complain(command, "%s", note);
	thag_reply_fini(&reply);
	return ret;
}

int thag_calls_load(const struct thag_command *command, const char *id,
		    const struct thag_source_query *query, struct thag_svg_chart *chart,
		    char **title)
{
	struct drawing drawing = { .query = query, .chart = chart };
	json_t *list = NULL;
	int ret = ask_list(command, &list);

	if (ret)
		return ret;
	const json_t *session = find_session(list, id);

	/* thagd says itself that it has no such session */
	drawing.thread = query->thread || !session ? query->thread : first_thread(session);
	ret = draw_session(command, id, &drawing);
	if (!ret && drawing.calls == 0) {
		thag_command_complain(command, "thread %" PRIu32 " called nothing there",
				      drawing.thread);
		ret = THAG_EXIT_NOT_FOUND;
	}
	if (!ret && asprintf(title, "%s, session %s, thread %" PRIu32,
			     thag_session_text(session, "program"),
			     thag_session_text(session, "id"), drawing.thread) < 0)
		ret = thag_client_complain(command, -ENOMEM);
	json_decref(list);
	return ret;
}
