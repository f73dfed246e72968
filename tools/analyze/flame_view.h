/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A flamegraph drawn in the terminal, in which one moves, zooms and searches.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_FLAME_VIEW_H
#define THAG_ANALYZE_FLAME_VIEW_H

#include "flame_load.h"
#include "screen.h"

/** Shows it until a key ends it: 'f' for filters, 'r' to read again, or 'q'. */
int thag_flame_show(struct thag_screen *screen, const struct thag_flame_source *source,
		    const char *title, const char *twin);

#endif
