/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For ws.c and ws_*.c. */
#ifndef THAG_WS_PRIVATE_H
#define THAG_WS_PRIVATE_H

#include "ask.h"
#include "chart.h"
#include "daemon.h"
#include "view.h"
#include "ws.h"

/* What waits to be sent, in the order it is sent. */
enum {
	SEND_ERROR,
	SEND_ASKED, /* one for each enum thag_ask_kind */
	SEND_ASKED_LAST = SEND_ASKED + THAG_ASK_KINDS - 1,
	SEND_LIST,
	SEND_FLAME,
	SEND_CALLERS,
	SEND_CALLEES,
	SEND_TABLE,
	SEND_DURATIONS,
	SEND_MEMORY,
	SEND_CHART,
	SEND_COUNT
};

/* What a browser sees of a timeline, beside what it watches. */
struct thag_ws_charting {
	struct thag_chart_request request; /* of no session: nothing */
	bool fresh;			   /* it has not been answered */
	bool busy;			   /* an answer is being made */
	bool refines;			   /* the answer could be finer, and will be */
	bool follows;			   /* the window reaches the newest events */
	uint64_t seen_events;
	enum thag_session_state seen_state;
	uint32_t seen_names;
	uint64_t rest_until_ns;
};

/* What a browser asks about functions. */
struct thag_ws_asking {
	struct thag_ask next; /* of no session: none waits */
	bool busy;	      /* an answer is being made */
};

struct thag_ws_client {
	struct thag_ws_client *next;
	uint64_t id; /* answers that are being made outlive it */
	struct lws *wsi;
	struct thag_blob *waiting[SEND_COUNT]; /* a newer one replaces it */
	uint32_t sequence;
	bool watching;
	bool fresh; /* a request has not been answered */
	struct thag_watch watch;
	uint64_t seen_events;
	enum thag_session_state seen_state;
	uint32_t seen_names;
	struct thag_view_mark seen_base; /* of a difference */
	uint64_t seen_duration_ns;
	uint64_t seen_ns;
	uint64_t rest_until_ns; /* frames that take long are made less often */
	struct thag_ws_charting charting;
	struct thag_ws_asking asking[THAG_ASK_KINDS];
	size_t rx_bytes;
	char *rx; /* what came of a request, NULL: nothing */
};

_Static_assert(sizeof(struct thag_ws_client) <= THAG_WS_CLIENT_BYTES,
	       "the room libwebsockets gives");

struct thag_ws {
	struct thag_daemon *daemon;
	uv_timer_t timer;
	struct thag_ws_client *clients;
	uint64_t last_id;
	struct thag_view_job *views[THAG_SESSIONS_LIVE_MAX]; /* jobs under way */
	uint32_t view_count;
	struct thag_blob *list;
	uint64_t list_version;
	uint64_t list_ns;
};

void thag_ws_send_later(struct thag_ws_client *client, int which, struct thag_blob *blob);

/** Takes over `json`. */
void thag_ws_send_json(struct thag_ws_client *client, int which, json_t *json);
void thag_ws_send_error(struct thag_ws_client *client, const char *message);

/** NULL: there is none of that id. */
struct thag_session *thag_ws_find_session(const struct thag_ws *ws, uint64_t id);

/** NULL: it has gone. */
struct thag_ws_client *thag_ws_find_client(const struct thag_ws *ws, uint64_t id);

/** The id of the newest session, 0 for none. */
uint64_t thag_ws_latest(const struct thag_ws *ws);

/** Makes charts for all who are due. */
void thag_ws_refresh_charts(struct thag_ws *ws);

void thag_ws_run_chart(struct thag_ws *ws, struct thag_ws_client *client, json_t *json);
/** "record" and "unrecord". */
void thag_ws_run_record(struct thag_ws *ws, struct thag_ws_client *client, json_t *json);
void thag_ws_run_ask(struct thag_ws *ws, struct thag_ws_client *client, enum thag_ask_kind kind,
		     json_t *json);

#endif
