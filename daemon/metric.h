/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is to be known of a profile: its time, or something of its program's memory, by what, and
 * of which part of its run.
 *
 * Thread: any.
 */
#ifndef THAG_METRIC_H
#define THAG_METRIC_H

#include <stdbool.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_heap.h"

/** Made by thag_metric_parse; all zero: the time. Without a range both ends are 0. */
struct thag_metric_query {
	uint32_t metric; /* enum thag_metric */
	uint32_t by;	 /* enum thag_heap_kind; THAG_HEAP_KINDS: traces where there are any */
	uint64_t from_ns;
	uint64_t to_ns; /* since the session began; UINT64_MAX: until now */
};

/**
 * Reads what a request says. `metric` and `by`: "" or NULL where it says nothing; `from` and `to`
 * in nanoseconds. 0, or -EINVAL with `*why` set to a constant line.
 */
int thag_metric_parse(struct thag_metric_query *query, const char *metric, const char *by,
		      int64_t from, int64_t to, const char **why);

bool thag_metric_equal(const struct thag_metric_query *a, const struct thag_metric_query *b);

/** Whether both need a look at the same part of the run. */
bool thag_metric_same_range(const struct thag_metric_query *a, const struct thag_metric_query *b);

const char *thag_metric_name(enum thag_metric metric);

#endif
