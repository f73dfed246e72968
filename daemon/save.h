/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Saving a session: its profile and what is to be said about it, to the files.
 */
#ifndef THAG_SAVE_H
#define THAG_SAVE_H

#include "clock.h"
#include "files.h"
#include "session.h"

struct thag_save {
	struct thag_session *session; /* nobody else changes it meanwhile */
	struct thag_clock_rate *clock;
	const char *default_dir; /* "": the program's own */

	/* outcome */
	int error;
	char directory[THAG_PATH_BYTES];
	char paths[THAG_SESSION_FILES_MAX][THAG_PATH_BYTES]; /* "" for none */

	struct thag_files files; /* until thag_save_settle */
};

/**
 * Finds the directory where files of the session belong: what its program's environment named,
 * else `default_dir`, else where it ran. 0, -ENOENT or -ENAMETOOLONG.
 */
int thag_save_find_directory(const struct thag_session *session, const char *default_dir,
			     char out[static THAG_PATH_BYTES]);

/** Writes the files, which have their names then. Any thread; blocks. */
void thag_save_run(struct thag_save *save);

/** Waits until the disk has the names, too. Must follow. Any thread; blocks. */
void thag_save_settle(struct thag_save *save);

/** Puts the outcome into the session, and into the log. Main loop. */
void thag_save_done(struct thag_save *save);

#endif
