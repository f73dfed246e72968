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
 * What thag_memory_report tells, and thag_memory_detail, and the lists of thag_memory_places:
 *
 *   "places":[…], "more_places":…,   by bytes allocated
 *   "leaks":[…], "more_leaks":…      by bytes that are live still
 *
 * A new reference, null when no memory was recorded; NULL without memory for it.
 */
json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts);

#endif
