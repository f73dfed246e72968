/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "chart_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "watch.h"

#define LANE_NUMBERS 4

void thag_chart_request_fini(struct thag_chart_request *request)
{
	free(request->lanes);
	*request = (struct thag_chart_request){ 0 };
}

int thag_chart_request_copy(struct thag_chart_request *to, const struct thag_chart_request *from)
{
	size_t bytes = from->lane_count * sizeof(*from->lanes);

	*to = *from;
	to->lanes = malloc(bytes + 1);
	if (!to->lanes)
		return -ENOMEM;
	if (bytes)
		memcpy(to->lanes, from->lanes, bytes);
	return 0;
}

static int parse_lane(struct thag_view_lane *lane, const json_t *json)
{
	json_int_t numbers[LANE_NUMBERS];

	if (!json_is_array(json) || json_array_size(json) != LANE_NUMBERS)
		return -EINVAL;
	for (size_t i = 0; i < LANE_NUMBERS; i++) {
		const json_t *number = json_array_get(json, i);

		numbers[i] = json_integer_value(number);
		if (!json_is_integer(number) || numbers[i] < 0)
			return -EINVAL;
	}
	if (numbers[0] >= THAG_SLOTS_MAX || numbers[1] >= THAG_LANE_KINDS ||
	    numbers[2] >= THAG_CHUNK_ROWS_MAX || numbers[3] > THAG_CHUNK_ROWS_MAX)
		return -EINVAL;
	*lane = (struct thag_view_lane){ (uint32_t)numbers[0], (uint32_t)numbers[1],
					 (uint32_t)numbers[2], (uint32_t)numbers[3] };
	return 0;
}

/* None twice, and no more rows of all together than a timeline answers. */
static int check_lanes(const struct thag_chart_request *request)
{
	bool seen[THAG_SLOTS_MAX * THAG_LANE_KINDS] = { false };
	uint64_t rows = 0;

	for (uint32_t i = 0; i < request->lane_count; i++) {
		const struct thag_view_lane *lane = &request->lanes[i];
		bool *at = &seen[lane->ring * THAG_LANE_KINDS + lane->kind];

		if (*at)
			return -EINVAL;
		*at = true;
		rows += lane->rows;
	}
	return rows <= THAG_TIMELINE_ROWS_MAX ? 0 : -EINVAL;
}

static int parse_lanes(struct thag_chart_request *request, const json_t *lanes, const char **why)
{
	size_t count = json_array_size(lanes);
	int ret = 0;

	request->by_default = !lanes;
	if (!lanes)
		return 0;
	*why = "lanes are a list of [ring, kind, first row, rows], none twice, at most 4096 rows "
	       "in all";
	if (!json_is_array(lanes) || count > THAG_TIMELINE_LANES_MAX)
		return -EINVAL;
	request->lanes = calloc(count + 1, sizeof(*request->lanes));
	if (!request->lanes)
		return -ENOMEM;
	for (size_t i = 0; i < count && ret == 0; i++)
		ret = parse_lane(&request->lanes[i], json_array_get(lanes, i));
	request->lane_count = (uint32_t)count;
	return ret ? ret : check_lanes(request);
}

static int parse(struct thag_chart_request *request, json_t *json, uint64_t latest,
		 const char **why)
{
	json_int_t from = 0, to = 0, last = 0, columns = 1280;
	const json_t *lanes = NULL;
	const char *id = "";
	int paused = 0;

	*why = "a field of the chart has a wrong type";
	if (json_unpack(json, "{s:s, s?I, s?I, s?I, s?I, s?b, s?o}", "session", &id, "from", &from,
			"to", &to, "last", &last, "columns", &columns, "paused", &paused, "lanes",
			&lanes) != 0)
		return -EINVAL;
	*why = "no such session";
	if (id[0] && thag_watch_parse_session(id, latest, &request->session) != 0)
		return -EINVAL;
	*why = "a window has a beginning and a later end, in nanoseconds since the session began";
	if (from < 0 || to < 0 || last < 0 || (to && to <= from) || (from && !to))
		return -EINVAL;
	*why = "a plot has 1 to 8192 columns";
	if (columns < 1 || columns > THAG_TIMELINE_COLUMNS_MAX)
		return -EINVAL;
	request->from_ns = (uint64_t)from;
	request->to_ns = (uint64_t)to;
	request->last_ns = (uint64_t)last;
	request->columns = (uint32_t)columns;
	request->paused = paused != 0;
	return parse_lanes(request, lanes, why);
}

int thag_chart_request_parse(struct thag_chart_request *request, json_t *json, uint64_t latest,
			     const char **why)
{
	struct thag_chart_request parsed = { 0 };
	int ret = parse(&parsed, json, latest, why);

	if (ret == 0)
		*request = parsed;
	else
		thag_chart_request_fini(&parsed);
	return ret;
}
