/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "recorder_private.h"
#include "recording_file.h"

static int error_of(const struct thag_recorder *recorder)
{
	return atomic_load_explicit(&recorder->error, memory_order_relaxed);
}

/* The first error is the one that counts. */
static void stop(struct thag_recorder *recorder, int error)
{
	int none = 0;

	if (!atomic_compare_exchange_strong_explicit(&recorder->error, &none, error,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	thag_log_write(THAG_LOG_ERROR, "session %llu: recording %s stopped: %s",
		       (unsigned long long)recorder->session->id, recorder->file.path,
		       strerror(-error));
	pthread_mutex_lock(&recorder->lock);
	pthread_cond_broadcast(&recorder->room);
	pthread_mutex_unlock(&recorder->lock);
}

/* --- whoever reads a ring --- */

/* NULL: it isn't recorded, or not any more. */
static struct thag_recorder *recorder_of(const struct thag_session_ring *ring)
{
	struct thag_recorder *recorder = ring->session->recorder;

	return recorder && error_of(recorder) == 0 ? recorder : NULL;
}

static struct thag_filling *filling_of(const struct thag_recorder *recorder,
				       const struct thag_session_ring *ring)
{
	return &recorder->fillings[ring - ring->session->rings];
}

/* The chunk goes to the thread; false when too many wait there. */
static bool hand_over(struct thag_recorder *recorder, struct thag_filling *filling)
{
	struct thag_filled filled = { .raw = filling->stage.raw, .slot = filling->slot };
	bool taken;

	pthread_mutex_lock(&recorder->lock);
	taken = recorder->count < THAG_RECORDER_QUEUE_MAX;
	if (taken) {
		recorder->queue[(recorder->first + recorder->count++) % THAG_RECORDER_QUEUE_MAX] =
			filled;
		pthread_cond_signal(&recorder->work);
	}
	pthread_mutex_unlock(&recorder->lock);
	if (!taken)
		return false;
	filling->stage.raw.openings = (struct thag_openings){ 0 }; /* the thread's now */
	thag_chunk_stage_fini(&filling->stage);
	filling->slot = NULL;
	return true;
}

static bool is_due(const struct thag_filling *filling, size_t room, uint64_t now_ns)
{
	return room == 0 || (filling->stage.raw.head.words &&
			     now_ns - filling->begun_ns > THAG_RECORDER_CHUNK_NS);
}

size_t thag_recorder_room(struct thag_session_ring *ring, uint64_t now_ns)
{
	struct thag_recorder *recorder = recorder_of(ring);
	struct thag_filling *filling;
	size_t room;

	if (!recorder)
		return SIZE_MAX;
	filling = filling_of(recorder, ring);
	room = THAG_CHUNK_WORDS;
	if (filling->slot)
		room = thag_chunk_stage_room(&filling->stage, &ring->stream);
	if (!filling->slot || !is_due(filling, room, now_ns) ||
	    !thag_chunk_stage_may_cut(&ring->stream))
		return room;
	if (hand_over(recorder, filling))
		return THAG_CHUNK_WORDS;
	if (room == 0)
		atomic_store_explicit(&recorder->held, true, memory_order_relaxed);
	return room;
}

/* What a successor needs to make a chunk of the slot's words: see recording_file.c. */
static void write_side(struct thag_filling *filling)
{
	const struct thag_chunk_raw *raw = &filling->stage.raw;
	struct thag_buffer openings = { 0 };
	uint8_t *side = filling->slot->side;

	memcpy(side, &raw->head, sizeof(raw->head));
	filling->side_bytes = sizeof(raw->head);
	if (thag_openings_encode(&raw->openings, &openings) == 0 &&
	    openings.bytes <= THAG_RECORDING_SIDE_BYTES - sizeof(raw->head)) {
		memcpy(side + sizeof(raw->head), openings.data, openings.bytes);
		filling->side_bytes += (uint32_t)openings.bytes;
	}
	thag_buffer_fini(&openings);
}

static void begin_chunk(struct thag_recorder *recorder, struct thag_session_ring *ring,
			uint64_t pos, uint64_t now_ns)
{
	struct thag_filling *filling = filling_of(recorder, ring);
	uint32_t index = (uint32_t)(ring - ring->session->rings);
	int ret = thag_recording_journal_take(recorder->journal, index, pos, &filling->slot);

	if (ret != 0) {
		filling->slot = NULL;
		stop(recorder, ret);
		return;
	}
	thag_chunk_stage_init(&filling->stage, index, filling->slot->words);
	if (thag_chunk_stage_begin(&filling->stage, &ring->stream, pos, 0) != 0)
		filling->stage.raw.head.flags |= THAG_CHUNK_RESUMED;
	filling->begun_ns = now_ns;
	write_side(filling);
}

void thag_recorder_expect(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns)
{
	struct thag_recorder *recorder = recorder_of(ring);

	if (recorder && !filling_of(recorder, ring)->slot)
		begin_chunk(recorder, ring, pos, now_ns);
}

/* The chunk of a ring that takes words; NULL: none. */
static struct thag_filling *open_filling(const struct thag_session_ring *ring)
{
	struct thag_recorder *recorder = recorder_of(ring);
	struct thag_filling *filling = recorder ? filling_of(recorder, ring) : NULL;

	return filling && filling->slot ? filling : NULL;
}

void thag_recorder_put(struct thag_session_ring *ring, const uint64_t *words, size_t count)
{
	struct thag_filling *filling = count ? open_filling(ring) : NULL;

	if (filling)
		thag_chunk_stage_put(&filling->stage, &ring->stream, words, count);
}

void thag_recorder_put_hole(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns)
{
	struct thag_filling *filling;

	thag_recorder_expect(ring, pos, now_ns);
	filling = open_filling(ring);
	if (filling)
		thag_chunk_stage_hole(&filling->stage);
}

void thag_recorder_publish(struct thag_session_ring *ring)
{
	struct thag_filling *filling = open_filling(ring);

	if (filling)
		thag_recording_slot_publish(filling->slot, (uint32_t)filling->stage.raw.head.words,
					    filling->side_bytes);
}

void thag_recorder_note_task(struct thag_session_ring *ring, const struct thag_task_event *event,
			     const struct thag_task_state *task)
{
	struct thag_filling *filling = open_filling(ring);

	if (filling)
		thag_chunk_stage_task(&filling->stage, event, task);
}

bool thag_recorder_wait(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	if (!recorder || !atomic_exchange_explicit(&recorder->held, false, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&recorder->lock);
	while (recorder->count == THAG_RECORDER_QUEUE_MAX && error_of(recorder) == 0)
		pthread_cond_wait(&recorder->room, &recorder->lock);
	pthread_mutex_unlock(&recorder->lock);
	return true;
}

/* --- its thread --- */

int thag_recorder_write(struct thag_recorder *recorder, int packed)
{
	if (packed != 0)
		return packed;
	return thag_recording_writer_put(recorder->file.writer, &recorder->pack, NULL);
}

static int write_chunk(struct thag_recorder *recorder, const struct thag_chunk_raw *raw)
{
	int ret = thag_recording_file_pack(&recorder->pack, raw);

	return thag_recorder_write(recorder, ret);
}

/* What a chunk names comes before it. */
static void write_round(struct thag_recorder *recorder, const struct thag_filled *filled)
{
	int ret = error_of(recorder) ? recorder->file.writer->error : 0;

	if (ret == 0)
		ret = thag_recorder_write_tables(recorder);
	if (ret == 0 && filled)
		ret = write_chunk(recorder, &filled->raw);
	if (ret == 0)
		ret = thag_recorder_write_facts(recorder, false);
	if (ret != 0)
		stop(recorder, ret);
}

static void nap(struct thag_recorder *recorder)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&recorder->work, &recorder->lock, &until);
}

/* The oldest chunk leaves the queue once it is written: until then it counts. Under the lock. */
static void serve(struct thag_recorder *recorder)
{
	struct thag_filled filled = { .slot = NULL };
	bool any = recorder->count != 0;

	if (any)
		filled = recorder->queue[recorder->first];
	pthread_mutex_unlock(&recorder->lock);
	write_round(recorder, any ? &filled : NULL);
	if (any) {
		thag_openings_fini(&filled.raw.openings);
		thag_recording_journal_release(recorder->journal, filled.slot);
	}
	pthread_mutex_lock(&recorder->lock);
	if (!any)
		return;
	recorder->first = (recorder->first + 1) % THAG_RECORDER_QUEUE_MAX;
	recorder->count--;
	pthread_cond_broadcast(&recorder->room);
}

static void *run(void *arg)
{
	struct thag_recorder *recorder = arg;

	pthread_setname_np(pthread_self(), "thagd-record");
	pthread_mutex_lock(&recorder->lock);
	while (!recorder->ending || recorder->count) {
		if (!recorder->count)
			nap(recorder);
		serve(recorder);
	}
	pthread_mutex_unlock(&recorder->lock);
	write_round(recorder, NULL);
	return NULL;
}

/* --- its beginning and end --- */

static void init_locks(struct thag_recorder *recorder)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&recorder->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&recorder->work, &attr);
	pthread_cond_init(&recorder->room, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_recorder(struct thag_recorder *recorder)
{
	thag_recording_journal_destroy(recorder->journal);
	thag_recorder_tables_fini(recorder);
	thag_recording_pack_fini(&recorder->pack);
	pthread_mutex_destroy(&recorder->lock);
	pthread_cond_destroy(&recorder->work);
	pthread_cond_destroy(&recorder->room);
	free(recorder->fillings);
	free(recorder);
}

/* Signals are for the main loop. */
static int start_thread(struct thag_recorder *recorder)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = -pthread_create(&recorder->thread, NULL, run, recorder);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static int init(struct thag_recorder *recorder)
{
	int ret = thag_recording_journal_create(&recorder->journal, recorder->file.journal_fd,
						recorder->session->header.nonce);

	if (ret != 0)
		return ret;
	recorder->fillings = calloc(recorder->session->header.slots, sizeof(*recorder->fillings));
	return recorder->fillings ? thag_recorder_write_facts(recorder, true) : -ENOMEM;
}

int thag_recorder_begin(struct thag_session *session, struct thag_clock_rate *clock,
			const struct thag_recorder_file *file)
{
	struct thag_recorder *recorder = calloc(1, sizeof(*recorder));
	int ret;

	if (!recorder)
		return -ENOMEM;
	recorder->session = session;
	recorder->clock = clock;
	recorder->file = *file;
	recorder->pack.level = THAG_RECORDING_PACK_LEVEL;
	init_locks(recorder);
	ret = init(recorder);
	if (ret == 0)
		ret = start_thread(recorder);
	if (ret == 0)
		session->recorder = recorder;
	else
		free_recorder(recorder);
	return ret;
}

/* What is being filled, as far as it can be cut: an event that is under way was never whole. */
static void hand_over_all(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	for (uint32_t i = 0; i < session->header.slots; i++) {
		struct thag_filling *filling = &recorder->fillings[i];

		while (filling->slot && filling->stage.raw.head.words && error_of(recorder) == 0 &&
		       !hand_over(recorder, filling)) {
			atomic_store_explicit(&recorder->held, true, memory_order_relaxed);
			thag_recorder_wait(session);
		}
	}
}

void thag_recorder_drain(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	if (!recorder || recorder->drained)
		return;
	hand_over_all(session);
	pthread_mutex_lock(&recorder->lock);
	recorder->ending = true;
	pthread_cond_signal(&recorder->work);
	pthread_mutex_unlock(&recorder->lock);
	pthread_join(recorder->thread, NULL);
	recorder->drained = true;
}

static void close_files(struct thag_recorder *recorder)
{
	thag_recording_journal_destroy(recorder->journal);
	recorder->journal = NULL;
	thag_recording_writer_destroy(recorder->file.writer);
	close(recorder->file.fd);
	close(recorder->file.journal_fd);
	recorder->file.writer = NULL;
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
		stop(recorder, ret);
	pthread_mutex_lock(&recorder->lock);
	recorder->ended = true;
	pthread_mutex_unlock(&recorder->lock);
	end.lost = session->counts.lost + session->counts.holes;
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
		stop(recorder, ret);
	thag_recording_file_drop_journal(recorder->file.path);
	close_files(recorder);
}

int thag_recorder_error(const struct thag_session *session)
{
	return session->recorder ? error_of(session->recorder) : 0;
}

const char *thag_recorder_path(const struct thag_session *session)
{
	return session->recorder ? session->recorder->file.path : "";
}

void thag_recorder_destroy(struct thag_session *session)
{
	struct thag_recorder *recorder = session->recorder;

	if (!recorder)
		return;
	thag_recorder_drain(session);
	if (!recorder->ended)
		close_files(recorder);
	for (uint32_t i = 0; i < session->header.slots; i++)
		thag_openings_fini(&recorder->fillings[i].stage.raw.openings);
	free_recorder(recorder);
	session->recorder = NULL;
}
