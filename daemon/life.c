/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include "await.h"
#include "clock.h"
#include "daemon.h"
#include "log.h"
#include "memory.h"
#include "modes.h"
#include "proc.h"
#include "recorder.h"
#include "records.h"
#include "save.h"
#include "snapshot.h"
#include "symbols.h"

#define QUIET_TURNS 2

/* What watches one session. Freed when both handles are closed. */
struct life {
	struct thag_daemon *daemon;
	struct thag_session *session; /* a reference */
	int pidfd;
	bool by_exec;	    /* the process lives, as another program */
	bool by_user;	    /* the program lives, unprofiled */
	bool awaits_status; /* all was read; how it ended isn't known yet */
	bool awaits_names;  /* that is known, too */
	bool awaits_turn;   /* nothing is missing, but others are being saved */
	uint32_t probes;
	uint32_t open_handles;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_work_t work;
	uint64_t names_since_ns;
	uint64_t end_since_ns; /* the user wants it to end */
	uint32_t quiet_turns;  /* looks since at which it recorded nothing */
	struct thag_save save;
};

static void on_closed(uv_handle_t *handle)
{
	struct life *life = handle->data;

	if (--life->open_handles)
		return;
	if (life->pidfd >= 0)
		close(life->pidfd);
	thag_session_unref(life->session);
	free(life);
}

static void life_close(struct life *life)
{
	life->session->life = NULL;
	uv_close((uv_handle_t *)&life->poll, on_closed);
	uv_close((uv_handle_t *)&life->timer, on_closed);
}

/* The recording first: what became of it is told in the files. */
static void run_save(uv_work_t *work)
{
	struct life *life = work->data;

	thag_recorder_end(life->session,
			  life->by_user ? THAG_RECORDING_STOPPED : THAG_RECORDING_PROGRAM_ENDED);
	thag_save_run(&life->save);
}

static void run_settle(uv_work_t *work)
{
	struct life *life = work->data;

	thag_save_settle(&life->save);
	thag_session_let_go(life->session);
}

static void start_saves(struct thag_daemon *daemon);

static void after_settle(uv_work_t *work, int status)
{
	struct life *life = work->data;
	struct thag_daemon *daemon = life->daemon;

	(void)status;
	daemon->saves--;
	life_close(life);
	start_saves(daemon);
	thag_daemon_release(daemon);
}

static void after_save(uv_work_t *work, int status)
{
	struct life *life = work->data;
	struct thag_daemon *daemon = life->daemon;

	(void)status;
	thag_save_done(&life->save);
	thag_records_remove(daemon->runtime.records_fd, life->session->id);
	thag_service_drop(life->session->id);
	daemon->registry.version++;
	thag_await_saved(daemon, life->session->pid);
	thag_registry_trim(&daemon->registry);
	uv_queue_work(&daemon->loop, &life->work, run_settle, after_settle);
}

/* A few at once, the oldest first: on a slow disk they would take all threads of the pool, and who
 * looks at the page would wait for them. */
static void start_saves(struct thag_daemon *daemon)
{
	const struct thag_registry *registry = &daemon->registry;

	for (uint32_t i = 0; i < registry->count && daemon->saves < THAG_SAVES_MAX; i++) {
		struct life *life = registry->sessions[i]->life;

		if (!life || !life->awaits_turn)
			continue;
		life->awaits_turn = false;
		daemon->saves++;
		uv_queue_work(&daemon->loop, &life->work, run_save, after_save);
	}
}

static bool is_time_up(const struct life *life)
{
	uint64_t waited = thag_clock_mono_ns() - life->names_since_ns;

	return waited > (life->daemon->stopping ? THAG_SYMBOLS_LEAVE_NS : THAG_SYMBOLS_END_NS);
}

void thag_life_explain(struct thag_session *session)
{
	thag_session_say_quarantine(session);
	if (!session->message[0] && thag_recorder_error(session))
		thag_session_say(session, "recording %.160s stopped: %s",
				 thag_recorder_path(session),
				 strerror(-thag_recorder_error(session)));
	if (!session->message[0] && session->counts.overflowed)
		thag_session_explain_coarse(session);
	if (!session->message[0] &&
	    !thag_memory_explain(session, &session->counts.memory, session->message,
				 sizeof(session->message)))
		thag_naming_explain(&session->naming_counts, session->message,
				    sizeof(session->message));
}

