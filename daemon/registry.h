/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The sessions thagd knows, oldest first, and the rules they live by together: idle ones,
 * memory, how many finished ones stay.
 *
 * Thread: main loop.
 */
#ifndef THAG_REGISTRY_H
#define THAG_REGISTRY_H

#include <stdint.h>

#include <jansson.h>

#include "thagd_limits.h"
#include "session.h"

struct thag_budget;
struct thag_daemon;

/** All zero but the budget is empty. */
struct thag_registry {
	const struct thag_budget *budget;
	struct thag_session *sessions[THAG_REGISTRY_MAX]; /* a reference each */
	uint32_t count;
	uint32_t live_count;
	uint64_t next_id;
	uint64_t version; /* grows when what a list shows of a session changes */
	uint32_t ticks;
	bool tight;
};

/** Adds a session and takes over its reference. 0 or -ENOSPC. */
int thag_registry_add(struct thag_registry *registry, struct thag_session *session);

/** One that counted as live no longer does. */
void thag_registry_finished(struct thag_registry *registry);

/** The session `id` as users write it, or the newest for "latest"; NULL: none. Borrowed. */
struct thag_session *thag_registry_find(const struct thag_registry *registry, const char *id);

/** Counts a session anew, if its program runs or it is being read. */
void thag_registry_count(struct thag_session *session);

/** {"sessions":[…]} with fresh counts, of process `pid` or, with 0, all; NULL without memory. */
json_t *thag_registry_report(struct thag_registry *registry, pid_t pid);

/** Whether all sessions of the process, if there are any, are saved. */
bool thag_registry_is_saved(const struct thag_registry *registry, pid_t pid);

/** Called 4 times a second: counts, states, quarantine, memory, programs that went by exec. */
void thag_registry_tick(struct thag_daemon *daemon);

/**
 * Drops the finished session `id`, as users write it; files that were saved of it stay. 0, -ENOENT
 * or -EBUSY, with `why` in words.
 */
int thag_registry_forget(struct thag_registry *registry, const char *id, const char **why);

/** Drops a session that is in it. */
void thag_registry_remove(struct thag_registry *registry, const struct thag_session *session);

/** Drops finished sessions there is no more room for. */
void thag_registry_trim(struct thag_registry *registry);

void thag_registry_fini(struct thag_registry *registry);

#endif
