/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon.h"
#include "opened_memory.h"
#include "opened_timeline.h"
#include "recording_file.h"
#include "replay.h"

/* Whether the recording holds all that the program was given room back for. */
static bool holds_all(const struct thag_session *session,
		      const struct thag_recording_writer *writer)
{
	for (uint32_t i = 0; i < session->header.slots; i++) {
		uint64_t next = writer->next_pos[i] ? writer->next_pos[i] : THAG_RING_WORDS;

		if (session->rings[i].reader.tail > next)
			return false;
	}
	return true;
}

static int play(struct thag_session *session, struct thag_recorder_file *file,
		struct thag_replay *replay)
{
	struct thag_recording_reader *reader = malloc(sizeof(*reader));
	int ret = reader ? thag_recording_reader_open(reader, file->fd) : -ENOMEM;

	if (ret == 0) {
		replay->reader = reader;
		ret = thag_opened_before_read(&file->before, reader);
		if (ret == 0)
			ret = thag_replay_run(replay);
		thag_opened_timeline_make(session, reader, file->path, NULL);
		thag_opened_timeline_complete(session);
		thag_recording_reader_fini(reader);
	}
	free(reader);
	for (uint32_t i = 0; ret == 0 && i < session->header.slots; i++)
		if (replay->ends[i] != file->writer->next_pos[i])
			ret = -EBADMSG;
	return ret;
}

/* Reading goes on behind what was played, and the program gets the room of that back. */
static void go_on(struct thag_session *session, const struct thag_replay *replay)
{
	for (uint32_t i = 0; i < session->header.slots; i++) {
		if (replay->ends[i] == 0)
			continue;
		session->rings[i].reader.tail = replay->ends[i];
		thag_session_ring_commit(&session->rings[i]);
	}
}

static void say_skipped(struct thag_session *session, const struct thag_replay *replay)
{
	session->lost_before = replay->skipped;
	if (replay->skipped)
		thag_session_say(session,
				 "thagd was restarted: the %llu words from before the recording "
				 "began went with the earlier one",
				 (unsigned long long)replay->skipped);
}

static int resume_session(struct thag_resume *resume)
{
	struct thag_session *session = resume->session;
	struct thag_replay replay = { .session = session };
	struct thag_recorder_file file;
	int ret = thag_recording_file_resume(&file, resume->path, session->header.nonce);

	if (ret != 0)
		return ret;
	ret = holds_all(session, file.writer) ? play(session, &file, &replay) : -ENODATA;
	if (ret == 0)
		ret = thag_recorder_begin(session, &resume->daemon->clock, &file);
	if (ret == 0) {
		go_on(session, &replay);
		say_skipped(session, &replay);
	} else {
		thag_recording_file_close(&file);
	}
	return ret;
}

static void run(uv_work_t *work)
{
	struct thag_resume *resume = work->data;

	resume->error = resume_session(resume);
}

static void after(uv_work_t *work, int status)
{
	struct thag_resume *resume = work->data;
	struct thag_daemon *daemon = resume->daemon;

	(void)status;
	resume->done(resume);
	thag_daemon_release(daemon);
}

void thag_resume_start(struct thag_resume *resume, struct thag_daemon *daemon,
		       struct thag_session *session, const char *path, thag_resume_done_fn *done)
{
	*resume = (struct thag_resume){ .daemon = daemon, .done = done, .session = session };
	snprintf(resume->path, sizeof(resume->path), "%s", path);
	resume->work.data = resume;
	thag_daemon_hold(daemon);
	uv_queue_work(&daemon->loop, &resume->work, run, after);
}