/* No thread of the pool waits for a file that is hard to read. */
static void save_when_named(struct life *life)
{
	if (!thag_symbols_is_done(life->daemon->symbols, life->session) && !is_time_up(life))
		return;
	life->awaits_names = false;
	uv_timer_stop(&life->timer);
	thag_life_explain(life->session);
	life->awaits_turn = true;
	start_saves(life->daemon);
}

static void on_names_timer(uv_timer_t *timer)
{
	save_when_named(timer->data);
}

void thag_life_named(struct thag_daemon *daemon)
{
	for (uint32_t i = 0; i < daemon->registry.count; i++) {
		struct life *life = daemon->registry.sessions[i]->life;

		if (life && life->awaits_names)
			save_when_named(life);
	}
}

/* Its state is known: the rest is names, and files. */
static void conclude(struct life *life, enum thag_session_state state)
{
	struct thag_session *session = life->session;
	struct thag_daemon *daemon = life->daemon;

	life->awaits_status = false;
	session->state = state;
	thag_registry_finished(&daemon->registry);
	thag_log_write(THAG_LOG_INFO, "session %llu (%s, pid %d) %s%s%s",
		       (unsigned long long)session->id, session->program, (int)session->pid,
		       thag_session_state_name(state), session->signal > 0 ? " by SIG" : "",
		       session->signal > 0 && sigabbrev_np(session->signal)
			       ? sigabbrev_np(session->signal)
			       : "");
	life->save = (struct thag_save){ .session = session,
					 .clock = &daemon->clock,
					 .default_dir = daemon->output_dir };
	life->awaits_names = true;
	uv_timer_start(&life->timer, on_names_timer, THAG_SYMBOLS_LIMIT_MS, THAG_SYMBOLS_LIMIT_MS);
	save_when_named(life);
}

static void conclude_by_status(struct life *life, int status)
{
	struct thag_session *session = life->session;

	if (WIFSIGNALED(status)) {
		session->signal = WTERMSIG(status);
		conclude(life, THAG_SESSION_CRASHED);
		return;
	}
	session->exit_code = WEXITSTATUS(status);
	conclude(life, THAG_SESSION_ENDED);
}

static void probe(struct life *life)
{
	struct thag_session *session = life->session;
	int status;

	if (thag_proc_exit_status(life->pidfd, session->pid, &status) == 0) {
		conclude_by_status(life, status);
	} else if (session->reported_status >= 0) {
		conclude_by_status(life, session->reported_status);
	} else if (++life->probes >= THAG_EXIT_PROBES) {
		bool exited = thag_session_exited(session);

		session->signal = exited ? 0 : -1;
		conclude(life, exited ? THAG_SESSION_ENDED : THAG_SESSION_CRASHED);
	}
}

static void on_probe_timer(uv_timer_t *timer)
{
	probe(timer->data);
}

static void run_finish(uv_work_t *work)
{
	struct life *life = work->data;

	thag_session_finish(life->session, true);
}

static void after_finish(uv_work_t *work, int status)
{
	struct life *life = work->data;

	(void)status;
	thag_session_count(life->session, &life->session->counts);
	life->names_since_ns = thag_clock_mono_ns();
	thag_symbols_request(life->daemon->symbols, life->session);
	if (life->by_user && !life->session->message[0])
		thag_session_say(life->session, "it was ended while the program ran");
	if (life->by_exec || life->by_user) {
		conclude(life, THAG_SESSION_ENDED);
		return;
	}
	life->awaits_status = true;
	uv_timer_start(&life->timer, on_probe_timer, THAG_EXIT_PROBE_MS, THAG_EXIT_PROBE_MS);
	probe(life);
}

static void begin_finish(struct life *life)
{
	struct thag_session *session = life->session;

	uv_poll_stop(&life->poll);
	uv_timer_stop(&life->timer);
	session->finishing = true;
	session->end_mono_ns = thag_clock_mono_ns();
	thag_snapshot_fix(session, &life->daemon->clock);
	thag_daemon_hold(life->daemon);
	thag_drain_remove(life->daemon->drain, session);
	/* no more sites will come: they get names while its rings are read */
	thag_symbols_request(life->daemon->symbols, session);
	uv_queue_work(&life->daemon->loop, &life->work, run_finish, after_finish);
}

static void on_exit_seen(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	begin_finish(poll->data);
}

