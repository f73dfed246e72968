/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The limits of thagd as its user sees them: each with its value, its unit and what happens beyond.
 *
 * Thread: any.
 */
#ifndef THAG_LIMIT_LIST_H
#define THAG_LIMIT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thag_budget;

struct thag_limit {
	const char *name; /* as in the source, without THAG_ */
	uint64_t value;
	const char *unit;
	const char *beyond;
	size_t in_effect; /* where struct thag_budget has the value in effect; 0: it is `value` */
};

extern const struct thag_limit thag_limits[];
extern const size_t thag_limits_count;

/**
 * Prints all of them to stdout, with the values in effect: as a table, or with `json` as
 *
 *   {"limits":[{"name":"SESSIONS_LIVE_MAX","value":256,"unit":"programs","beyond":"…"},…]}
 *
 * Returns 0, or -ENOMEM.
 */
int thag_limits_print(const struct thag_budget *budget, bool json);

#endif
