/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The daemon's log: lines on stderr, which is a file once it runs in the background.
 *
 * Thread: any.
 */
#ifndef THAG_LOG_H
#define THAG_LOG_H

enum thag_log_level { THAG_LOG_ERROR, THAG_LOG_WARN, THAG_LOG_INFO, THAG_LOG_DEBUG };

/** Lines less important than `level` are dropped from now on; the default is THAG_LOG_INFO. */
void thag_log_set_level(enum thag_log_level level);

/** The level named "error", "warn", "info" or "debug", or -EINVAL. */
int thag_log_parse_level(const char *name);

/** Writes one line; control characters in it are replaced. */
void thag_log_write(enum thag_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
