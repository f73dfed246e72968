/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "limit_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "budget.h"

#define NUMBER_BYTES 40

struct scale {
	const char *unit, *larger;
	uint64_t times;
};

/* Units that are made larger as long as the number stays whole. */
static const struct scale scales[] = {
	{ "bytes", "KiB", 1024 }, { "KiB", "MiB", 1024 }, { "MiB", "GiB", 1024 },
	{ "ns", "us", 1000 },	  { "us", "ms", 1000 },	  { "ms", "s", 1000 },
};

static uint64_t value_of(const struct thag_limit *limit, const struct thag_budget *budget)
{
	uint64_t value;

	if (!limit->in_effect)
		return limit->value;
	memcpy(&value, (const char *)budget + limit->in_effect, sizeof(value));
	return value;
}

static void format(char *out, uint64_t value, const char *unit)
{
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (strcmp(unit, scales[i].unit) != 0 || value == 0 || value % scales[i].times != 0)
			continue;
		value /= scales[i].times;
		unit = scales[i].larger;
	}
	snprintf(out, NUMBER_BYTES, "%" PRIu64 " %s", value, unit);
}

static int print_json(const struct thag_budget *budget)
{
	json_t *list = json_array(), *all;
	int ret;

	for (size_t i = 0; i < thag_limits_count; i++) {
		const struct thag_limit *limit = &thag_limits[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:s, s:s}", "name", limit->name,
						"value", (json_int_t)value_of(limit, budget),
						"unit", limit->unit, "beyond", limit->beyond));
	}
	all = json_pack("{s:o}", "limits", list);
	ret = all ? json_dumpf(all, stdout, JSON_COMPACT) : -1;
	putchar('\n');
	json_decref(all);
	return ret == 0 ? 0 : -ENOMEM;
}

int thag_limits_print(const struct thag_budget *budget, bool json)
{
	int name_width = 0, value_width = 0;
	char number[NUMBER_BYTES];

	if (json)
		return print_json(budget);
	for (size_t i = 0; i < thag_limits_count; i++) {
		const struct thag_limit *limit = &thag_limits[i];

		format(number, value_of(limit, budget), limit->unit);
		if ((int)strlen(limit->name) > name_width)
			name_width = (int)strlen(limit->name);
		if ((int)strlen(number) > value_width)
			value_width = (int)strlen(number);
	}
	printf("%-*s  %-*s  %s\n", name_width, "LIMIT", value_width, "VALUE", "BEYOND");
	for (size_t i = 0; i < thag_limits_count; i++) {
		const struct thag_limit *limit = &thag_limits[i];

		format(number, value_of(limit, budget), limit->unit);
		printf("%-*s  %-*s  %s\n", name_width, limit->name, value_width, number,
		       limit->beyond);
	}
	return 0;
}
