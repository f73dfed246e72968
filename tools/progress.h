/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How far something is, for who looks at a terminal: a line on stderr that is written over, after
 * the first second and then a few times a second; and none where stderr is no terminal.
 *
 * Thread: owner.
 */
#ifndef THAG_PROGRESS_H
#define THAG_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct thag_progress {
	const char *doing; /* "reading" */
	uint64_t start_ns, shown_ns;
	bool is_seen; /* somebody looks */
};

/** `doing` must stay. */
void thag_progress_begin(struct thag_progress *progress, const char *doing);

/** `done` of `all` bytes; `all` 0: nobody knows how many there will be. */
void thag_progress_show(struct thag_progress *progress, uint64_t done, uint64_t all);

/** Wipes the line away. */
void thag_progress_end(struct thag_progress *progress);

#endif
