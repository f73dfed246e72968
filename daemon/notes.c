/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "notes.h"

#include <stdio.h>
#include <string.h>

#include "format.h"
#include "handshake.h"
#include "snapshot.h"

#define LINE_BYTES 160

/* What is on its way into a report. */
struct notes {
	struct thag_session *session;
	double rate;
	uint64_t now; /* ticks: until when what lives has lived */
	bool full;
};

static json_t *integer(uint64_t value)
{
	return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *ns(const struct notes *notes, uint64_t ticks)
{
	double value = (double)ticks * notes->rate;

	return json_integer(value < (double)INT64_MAX ? (json_int_t)value : INT64_MAX);
}

/* Since the program's start: ticks mean nothing to a reader. */
static json_t *since_start(const struct notes *notes, uint64_t ticks)
{
	uint64_t start = notes->session->header.start_ticks;

	return ns(notes, ticks > start ? ticks - start : 0);
}

void thag_notes_lock(struct thag_session *session)
{
	pthread_rwlock_wrlock(&session->lock);
	if (session->memory.shm)
		return;
	/* gone for good: names are in the table only, whose lock comes first */
	pthread_rwlock_unlock(&session->lock);
	pthread_mutex_lock(&session->names_lock);
	pthread_rwlock_wrlock(&session->lock);
}

void thag_notes_unlock(struct thag_session *session)
{
	bool named = !session->memory.shm;

	pthread_rwlock_unlock(&session->lock);
	if (named)
		pthread_mutex_unlock(&session->names_lock);
}

/* What a site is, and its name in `text`: as the program says it while its memory is there. */
static uint32_t read_site(const struct thag_session *session, uint32_t site, char *text,
			  size_t *bytes)
{
	const char *strings = (const char *)session->memory.shm + THAG_SHM_STRINGS_OFFSET;
	struct thag_shm_site entry;
	struct thag_name name;

	if (!session->memory.shm) {
		name = thag_names_get(session->names, site);
		*bytes = name.name_bytes < *bytes ? name.name_bytes : *bytes;
		memcpy(text, name.name, *bytes);
		return name.kind;
	}
	if (thag_handshake_read_site(session->memory.shm, site, &entry) != 1) {
		*bytes = 0;
		return 0;
	}
	*bytes = entry.name_bytes < *bytes ? entry.name_bytes : *bytes;
	memcpy(text, strings + entry.name_offset, *bytes);
	return entry.kind;
}

static uint32_t kind_of(const struct notes *notes, uint32_t site)
{
	char text[1];
	size_t bytes = sizeof(text);

	return read_site(notes->session, site, text, &bytes);
}

json_t *thag_notes_name(const struct thag_session *session, uint32_t site)
{
	char text[THAG_REPORT_NAME_BYTES];
	size_t bytes = sizeof(text);

	read_site(session, site, text, &bytes);
	if (bytes == 0 && site == THAG_SITE_OVERFLOW)
		return json_string("<overflow>");
	return thag_format_json(text, bytes);
}

static json_t *name(const struct notes *notes, uint32_t site)
{
	return thag_notes_name(notes->session, site);
}

static uint32_t limit(const struct notes *notes, uint32_t count)
{
	return notes->full || count < THAG_REPORT_NOTES_MAX ? count : THAG_REPORT_NOTES_MAX;
}

static json_t *tasks(const struct notes *notes)
{
	const struct thag_tasks *tasks = &notes->session->tasks;
	json_t *list = json_array();

	for (uint32_t i = 0; i < limit(notes, tasks->name_count); i++) {
		const struct thag_task_name *of = &tasks->names[i];
		uint64_t live = of->created - of->finished;
		uint64_t wall = of->wall + live * notes->now - of->live_since;

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
					name(notes, of->site), "created", integer(of->created),
					"finished", integer(of->finished), "live", integer(live),
					"steps", integer(of->steps), "running_ns",
					ns(notes, of->running), "wall_ns", ns(notes, wall),
					"longest_ns", ns(notes, of->longest_wall)));
	}
	return list;
}

