/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The file of a recording, as it becomes a session: first what can be told without its words, its
 * timeline with them, and then the words.
 */
#ifndef THAG_OPENED_FILE_H
#define THAG_OPENED_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"

struct thag_daemon;
struct thag_opened_sources;

/** The caller's: all but `session` and `sources`, which are NULL. */
struct thag_opened_file {
	struct thag_daemon *daemon;
	char path[THAG_PATH_BYTES];
	int fd; /* of a file that has no name, `path` is what it is called, taken over; else -1 */
	uint64_t id;
	struct thag_session *session;	     /* outcome; its one reference is the caller's */
	struct thag_opened_sources *sources; /* what is being read */
};

/**
 * Opens it and makes a session with its timeline, its names and none of its calls. 0 or a negative
 * errno. Any thread; blocks on the disk.
 */
int thag_opened_file_begin(struct thag_opened_file *file);

/**
 * After that: plays its words, while others look at the session. 0 or -ENOMEM. Any thread; takes as
 * long as there are words.
 */
int thag_opened_file_play(struct thag_opened_file *file);

/** Likewise sums up its timeline; while that is played, too. */
void thag_opened_file_complete(struct thag_opened_file *file);

/** After both: counts, and says what of it can't be read. Main loop. */
void thag_opened_file_conclude(struct thag_opened_file *file);

/** Frees what was read, whether it began or not; the session stays. */
void thag_opened_file_fini(struct thag_opened_file *file);

/** Why it can't be opened, in words: fixed, or of strerror. */
const char *thag_opened_file_error(int error);

/** What tells an open file, and its state, from others: into `out`. False: see errno. */
bool thag_opened_file_look(int fd, const char *path, struct thag_session_opened *out);

#endif
