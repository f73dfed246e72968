/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "format.h"
#include "memory.h"
#include "modes.h"
#include "notes.h"
#include "recorder.h"
#include "snapshot.h"

#define SIGNAL_BYTES 16

static json_t *integer(uint64_t value)
{
	return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *iso(uint64_t real_ns)
{
	char text[32];

	thag_format_iso(text, real_ns);
	return json_string(text);
}

static json_t *signal_name(int signal)
{
	char text[SIGNAL_BYTES];
	const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;

	if (signal <= 0)
		return json_null();
	if (name)
		snprintf(text, sizeof(text), "SIG%s", name);
	else
		snprintf(text, sizeof(text), "signal %d", signal % 1000);
	return json_string(text);
}

static json_t *argv(const struct thag_session *session)
{
	return thag_format_list((const char *)session->header.text[THAG_TEXT_ARGV],
				session->header.text_bytes[THAG_TEXT_ARGV]);
}

static json_t *files(const struct thag_session *session)
{
	json_t *list = json_array();

	for (int i = 0; i < THAG_SESSION_FILES_MAX; i++)
		if (session->files[i][0])
			json_array_append_new(list,
					      thag_format_json(session->files[i], THAG_PATH_BYTES));
	return list;
}

/* Whether what its program does now goes to a file. */
static bool is_recorded(const struct thag_session *session)
{
	return thag_session_is_live(session) && !session->finishing && thag_recorder_is_on(session);
}

/* The file it goes to, or came from. */
static json_t *recording(const struct thag_session *session)
{
	const char *path =
		session->opened.path[0] ? session->opened.path : thag_recorder_path(session);
	int error = thag_recorder_error(session);

	if (!path[0])
		return json_null();
	return json_pack("{s:o, s:o, s:b}", "file", thag_format_json(path, THAG_PATH_BYTES),
			 "error", error ? json_string(strerror(-error)) : json_null(), "on",
			 (int)is_recorded(session));
}

static json_t *message(const struct thag_session *session)
{
	return session->message[0] ? thag_format_json(session->message, THAG_MESSAGE_BYTES)
				   : json_null();
}

static json_t *thread_name(const struct thag_session *session, const struct thag_thread *thread)
{
	return thread->name_site ? thag_notes_name(session, thread->name_site) : json_null();
}

static json_t *thread_brief(const struct thag_session *session, const struct thag_thread *thread)
{
	return json_pack("{s:I, s:o, s:b, s:o}", "tid", (json_int_t)thread->tid, "calls",
			 integer(thread->calls), "ended", (int)thread->ended, "name",
			 thread_name(session, thread));
}

/* Since the program's start, in ns: ticks mean nothing to a reader. */
static json_t *since_start(const struct thag_session *session, uint64_t ticks, double rate)
{
	uint64_t start = session->header.start_ticks;

	return integer(ticks > start ? (uint64_t)((double)(ticks - start) * rate) : 0);
}

static json_t *thread_full(const struct thag_session *session, const struct thag_thread *thread,
			   double rate)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tid", (json_int_t)thread->tid,
			 "name", thread_name(session, thread), "calls", integer(thread->calls),
			 "truncated", integer(thread->truncated), "unwound",
			 integer(thread->unwound), "unmatched", integer(thread->unmatched),
			 "first_ns", since_start(session, thread->first_ticks, rate), "last_ns",
			 since_start(session, thread->last_ticks, rate));
}

/* A thread taken over from an earlier thagd that has said nothing since is not worth a line. */
static bool is_empty(const struct thag_thread *thread)
{
	return thread->calls == 0 && thread->tree.count <= 1;
}

/* `rate` 0: briefly, and no more than fit a list. */
static json_t *threads(struct thag_session *session, double rate)
{
	json_t *list = json_array();
	uint32_t limit = rate > 0 ? UINT32_MAX : THAG_REPORT_THREADS_MAX;

	thag_notes_lock(session);
	for (uint32_t i = 0; i < session->member_count && json_array_size(list) < limit; i++) {
		const struct thag_thread *thread = &session->members[i]->thread;

		if (!is_empty(thread))
			json_array_append_new(list, rate > 0 ? thread_full(session, thread, rate)
							     : thread_brief(session, thread));
	}
	if (session->folded)
		json_array_append_new(
			list, rate > 0 ? thread_full(session, &session->folded->thread, rate)
				       : thread_brief(session, &session->folded->thread));
	thag_notes_unlock(session);
	return list;
}

/* How many functions were known by their address, and what became of them. */
static json_t *symbols(const struct thag_session *session)
{
	const struct thag_naming_counts *counts = &session->naming_counts;
	uint32_t sites = atomic_load_explicit(&counts->sites, memory_order_relaxed);
	uint32_t late = thag_naming_late(counts);
	json_t *unnamed;

	if (sites == 0)
		return json_null();
	unnamed = json_object();
	for (uint32_t i = THAG_SYMBOL_STRIPPED; i < THAG_SYMBOL_STATUS_COUNT; i++) {
		uint32_t count = atomic_load_explicit(&counts->by_status[i], memory_order_relaxed);

		if (i == THAG_SYMBOL_LATE)
			count += late;
		json_object_set_new(unnamed, thag_symbol_status_name(i), integer(count));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "functions", integer(sites), "named",
			 integer(atomic_load_explicit(&counts->by_status[THAG_SYMBOL_FOUND],
						      memory_order_relaxed)),
			 "with_line",
			 integer(atomic_load_explicit(&counts->lines, memory_order_relaxed)),
			 "unnamed", unnamed);
}

