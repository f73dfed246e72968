/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "confine.h"
#include "control.h"
#include "http.h"
#include "life.h"
#include "log.h"
#include "opened.h"
#include "reattach.h"
#include "symbols.h"

#define TICK_MS 250
#define LINE_BYTES (THAG_PATH_BYTES + 128)

static void on_signal(uv_signal_t *handle, int signal)
{
	thag_log_write(THAG_LOG_INFO, "ending by SIG%s", sigabbrev_np(signal));
	thag_daemon_stop(handle->data);
}

static void on_tick(uv_timer_t *timer)
{
	thag_registry_tick(timer->data);
}

static void on_named(uv_async_t *async)
{
	thag_life_named(async->data);
}

void thag_daemon_hold(struct thag_daemon *daemon)
{
	daemon->holds++;
}

static void end_when_free(struct thag_daemon *daemon)
{
	if (daemon->stopping && daemon->holds == 0)
		uv_stop(&daemon->loop);
}

void thag_daemon_release(struct thag_daemon *daemon)
{
	daemon->holds--;
	end_when_free(daemon);
}

void thag_daemon_stop(struct thag_daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	thag_service_stopping();
	thag_opened_stop(daemon);
	thag_control_stop(daemon->control);
	end_when_free(daemon);
}

/* "" stays: what the option is for goes elsewhere. */
static int find_dir(const char *named, const char *option, char out[static THAG_PATH_BYTES])
{
	char *path;

	if (!named)
		return 0;
	path = realpath(named, NULL);
	if (!path || strlen(path) >= THAG_PATH_BYTES || access(path, W_OK | X_OK) != 0) {
		fprintf(stderr, "thagd: can't write to %s %s: %s\n", option, named,
			strerror(errno));
		free(path);
		return -EACCES;
	}
	strcpy(out, path);
	free(path);
	return 0;
}

static int find_dirs(struct thag_daemon *daemon)
{
	int ret = find_dir(daemon->options.output_dir, "--output-dir", daemon->output_dir);

	return ret ? ret : find_dir(daemon->options.record_dir, "--record", daemon->record_dir);
}

