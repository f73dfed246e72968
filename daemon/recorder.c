/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunks.h"
#include "clock.h"
#include "history.h"
#include "log.h"
#include "recorder_private.h"
#include "recording_file.h"
#include "thag_recording_block.h"

static int error_of(const struct thag_recorder *recorder)
{
	return atomic_load_explicit(&recorder->error, memory_order_relaxed);
}

/* The first error is the one that counts. */
void thag_recorder_fail(struct thag_recorder *recorder, int error)
{
	int none = 0;

	if (!atomic_compare_exchange_strong_explicit(&recorder->error, &none, error,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	thag_log_write(THAG_LOG_ERROR, "session %llu: recording %s stopped: %s",
		       (unsigned long long)recorder->session->id, recorder->file.path,
		       strerror(-error));
}

bool thag_recorder_is_on(const struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	return recorder && error_of(recorder) == 0 &&
	       !atomic_load_explicit(&recorder->stopped, memory_order_relaxed);
}

void thag_recorder_stop(struct thag_session *session, int error)
{
	struct thag_recorder *recorder = session->recorder;

	if (recorder)
		thag_recorder_fail(recorder, error);
}

struct thag_recording_slot *thag_recorder_take_slot(struct thag_session *session, uint32_t ring,
						    uint64_t pos)
{
	struct thag_recorder *recorder = session->recorder;
	struct thag_recording_slot *slot = NULL;
	int ret;

	if (!thag_recorder_is_on(session))
		return NULL;
	ret = thag_recording_journal_take(recorder->journal, ring, pos, &slot);
	if (ret == 0)
		return slot;
	thag_recorder_fail(recorder, ret);
	return NULL;
}

void thag_recorder_give_slot(struct thag_session *session, struct thag_recording_slot *slot)
{
	struct thag_recorder *recorder = session->recorder;

	thag_recording_journal_release(recorder->journal, slot);
}

/* --- the chunks' thread --- */

int thag_recorder_write(struct thag_recorder *recorder, int packed)
{
	if (packed != 0)
		return packed;
	return thag_recording_writer_put(recorder->file.writer, &recorder->pack, NULL);
}

int thag_recorder_write_chunk(struct thag_recorder *recorder, const struct thag_chunk *chunk,
			      uint64_t *offset)
{
	int ret = thag_recording_file_pack(&recorder->pack, chunk);

	if (ret != 0)
		return ret;
	return thag_recording_writer_put(recorder->file.writer, &recorder->pack, offset);
}

/* What a chunk names comes before it. */
uint64_t thag_recorder_put(struct thag_session *session, const struct thag_chunk *chunk)
{
	struct thag_recorder *recorder = session->recorder;
	uint64_t offset = 0;
	int ret;

	if (!recorder || recorder->ended)
		return 0;
	ret = error_of(recorder) ? recorder->file.writer->error : 0;
	if (ret == 0)
		ret = thag_recorder_write_tables(recorder);
	if (ret == 0 && chunk)
		ret = thag_recorder_write_chunk(recorder, chunk, &offset);
	if (ret == 0)
		ret = thag_recorder_write_facts(recorder, false);
	if (ret != 0)
		thag_recorder_fail(recorder, ret);
	return offset;
}

void thag_recorder_drained(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	if (recorder)
		recorder->drained = true;
}

/* --- its beginning and end --- */

void thag_recorder_free(struct thag_recorder *recorder)
{
	if (!recorder)
		return;
	for (uint32_t i = 0; i < recorder->prelude_count; i++)
		thag_chunk_fini(&recorder->preludes[i]);
	free(recorder->preludes);
	thag_recording_journal_destroy(recorder->journal);
	thag_recorder_tables_fini(recorder);
	thag_recording_pack_fini(&recorder->pack);
	pthread_mutex_destroy(&recorder->lock);
	free(recorder);
}

static int init(struct thag_recorder *recorder)
{
	const struct thag_session *session = recorder->session;
	int ret = thag_recording_journal_create(&recorder->journal, recorder->file.journal_fd,
						session->header.nonce);

	if (ret == 0 && session->history)
		ret = thag_history_read_from(session->history, recorder->file.fd,
					     recorder->file.path,
					     thag_recording_seed(session->header.nonce));
	return ret;
}

int thag_recorder_create(struct thag_recorder **out, struct thag_session *session,
			 struct thag_clock_rate *clock, const struct thag_recorder_file *file)
{
	struct thag_recorder *recorder = calloc(1, sizeof(*recorder));
	int ret;

	if (!recorder)
		return -ENOMEM;
	recorder->session = session;
	recorder->clock = clock;
	recorder->file = *file;
	recorder->pack.level = THAG_RECORDING_PACK_LEVEL;
	pthread_mutex_init(&recorder->lock, NULL);
	ret = init(recorder);
	if (ret == 0)
		*out = recorder;
	else
		thag_recorder_free(recorder);
	return ret;
}

int thag_recorder_begin(struct thag_session *session, struct thag_clock_rate *clock,
			const struct thag_recorder_file *file)
{
	struct thag_recorder *recorder = NULL;
	int ret = thag_recorder_create(&recorder, session, clock, file);

	if (ret == 0)
		ret = thag_recorder_write_facts(recorder, true);
	if (ret == 0) {
		session->recorder = recorder;
		ret = thag_chunks_begin(session);
	}
	if (ret != 0) {
		session->recorder = NULL;
		thag_recorder_free(recorder);
	}
	return ret;
}

static void close_files(struct thag_recorder *recorder)
{
	thag_recording_journal_destroy(recorder->journal);
	recorder->journal = NULL;
	thag_recording_writer_destroy(recorder->file.writer);
	close(recorder->file.fd);
	close(recorder->file.journal_fd);
	json_decref(recorder->file.before);
	recorder->file.before = NULL;
	recorder->file.writer = NULL;
}

/* Since the recording began, where that is known. */
static uint64_t count_lost(struct thag_recorder *recorder)
{
	struct thag_session_counts counts;
	uint64_t lost, before;

	thag_session_count(recorder->session, &counts);
	lost = counts.lost + counts.holes;
	before = (uint64_t)json_integer_value(json_object_get(recorder->file.before, "lost"));
	return lost > before ? lost - before : 0;
}

void thag_recorder_end(struct thag_session *session, uint32_t ending)
{
	struct thag_recorder *recorder = session->recorder;
	struct thag_recording_end end = { .ending = ending, .end_real_ns = thag_clock_real_ns() };
	int ret;

	if (!recorder || recorder->ended)
		return;
	ret = thag_recorder_write_names(recorder);
	if (ret == 0)
		ret = thag_recorder_write_facts(recorder, true);
	if (ret != 0)
		thag_recorder_fail(recorder, ret);
	pthread_mutex_lock(&recorder->lock);
	recorder->ended = true;
	pthread_mutex_unlock(&recorder->lock);
	end.lost = count_lost(recorder);
	if (session->signal > 0)
		end.exit_status = (uint32_t)session->signal;
	else if (session->exit_code > 0)
		end.exit_status = (uint32_t)session->exit_code << 8;
	if (error_of(recorder)) {
		end.ending = THAG_RECORDING_FAILED;
		end.error = (uint32_t)-error_of(recorder);
	}
	ret = thag_recording_writer_finish(recorder->file.writer, &end);
	if (ret != 0)
		thag_recorder_fail(recorder, ret);
	thag_recording_file_drop_journal(recorder->file.path);
	close_files(recorder);
}

int thag_recorder_error(const struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	return recorder ? error_of(recorder) : 0;
}

const char *thag_recorder_path(const struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	return recorder ? recorder->file.path : "";
}

void thag_recorder_destroy(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder, *previous;

	session->recorder = NULL;
	for (; recorder; recorder = previous) {
		previous = recorder->previous;
		if (!recorder->ended)
			close_files(recorder);
		thag_recorder_free(recorder);
	}
}
