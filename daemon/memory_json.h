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

/** The profile whose places are listed below; the caller destroys it. 0 or -ENOMEM. */
int thag_memory_json_profile(const struct thag_memory_view *view, struct thag_profile **out);

/**
 * What thag_memory_report tells, and thag_memory_detail, and the lists of thag_memory_places:
 *
 *   "places":[…], "more_places":…,   by bytes allocated
 *   "leaks":[…], "more_leaks":…      by bytes that are live still
 *
 * `profile` is thag_memory_json_profile's of the view. A new reference, null when no memory was
 * recorded; NULL without memory for it.
 */
json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts,
			 const struct thag_profile *profile);

#endif