static json_t *live_tasks(const struct notes *notes)
{
	const struct thag_task_state *task = notes->session->tasks.newest;
	json_t *list = json_array();

	for (uint32_t i = 0; task && i < THAG_REPORT_NOTES_MAX; i++, task = task->older) {
		const char *state = task->runs ? "running" : task->thread ? "suspended" : "new";
		uint64_t age =
			notes->now > task->created_ticks ? notes->now - task->created_ticks : 0;

		json_array_append_new(
			list, json_pack("{s:o, s:s, s:o, s:o}", "name", name(notes, task->site),
					"state", state, "thread",
					task->thread ? integer(task->thread->tid) : json_null(),
					"age_ns", ns(notes, age)));
	}
	return list;
}

static json_t *instants(const struct notes *notes, const struct thag_mark_name *mark)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < thag_events_instants(mark); i++)
		json_array_append_new(list, json_pack("[o, o]",
						      since_start(notes, mark->instants[i].ticks),
						      integer(mark->instants[i].tid)));
	return list;
}

/* The time below which a share of the rounds was, no less and no more than really measured. */
static json_t *quantile(const struct notes *notes, const struct thag_mark_name *frame,
			const uint64_t *counts, uint32_t permille)
{
	uint64_t ticks = thag_hist_quantile(counts, permille);

	if (ticks < frame->min)
		ticks = frame->min;
	return ns(notes, ticks < frame->max ? ticks : frame->max);
}

static void add_intervals(const struct notes *notes, const struct thag_mark_name *frame,
			  json_t *into)
{
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	if (!frame->intervals)
		return;
	thag_hist_sum(&notes->session->events.hists, frame->hist, counts);
	json_object_set_new(into, "min_ns", ns(notes, frame->min));
	json_object_set_new(into, "mean_ns", ns(notes, frame->sum / frame->intervals));
	json_object_set_new(into, "max_ns", ns(notes, frame->max));
	json_object_set_new(into, "p50_ns", quantile(notes, frame, counts, 500));
	json_object_set_new(into, "p99_ns", quantile(notes, frame, counts, 990));
}

static json_t *mark(const struct notes *notes, const struct thag_mark_name *mark)
{
	return json_pack("{s:o, s:o, s:o}", "name", name(notes, mark->site), "count",
			 integer(mark->count), "last_ns", since_start(notes, mark->last_ticks));
}

/* Marks, or with `frames` those that end rounds. */
static json_t *marks(const struct notes *notes, bool frames)
{
	const struct thag_events *events = &notes->session->events;
	json_t *list = json_array();

	for (uint32_t i = 0; i < events->mark_count; i++) {
		const struct thag_mark_name *at = &events->marks[i];
		json_t *one;

		if ((kind_of(notes, at->site) == THAG_SITE_FRAME) != frames ||
		    json_array_size(list) == limit(notes, events->mark_count))
			continue;
		one = mark(notes, at);
		if (frames)
			add_intervals(notes, at, one);
		if (notes->full)
			json_object_set_new(one, "instants", instants(notes, at));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *series(const struct notes *notes, const struct thag_value_name *value)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < value->points; i++)
		json_array_append_new(list, json_pack("[o, I]",
						      since_start(notes, value->series[i].ticks),
						      (json_int_t)value->series[i].value));
	return list;
}

static json_t *values(const struct notes *notes)
{
	const struct thag_events *events = &notes->session->events;
	json_t *list = json_array();

	for (uint32_t i = 0; i < limit(notes, events->value_count); i++) {
		const struct thag_value_name *at = &events->values[i];
		json_t *one =
			json_pack("{s:o, s:o, s:I, s:I, s:I, s:f}", "name", name(notes, at->site),
				  "count", integer(at->count), "last", (json_int_t)at->last, "min",
				  (json_int_t)at->min, "max", (json_int_t)at->max, "mean",
				  (double)(at->sum / (long double)at->count));

		if (notes->full)
			json_object_set_new(one, "series", series(notes, at));
		json_array_append_new(list, one);
	}
	return list;
}

static void add_line(json_t *list, uint64_t count, const char *one, const char *many)
{
	char text[LINE_BYTES];

	if (count == 0)
		return;
	if (count == 1)
		snprintf(text, sizeof(text), "1 %s", one);
	else
		snprintf(text, sizeof(text), "%llu %s", (unsigned long long)count, many);
	json_array_append_new(list, json_string(text));
}

