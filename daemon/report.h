/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sessions as JSON: for the list that commands and browsers get, and for the file beside a
 * profile. Each returns a new reference, or NULL without memory.
 *
 * Thread: the main loop, or another while the main loop leaves the session alone.
 */
#ifndef THAG_REPORT_H
#define THAG_REPORT_H

#include <jansson.h>

#include "clock.h"
#include "session.h"

/** An element of the list: see docs of the control socket's "list". */
json_t *thag_report_session(struct thag_session *session);

/** What STEM.json holds. `total_ns`: of the folded stacks beside it. */
json_t *thag_report_file(struct thag_session *session, struct thag_clock_rate *clock,
			 uint64_t total_ns);

#endif
