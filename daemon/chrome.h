/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The export of single calls, see core/thag_chrome.h and core/export/thag_perfetto.h.
 *
 * Thread: the pool's.
 */
#ifndef THAG_DAEMON_CHROME_H
#define THAG_DAEMON_CHROME_H

struct thag_export;

/**
 * Writes the calls of the thread and the range that the job's wish has into job->out. Sets
 * job->error: 0, -ENOTSUP without a timeline, or -ENOMEM; and job->note where calls are missing.
 * Nothing is written of a thread that has none in the whole run.
 */
void thag_calls_export(struct thag_export *job);

#endif