static int start_signals(struct thag_daemon *daemon)
{
	static const int numbers[3] = { SIGINT, SIGTERM, SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (int i = 0; i < 3; i++) {
		int ret = uv_signal_init(&daemon->loop, &daemon->signals[i]);

		daemon->signals[i].data = daemon;
		if (ret == 0)
			ret = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
		if (ret != 0)
			return ret;
	}
	uv_timer_init(&daemon->loop, &daemon->tick);
	daemon->tick.data = daemon;
	return uv_timer_start(&daemon->tick, on_tick, TICK_MS, TICK_MS);
}

static void do_nothing(uv_work_t *work)
{
	(void)work;
}

static void after_nothing(uv_work_t *work, int status)
{
	(void)work;
	(void)status;
}

/* libuv's threads start with the first work, and it aborts when they can't: now, not in a session.
 */
static int start_loop(struct thag_daemon *daemon)
{
	static uv_work_t first;
	int ret = uv_loop_init(&daemon->loop);

	if (ret == 0)
		ret = uv_async_init(&daemon->loop, &daemon->named, on_named);
	daemon->named.data = daemon;
	if (ret == 0)
		ret = uv_queue_work(&daemon->loop, &first, do_nothing, after_nothing);
	return ret;
}

/* Why a part that says nothing itself doesn't start. */
static int tell(int ret, const char *part)
{
	if (ret != 0)
		fprintf(stderr, "thagd: can't start %s: %s\n", part, strerror(-ret));
	return ret;
}

/* Everything that needs the loop. */
static int start_serving(struct thag_daemon *daemon)
{
	int ret = tell(start_signals(daemon), "to listen to signals");

	if (ret == 0)
		ret = tell(thag_drain_create(&daemon->drain, 0), "to read what programs record");
	if (ret == 0)
		ret = tell(thag_symbols_start(&daemon->symbols, &daemon->named), "to read symbols");
	if (ret == 0)
		ret = thag_http_start(daemon);
	if (ret == 0)
		ret = tell(thag_control_start(daemon), "to answer programs");
	/* last: a thagd that doesn't start takes no programs over */
	if (ret == 0)
		thag_reattach_all(daemon);
	return ret;
}

static void announce(struct thag_daemon *daemon,
		     void (*ready)(struct thag_daemon *daemon, const char *line))
{
	char line[LINE_BYTES];

	thag_runtime_announce(&daemon->runtime, daemon->port);
	snprintf(line, sizeof(line), "thagd %s listening: http://localhost:%u%s%s (socket %s)",
		 THAG_VERSION, daemon->port, daemon->token[0] ? "/?token=" : "", daemon->token,
		 daemon->runtime.socket);
	ready(daemon, line);
	thag_service_ready(line);
}

/* Programs that still run are left alone: the next thagd finds them by their records. */
static void save_running(struct thag_daemon *daemon)
{
	daemon->leave_until_ns = thag_clock_mono_ns() + THAG_SYMBOLS_LEAVE_NS;
	for (uint32_t i = 0; i < daemon->registry.count; i++) {
		struct thag_session *session = daemon->registry.sessions[i];

		if (thag_session_is_live(session) && !session->finishing)
			thag_life_leave(daemon, session);
	}
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	if (handle != arg && !uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void stop_serving(struct thag_daemon *daemon)
{
	save_running(daemon);
	thag_await_end(daemon);
	thag_control_stop(daemon->control);
	thag_http_stop(daemon->http);
	thag_drain_destroy(daemon->drain);
	/* jobs under way may still ask for names, and who finds them says so */
	uv_unref((uv_handle_t *)&daemon->named);
	uv_walk(&daemon->loop, close_handle, &daemon->named);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	thag_symbols_stop(daemon->symbols);
	uv_close((uv_handle_t *)&daemon->named, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	thag_control_destroy(daemon->control);
	thag_http_destroy(daemon->http);
	uv_loop_close(&daemon->loop);
	thag_registry_fini(&daemon->registry);
}

static int exit_status(int err)
{
	switch (err) {
	case 0:
		return THAG_EXIT_OK;
	case -EALREADY:
		return THAG_EXIT_RUNNING;
	case -EADDRINUSE:
		return THAG_EXIT_PORT;
	default:
		return THAG_EXIT_FAILURE;
	}
}

int thag_daemon_run(struct thag_daemon *daemon, const struct thag_options *options,
		    void (*ready)(struct thag_daemon *daemon, const char *line))
{
	int ret;

	*daemon = (struct thag_daemon){ .options = *options, .runtime = THAG_RUNTIME_EMPTY };
	thag_clock_init(&daemon->clock);
	thag_budget_init(&daemon->budget, options->timeline_bytes);
	thag_budget_find(&daemon->budget);
	thag_budget_enforce(&daemon->budget);
	daemon->registry.budget = &daemon->budget;
	thag_histories_init(&daemon->histories, &daemon->budget);
	thag_service_take(&daemon->service);
	ret = find_dirs(daemon);
	if (ret == 0 && options->token)
		ret = thag_gate_make_token(daemon->token);
	if (ret == 0)
		ret = thag_runtime_open(&daemon->runtime, options->socket, daemon->service.socket);
	if (ret != 0)
		goto out;
	ret = tell(start_loop(daemon), "its loop");
	if (ret != 0)
		goto out;
	ret = start_serving(daemon);
	if (ret == 0) {
		thag_confine_daemon();
		announce(daemon, ready);
		/* the turn that ends it may see a program end, too: that is waited for */
		do
			uv_run(&daemon->loop, UV_RUN_DEFAULT);
		while (daemon->holds);
	}
	stop_serving(daemon);
out:
	thag_runtime_close(&daemon->runtime);
	thag_histories_fini(&daemon->histories);
	thag_clock_fini(&daemon->clock);
	return exit_status(ret);
}
