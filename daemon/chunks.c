/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "chunks_private.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

#include "history.h"
#include "recorder.h"

#define LOW_PRIORITY 10 /* of a thread that nobody waits for, as nice(1) has it */

/* --- whoever reads a ring --- */

/* NULL: nobody wants its words, or not any more. */
static struct thag_chunks *chunks_of(const struct thag_session_ring *ring)
{
	struct thag_session *session = ring->session;

	return session->history || thag_recorder_is_on(session) ? session->chunks : NULL;
}

static struct thag_filling *filling_of(const struct thag_chunks *chunks,
				       const struct thag_session_ring *ring)
{
	return &chunks->fillings[ring - ring->session->rings];
}

/* The chunk of a ring that takes words; NULL: none. */
static struct thag_filling *open_filling(const struct thag_session_ring *ring)
{
	struct thag_chunks *chunks = chunks_of(ring);
	struct thag_filling *filling = chunks ? filling_of(chunks, ring) : NULL;

	return filling && filling->open ? filling : NULL;
}

void thag_filling_close(struct thag_filling *filling)
{
	filling->stage.raw.openings = (struct thag_openings){ 0 };
	thag_chunk_stage_fini(&filling->stage);
	filling->slot = NULL;
	filling->open = false;
}

void thag_chunks_push(struct thag_chunks *chunks, const struct thag_filled *filled)
{
	chunks->queue[(chunks->first + chunks->count++) % chunks->capacity] = *filled;
	if (filled->from)
		filled->from->waiting++;
	pthread_cond_signal(&chunks->work);
}

/* The chunk goes to the thread; false when too many wait there. */
static bool hand_over(struct thag_chunks *chunks, struct thag_filling *filling)
{
	struct thag_filled filled = { filling->stage.raw, filling->slot, filling, NULL };
	bool taken;

	pthread_mutex_lock(&chunks->lock);
	taken = chunks->count < THAG_CHUNKS_QUEUE_MAX;
	if (taken)
		thag_chunks_push(chunks, &filled);
	pthread_mutex_unlock(&chunks->lock);
	if (taken)
		thag_filling_close(filling);
	return taken;
}

void thag_filled_free(struct thag_session *session, struct thag_filled *filled)
{
	thag_openings_fini(&filled->raw.openings);
	if (filled->slot)
		thag_recorder_give_slot(session, filled->slot);
	else
		thag_chunk_pool_give(thag_history_pool(session->history), filled->raw.words);
}

static void miss_from(struct thag_filling *filling, uint64_t events)
{
	if (!filling->misses)
		filling->missed_from = events;
	filling->misses = true;
}

/* There is no time for the chunk: the timeline has a gap. */
static void drop(struct thag_session *session, struct thag_filling *filling)
{
	struct thag_filled filled = { filling->stage.raw, filling->slot, filling, NULL };

	miss_from(filling, filling->stage.events);
	thag_filled_free(session, &filled);
	thag_filling_close(filling);
}

static bool is_due(const struct thag_filling *filling, size_t room, uint64_t now_ns)
{
	return room == 0 ||
	       (filling->stage.raw.head.words && now_ns - filling->begun_ns > THAG_CHUNKS_AGE_NS);
}

size_t thag_chunks_room(struct thag_session_ring *ring, uint64_t now_ns)
{
	struct thag_chunks *chunks = chunks_of(ring);
	struct thag_filling *filling;
	size_t room;

	if (!chunks)
		return SIZE_MAX;
	filling = filling_of(chunks, ring);
	if (!filling->open)
		return THAG_CHUNK_WORDS;
	room = thag_chunk_stage_room(&filling->stage, &ring->stream);
	if (!is_due(filling, room, now_ns) || !thag_chunk_stage_may_cut(&ring->stream))
		return room;
	if (hand_over(chunks, filling))
		return THAG_CHUNK_WORDS;
	if (room)
		return room;
	if (!thag_recorder_is_on(ring->session) && !ring->session->detached) {
		drop(ring->session, filling);
		return THAG_CHUNK_WORDS;
	}
	atomic_store_explicit(&chunks->held, true, memory_order_relaxed);
	return 0;
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
		if (openings.bytes)
			memcpy(side + sizeof(raw->head), openings.data, openings.bytes);
		filling->side_bytes += (uint32_t)openings.bytes;
	}
	thag_buffer_fini(&openings);
}

