/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The calls of a thread of a session, as a flamechart.
 *
 * Thread: any. Blocks; errors are one line each on stderr.
 */
#ifndef THAG_CALLS_H
#define THAG_CALLS_H

#include "source.h"
#include "thag_svg_chart.h"

/**
 * Asks thagd for the calls that `query` is of: its thread, else the program's first, and its range;
 * and puts them into the chart. THAG_EXIT_OK with a title, of the program, the session and the
 * thread, for the caller to free, or the status to exit with after one line for `command`.
 */
int thag_calls_load(const struct thag_command *command, const char *id,
		    const struct thag_source_query *query, struct thag_svg_chart *chart,
		    char **title);

#endif
