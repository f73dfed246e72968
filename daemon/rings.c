/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "rings.h"

#include "clock.h"
#include "memory.h"
#include "chunks.h"

#define LEAST_BATCH 64

static bool is_quarantined(const struct thag_session *session)
{
	/* relaxed: the flag says when to stop, and nothing about what was read until then */
	return atomic_load_explicit(&session->quarantined, memory_order_relaxed);
}

bool thag_rings_together(const struct thag_session *session)
{
	/* relaxed: whoever takes a ring after the one who reads them all sees what that one saw */
	return atomic_load_explicit(&session->tangled, memory_order_relaxed) ||
	       atomic_load_explicit(&session->remembers, memory_order_relaxed);
}

static void check_quarantine(struct thag_session_ring *ring)
{
	if (ring->stream.invalid > THAG_SESSION_INVALID_MAX ||
	    ring->dead_holes > THAG_SESSION_HOLES_MAX)
		atomic_store_explicit(&ring->session->quarantined, true, memory_order_relaxed);
}

/* An event of several words, of which one was stepped over, must not take others' for its own. */
static bool step_over(struct thag_session_ring *ring, uint64_t now_ns, bool writer_dead)
{
	uint64_t holes = ring->reader.holes;
	bool go_on;

	if (thag_chunks_room(ring, now_ns) == 0)
		return false;
	go_on = thag_ring_skip_hole(&ring->reader, now_ns, writer_dead);
	if (ring->reader.holes != holes) {
		thag_chunks_put_hole(ring, ring->reader.tail - 1, now_ns);
		thag_stream_gap(&ring->stream);
		ring->dead_holes += writer_dead;
		check_quarantine(ring);
	}
	return go_on;
}

/* A signal handler that jumped away leaves a hole; looking for one costs more than a read. */
static bool skip_hole(struct thag_session_ring *ring, uint64_t now_ns, bool writer_dead)
{
	if (!writer_dead && now_ns - ring->hole_check_ns < THAG_DRAIN_HOLE_CHECK_NS)
		return false;
	ring->hole_check_ns = now_ns;
	return step_over(ring, now_ns, writer_dead);
}

static void note_blocked(struct thag_session_ring *ring, uint64_t now_ns)
{
	if (!ring->stream.blocked) {
		ring->blocked_since_ns = 0;
		return;
	}
	if (ring->blocked_since_ns == 0)
		ring->blocked_since_ns = now_ns;
	atomic_store_explicit(&ring->session->tangled, true, memory_order_relaxed);
}

static void note_memory(struct thag_session_ring *ring)
{
	if (!thag_heap_queue_is_empty(&ring->queue))
		atomic_store_explicit(&ring->session->remembers, true, memory_order_relaxed);
}

/* Words copied and then not taken are copied again: the less, the more often that happens. */
static uint32_t next_batch(const struct thag_session_ring *ring, size_t read, size_t taken)
{
	uint32_t batch = ring->batch ? ring->batch : THAG_RING_BATCH;

	if (taken < read)
		return LEAST_BATCH;
	return batch < THAG_RING_BATCH / 2 ? batch * 2 : THAG_RING_BATCH;
}

/* With many rings less of each, so that what waits in their queues has a bound. */
static uint32_t batch_size(const struct thag_session_ring *ring, uint32_t used)
{
	uint32_t batch = ring->batch ? ring->batch : THAG_RING_BATCH;
	uint32_t share = THAG_MEMORY_QUEUED_MAX / (used ? used : 1);

	return batch < share || !thag_rings_together(ring->session) ? batch : share;
}

/*
 * Reads a batch, of at most `room` words; what the stream doesn't take stays in the ring. Returns
 * how many it took.
 */
static size_t read_batch(struct thag_session_ring *ring, uint64_t *words, size_t room,
			 uint32_t used, uint64_t now_ns)
{
	uint32_t batch = batch_size(ring, used);
	size_t read = thag_ring_read(&ring->reader, words, batch < room ? batch : room), taken;

	if (read)
		thag_chunks_expect(ring, ring->reader.tail - read, now_ns);
	taken = thag_stream_feed(&ring->stream, words, read);
	thag_chunks_put(ring, words, taken);
	ring->empty = read == 0;
	ring->reader.tail -= read - taken;
	ring->batch = next_batch(ring, read, taken);
	if (taken)
		thag_session_ring_commit(ring);
	check_quarantine(ring);
	return taken;
}

enum thag_found thag_rings_read(struct thag_session_ring *ring, uint64_t *words, uint64_t now_ns,
				bool writer_dead)
{
	enum thag_found found = THAG_FOUND_NOTHING;
	uint32_t used = thag_session_rings_used(ring->session);

	if (ring->stream.blocked) {
		if (!thag_stream_retry(&ring->stream, false))
			return found;
		ring->blocked_since_ns = 0;
		thag_session_ring_commit(ring);
		found = THAG_FOUND_WORDS;
	}
	for (int i = 0; i < THAG_DRAIN_BATCHES && !is_quarantined(ring->session); i++) {
		size_t room = thag_chunks_room(ring, now_ns), taken;

		if (room == 0) {
			ring->empty = false;
			return found;
		}
		if (thag_memory_is_full(ring, used)) {
			ring->empty = false;
			return found;
		}
		taken = read_batch(ring, words, room, used, now_ns);
		note_blocked(ring, now_ns);
		note_memory(ring);
		if (taken == 0 && ring->empty)
			return skip_hole(ring, now_ns, writer_dead) ? THAG_FOUND_MORE : found;
		found = THAG_FOUND_WORDS;
		if (ring->stream.blocked)
			return found;
	}
	return found == THAG_FOUND_WORDS ? THAG_FOUND_MORE : found;
}

