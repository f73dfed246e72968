/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Single calls in Chrome's Trace Event Format (JSON), which Perfetto and chrome://tracing read.
 *
 * Calls are complete events ("X") of their thread, what a task does is on a track of its own beside
 * the thread it runs on, sections that end while calls within them go on are asynchronous ("b",
 * "e"), marks are instants ("i") and values counters ("C"). Times are microseconds since the
 * session began, with three decimals. "otherData" says what the file is of, and what isn't in it.
 *
 * The text is written as it grows, without a tree of JSON. Names can't break out of it.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_CHROME_H
#define THAG_CHROME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_names.h"
#include "thag_profile.h"
#include "thag_timeline.h"

#define THAG_CHROME_BYTES_MAX THAG_FOLDED_BYTES_MAX

/** The track of the tasks on a thread is this and the thread's id, which is below. */
#define THAG_CHROME_TASKS_TID (UINT32_C(1) << 30)

/** What all of a file has. */
struct thag_chrome_options {
	const char *program; /* any bytes */
	uint32_t pid;
	uint64_t start_ticks; /* of the session */
	double ns_per_tick;
	uint64_t bytes_max; /* 0: THAG_CHROME_BYTES_MAX */
};

/** A file that is being written. */
struct thag_chrome {
	struct thag_buffer *out;
	struct thag_chrome_options options;
	size_t start; /* of the file in `out` */
	uint64_t pairs;
	uint64_t cut_ticks; /* what began from here on found no room; with `cut` */
	bool cut;
};

/** What is known of what isn't there. */
struct thag_chrome_facts {
	uint64_t from_ticks;
	uint64_t dropped_events; /* that never got into the timeline */
	bool unread;		 /* some of the newest was not looked at */
};

/** Begins a file at the end of `out`. 0 or -ENOMEM; either way thag_chrome_end must follow. */
int thag_chrome_begin(struct thag_chrome *chrome, struct thag_buffer *out,
		      const struct thag_chrome_options *options);

/** Names a thread, or with THAG_CHROME_TASKS_TID its tasks: any bytes. Before calls are
 * added; when names take much of the room, no more are. 0 or -ENOMEM. */
int thag_chrome_name(struct thag_chrome *chrome, uint32_t tid, const char *name, size_t bytes);

/** Adds calls, which are in order, as long as there is room. 0 or -ENOMEM. */
int thag_chrome_add(struct thag_chrome *chrome, const struct thag_calls *calls,
		    const struct thag_names *names);

/** Whether all calls are in the file that there were. */
bool thag_chrome_is_whole(const struct thag_chrome *chrome, const struct thag_calls *calls,
			  const struct thag_chrome_facts *facts);

/**
 * Ends the file, or with `ret` < 0 takes back what was written of it. Returns `ret`, or -ENOMEM.
 */
int thag_chrome_end(struct thag_chrome *chrome, const struct thag_calls *calls,
		    const struct thag_chrome_facts *facts, int ret);

#endif
