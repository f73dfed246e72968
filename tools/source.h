/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a command looks at, named by one argument: a file of folded stacks, "-" for those on stdin,
 * a recording, or a session of thagd.
 *
 * A number and "latest" are sessions, unless there is such a file. A recording is opened in a
 * thagd, which is started when none answers, and stays there as after 'thag open'.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_SOURCE_H
#define THAG_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "thag/frames.h"
#include "thag_profile.h"

/** All that an option says; all zero is the time of a whole session. */
struct thag_source_query {
	const char *metric; /* a word of enum thag_metric; NULL: "time". Of a session alone … */
	const char *by;	    /* … as are "calls" and "traces"; NULL: whichever there are … */
	uint32_t thread;    /* … a thread's id, 0: all … */
	uint64_t from_ns, to_ns; /* … since the session began; both 0: all of it … */
	bool raw;		 /* … and with the time that recording took. */
	bool strict;		 /* Of folded stacks: a malformed line is an error … */
	/* … and who takes them as they come, instead of the profile; see thag_folded_read.h. */
	int (*stack)(void *context, const char *text, size_t bytes, const uint64_t *values);
	void *stack_context;
};

struct thag_source {
	struct thag_profile *profile; /* finished */
	struct thag_profile *after;   /* of a file of differences, to which `profile` is before */
	/* what the above were before something was left out, which they need; or NULL */
	struct thag_profile *whole, *whole_after;
	char *title;	  /* what it is, for people: any bytes of UTF-8 */
	char *program;	  /* "" when it isn't known */
	const char *unit; /* "ns", "bytes" or "count"; "" when nothing says it */
	uint32_t metric;  /* enum thag_metric */
	uint32_t flags;	  /* of a session: enum thag_frame_flags */
	bool is_session;
	bool has_calls; /* it tells how many, and how long they took */
};

/**
 * Loads what `input` names. THAG_EXIT_OK with `*out`, which thag_source_fini frees, or the status
 * to exit with after one line for `command`.
 */
int thag_source_load(const struct thag_command *command, const char *input,
		     const struct thag_source_query *query, struct thag_source *out);

/**
 * The session that `input` names, or that a recording is opened as; NULL for any other file. As
 * thag_source_load; the caller frees `*id`.
 */
int thag_source_session(const struct thag_command *command, const char *input, char **id);

/** What thagd is asked to export a session in a format; NULL without memory, or for odd bytes. */
json_t *thag_source_request(const char *id, const char *format,
			    const struct thag_source_query *query);

/** Whether it is a file of folded stacks, or stdin, or nothing that is there. */
bool thag_source_is_folded(const char *input);

/** Also of all zero. */
void thag_source_fini(struct thag_source *source);

#endif
