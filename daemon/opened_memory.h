/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a recording tells of its program, laid out as the program's own memory was: so sessions
 * that are read from a file need no code of their own.
 *
 * Thread: any. Allocates; blocks on the disk.
 */
#ifndef THAG_OPENED_MEMORY_H
#define THAG_OPENED_MEMORY_H

#include <jansson.h>

#include "session.h"
#include "thag_recording_reader.h"

/** What is told beside that. */
struct thag_opened_facts {
	struct thag_shm_header header; /* as thag_session_create wants it */
	pid_t pid;
	uint64_t start_real_ns;
	uint64_t duration_ns;
	double ns_per_tick;
	int signal;
	int exit_code;
	struct thag_session_slot_sums sums;
	uint64_t before_ns; /* that the program ran before the recording began */
};

/**
 * Reads the facts of the recording. 0; -ENODATA when none can be read, -EBADMSG when they make no
 * sense, -ENOMEM.
 */
int thag_opened_facts_read(struct thag_opened_facts *out,
			   const struct thag_recording_reader *reader);

/**
 * What is known of the time before the recording, see "before" in docs/recordings.md, for the
 * caller to free; NULL: it began with its program, or that can't be read. 0 or -ENOMEM.
 */
int thag_opened_before_read(json_t **out, const struct thag_recording_reader *reader);

/**
 * Makes the memory of its session, for thag_session_memory_fini. `rings`: as many are used. Blocks
 * that can't be read are left out and counted. 0 or -ENOMEM.
 */
int thag_opened_memory_make(struct thag_session_memory *out, const struct thag_opened_facts *facts,
			    uint32_t rings, const struct thag_recording_reader *reader,
			    uint32_t *unreadable);

#endif
