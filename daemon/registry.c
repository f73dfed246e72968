/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "clock.h"
#include "daemon.h"
#include "life.h"
#include "log.h"
#include "memory.h"
#include "modes.h"
#include "report.h"
#include "symbols.h"

#define TICKS_PER_EXEC_CHECK 8

int thag_registry_add(struct thag_registry *registry, struct thag_session *session)
{
	thag_registry_trim(registry);
	if (registry->count == THAG_REGISTRY_MAX)
		return -ENOSPC;
	registry->sessions[registry->count++] = session;
	if (thag_session_is_live(session))
		registry->live_count++;
	registry->version++;
	return 0;
}

void thag_registry_finished(struct thag_registry *registry)
{
	registry->live_count--;
	registry->version++;
}

struct thag_session *thag_registry_find(const struct thag_registry *registry, const char *id)
{
	char *end = NULL;
	unsigned long long wanted;

	if (strcmp(id, "latest") == 0)
		return registry->count ? registry->sessions[registry->count - 1] : NULL;
	if (id[0] < '0' || id[0] > '9')
		return NULL;
	wanted = strtoull(id, &end, 10);
	for (uint32_t i = 0; !*end && i < registry->count; i++)
		if (registry->sessions[i]->id == wanted)
			return registry->sessions[i];
	return NULL;
}

/* Those whose program is being laid to rest are counted by whoever does it. */
static bool is_running(const struct thag_session *session)
{
	return thag_session_is_live(session) && !session->finishing;
}

void thag_registry_count(struct thag_session *session)
{
	uint64_t events = session->counts.events;

	if (!is_running(session) && session->state != THAG_SESSION_OPENING)
		return;
	thag_session_count(session, &session->counts);
	if (session->counts.events != events)
		session->event_mono_ns = thag_clock_mono_ns();
}

json_t *thag_registry_report(struct thag_registry *registry, pid_t pid)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < registry->count; i++) {
		struct thag_session *session = registry->sessions[i];

		if (pid && session->pid != pid)
			continue;
		thag_registry_count(session);
		json_array_append_new(list, thag_report_session(session));
	}
	return json_pack("{s:o}", "sessions", list);
}

bool thag_registry_is_saved(const struct thag_registry *registry, pid_t pid)
{
	for (uint32_t i = 0; i < registry->count; i++)
		if (registry->sessions[i]->pid == pid && !registry->sessions[i]->saved)
			return false;
	return true;
}

static void update_state(struct thag_registry *registry, struct thag_session *session)
{
	uint64_t quiet_ns = thag_clock_mono_ns() - session->event_mono_ns;
	enum thag_session_state state =
		quiet_ns > THAG_SESSION_IDLE_NS ? THAG_SESSION_IDLE : THAG_SESSION_LIVE;

	if (state != session->state)
		registry->version++;
	session->state = state;
}

/* Who looks at a list sees a switch at once. */
static void check_modes(struct thag_registry *registry, struct thag_session *session)
{
	struct thag_modes modes;
	uint32_t listed;

	thag_modes_get(session, &modes);
	listed = modes.active | modes.wished << 8 | (uint32_t)modes.waiting << 16;
	if (listed != session->listed_modes)
		registry->version++;
	session->listed_modes = listed;
}

/* Names are looked for as functions appear: at the end their files may be gone. */
static void request_names(struct thag_daemon *daemon, struct thag_session *session)
{
	uint32_t sites = thag_session_sites(session);

	if (sites == session->sites_seen)
		return;
	session->sites_seen = sites;
	thag_symbols_request(daemon->symbols, session);
}

static void warn(struct thag_registry *registry, const struct thag_session *session)
{
	thag_log_write(THAG_LOG_WARN, "session %llu (%s): %s", (unsigned long long)session->id,
		       session->program, session->message);
	registry->version++;
}

static void check_quarantine(struct thag_registry *registry, struct thag_session *session)
{
	if (thag_session_say_quarantine(session))
		warn(registry, session);
}

/* A limit on its memory events was reached: once is enough to say it. */
static void check_capped(struct thag_registry *registry, struct thag_session *session)
{
	if (session->capped_said || !session->counts.memory.capped)
		return;
	session->capped_said = true;
	if (!session->message[0])
		thag_session_say(session,
				 session->counts.memory.untracked
					 ? "too many blocks are live: new ones are counted, "
					   "but not followed"
					 : "its memory has too many call paths: new ones count "
					   "at their callers");
	warn(registry, session);
}

/* Likewise, that its calls have more paths than there is room for. */
static void check_coarse(struct thag_registry *registry, struct thag_session *session)
{
	if (session->coarse_said || !session->counts.overflowed)
		return;
	session->coarse_said = true;
	if (!session->message[0])
		thag_session_explain_coarse(session);
	warn(registry, session);
}

/* A program that became another keeps its pid, but not its memory. */
static void check_exec(struct thag_daemon *daemon, struct thag_session *session)
{
	if (session->state == THAG_SESSION_IDLE &&
	    daemon->registry.ticks % TICKS_PER_EXEC_CHECK == session->id % TICKS_PER_EXEC_CHECK)
		thag_life_check_exec(daemon, session);
}

