/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a look at the whole heap adds to "memory" in the JSON of a session.
 *
 * Thread: any; takes as long as the heap has paths.
 */
#ifndef THAG_MEMORY_DETAIL_H
#define THAG_MEMORY_DETAIL_H

#include <jansson.h>

#include "thag_heap_profile.h"

/**
 * Adds to the object `memory`:
 *
 *   "by":"calls"|"traces",         of the places
 *   "peak_ns":…,                   when, since the session began
 *   "leaked_bytes":…, "leaked":…,  what is live still
 *   "sizes":[{"low":0,"high":64,"count":…,"bytes":…},…],   the last "high" is null
 *   "size_buckets":[…],            finer ones, those that aren't empty
 *   "lifetimes":{"p50_ns":…,"p99_ns":…,"max_ns":…,
 *                "histogram":[{"low_ns":…,"high_ns":…,"count":…},…]},
 *   "history":[{"start_ns":…,"live_bytes":…,"high_bytes":…,"allocated_bytes":…,"allocations":…,
 *               "freed_bytes":…,"frees":…},…]
 *
 * `query` names the kind of paths and the scale. 0 or -ENOMEM.
 */
int thag_memory_detail(json_t *memory, const struct thag_heap_copy *copy,
		       const struct thag_heap_query *query);

/**
 * A list of `count` places of `profile`, which come most first, at most THAG_REPORT_PLACES_MAX,
 * and none without a value; `*more` is how many were left out for being too many.
 *
 *   {"function":…,"file":…|null,"line":…|null,"allocated_bytes":…,"allocations":…,"live_bytes":…,
 *    "live":…,"peak_bytes":…,"high_bytes":…,"temporary_bytes":…,"temporary":…,"reallocations":…,
 *    "released_bytes":…,"released":…,
 *    "lifetime_p50_ns":…,"lifetime_p99_ns":…,"lifetime_max_ns":…,
 *    "stack":[{"function":…,"file":…|null,"line":…|null},…]}
 *
 * The stack is the one that has most of it, the innermost function first, with the lines of calls
 * where they are known, and at most THAG_REPORT_DEPTH_MAX functions. `profile` was made of `copy`
 * and `names` by `query`. A new reference, or NULL without memory.
 */
json_t *thag_memory_places(const struct thag_heap_copy *copy, const struct thag_profile *profile,
			   const struct thag_names *names, const struct thag_heap_query *query,
			   const struct thag_heap_place *places, uint32_t count, uint32_t *more);

#endif
