/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions of many shapes that call each other at random, compiled in several ways. */
#ifndef TRACE_SHAPES_H
#define TRACE_SHAPES_H

#include <stdint.h>

struct trace_plan {
	const uint8_t *steps; /* which shape comes next */
	uint32_t left;	      /* of the steps */
	void (*leaf)(void);   /* what the last one calls */
};

typedef long trace_shape(struct trace_plan *plan);

/** By step. */
extern trace_shape *trace_shapes[256];

#define TRACE_SHAPES 11 /* of each way to compile them */

extern trace_shape *const trace_shapes_o0[TRACE_SHAPES];
extern trace_shape *const trace_shapes_o2[TRACE_SHAPES];
extern trace_shape *const trace_shapes_fp[TRACE_SHAPES];
extern trace_shape *const trace_shapes_os[TRACE_SHAPES];
extern trace_shape *const trace_shapes_bare[TRACE_SHAPES];

#endif
