/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "await.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "format.h"

struct thag_await {
	struct thag_await *next;
	struct thag_connection *connection;
	pid_t pid;
};

static void respond(struct thag_connection *connection, pid_t pid)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	json_t *report = thag_registry_report(&daemon->registry, pid);
	char *text = thag_format_dump(report, JSON_COMPACT);

	if (text)
		thag_connection_respond_data(connection, text, strlen(text));
	else
		thag_connection_fail(connection, -ENOMEM, "thagd has no memory for the answer");
	free(text);
	json_decref(report);
}

static void unlink_await(struct thag_await *await)
{
	struct thag_await **at = &thag_connection_daemon(await->connection)->awaits;

	while (*at != await)
		at = &(*at)->next;
	*at = await->next;
}

/* Takes it out of the list, and frees it. */
static void answer(struct thag_await *await)
{
	unlink_await(await);
	respond(await->connection, await->pid);
	free(await);
}

static void on_over(void *context, bool gone)
{
	struct thag_await *await = context;

	if (!gone) {
		answer(await);
		return;
	}
	unlink_await(await);
	free(await);
}

void thag_await_begin(struct thag_connection *connection, pid_t pid, uint32_t limit_ms)
{
	struct thag_daemon *daemon = thag_connection_daemon(connection);
	struct thag_await *await;
	int ret;

	if (limit_ms == 0 || thag_registry_is_saved(&daemon->registry, pid)) {
		respond(connection, pid);
		return;
	}
	await = calloc(1, sizeof(*await));
	ret = await ? thag_connection_defer(connection,
					    limit_ms < THAG_AWAIT_MS_MAX ? limit_ms
									 : THAG_AWAIT_MS_MAX,
					    on_over, await)
		    : -ENOMEM;
	if (ret != 0) {
		free(await);
		thag_connection_fail(connection, ret,
				     ret == -EBUSY ? "too many wait for profiles already"
						   : strerror(-ret));
		return;
	}
	*await =
		(struct thag_await){ .next = daemon->awaits, .connection = connection, .pid = pid };
	daemon->awaits = await;
}

/* `pid` 0: all. */
static void answer_those(struct thag_daemon *daemon, pid_t pid)
{
	for (struct thag_await *await = daemon->awaits, *next; await; await = next) {
		next = await->next;
		if (pid == 0 || await->pid == pid)
			answer(await);
	}
}

void thag_await_saved(struct thag_daemon *daemon, pid_t pid)
{
	if (thag_registry_is_saved(&daemon->registry, pid))
		answer_those(daemon, pid);
}

void thag_await_end(struct thag_daemon *daemon)
{
	answer_those(daemon, 0);
}
