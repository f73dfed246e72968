/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "daemon.h"
#include "life.h"
#include "opened_memory.h"
#include "opened_names.h"
#include "opened_timeline.h"
#include "recording_file.h"
#include "replay.h"
#include "sites.h"

#define FD_PATH_BYTES 32

/* What is being read. */
struct thag_opened_sources {
	struct thag_recording_reader reader;
	struct thag_recording_remainder remainder;
	struct thag_opened_facts facts;
	int fd;
	int journal_fd;
	bool has_journal;
	uint32_t unreadable; /* blocks of tables */
	uint64_t unused;     /* words */
};

static uint64_t ns_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

bool thag_opened_file_look(int fd, const char *path, struct thag_session_opened *out)
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

/* Words that are in no chunk yet: of a recording whose thagd was killed, or is at it. `path`: NULL
 * where there is no file beside it. */
static void open_journal(struct thag_opened_sources *sources, const char *path)
{
	if (sources->reader.ended || !path)
		return;
	sources->journal_fd = thag_recording_file_open_journal(path, O_RDONLY);
	sources->has_journal = sources->journal_fd >= 0 &&
			       thag_recording_remains_open(&sources->remainder, sources->journal_fd,
							   sources->reader.header.nonce,
							   sources->reader.next_pos) == 0;
}

static uint32_t count_rings(const struct thag_opened_sources *sources)
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

static int make_session(struct thag_opened_file *file, struct thag_opened_sources *sources)
{
	struct thag_opened_facts *facts = &sources->facts;
	struct thag_session_origin origin = { .budget = &file->daemon->budget,
					      .id = file->id,
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
	session->before_ns = facts->before_ns;
	session->clock = &file->daemon->clock;
	atomic_store_explicit(&session->final_ns_per_tick, facts->ns_per_tick,
			      memory_order_relaxed);
	return 0;
}

/* Where the session's file can be opened anew. */
static const char *path_of(const struct thag_session_opened *opened, char out[static FD_PATH_BYTES])
{
	if (!opened->sent)
		return opened->path;
	snprintf(out, FD_PATH_BYTES, "/proc/self/fd/%d", opened->fd);
	return out;
}

/* All of the timeline, and the names: what can be told without the words. */
static int prepare(struct thag_session *session, struct thag_opened_sources *sources)
{
	char fd_path[FD_PATH_BYTES];
	uint32_t unreadable = 0;
	int ret;

	thag_opened_timeline_make(session, &sources->reader, path_of(&session->opened, fd_path),
				  sources->has_journal ? &sources->remainder : NULL);
	if (session->history)
		thag_history_end(session->history);
	pthread_mutex_lock(&session->names_lock);
	ret = thag_sites_import(session);
	if (ret == 0)
		ret = thag_opened_names_put(session, &sources->reader, &unreadable);
	pthread_mutex_unlock(&session->names_lock);
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

/* Beside all else: what came before is in no number. */
static void explain_beginning(struct thag_session *session)
{
	size_t used = strlen(session->message);

	if (session->before_ns)
		snprintf(session->message + used, sizeof(session->message) - used,
			 "%srecorded from %.3f s after the program's start on", used ? "; " : "",
			 (double)session->before_ns / 1e9);
}

/* The gravest first; what isn't whole is told before what was never. */
static void explain(struct thag_session *session, const struct thag_opened_sources *sources)
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
	explain_beginning(session);
}

const char *thag_opened_file_error(int error)
{
	switch (error) {
	case -EINVAL:
		return "not a file";
	case -ENODATA:
		return "it ends before its program is told of";
	case -EPROTO:
		return "not a recording of thag";
	case -ENOTSUP:
		return "a recording of another version of thag";
	case -EBADMSG:
		return "damaged at its beginning: nothing can be read";
	case -ECANCELED:
		return "thagd ended before it was read";
	default:
		return strerror(-error);
	}
}

static int open_sources(struct thag_opened_file *file)
{
	struct thag_opened_sources *sources = file->sources;
	int ret;

	sources->fd = file->fd < 0 ? (int)TEMP_FAILURE_RETRY(
					     open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK))
				   : fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	if (sources->fd < 0)
		return -errno;
	ret = thag_recording_reader_open(&sources->reader, sources->fd);
	if (ret != 0)
		return ret;
	open_journal(sources, file->fd < 0 ? file->path : NULL);
	return thag_opened_facts_read(&sources->facts, &sources->reader);
}

static uint64_t count_events(const struct thag_recording_reader *reader)
{
	uint64_t events = 0;

	for (uint32_t i = 0; i < reader->entry_count; i++)
		if (reader->entries[i].type == THAG_RECORDING_CHUNK)
			events += reader->entries[i].chunk.events;
	return events;
}

int thag_opened_file_begin(struct thag_opened_file *file)
{
	struct thag_session_opened opened = { .sent = file->fd >= 0, .fd = file->fd };
	struct thag_opened_sources *sources = calloc(1, sizeof(*sources));
	int ret;

	if (!sources)
		return -ENOMEM;
	file->sources = sources;
	sources->journal_fd = -1;
	ret = open_sources(file);
	if (ret == 0 && !thag_opened_file_look(sources->fd, file->path, &opened))
		ret = -errno;
	if (ret == 0)
		ret = make_session(file, sources);
	if (ret != 0)
		return ret;
	opened.events = count_events(&sources->reader);
	file->session->opened = opened;
	file->fd = -1; /* it is the session's now */
	return prepare(file->session, sources);
}

int thag_opened_file_play(struct thag_opened_file *file)
{
	struct thag_opened_sources *sources = file->sources;
	struct thag_replay replay = { .session = file->session,
				      .reader = &sources->reader,
				      .remainder =
					      sources->has_journal ? &sources->remainder : NULL };
	int ret = thag_replay_run(&replay);

	sources->unused = replay.unused + sources->reader.missing;
	thag_session_conclude(file->session, true);
	return ret;
}

void thag_opened_file_complete(struct thag_opened_file *file)
{
	thag_opened_timeline_complete(file->session);
}

void thag_opened_file_conclude(struct thag_opened_file *file)
{
	thag_session_count(file->session, &file->session->counts);
	explain(file->session, file->sources);
}

void thag_opened_file_fini(struct thag_opened_file *file)
{
	struct thag_opened_sources *sources = file->sources;

	if (file->fd >= 0)
		close(file->fd);
	if (!sources)
		return;
	if (sources->has_journal)
		thag_recording_remains_fini(&sources->remainder);
	if (sources->journal_fd >= 0)
		close(sources->journal_fd);
	thag_recording_reader_fini(&sources->reader);
	if (sources->fd >= 0)
		close(sources->fd);
	free(sources);
}