/* A thread may be at an event that it began before: a turn more is time for that. */
static void on_silence_timer(uv_timer_t *timer)
{
	struct life *life = timer->data;
	bool waited = thag_clock_mono_ns() - life->end_since_ns > THAG_END_WAIT_NS;

	if (!waited && life->quiet_turns < QUIET_TURNS) {
		life->quiet_turns += thag_modes_is_silent(life->session);
		return;
	}
	life->by_user = true;
	begin_finish(life);
}

static void await_silence(struct life *life)
{
	life->session->ending = true;
	life->end_since_ns = thag_clock_mono_ns();
	life->daemon->registry.version++;
	uv_timer_start(&life->timer, on_silence_timer, 0, THAG_END_LOOK_MS);
}

int thag_life_end(struct thag_session *session, const char **why)
{
	int ret = thag_modes_end(session, why);

	if (ret == 0 && !session->ending)
		await_silence(session->life);
	return ret;
}

static int watch(struct life *life)
{
	uv_loop_t *loop = &life->daemon->loop;
	int ret = uv_poll_init(loop, &life->poll, life->pidfd);

	if (ret != 0)
		return ret;
	uv_timer_init(loop, &life->timer);
	life->poll.data = life->timer.data = life->work.data = life;
	life->open_handles = 2;
	return uv_poll_start(&life->poll, UV_READABLE, on_exit_seen);
}

/* Undoes what thag_life_begin did; a life whose handles are open frees itself. */
static void unwatch(struct life *life)
{
	life->pidfd = -1; /* the caller's again */
	life->session->life = NULL;
	if (life->open_handles) {
		life_close(life);
		return;
	}
	thag_session_unref(life->session);
	free(life);
}

int thag_life_begin(struct thag_daemon *daemon, struct thag_session *session, int pidfd)
{
	struct life *life = calloc(1, sizeof(*life));
	int ret;

	if (!life)
		return -ENOMEM;
	life->daemon = daemon;
	life->pidfd = pidfd;
	life->session = thag_session_ref(session);
	session->life = life;
	session->clock = &daemon->clock;
	ret = watch(life);
	if (ret == 0)
		ret = thag_drain_add(daemon->drain, session);
	if (ret == 0)
		ret = thag_registry_add(&daemon->registry, session);
	if (ret != 0) {
		thag_drain_remove(daemon->drain, session);
		unwatch(life);
	} else if (thag_modes_is_ending(session)) {
		await_silence(life); /* an earlier thagd was at it */
	}
	return ret;
}

void thag_life_check_exec(struct thag_daemon *daemon, struct thag_session *session)
{
	struct life *life = session->life;

	(void)daemon;
	if (!life || session->finishing ||
	    thag_proc_maps_inode(session->pid, session->memory.shm_inode) != 0)
		return;
	life->by_exec = true;
	begin_finish(life);
}

void thag_life_report_exit(struct thag_daemon *daemon, pid_t pid, int status)
{
	for (uint32_t i = daemon->registry.count; i-- > 0;) {
		struct thag_session *session = daemon->registry.sessions[i];
		struct life *life = session->life;

		if (session->pid != pid || session->state == THAG_SESSION_LOST ||
		    session->state == THAG_SESSION_RECORDED ||
		    session->state == THAG_SESSION_OPENING)
			continue;
		session->reported_status = status;
		if (life && life->awaits_status)
			probe(life);
		return;
	}
}

void thag_life_leave(struct thag_daemon *daemon, struct thag_session *session)
{
	struct thag_save save = { .session = session,
				  .clock = &daemon->clock,
				  .default_dir = daemon->output_dir };

	session->end_mono_ns = thag_clock_mono_ns();
	thag_snapshot_fix(session, &daemon->clock);
	thag_drain_remove(daemon->drain, session);
	thag_session_finish(session, false);
	thag_symbols_wait(daemon->symbols, session, daemon->leave_until_ns);
	thag_session_count(session, &session->counts);
	thag_session_say(session, "thagd was stopped while the program ran");
	thag_recorder_end(session, THAG_RECORDING_STOPPED);
	thag_save_run(&save);
	thag_save_done(&save);
	thag_save_settle(&save);
	/* the next thagd may go on with it, but need not mourn it */
	thag_records_put(daemon->runtime.records_fd, session, save.error == 0);
	life_close(session->life);
}