/* Histograms still grow when trees don't. No honest program gets here. */
static void stop_largest(struct thag_registry *registry)
{
	struct thag_session *largest = NULL;

	for (uint32_t i = 0; i < registry->count; i++) {
		struct thag_session *session = registry->sessions[i];

		if (is_running(session) && !session->quarantine_said &&
		    (!largest || session->counts.tree_bytes > largest->counts.tree_bytes))
			largest = session;
	}
	if (!largest)
		return;
	atomic_store_explicit(&largest->quarantined, true, memory_order_relaxed);
	largest->quarantine_said = true;
	thag_session_say(largest, "its profile takes %llu MiB: not read any more",
			 (unsigned long long)(largest->counts.tree_bytes >> 20));
	warn(registry, largest);
}

/*
 * The budget is spent: what is there stays exact, calls by new paths go to their callers. Those who
 * have less than half their share go on as they are, which leaves half of it for them.
 */
static void check_memory(struct thag_registry *registry, uint64_t bytes)
{
	uint64_t most = registry->budget->trees_bytes;
	uint64_t share = most / 2 / (registry->live_count ? registry->live_count : 1);
	bool was_tight = registry->tight;

	registry->tight = bytes > most;
	if (!registry->tight)
		return;
	if (!was_tight)
		thag_log_write(THAG_LOG_WARN, "profiles take %llu MiB: no new call paths for now",
			       (unsigned long long)(bytes >> 20));
	for (uint32_t i = 0; i < registry->count; i++)
		if (is_running(registry->sessions[i]) &&
		    registry->sessions[i]->counts.tree_bytes > share)
			thag_session_tighten(registry->sessions[i]);
	if (bytes > 2 * most)
		stop_largest(registry);
}

/* The same for heaps: blocks to come are counted, but not followed. */
static void check_heaps(struct thag_registry *registry, uint64_t bytes)
{
	uint64_t most = registry->budget->heaps_bytes;
	uint64_t share = most / 2 / (registry->live_count ? registry->live_count : 1);

	if (bytes <= most)
		return;
	for (uint32_t i = 0; i < registry->count; i++)
		if (is_running(registry->sessions[i]) &&
		    registry->sessions[i]->counts.memory.heap_bytes > share)
			thag_memory_tighten(registry->sessions[i]);
}

void thag_registry_tick(struct thag_daemon *daemon)
{
	struct thag_registry *registry = &daemon->registry;
	uint64_t bytes = 0, heap_bytes = 0;

	registry->ticks++;
	for (uint32_t i = 0; i < registry->count; i++) {
		struct thag_session *session = registry->sessions[i];

		if (is_running(session)) {
			thag_registry_count(session);
			update_state(registry, session);
			check_modes(registry, session);
			check_quarantine(registry, session);
			check_capped(registry, session);
			check_coarse(registry, session);
			request_names(daemon, session);
			check_exec(daemon, session);
			heap_bytes += session->counts.memory.heap_bytes;
		}
		bytes += session->counts.tree_bytes;
	}
	check_memory(registry, bytes);
	check_heaps(registry, heap_bytes);
	thag_registry_trim(registry);
}

static bool may_go(const struct thag_session *session)
{
	return !thag_session_is_live(session) && session->saved &&
	       session->state != THAG_SESSION_OPENING;
}

static void drop(struct thag_registry *registry, uint32_t index)
{
	thag_session_unref(registry->sessions[index]);
	registry->count--;
	memmove(&registry->sessions[index], &registry->sessions[index + 1],
		(registry->count - index) * sizeof(registry->sessions[0]));
	registry->version++;
}

void thag_registry_remove(struct thag_registry *registry, const struct thag_session *session)
{
	uint32_t index = 0;

	while (registry->sessions[index] != session)
		index++;
	drop(registry, index);
}

int thag_registry_forget(struct thag_registry *registry, const char *id, const char **why)
{
	const struct thag_session *session = thag_registry_find(registry, id);

	*why = "no such session";
	if (!session)
		return -ENOENT;
	*why = "its program still runs";
	if (!thag_session_is_live(session))
		*why = session->saved ? "it is still being read"
				      : "its profile is still being saved";
	if (!may_go(session))
		return -EBUSY;
	thag_log_write(THAG_LOG_INFO, "session %llu (%s): forgotten",
		       (unsigned long long)session->id, session->program);
	thag_registry_remove(registry, session);
	return 0;
}

void thag_registry_trim(struct thag_registry *registry)
{
	uint32_t finished = 0;
	uint64_t bytes = 0;

	/* from the newest: what is too much are the oldest */
	for (uint32_t i = registry->count; i-- > 0;) {
		const struct thag_session *session = registry->sessions[i];

		if (!may_go(session))
			continue;
		finished++;
		bytes += session->counts.tree_bytes + session->counts.memory.heap_bytes;
		if (finished > THAG_SESSIONS_FINISHED_MAX ||
		    (finished > 1 && bytes > registry->budget->finished_bytes)) {
			bytes -= session->counts.tree_bytes + session->counts.memory.heap_bytes;
			drop(registry, i);
		}
	}
}

void thag_registry_fini(struct thag_registry *registry)
{
	for (uint32_t i = 0; i < registry->count; i++)
		thag_session_unref(registry->sessions[i]);
	registry->count = 0;
}