static json_t *mistakes(const struct thag_session_counts *counts)
{
	json_t *list = json_array();

	add_line(list, counts->misuses[THAG_MISUSE_TASK],
		 "use of a task was wrong: it ran already, ran elsewhere, or was gone",
		 "uses of tasks were wrong: they ran already, ran elsewhere, or were gone");
	add_line(list, counts->misuses[THAG_MISUSE_SECTION],
		 "section's end was wrong: it had ended, had never begun, or was on another thread",
		 "ends of sections were wrong: they had ended, had never begun, or were on other "
		 "threads");
	add_line(list, counts->misuses[THAG_MISUSE_NAME], "name was NULL or too long",
		 "names were NULL or too long");
	add_line(list, counts->refused_tasks,
		 "task was not recorded: there were too many, or there was no room",
		 "tasks were not recorded: there were too many, or there was no room");
	add_line(list, counts->tasks_untold,
		 "task found no memory in thagd: each of its steps counts by itself",
		 "tasks found no memory in thagd: each of their steps counts by itself");
	add_line(list, counts->task_gaps,
		 "step of a task counts by itself: what came before it was lost",
		 "steps of tasks count by themselves: what came before them was lost");
	add_line(list, counts->dropped_notes,
		 "mark or value was not kept: there were too many names",
		 "marks or values were not kept: there were too many names");
	return list;
}

/* The numbers behind the words. */
static void add_counts(const struct thag_session_counts *counts, json_t *into)
{
	json_object_set_new(into, "misuses",
			    json_pack("{s:o, s:o, s:o}", "tasks",
				      integer(counts->misuses[THAG_MISUSE_TASK]), "sections",
				      integer(counts->misuses[THAG_MISUSE_SECTION]), "names",
				      integer(counts->misuses[THAG_MISUSE_NAME])));
	json_object_set_new(into, "refused_tasks", integer(counts->refused_tasks));
	json_object_set_new(into, "untold_tasks", integer(counts->tasks_untold));
	json_object_set_new(into, "task_gaps", integer(counts->task_gaps));
	json_object_set_new(into, "dropped_notes", integer(counts->dropped_notes));
}

static void add_all(const struct notes *notes, json_t *into)
{
	json_object_set_new(into, "tasks", tasks(notes));
	json_object_set_new(into, "live_tasks", live_tasks(notes));
	json_object_set_new(into, "marks", marks(notes, false));
	json_object_set_new(into, "frames", marks(notes, true));
	json_object_set_new(into, "values", values(notes));
}

/* While a recording is read, how far that is. */
static uint64_t now_of(const struct thag_session *session)
{
	uint64_t latest = session->header.start_ticks;

	if (session->tasks.end_ticks)
		return session->tasks.end_ticks;
	if (!session->opened.path[0])
		return thag_clock_ticks(session->header.clock);
	for (uint32_t i = 0; i < session->member_count; i++)
		if (session->members[i]->thread.last_ticks > latest)
			latest = session->members[i]->thread.last_ticks;
	return latest;
}

void thag_notes_report(struct thag_session *session, struct thag_clock_rate *clock,
		       const struct thag_session_counts *counts, bool full, json_t *into)
{
	struct notes notes = { .session = session,
			       .rate = thag_snapshot_rate(session, clock),
			       .full = full };

	thag_notes_lock(session);
	if (full)
		thag_events_sort(&session->events);
	notes.now = now_of(session);
	add_all(&notes, into);
	thag_notes_unlock(session);
	if (full)
		add_counts(counts, into);
	json_object_set_new(into, "mistakes", mistakes(counts));
}

static json_t *thread_names(struct thag_session *session)
{
	json_t *list = json_array();

	thag_notes_lock(session);
	for (uint32_t i = 0; i < session->member_count; i++) {
		const struct thag_thread *thread = &session->members[i]->thread;

		json_array_append_new(
			list,
			json_pack("{s:I, s:o}", "tid", (json_int_t)thread->tid, "name",
				  thread->name_site ? thag_notes_name(session, thread->name_site)
						    : json_null()));
	}
	thag_notes_unlock(session);
	return list;
}

json_t *thag_notes_export(struct thag_session *session, struct thag_clock_rate *clock,
			  const struct thag_session_counts *counts)
{
	json_t *all =
		json_pack("{s:s, s:i, s:s, s:I, s:o}", "program", session->program, "pid",
			  (int)session->pid, "unit", "ns", "start_unix_ns",
			  (json_int_t)session->start_real_ns, "threads", thread_names(session));

	if (all)
		thag_notes_report(session, clock, counts, true, all);
	return all;
}
