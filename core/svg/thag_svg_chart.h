/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A flamechart from what happens in order of time: functions are entered and left, and time passes
 * in between. Calls of one function that follow each other stay apart, unless they come as stacks:
 * of those, frames that go on from one to the next are one box.
 *
 * Memory is that of the distinct names and of what is wide enough to be drawn, however much comes.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_SVG_CHART_H
#define THAG_SVG_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_svg.h"

struct thag_svg_chart;

/** `options`: the widths are kept. `root_name`: what all of it is called. 0 or -ENOMEM. */
int thag_svg_chart_create(struct thag_svg_chart **out, const struct thag_svg_options *options,
			  const char *root_name);
void thag_svg_chart_destroy(struct thag_svg_chart *chart);

/* These return 0, or an error after which the chart can only be destroyed: -ENOMEM. */

/**
 * Before all else: asks, once for each name, for what becomes of that function, of enum
 * thag_sieve_fate. What is dropped takes no time then. `seeks`: stacks must hold one that is
 * THAG_SIEVE_ONLY.
 */
void thag_svg_chart_sift(struct thag_svg_chart *chart,
			 unsigned (*fate_of)(void *context, const char *name, size_t bytes),
			 void *context, bool seeks);

/** A function, any bytes, is entered. What is deeper than THAG_SVG_DEPTH_MAX is not drawn. */
int thag_svg_chart_enter(struct thag_svg_chart *chart, const char *name, size_t bytes);

/** The innermost function, which there is, is left. */
void thag_svg_chart_leave(struct thag_svg_chart *chart);

/** Time passes. 0, or -EOVERFLOW when all of it has no room in 64 bits. */
int thag_svg_chart_pass(struct thag_svg_chart *chart, uint64_t width);

/** `width` passes in a folded stack, `a;b;c`; its functions stay entered. Errors of both. */
int thag_svg_chart_add_stack(struct thag_svg_chart *chart, const char *stack, size_t bytes,
			     uint64_t width);

/** Leaves all, and appends the file. 0, or -ENOMEM with nothing appended. */
int thag_svg_chart_write(struct thag_svg_chart *chart, const struct thag_svg_options *options,
			 struct thag_buffer *out);

#endif
