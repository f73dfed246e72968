/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which part of a timeline a browser looks at: its "chart" request (proto/thag/frames.h), checked.
 *
 * Thread: any.
 */
#ifndef THAG_CHART_REQUEST_H
#define THAG_CHART_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "thag_timeline.h"

/** All zero asks for nothing. */
struct thag_chart_request {
	uint64_t session;	 /* 0: none */
	uint64_t from_ns, to_ns; /* both 0: all */
	uint64_t last_ns;	 /* not 0: the newest so many, instead */
	uint32_t columns;
	uint32_t lane_count;
	struct thag_view_lane *lanes; /* as they were asked for */
	bool by_default;	      /* lanes weren't named: the first ones */
	bool paused;
};

/**
 * Reads a request into `request`, which is to be ended by thag_chart_request_fini. `latest`: the
 * session meant by "latest". 0; -EINVAL with `*why` set to a constant line; or -ENOMEM. On errors
 * there is nothing to end.
 */
int thag_chart_request_parse(struct thag_chart_request *request, json_t *json, uint64_t latest,
			     const char **why);

void thag_chart_request_fini(struct thag_chart_request *request);

/** A copy, to be ended likewise. 0 or -ENOMEM. */
int thag_chart_request_copy(struct thag_chart_request *to, const struct thag_chart_request *from);

#endif
