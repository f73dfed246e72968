/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What thagd tells of a session, as an object of its list, in words.
 *
 * Thread: any.
 */
#ifndef THAG_SESSIONS_H
#define THAG_SESSIONS_H

#include <jansson.h>

#include "command.h"

/** A text of the object, "" where there is none; borrowed. */
const char *thag_session_text(const json_t *session, const char *field);

/** "session ID (PROGRAM, pid PID)", for the caller to free; NULL without memory. */
char *thag_session_name(const json_t *session);

/**
 * The first file that was saved of it, but that of native stacks where a program without calls has
 * them; NULL: none was. Borrowed.
 */
const char *thag_session_file(const json_t *session);

/**
 * The whole of a command whose arguments are IDs and that has no option but --help: does `act` with
 * each, until one doesn't succeed. The status to exit with.
 */
int thag_sessions_each(const struct thag_command *command, int argc, char **argv,
		       int (*act)(const char *id));

#endif
