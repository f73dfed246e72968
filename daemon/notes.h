/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a session says beside its calls, as JSON: its tasks by name, marks, frames, values, the
 * names of its threads, and what went wrong in its use of thag.
 *
 * Thread: any. Takes the session's locks.
 */
#ifndef THAG_SESSION_NOTES_H
#define THAG_SESSION_NOTES_H

#include <jansson.h>

#include "clock.h"
#include "session.h"

/**
 * Adds to a report:
 *
 *   "tasks":[{"name":"request","created":9,"finished":8,"live":1,"steps":40,"running_ns":…,
 *             "wall_ns":…,"longest_ns":…}],
 *   "live_tasks":[{"name":"request","state":"running|suspended|new","thread":4711|null,
 *                  "age_ns":…}],                    the newest first
 *   "marks":[{"name":"reload","count":2,"last_ns":…}],
 *   "frames":[{"name":"tick","count":…,"min_ns":…,"mean_ns":…,"max_ns":…,"p50_ns":…,"p99_ns":…}],
 *   "values":[{"name":"queue","count":…,"last":3,"min":0,"max":17,"mean":2.5}],
 *   "mistakes":["2 sections were ended twice, or never begun", …]
 *
 * Times of instants count from the program's start. Of each at most THAG_REPORT_NOTES_MAX; with
 * `full` all there are, marks and frames with "instants":[[ns,thread],…], values with
 * "series":[[ns,value],…], and the numbers behind the mistakes.
 */
void thag_notes_report(struct thag_session *session, struct thag_clock_rate *clock,
		       const struct thag_session_counts *counts, bool full, json_t *into);

/** All of it as a document of its own. A new reference, or NULL without memory. */
json_t *thag_notes_export(struct thag_session *session, struct thag_clock_rate *clock,
			  const struct thag_session_counts *counts);

/** The name of a site. Under the session's lock, exclusive; a new reference. */
json_t *thag_notes_name(const struct thag_session *session, uint32_t site);

/**
 * Takes the locks that the names of a session need: its own, exclusive, and, once its program's
 * memory is gone, that of the names.
 */
void thag_notes_lock(struct thag_session *session);
void thag_notes_unlock(struct thag_session *session);

#endif
