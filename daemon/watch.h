/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a browser looks at: its "watch" request (proto/thag/frames.h), checked.
 *
 * Thread: any.
 */
#ifndef THAG_WATCH_H
#define THAG_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "metric.h"
#include "thagd_limits.h"
#include "thag_profile.h"
#include "thag_search.h"
#include "thag_sieve.h"

/** Made by thag_watch_parse only: unused bytes are zero, so that two may be compared. */
struct thag_watch {
	uint64_t session;
	uint64_t focus;
	uint64_t sandwich;  /* a function, 0: none … */
	uint64_t durations; /* … and whose are asked for, likewise */
	uint32_t tid;	    /* 0 with a metric of memory: it is that of all threads */
	uint32_t width;
	uint32_t sort; /* enum thag_table_sort */
	struct thag_metric_query metric;
	uint64_t base;			      /* the session it is compared with, 0: none … */
	struct thag_metric_query base_metric; /* … of the same metric, in a range of its own */
	bool normalise;			      /* widths as if both had the same total */
	bool raw;
	bool heavy; /* siblings with most first */
	bool paused;
	char search[THAG_VIEW_SEARCH_BYTES];
	struct thag_sieve sieve;
};

/** What is wrong with a request. */
struct thag_watch_fault {
	const char *why;   /* a line: constant, or that of `search` */
	const char *field; /* a text of the request that makes no sense, or NULL … */
	const char *text;  /* … the text, the request's … */
	uint32_t at;	   /* … and where in it, bytes */
	struct thag_search_error search;
};

/**
 * Reads a request. `latest`: the session meant by "latest". 0, or -EINVAL with `*fault` set.
 */
int thag_watch_parse(struct thag_watch *watch, json_t *request, uint64_t latest,
		     struct thag_watch_fault *fault);

/** The id of a node or a function, 0 for none: "" or 16 hex digits. 0 or -EINVAL. */
int thag_watch_parse_id(const char *hex, uint64_t *id);

/** The session that a request names. 0 or -EINVAL. */
int thag_watch_parse_session(const char *id, uint64_t latest, uint64_t *session);

/** Whether both get the same frames: they differ in nothing but being paused. */
bool thag_watch_equal(const struct thag_watch *a, const struct thag_watch *b);

#endif
