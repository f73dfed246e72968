/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What commands may ask for, each answered once:
 *
 *   {"op":"info"}                    {"version","pid","port","url"}
 *   {"op":"list"}                    data: {"sessions":[…]}
 *   {"op":"export","session":"7","format":"folded","thread":0,"raw":false}
 *                                    data: the profile; "session" may be "latest"
 *   {"op":"enable","session":"7","kinds":"time|memory|both"}   kinds left out: those it started
 * with
 *   {"op":"disable","session":"7"}   what a program records, from when it heeds that
 *   {"op":"modes","session":"7"}     asks only; each of the three is answered by
 *                                    {"id","program","pid","state","modes","active","wished"}
 *   {"op":"record","session":"7"[,"file":"/…" or "directory":"/…"]}   begins to record a program
 * that runs to that file, or into a directory; left out: where others go.
 * {"id","program","pid","file"}
 *   {"op":"unrecord","session":"7"}  ends its recording. Likewise, when the file is whole
 *   {"op":"forget","session":"7"}    drops a session that ended, or was opened; its files stay
 *   {"op":"await","pid":7,"status":0,"limit_ms":1000}
 *                                    data: {"sessions":[…]} of that process alone, when all of them
 *                                    are saved, or after the limit as they are then. "status" is
 *                                    how it ended, told by whoever waited for it; left out: not
 *                                    known. "limit_ms" left out: at once
 *   {"op":"stop"}                    answered, then thagd ends
 *
 * Data comes as a sealed memfd. Errors: a negative errno and {"error":"one line"}.
 */
#ifndef THAG_REQUEST_H
#define THAG_REQUEST_H

#include <stddef.h>

#include "control.h"

/** Answers `body`, now or later. */
void thag_request_run(struct thag_connection *connection, const char *body, size_t bytes);

#endif
