/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files that are recorded to, of `thag run -o FILE` and `thag record`.
 *
 * Thread: main.
 */
#ifndef THAG_RECORD_H
#define THAG_RECORD_H

#include <limits.h>

#include <jansson.h>

#include "command.h"

/** The absolute path of a file that needn't be there, with the suffix. 0 or a negative errno. */
int thag_record_make_path(const char *file, char out[static PATH_MAX]);

/**
 * Says in the environment of the program to come that it is to be recorded to `file`. A recording
 * that is there is removed, unless it is being written; other files are left alone. 0, or -1 after
 * saying why not.
 */
int thag_record_prepare(const struct thag_command *command, const char *file);

/** Says where the recording of a session is, or why it stopped; nothing when there is none. */
void thag_record_report(const json_t *session);

#endif
