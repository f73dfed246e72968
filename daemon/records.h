/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A small file for each live session, so that the next thagd finds its program again when this
 * one is killed; and the next free session id.
 *
 * `dir_fd` is a directory that is ours alone. Thread: main loop; writes small files.
 */
#ifndef THAG_RECORDS_H
#define THAG_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "thagd_limits.h"
#include "session.h"

struct thag_record {
	uint64_t id;
	pid_t pid;
	uint64_t start_time; /* of the process: see thag_proc_start_time */
	uint64_t start_real_ns;
	bool left; /* its profile was saved; what it did after that is not worth a word */
	uint8_t nonce[16];
	char program[THAG_PROGRAM_BYTES];
	char recording[THAG_PATH_BYTES]; /* the file it is recorded to, "" for none */
};

/** Writes the record of `session`, or replaces it. 0 or a negative errno. */
int thag_records_put(int dir_fd, const struct thag_session *session, bool left);

void thag_records_remove(int dir_fd, uint64_t id);

/** Whether there is one: its session goes on. */
bool thag_records_has(int dir_fd, uint64_t id);

/**
 * Reads all records, by id, at most THAG_RECORDS_MAX; what makes no sense is removed, what can't be
 * read is left, and said in the log. The caller frees `*out`. 0 or a negative errno, after which
 * `*out` has those found until then, if it isn't NULL as before.
 */
int thag_records_load(int dir_fd, struct thag_record **out, uint32_t *count);

/** The next id never given out before, at least 1. */
uint64_t thag_records_next_id(int dir_fd);

/** Notes that `id` is the next free one. 0 or a negative errno. */
int thag_records_set_next_id(int dir_fd, uint64_t id);

#endif