/*
 * Whether a chunk would be left out anyway, or its open frames take more than its words: copying
 * them is for the recording only, which waits. Likewise once nobody waits for the program.
 */
static bool is_in_vain(struct thag_chunks *chunks, const struct thag_session_ring *ring)
{
	const struct thag_thread *thread = ring->stream.thread;
	bool full;

	if (thag_recorder_is_on(ring->session))
		return false;
	if (thread && thread->own.depth > THAG_CHUNKS_DEPTH_MAX)
		return true;
	pthread_mutex_lock(&chunks->lock);
	full = chunks->count >= THAG_CHUNKS_QUEUE_MAX;
	pthread_mutex_unlock(&chunks->lock);
	return full && !ring->session->detached;
}

/* Memory for words: of the recording, else of the pool. NULL: there is none. */
static uint64_t *take_words(struct thag_session *session, struct thag_filling *filling,
			    uint32_t ring, uint64_t pos)
{
	filling->slot = thag_recorder_take_slot(session, ring, pos);
	if (filling->slot)
		return filling->slot->words;
	return session->history ? thag_chunk_pool_take(thag_history_pool(session->history)) : NULL;
}

void thag_chunks_open(struct thag_chunks *chunks, struct thag_session_ring *ring, uint64_t pos,
		      uint64_t now_ns)
{
	struct thag_filling *filling = filling_of(chunks, ring);
	uint32_t index = (uint32_t)(ring - ring->session->rings);
	uint64_t *words = NULL;

	if (!is_in_vain(chunks, ring))
		words = take_words(ring->session, filling, index, pos);
	if (!words) {
		miss_from(filling, ring->stream.events);
		return;
	}
	if (filling->misses)
		atomic_fetch_add_explicit(&chunks->dropped_events,
					  ring->stream.events - filling->missed_from,
					  memory_order_relaxed);
	thag_chunk_stage_init(&filling->stage, index, words);
	if (thag_chunk_stage_begin(&filling->stage, &ring->stream, pos,
				   filling->misses ? THAG_CHUNK_GAP : 0) != 0)
		filling->stage.raw.head.flags |= THAG_CHUNK_RESUMED;
	filling->begun_ns = now_ns;
	filling->misses = false;
	filling->open = true;
	if (filling->slot)
		write_side(filling);
}

void thag_chunks_expect(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns)
{
	struct thag_chunks *chunks = chunks_of(ring);

	if (!chunks || filling_of(chunks, ring)->open)
		return;
	if (thag_chunk_stage_may_cut(&ring->stream))
		thag_chunks_open(chunks, ring, pos, now_ns);
	else
		miss_from(filling_of(chunks, ring), ring->stream.events);
}

void thag_chunks_put(struct thag_session_ring *ring, const uint64_t *words, size_t count)
{
	struct thag_filling *filling = count ? open_filling(ring) : NULL;

	if (filling)
		thag_chunk_stage_put(&filling->stage, &ring->stream, words, count);
}

void thag_chunks_put_hole(struct thag_session_ring *ring, uint64_t pos, uint64_t now_ns)
{
	struct thag_filling *filling;

	thag_chunks_expect(ring, pos, now_ns);
	filling = open_filling(ring);
	if (filling)
		thag_chunk_stage_hole(&filling->stage);
}

void thag_chunks_publish(struct thag_session_ring *ring)
{
	struct thag_filling *filling = open_filling(ring);

	if (filling && filling->slot)
		thag_recording_slot_publish(filling->slot, (uint32_t)filling->stage.raw.head.words,
					    filling->side_bytes);
}

void thag_chunks_note_task(struct thag_session_ring *ring, const struct thag_task_event *event,
			   const struct thag_task_state *task)
{
	struct thag_filling *filling = open_filling(ring);

	if (filling)
		thag_chunk_stage_task(&filling->stage, event, task);
}

/* --- its thread --- */

/* Encodes a chunk, and puts it where it belongs. */
static void process(struct thag_chunks *chunks, struct thag_filled *filled)
{
	struct thag_session *session = chunks->session;
	struct thag_chunk chunk = { 0 };
	uint64_t events = filled->raw.head.events, token = 0;
	int ret = thag_chunk_make(chunks->maker, &chunk, &filled->raw);

	/* words that lie in no journal came after the recording had stopped */
	if (ret == 0 && filled->slot)
		token = thag_recorder_put(session, &chunk);
	else if (filled->slot)
		thag_recorder_stop(session, ret);
	if (ret == 0 && session->history)
		ret = thag_history_add(session->history, &chunk, token);
	if (ret != 0 && session->history)
		atomic_fetch_add_explicit(&chunks->dropped_events, events, memory_order_relaxed);
	thag_chunk_fini(&chunk);
	thag_filled_free(session, filled);
}