static json_t *decimal(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

/* What no reader of a profile should overlook. */
static uint64_t all_lost(const struct thag_session_counts *counts)
{
	uint64_t lost = counts->lost + counts->holes;

	return lost + counts->lost_before;
}

static bool is_ending(const struct thag_session *session)
{
	return session->ending && thag_session_is_live(session);
}

json_t *thag_report_session(struct thag_session *session)
{
	const struct thag_session_counts *counts = &session->counts;

	json_t *object = json_pack(
		"{s:o, s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		decimal(session->id), "program", session->program, "pid", (int)session->pid,
		"state", thag_session_state_name(session->state), "signal",
		signal_name(session->signal), "start", iso(session->start_real_ns), "duration_ns",
		integer(thag_session_duration_ns(session)), "events", integer(counts->events),
		"lost", integer(all_lost(counts)), "truncated", integer(counts->truncated),
		"threads", threads(session, 0), "argv", argv(session), "files", files(session),
		"message", message(session));

	if (object) {
		json_object_set_new(object, "saved", json_boolean(session->saved));
		json_object_set_new(object, "ending", json_boolean(is_ending(session)));
		json_object_set_new(object, "recording", recording(session));
		if (session->state == THAG_SESSION_OPENING)
			json_object_set_new(object, "expected", integer(session->opened.events));
		json_object_set_new(object, "timeline", json_boolean(session->history));
		thag_modes_report(session, object);
		json_object_set_new(object, "symbols", symbols(session));
		json_object_set_new(object, "memory", thag_memory_object(session, &counts->memory));
		if (session->clock)
			thag_notes_report(session, session->clock, counts, false, object);
	}
	return object;
}

static json_t *lost_object(const struct thag_session_counts *counts)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "calls", integer(counts->lost), "words",
			 integer(counts->holes), "with_earlier_thagd", integer(counts->lost_before),
			 "refused_threads", integer(counts->refused_threads));
}

static json_t *clock_object(const struct thag_session *session, double rate)
{
	static const char *const names[] = { "unknown", "tsc", "monotonic", "cntvct" };
	uint32_t kind = session->header.clock;

	return json_pack("{s:s, s:f}", "source", names[kind < 4 ? kind : 0], "ticks_per_ns",
			 1 / rate);
}

static json_t *cost_object(const struct thag_session *session, double rate)
{
	return json_pack("{s:f, s:f}", "inside_ns", session->header.cost_inside * rate / 256,
			 "outside_ns", session->header.cost_outside * rate / 256);
}

static json_t *exit_object(const struct thag_session *session)
{
	return session->exit_code >= 0 ? json_integer(session->exit_code) : json_null();
}

/* What happened, in the order a reader asks for it. */
static json_t *file_head(struct thag_session *session, uint64_t total_ns)
{
	return json_pack("{s:s, s:i, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:o}",
			 "program", session->program, "pid", (int)session->pid, "argv",
			 argv(session), "unit", "ns", "start", iso(session->start_real_ns),
			 "start_unix_ns", integer(session->start_real_ns), "duration_ns",
			 integer(thag_session_duration_ns(session)), "state",
			 thag_session_state_name(session->state), "signal",
			 signal_name(session->signal), "exit_code", exit_object(session),
			 "corrected", 1, "total_ns", integer(total_ns), "message",
			 message(session));
}

json_t *thag_report_file(struct thag_session *session, struct thag_clock_rate *clock,
			 uint64_t total_ns, json_t *memory)
{
	const struct thag_session_counts *counts = &session->counts;
	double rate = thag_snapshot_rate(session, clock);
	json_t *file = file_head(session, total_ns);
	json_t *tail = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
		"events", integer(counts->events), "calls", integer(counts->calls), "lost",
		lost_object(counts), "truncated_frames", integer(counts->truncated), "unwound",
		integer(counts->unwound), "unmatched", integer(counts->unmatched), "orphans",
		integer(counts->orphans), "skewed", integer(counts->skewed), "invalid",
		integer(counts->invalid), "waits", integer(counts->waits), "cost_per_call",
		cost_object(session, rate), "clock", clock_object(session, rate), "threads",
		threads(session, rate), "symbols", symbols(session), "thagd", THAG_VERSION);

	if (file)
		thag_modes_report(session, file);
	if (tail) {
		thag_notes_report(session, clock, counts, true, tail);
		json_object_set(tail, "memory", memory);
		json_object_set_new(tail, "recording", recording(session));
	}
	json_decref(memory);
	if (file && tail && json_object_update(file, tail) == 0) {
		json_decref(tail);
		return file;
	}
	json_decref(file);
	json_decref(tail);
	return NULL;
}