bool thag_rings_blocked(const struct thag_session *session)
{
	uint32_t used = thag_session_rings_used(session);

	for (uint32_t i = 0; i < used; i++)
		if (session->rings[i].stream.blocked)
			return true;
	return false;
}

/* The ring that is blocked at the earliest step. What that waits for was written before it. */
static struct thag_session_ring *find_earliest(const struct thag_session *session, uint32_t used)
{
	struct thag_session_ring *earliest = NULL;

	for (uint32_t i = 0; i < used; i++) {
		struct thag_session_ring *ring = &session->rings[i];

		if (ring->stream.blocked &&
		    (!earliest || ring->stream.last_ticks < earliest->stream.last_ticks))
			earliest = ring;
	}
	return earliest;
}

/* Whether the ring has no more words from before `ticks`; it was read since they were written. */
static bool is_past(struct thag_session_ring *ring, uint64_t ticks, uint64_t now_ns)
{
	if (ring->stream.blocked || ring->stream.last_ticks > ticks)
		return true;
	if (!ring->empty)
		return false;
	/* nothing to be seen may be a hole, with more behind it */
	return !step_over(ring, now_ns, false) && ring->reader.hole_pos != ring->reader.tail;
}

static bool are_past(const struct thag_session *session, uint32_t used, uint64_t ticks,
		     uint64_t now_ns)
{
	for (uint32_t i = 0; i < used; i++)
		if (!is_past(&session->rings[i], ticks, now_ns))
			return false;
	return true;
}

bool thag_rings_unblock(struct thag_session *session, uint64_t now_ns, bool force)
{
	uint32_t used = thag_session_rings_used(session);
	struct thag_session_ring *ring = find_earliest(session, used);

	if (!ring)
		return false;
	if (!force && now_ns - ring->blocked_since_ns < THAG_TASK_WAIT_NS &&
	    !are_past(session, used, ring->stream.last_ticks, now_ns))
		return false;
	thag_stream_retry(&ring->stream, true);
	ring->blocked_since_ns = 0;
	thag_session_ring_commit(ring);
	return true;
}

/*
 * One turn at the ring, under the lock. At `*end` it stops: others may still write to it. That is
 * where it is once a dead program's has no more, for a look at an empty one costs as much as a
 * read.
 */
static bool finish_ring(struct thag_session_ring *ring, uint64_t *words, uint64_t *end,
			bool writer_dead)
{
	struct thag_session *session = ring->session;
	bool more = false;

	pthread_rwlock_wrlock(&session->lock);
	if (ring->reader.tail < *end)
		more = thag_rings_read(ring, words, thag_clock_mono_ns(), writer_dead) !=
		       THAG_FOUND_NOTHING;
	else
		ring->empty = true; /* as far as we are concerned */
	if (writer_dead && !more && ring->empty && !ring->stream.blocked)
		*end = ring->reader.tail;
	pthread_rwlock_unlock(&session->lock);
	return more;
}

/* One round over all rings. Nothing that counts is written any more, so none is too young. */
static bool finish_all(struct thag_session *session, uint64_t *words, uint64_t *ends,
		       bool writer_dead)
{
	uint32_t used = thag_session_rings_used(session);
	bool more = false, wait;

	for (uint32_t i = 0; i < used && !is_quarantined(session); i++)
		more |= finish_ring(&session->rings[i], words, &ends[i], writer_dead);
	pthread_rwlock_wrlock(&session->lock);
	more |= thag_memory_apply(session, used, UINT64_MAX, &wait) != 0;
	pthread_rwlock_unlock(&session->lock);
	return more;
}

static bool unblock_locked(struct thag_session *session)
{
	bool unblocked;

	pthread_rwlock_wrlock(&session->lock);
	unblocked = thag_rings_unblock(session, thag_clock_mono_ns(), true);
	pthread_rwlock_unlock(&session->lock);
	return unblocked;
}

void thag_rings_finish(struct thag_session *session, bool writer_dead)
{
	uint64_t words[THAG_RING_BATCH], ends[THAG_SLOTS_MAX];

	/* at most two laps: someone else may go on writing to a dead program's ring */
	for (uint32_t i = 0; i < session->header.slots; i++)
		ends[i] = session->rings[i].reader.tail + 2 * (uint64_t)THAG_RING_WORDS;
	/* Each round reads words, or applies what they say, or takes a step: of all these there are
	 * at most so many as words. A ring that can't be read on for others' sake is no reason for
	 * another round: these may wait for a chunk to be made, or for a step to be given up. */
	while (!is_quarantined(session) &&
	       (finish_all(session, words, ends, writer_dead) || thag_chunks_catch_up(session) ||
		unblock_locked(session)))
		continue;
}
