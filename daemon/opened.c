/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "daemon.h"
#include "hello.h"
#include "life.h"
#include "log.h"
#include "opened_memory.h"
#include "opened_names.h"
#include "opened_timeline.h"
#include "recording_file.h"
#include "replay.h"

/* What is being read. */
struct sources {
	struct thag_recording_reader reader;
	struct thag_recording_remainder remainder;
	struct thag_opened_facts facts;
	int journal_fd;
	bool has_journal;
	uint32_t unreadable; /* blocks of tables */
	uint64_t unused;     /* words */
};

/* --- in the pool --- */

static void explain_error(struct thag_opened *file)
{
	const char *text;

	switch (file->error) {
	case -EINVAL:
		text = "not a file";
		break;
	case -ENODATA:
		text = "it ends before its program is told of";
		break;
	case -EPROTO:
		text = "not a recording of thag";
		break;
	case -ENOTSUP:
		text = "a recording of another version of thag";
		break;
	case -EBADMSG:
		text = "damaged at its beginning: nothing can be read";
		break;
	default:
		text = strerror(-file->error);
	}
	snprintf(file->why, sizeof(file->why), "%s", text);
}

static uint64_t ns_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static bool look(int fd, const char *path, struct thag_session_opened *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	snprintf(out->path, sizeof(out->path), "%s", path);
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->bytes = (uint64_t)st.st_size;
	out->changed_ns = ns_of(&st.st_mtim);
	return true;
}

/* Words that are in no chunk yet: of a recording whose thagd was killed, or is at it. */
static void open_journal(struct sources *sources, const char *path)
{
	sources->journal_fd = -1;
	if (sources->reader.ended)
		return;
	sources->journal_fd = thag_recording_file_open_journal(path, O_RDONLY);
	sources->has_journal = sources->journal_fd >= 0 &&
			       thag_recording_remains_open(&sources->remainder, sources->journal_fd,
							   sources->reader.header.nonce,
							   sources->reader.next_pos) == 0;
}

static uint32_t count_rings(const struct sources *sources)
{
	uint32_t rings = 0;

	for (uint32_t i = 0; i < sources->facts.header.slots; i++)
		if (sources->reader.next_pos[i])
			rings = i + 1;
	for (uint32_t i = 0; sources->has_journal && i < sources->remainder.count; i++) {
		uint32_t ring = sources->remainder.remains[i].ring;

		if (ring >= rings && ring < sources->facts.header.slots)
			rings = ring + 1;
	}
	return rings;
}

static int make_session(struct thag_opened *file, struct sources *sources)
{
	struct thag_opened_facts *facts = &sources->facts;
	struct thag_session_origin origin = { .id = file->id,
					      .pid = facts->pid,
					      .header = &facts->header };
	int ret = thag_opened_memory_make(&origin.memory, facts, count_rings(sources),
					  &sources->reader, &sources->unreadable);

	if (ret == 0)
		ret = thag_session_create(&file->session, &origin);
	if (ret != 0) {
		thag_session_memory_fini(&origin.memory);
		return ret;
	}
	struct thag_session *session = file->session;

	thag_history_create(&session->history, &file->daemon->histories);
	session->start_real_ns = facts->start_real_ns;
	session->start_mono_ns = 1; /* of no moment of ours: only how long it was is told */
	session->end_mono_ns = 1 + facts->duration_ns;
	session->signal = facts->signal;
	session->exit_code = facts->exit_code;
	session->clock = &file->daemon->clock;
	atomic_store_explicit(&session->final_ns_per_tick, facts->ns_per_tick,
			      memory_order_relaxed);
	return 0;
}

static int replay(struct thag_session *session, struct sources *sources)
{
	struct thag_replay replay = { .session = session,
				      .reader = &sources->reader,
				      .remainder =
					      sources->has_journal ? &sources->remainder : NULL };
	uint32_t unreadable = 0;
	int ret = thag_replay_run(&replay);

	sources->unused = replay.unused + sources->reader.missing;
	thag_session_conclude(session, true);
	thag_opened_timeline_make(session, &sources->reader, session->opened.path,
				  replay.remainder);
	if (session->history)
		thag_history_end(session->history);
	if (ret == 0)
		ret = thag_opened_names_put(session, &sources->reader, &unreadable);
	sources->unreadable += unreadable;
	return ret;
}

