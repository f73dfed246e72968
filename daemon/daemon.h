/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The state of the process, in one place, and its beginning and end.
 *
 * Thread: the main loop, except where a member says otherwise.
 */
#ifndef THAG_DAEMON_H
#define THAG_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "budget.h"
#include "clock.h"
#include "drain.h"
#include "gate.h"
#include "history.h"
#include "options.h"
#include "registry.h"
#include "runtime.h"
#include "service.h"

struct thag_await;
struct thag_control;
struct thag_http;
struct thag_opening_file;
struct thag_symbols;

struct thag_daemon {
	uv_loop_t loop;
	struct thag_options options;
	struct thag_budget budget;	  /* any thread: fixed */
	char output_dir[THAG_PATH_BYTES]; /* absolute, or "" */
	char record_dir[THAG_PATH_BYTES]; /* likewise */
	struct thag_runtime runtime;
	struct thag_service service;
	struct thag_clock_rate clock; /* any thread */
	struct thag_drain *drain;
	struct thag_histories histories; /* any thread */
	struct thag_registry registry;
	struct thag_control *control;
	struct thag_await *awaits;	    /* who waits for a program's profile */
	struct thag_opening_file *openings; /* recordings that are being read */
	struct thag_http *http;
	struct thag_symbols *symbols;
	uv_signal_t signals[3];
	uv_timer_t tick;
	uv_async_t named;		   /* from the thread of symbols.h */
	uint32_t port;			   /* of the web page */
	uint32_t uploads;		   /* under way */
	uint32_t saves;			   /* likewise */
	char token[THAG_GATE_TOKEN_BYTES]; /* "": there is none */
	uint32_t holds;			   /* work under way that the end waits for */
	bool stopping;
	uint64_t leave_until_ns; /* programs that go on get names until then */
};

/**
 * Starts, serves and ends. `ready` is called once, with the line to print, when programs and
 * browsers can connect. Returns an enum thag_exit_status.
 */
int thag_daemon_run(struct thag_daemon *daemon, const struct thag_options *options,
		    void (*ready)(struct thag_daemon *daemon, const char *line));

/** Begins the end: no new sessions; what is under way is finished, then everything is saved. */
void thag_daemon_stop(struct thag_daemon *daemon);

/** Between these two, the end waits. */
void thag_daemon_hold(struct thag_daemon *daemon);
void thag_daemon_release(struct thag_daemon *daemon);

#endif