/* The oldest chunk leaves the queue once it is done with: until then it counts. Under the lock. */
static void serve(struct thag_chunks *chunks)
{
	struct thag_filled filled = chunks->queue[chunks->first];

	pthread_mutex_unlock(&chunks->lock);
	if (filled.turn)
		filled.turn->act(chunks->session);
	else
		process(chunks, &filled);
	pthread_mutex_lock(&chunks->lock);
	if (filled.from)
		filled.from->waiting--;
	chunks->first = (chunks->first + 1) % chunks->capacity;
	chunks->count--;
	if (!filled.turn)
		return;
	filled.turn->done = true;
	pthread_cond_broadcast(&chunks->turned);
}

/* Until there is a chunk; of a recorded session, until other things may be there to be written. */
static void await_work(struct thag_chunks *chunks)
{
	struct timespec until;

	if (!thag_recorder_is_on(chunks->session)) {
		pthread_cond_wait(&chunks->work, &chunks->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	if (pthread_cond_timedwait(&chunks->work, &chunks->lock, &until) != ETIMEDOUT)
		return;
	pthread_mutex_unlock(&chunks->lock);
	thag_recorder_put(chunks->session, NULL);
	pthread_mutex_lock(&chunks->lock);
}

/* Where nobody waits for it, it gives way to whoever reads rings, and to the program. */
static void stand_back(struct thag_chunks *chunks)
{
	struct sched_param none = { 0 };

	if (chunks->low || thag_recorder_is_on(chunks->session))
		return;
	pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	setpriority(PRIO_PROCESS, (id_t)gettid(), LOW_PRIORITY);
	chunks->low = true;
}

/* Its turn comes when the one before has left. */
static void await_turn(struct thag_chunks *chunks)
{
	while (chunks->serving)
		pthread_cond_wait(&chunks->work, &chunks->lock);
	chunks->serving = true;
	chunks->low = false;
}

static void *run(void *arg)
{
	struct thag_chunks *chunks = arg;
	uint32_t number;

	pthread_setname_np(pthread_self(), "thagd-chunks");
	pthread_mutex_lock(&chunks->lock);
	number = ++chunks->started;
	await_turn(chunks);
	while (chunks->leaving < number) {
		stand_back(chunks);
		if (chunks->count)
			serve(chunks);
		else
			await_work(chunks);
	}
	chunks->serving = false;
	pthread_cond_broadcast(&chunks->work);
	pthread_mutex_unlock(&chunks->lock);
	return NULL;
}

/* --- its beginning and end --- */

static void init_locks(struct thag_chunks *chunks)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&chunks->lock, NULL);
	pthread_mutex_init(&chunks->thread_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&chunks->work, &attr);
	pthread_cond_init(&chunks->turned, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_chunks(struct thag_chunks *chunks)
{
	thag_chunk_maker_destroy(chunks->maker);
	pthread_mutex_destroy(&chunks->lock);
	pthread_mutex_destroy(&chunks->thread_lock);
	pthread_cond_destroy(&chunks->work);
	pthread_cond_destroy(&chunks->turned);
	free(chunks->queue);
	free(chunks->fillings);
	free(chunks);
}

/* Signals are for the main loop. */
static int start_thread(struct thag_chunks *chunks)
{
	sigset_t all, before;
	pthread_t thread;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = -pthread_create(&thread, NULL, run, chunks);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret == 0)
		chunks->thread = thread;
	return ret;
}

/* All threads that were started until now leave, or all but the last. */
static void let_leave(struct thag_chunks *chunks, uint32_t threads)
{
	pthread_mutex_lock(&chunks->lock);
	chunks->leaving = threads;
	pthread_cond_broadcast(&chunks->work);
	pthread_mutex_unlock(&chunks->lock);
}

int thag_chunks_begin(struct thag_session *session)
{
	struct thag_chunks *chunks;
	int ret = -ENOMEM;

	chunks = calloc(1, sizeof(*chunks));
	if (!chunks)
		return ret;
	chunks->session = session;
	init_locks(chunks);
	chunks->capacity = THAG_CHUNKS_QUEUE_MAX + session->header.slots + 1;
	chunks->fillings = calloc(session->header.slots, sizeof(*chunks->fillings));
	chunks->queue = calloc(chunks->capacity, sizeof(*chunks->queue));
	if (chunks->fillings && chunks->queue)
		ret = thag_chunk_maker_create(&chunks->maker);
	if (ret == 0)
		ret = start_thread(chunks);
	if (ret == 0)
		session->chunks = chunks;
	else
		free_chunks(chunks);
	return ret;
}

void thag_chunks_try_begin(struct thag_session *session)
{
	if (session->chunks || !session->history || thag_chunks_begin(session) == 0)
		return;
	thag_history_destroy(session->history);
	session->history = NULL;
}

/* What waits is the caller's from now on: the thread may be one that gives way to all others. */
static void take_over(struct thag_chunks *chunks)
{
	pthread_mutex_lock(&chunks->thread_lock);
	if (!chunks->taken_over) {
		let_leave(chunks, UINT32_MAX);
		pthread_join(chunks->thread, NULL);
		chunks->taken_over = true;
	}
	pthread_mutex_unlock(&chunks->thread_lock);
}

static void serve_all(struct thag_chunks *chunks)
{
	pthread_mutex_lock(&chunks->lock);
	while (chunks->count)
		serve(chunks);
	pthread_mutex_unlock(&chunks->lock);
}

void thag_chunks_hurry(struct thag_session *session)
{
	struct thag_chunks *chunks = session->chunks;
	pthread_t before;
	uint32_t started;
	bool low;

	pthread_mutex_lock(&chunks->thread_lock);
	pthread_mutex_lock(&chunks->lock);
	started = chunks->started;
	low = chunks->low;
	pthread_mutex_unlock(&chunks->lock);
	before = chunks->thread;
	if (low && !chunks->taken_over && start_thread(chunks) == 0) {
		let_leave(chunks, started);
		pthread_join(before, NULL);
	}
	pthread_mutex_unlock(&chunks->thread_lock);
}

bool thag_chunks_catch_up(struct thag_session *session)
{
	struct thag_chunks *chunks = session->chunks;

	if (!chunks || !atomic_exchange_explicit(&chunks->held, false, memory_order_relaxed))
		return false;
	take_over(chunks);
	serve_all(chunks);
	return true;
}

/* What is being filled, as far as it can be cut: an event that is under way was never whole. */
static void finish_filling(struct thag_chunks *chunks, uint32_t ring)
{
	struct thag_session *session = chunks->session;
	struct thag_filling *filling = &chunks->fillings[ring];
	struct thag_filled filled = { filling->stage.raw, filling->slot, filling, NULL };

	if (filling->misses && session->rings)
		atomic_fetch_add_explicit(&chunks->dropped_events,
					  session->rings[ring].stream.events - filling->missed_from,
					  memory_order_relaxed);
	if (!filling->open)
		return;
	/* who copies it looks there under the lock */
	pthread_rwlock_wrlock(&session->lock);
	thag_filling_close(filling);
	pthread_rwlock_unlock(&session->lock);
	if (filled.raw.head.words)
		process(chunks, &filled);
	else
		thag_filled_free(session, &filled);
}

void thag_chunks_drain(struct thag_session *session)
{
	struct thag_chunks *chunks = session->chunks;

	if (!chunks || chunks->drained)
		return;
	take_over(chunks);
	serve_all(chunks);
	for (uint32_t i = 0; i < session->header.slots; i++)
		finish_filling(chunks, i);
	thag_recorder_put(session, NULL);
	thag_recorder_drained(session);
	chunks->drained = true;
	if (session->history)
		thag_history_end(session->history);
}

/* --- others --- */

uint64_t thag_chunks_dropped(struct thag_session *session)
{
	return session->chunks ? atomic_load_explicit(&session->chunks->dropped_events,
						      memory_order_relaxed)
			       : 0;
}

void thag_chunks_destroy(struct thag_session *session)
{
	struct thag_chunks *chunks = session->chunks;

	if (!chunks)
		return;
	thag_chunks_drain(session);
	free_chunks(chunks);
	session->chunks = NULL;
}