/* What ended it, where that was no end of the program's. */
static bool explain_ending(const struct thag_recording_reader *reader, char *out, size_t size)
{
	if (!reader->ended || reader->end.ending == THAG_RECORDING_PROGRAM_ENDED)
		return false;
	if (reader->end.ending == THAG_RECORDING_STOPPED)
		snprintf(out, size, "recording was stopped while the program ran");
	else
		snprintf(out, size, "recording stopped early: %s",
			 strerror((int)(reader->end.error & 0xfff)));
	return true;
}

/* The gravest first; what isn't whole is told before what was never. */
static void explain(struct thag_session *session, const struct sources *sources)
{
	char *out = session->message;
	size_t size = sizeof(session->message);

	session->opened.whole = false;
	if (sources->reader.damage_count || (!sources->reader.ended && !sources->has_journal)) {
		thag_recording_reader_explain(&sources->reader, out, size);
	} else if (sources->unused || sources->unreadable) {
		snprintf(out, size, "%llu words and %u tables of the recording can't be used",
			 (unsigned long long)sources->unused, sources->unreadable);
	} else if (!sources->reader.ended) {
		snprintf(out, size,
			 "the recording was not ended: it holds what was recorded "
			 "until then");
	} else if (!explain_ending(&sources->reader, out, size)) {
		session->opened.whole = true;
		thag_life_explain(session);
	}
}

static void fini_sources(struct sources *sources)
{
	if (sources->has_journal)
		thag_recording_remains_fini(&sources->remainder);
	if (sources->journal_fd >= 0)
		close(sources->journal_fd);
	thag_recording_reader_fini(&sources->reader);
}

static int read_file(struct thag_opened *file, int fd)
{
	struct thag_session_opened opened = { .whole = false };
	struct sources *sources = calloc(1, sizeof(*sources));
	int ret = sources ? thag_recording_reader_open(&sources->reader, fd) : -ENOMEM;

	if (ret != 0) {
		free(sources);
		return ret;
	}
	open_journal(sources, file->path);
	ret = thag_opened_facts_read(&sources->facts, &sources->reader);
	if (ret == 0 && !look(fd, file->path, &opened))
		ret = -errno;
	if (ret == 0)
		ret = make_session(file, sources);
	if (ret == 0) {
		file->session->opened = opened;
		ret = replay(file->session, sources);
	}
	if (ret == 0) {
		thag_session_count(file->session, &file->session->counts);
		explain(file->session, sources);
	}
	fini_sources(sources);
	free(sources);
	return ret;
}

static void run(uv_work_t *work)
{
	struct thag_opened *file = work->data;
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	file->error = fd < 0 ? -errno : read_file(file, fd);
	if (fd >= 0)
		close(fd);
	if (file->error == 0)
		return;
	explain_error(file);
	if (file->session)
		thag_session_unref(file->session);
	file->session = NULL;
}

/* --- in the main loop --- */

static void after(uv_work_t *work, int status)
{
	struct thag_opened *file = work->data;
	struct thag_daemon *daemon = file->daemon;
	struct thag_session *session = file->session;

	(void)status;
	if (session) {
		session->state = THAG_SESSION_RECORDED;
		session->detached = session->saved = true;
		file->error = thag_registry_add(&daemon->registry, session);
		if (file->error != 0) {
			explain_error(file);
			thag_session_unref(session);
			file->session = NULL;
		}
	}
	if (file->session)
		thag_log_write(THAG_LOG_INFO, "session %llu: %s, recorded in %s%s%s",
			       (unsigned long long)session->id, session->program, file->path,
			       session->message[0] ? "; " : "", session->message);
	file->done(file);
	thag_daemon_release(daemon);
}

/* The session that the file was read as, if it hasn't changed since. */
static struct thag_session *find_opened(const struct thag_registry *registry, const char *path)
{
	struct thag_session_opened now = { .whole = false };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool known = fd >= 0 && look(fd, path, &now);

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

void thag_opened_start(struct thag_opened *file, struct thag_daemon *daemon, const char *path,
		       thag_opened_done_fn *done)
{
	*file = (struct thag_opened){ .daemon = daemon, .done = done };
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->session = find_opened(&daemon->registry, path);
	if (file->session) {
		done(file);
		return;
	}
	file->id = thag_hello_take_id(daemon);
	file->work.data = file;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &file->work, run, after);
}
