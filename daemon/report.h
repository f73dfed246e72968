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

/**
 * An element of the list:
 *
 *   {"id":"7","program":"treestat","pid":4711,"state":"live|idle|ended|crashed|lost|recorded",
 *    "signal":"SIGKILL"|null,"start":"2026-11-22T22:10:01.123Z","duration_ns":…,"events":…,
 *    "lost":…,"truncated":…,"threads":[{"tid":…,"calls":…,"ended":false,
 *    "name":"…"|null}],"argv":[…],
 *    "files":[…],"message":"…"|null,"modes":"none|time|memory|both","active":…,"wished":…|null}
 *
 * "modes": what was to be recorded when it started; "active": what is now; "wished": what the user
 * has asked for since, until the program has heeded that.
 * Then what notes.h and memory.h tell of, briefly.
 * At most THAG_REPORT_THREADS_MAX threads; tid 0 stands for those that ended long ago.
 */
json_t *thag_report_session(struct thag_session *session);

/**
 * What STEM.json holds. `total_ns`: of the folded stacks beside it; `memory`: see memory_json.h,
 * taken over in any case.
 */
json_t *thag_report_file(struct thag_session *session, struct thag_clock_rate *clock,
			 uint64_t total_ns, json_t *memory);

#endif
