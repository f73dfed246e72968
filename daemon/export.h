/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile in a file format, made on the thread pool.
 *
 * Thread: main loop.
 */
#ifndef THAG_EXPORT_H
#define THAG_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "metric.h"
#include "session.h"
#include "thag_profile.h"

#define THAG_EXPORT_TITLE_BYTES 300 /* a name in a list, and what parts it from the number */

struct thag_daemon;
struct thag_export;

/** What is exported. */
enum thag_export_format {
	THAG_EXPORT_FOLDED,	/* folded stacks */
	THAG_EXPORT_EVENTS,	/* tasks, marks, frames and values, as JSON: see notes.h */
	THAG_EXPORT_MEMORY,	/* what is known of the program's memory, as JSON */
	THAG_EXPORT_SPEEDSCOPE, /* stacks of each thread, or of memory, see thag_speedscope.h */
	THAG_EXPORT_CHROME,	/* single calls, see thag_chrome.h; -ENOTSUP without a timeline */
	THAG_EXPORT_PERFETTO,	/* likewise, see thag_perfetto.h */
	THAG_EXPORT_PPROF,	/* stacks of each thread, or of memory, see thag_pprof.h */
	THAG_EXPORT_FIREFOX,	/* likewise, see thag_firefox.h */
	THAG_EXPORT_CSV,	/* a row a stack, see thag_csv.h */
	THAG_EXPORT_PROFILE,	/* all that is known of its stacks, see thag_profile_store.h */
	THAG_EXPORT_FORMATS
};

/** What is wanted; the rest is of stacks, the metric of memory as well. */
struct thag_export_wish {
	enum thag_export_format format;
	struct thag_metric_query metric;
	uint32_t tid; /* 0: all threads */
	bool raw;
};

/** The format of that name; THAG_EXPORT_FORMATS for none. */
enum thag_export_format thag_export_find_format(const char *name);

/** What names of its files end with. */
const char *thag_export_suffix(enum thag_export_format format);

/** Whether it is of the whole session, whatever else is wished. */
bool thag_export_is_report(enum thag_export_format format);

/**
 * Whether there can be such an export of the session: 0, -EINVAL when it makes no sense, or
 * -ENOTSUP when its timeline isn't kept; `why` in words.
 */
int thag_export_check(const struct thag_session *session, const struct thag_export_wish *wish,
		      const char **why);

typedef void thag_export_done_fn(struct thag_export *job);

struct thag_export {
	uv_work_t work;
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	struct thag_export_wish wish;
	thag_export_done_fn *done;
	int error;	  /* 0 or a negative errno */
	const char *note; /* what isn't in it, as a constant line; NULL: nothing to be said */
	struct thag_session_counts counts;
	uint64_t duration_ns;
	char title[THAG_EXPORT_TITLE_BYTES];
	struct thag_buffer out;
};

/** Starts; `done` is called once, later. `job` must stay until then. */
void thag_export_start(struct thag_export *job, struct thag_daemon *daemon,
		       struct thag_session *session, const struct thag_export_wish *wish,
		       thag_export_done_fn *done);

/** Frees what a finished job holds. */
void thag_export_fini(struct thag_export *job);

#endif
