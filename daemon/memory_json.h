/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * All that is known of a program's memory, as JSON.
 *
 * Thread: any; meant for the pool.
 */
#ifndef THAG_MEMORY_JSON_H
#define THAG_MEMORY_JSON_H

#include <jansson.h>

#include "memory_view.h"

/**
 * What thag_memory_report tells, and
 *
 *   "peak_ns":…,                   when, since the session began
 *   "by":"calls"|"traces",         of the stacks below
 *   "sizes":[{"low":0,"high":64,"count":…,"bytes":…},…],   the last "high" is null
 *   "size_buckets":[…],            finer ones, those that aren't empty
 *   "history":[{"start_ns":…,"live_bytes":…,"high_bytes":…,"allocated_bytes":…,"allocations":…,
 *               "freed_bytes":…,"frees":…},…],
 *   "places":[PLACE,…],            by bytes allocated
 *   "leaks":[PLACE,…]              by bytes that are live still
 *
 * PLACE: {"function":…,"file":…|null,"line":…,"allocated_bytes":…,"allocations":…,"live_bytes":…,
 * "live":…,"peak_bytes":…,"high_bytes":…,"temporary_bytes":…,"temporary":…,"reallocations":…,
 * "lifetime_p50_ns":…,"lifetime_p99_ns":…,"lifetime_max_ns":…,"stack":["outermost",…]}, the stack
 * that has most of it. At most THAG_REPORT_PLACES_MAX of them, the largest first, with at most
 * THAG_REPORT_DEPTH_MAX frames, the innermost.
 *
 * A new reference, null when no memory was recorded; NULL without memory for it.
 */
json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts);

#endif
