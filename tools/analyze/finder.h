/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The profiles there are to look at: files of a directory, and sessions of thagd; of which program
 * each is, and when it was made.
 *
 * thagd names its files PROGRAM-yyyymmdd-HHmmss[-PID], and what the program's name is exactly
 * stands in STEM.json beside them. Files of others are groups of their own, by their names.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_ANALYZE_FINDER_H
#define THAG_ANALYZE_FINDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum thag_finding_kind {
	THAG_FINDING_TIME,
	THAG_FINDING_MEMORY,
	THAG_FINDING_DETAIL, /* every allocation */
	THAG_FINDING_FREED,  /* every deallocation */
	THAG_FINDING_RECORDING,
	THAG_FINDING_SESSION,
	THAG_FINDING_KINDS
};

struct thag_finding {
	char *input;   /* what commands call it: a path, or a session's ID */
	char *program; /* any bytes */
	char *state;   /* of a session, else "" */
	char when[20]; /* local time, "2026-11-28 07:40:12" */
	int64_t when_s;
	int64_t group_s; /* of the newest of its program */
	enum thag_finding_kind kind;
};

/** All zero is an empty one. */
struct thag_finder {
	struct thag_finding *list;
	size_t count, capacity;
};

void thag_finder_fini(struct thag_finder *finder);

/** "time", "memory" …: what a profile is of. */
const char *thag_finding_word(enum thag_finding_kind kind);

/** Whether it belongs into a menu of time, or of memory. */
bool thag_finding_is_of(const struct thag_finding *finding, bool memory);

/** Whether it is a session, or becomes one of thagd when it is opened. */
bool thag_finding_is_session(const struct thag_finding *finding);

/**
 * Adds the file `name` of `directory`, "" for the current one, when its name is that of a profile.
 * `modified_s` is when it was made, where its name doesn't say. 0 or -ENOMEM.
 */
int thag_finder_add_file(struct thag_finder *finder, const char *directory, const char *name,
			 int64_t modified_s);

/** Adds sessions, an array as thagd lists them. 0 or -ENOMEM. */
int thag_finder_add_sessions(struct thag_finder *finder, const json_t *sessions);

/** Adds all files of a directory. 0 or a negative errno. */
int thag_finder_scan(struct thag_finder *finder, const char *directory);

/** Brings programs together, that of the newest profile first, and each one's newest first. */
void thag_finder_sort(struct thag_finder *finder);

#endif
