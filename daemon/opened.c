/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "daemon.h"
#include "hello.h"
#include "log.h"
#include "opened_file.h"

/* A file that is being opened. */
struct thag_opening_file {
	struct thag_opened_file file;
	uv_work_t work, completion;
	int error;		    /* of the step that was done last */
	int under_way;		    /* works */
	struct thag_opened *wishes; /* who waits for it */
	struct thag_opening_file *next;
};

/* --- who waits --- */

static void tell(struct thag_opened *wish, struct thag_session *session, int error)
{
	wish->session = session;
	wish->error = error;
	snprintf(wish->why, sizeof(wish->why), "%s", error ? thag_opened_file_error(error) : "");
	wish->done(wish);
}

/* Those who wait for no more than the list, or all of them. */
static void tell_all(struct thag_opening_file *opening, struct thag_session *session, bool early)
{
	struct thag_opened *wish = opening->wishes, *next;

	opening->wishes = NULL;
	for (; wish; wish = next) {
		next = wish->next;
		if (early && !wish->early) {
			wish->next = opening->wishes;
			opening->wishes = wish;
		} else {
			tell(wish, session, opening->error);
		}
	}
}

/* --- steps --- */

static void destroy(struct thag_opening_file *opening)
{
	struct thag_daemon *daemon = opening->file.daemon;
	struct thag_opening_file **at = &daemon->openings;

	while (*at != opening)
		at = &(*at)->next;
	*at = opening->next;
	thag_opened_file_fini(&opening->file);
	free(opening);
}

static void play(uv_work_t *work)
{
	struct thag_opening_file *opening = work->data;

	opening->error = thag_opened_file_play(&opening->file);
}

static void complete(uv_work_t *work)
{
	struct thag_opening_file *opening = work->data;

	thag_opened_file_complete(&opening->file);
}

static void conclude(struct thag_opening_file *opening)
{
	struct thag_opened_file *file = &opening->file;
	struct thag_session *session = file->session;
	struct thag_daemon *daemon = file->daemon;

	session->state = THAG_SESSION_RECORDED;
	daemon->registry.version++;
	if (opening->error == 0 && daemon->stopping)
		opening->error = -ECANCELED;
	if (opening->error == 0) {
		thag_opened_file_conclude(file);
		thag_log_write(THAG_LOG_INFO, "session %llu: %s, recorded in %s%s%s",
			       (unsigned long long)session->id, session->program, file->path,
			       session->message[0] ? "; " : "", session->message);
	} else {
		thag_registry_remove(&daemon->registry, session);
		session = NULL;
	}
	tell_all(opening, session, false);
	destroy(opening);
	thag_daemon_release(daemon);
}

static void after_either(uv_work_t *work, int status)
{
	struct thag_opening_file *opening = work->data;

	(void)status;
	if (--opening->under_way == 0)
		conclude(opening);
}

static void begin(uv_work_t *work)
{
	struct thag_opening_file *opening = work->data;

	opening->error = thag_opened_file_begin(&opening->file);
}

static void after_begin(uv_work_t *work, int status)
{
	struct thag_opening_file *opening = work->data;
	struct thag_session *session = opening->file.session;
	struct thag_daemon *daemon = opening->file.daemon;

	(void)status;
	if (opening->error == 0 && daemon->stopping)
		opening->error = -ECANCELED;
	if (opening->error == 0) {
		session->state = THAG_SESSION_OPENING;
		session->detached = session->saved = true;
		opening->error = thag_registry_add(&daemon->registry, session);
	}
	if (opening->error != 0) {
		if (session)
			thag_session_unref(session);
		tell_all(opening, NULL, false);
		destroy(opening);
		thag_daemon_release(daemon);
		return;
	}
	tell_all(opening, session, true);
	opening->under_way = 2;
	opening->completion.data = opening;
	uv_queue_work(&daemon->loop, &opening->work, play, after_either);
	uv_queue_work(&daemon->loop, &opening->completion, complete, after_either);
}

/* --- beginnings --- */

static void start(struct thag_opened *wish, struct thag_daemon *daemon, const char *path, int fd)
{
	struct thag_opening_file *opening = calloc(1, sizeof(*opening));

	if (!opening) {
		if (fd >= 0)
			close(fd);
		tell(wish, NULL, -ENOMEM);
		return;
	}
	opening->file = (struct thag_opened_file){ .daemon = daemon,
						   .fd = fd,
						   .id = thag_hello_take_id(daemon) };
	snprintf(opening->file.path, sizeof(opening->file.path), "%s", path);
	wish->next = NULL;
	opening->wishes = wish;
	opening->next = daemon->openings;
	daemon->openings = opening;
	opening->work.data = opening;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &opening->work, begin, after_begin);
}

/* The session that the file was read as, if it hasn't changed since. */
static struct thag_session *find_opened(const struct thag_registry *registry, const char *path)
{
	struct thag_session_opened now = { .whole = false };
	int fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	bool known = fd >= 0 && thag_opened_file_look(fd, path, &now);

	if (fd >= 0)
		close(fd);
	for (uint32_t i = 0; known && i < registry->count; i++) {
		const struct thag_session_opened *opened = &registry->sessions[i]->opened;

		if (opened->path[0] && opened->device == now.device && opened->inode == now.inode &&
		    opened->bytes == now.bytes && opened->changed_ns == now.changed_ns)
			return registry->sessions[i];
	}
	return NULL;
}

static struct thag_opening_file *find_opening(const struct thag_daemon *daemon,
					      const struct thag_session *session)
{
	struct thag_opening_file *opening = daemon->openings;

	while (opening && opening->file.session != session)
		opening = opening->next;
	return opening;
}

void thag_opened_start(struct thag_opened *wish, struct thag_daemon *daemon, const char *path)
{
	struct thag_session *session = find_opened(&daemon->registry, path);
	struct thag_opening_file *opening = session ? find_opening(daemon, session) : NULL;

	if (!session) {
		start(wish, daemon, path, -1);
	} else if (!opening || wish->early) {
		tell(wish, session, 0);
	} else {
		wish->next = opening->wishes;
		opening->wishes = wish;
	}
}

void thag_opened_start_fd(struct thag_opened *wish, struct thag_daemon *daemon, const char *name,
			  int fd)
{
	start(wish, daemon, name, fd);
}

void thag_opened_stop(struct thag_daemon *daemon)
{
	/* relaxed: a hint to stop. What is only begun goes no further: see after_begin */
	for (struct thag_opening_file *opening = daemon->openings; opening; opening = opening->next)
		if (opening->under_way)
			atomic_store_explicit(&opening->file.session->quarantined, true,
					      memory_order_relaxed);
}
