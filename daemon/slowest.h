/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The slowest calls of a function, as the session's timeline has them.
 *
 * Thread: the pool's.
 */
#ifndef THAG_SLOWEST_H
#define THAG_SLOWEST_H

#include <jansson.h>

struct thag_ask_job;

/** {"calls":[…]}, a new reference. 0, -ENOTSUP without a timeline, or -ENOMEM: *out is NULL then.
 */
int thag_slowest_answer(json_t **out, const struct thag_ask_job *job);

#endif
