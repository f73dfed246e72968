/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The lines that `perf script` prints: one for a sample, `comm pid/tid [cpu] time: period event:`,
 * most of which may be missing, and one for each frame, the innermost first, `addr symbol+0xoff
 * (file)`.
 *
 * Thread: any. Nothing here allocates.
 */
#ifndef THAG_PERF_LINE_H
#define THAG_PERF_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Borrowed of the line. */
struct thag_perf_text {
	const char *text;
	size_t bytes;
};

struct thag_perf_head {
	struct thag_perf_text comm;
	struct thag_perf_text event;  /* empty when the line has none */
	struct thag_perf_text digits; /* of the period, as they are; empty likewise */
};

struct thag_perf_frame {
	struct thag_perf_text symbol; /* without its offset */
	struct thag_perf_text file;   /* without brackets; may be empty */
};

/** Whether it is the line of a sample. */
bool thag_perf_head_parse(const char *line, size_t bytes, struct thag_perf_head *head);

/** Whether it is the line of a frame. */
bool thag_perf_frame_parse(const char *line, size_t bytes, struct thag_perf_frame *frame);

#endif
