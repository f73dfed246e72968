/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * `thag run -o FILE`: sees to it that thagd records the program there.
 *
 * Thread: main.
 */
#ifndef THAG_RECORD_H
#define THAG_RECORD_H

#include <jansson.h>

#include "command.h"

/**
 * Says in the environment of the program to come that it is to be recorded to `file`. A recording
 * that is there is removed, unless it is being written; other files are left alone. 0, or -1 after
 * saying why not.
 */
int thag_record_prepare(const struct thag_command *command, const char *file);

/** Says where the recording of a session is, or why it stopped; nothing when there is none. */
void thag_record_report(const json_t *session);

#endif
