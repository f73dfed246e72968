/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The source of a function with what is known of its lines. Only files that sites of the session
 * name can be asked for, by function.
 *
 * Thread: the pool's.
 */
#ifndef THAG_SOURCE_H
#define THAG_SOURCE_H

#include <jansson.h>

struct thag_ask_job;

/** Lines, or {"error":…} in words where there are none; a new reference. 0 or -ENOMEM: *out is
 * NULL. */
int thag_source_answer(json_t **out, const struct thag_ask_job *job);

#endif
