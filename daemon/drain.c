/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "drain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "rings.h"

struct list {
	struct thag_session *sessions[THAG_SESSIONS_LIVE_MAX];
	uint32_t count;
};

struct worker {
	struct thag_drain *drain;
	uint32_t index;
	pthread_t thread;
	uint64_t generation; /* of its copy of the list */
	struct list list;
	uint64_t words[THAG_RING_BATCH];
};

struct thag_drain {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	atomic_uint_least64_t generation; /* relaxed hint; the truth is read under the lock */
	bool stopping;
	struct list list;
	uint32_t worker_count;
	struct worker *workers[THAG_DRAIN_THREADS_MAX];
};

static void list_clear(struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		thag_session_unref(list->sessions[i]);
	list->count = 0;
}

static void list_copy(struct list *to, const struct list *from)
{
	list_clear(to);
	for (uint32_t i = 0; i < from->count; i++)
		to->sessions[to->count++] = thag_session_ref(from->sessions[i]);
}

/* relaxed: the flag says when to stop, and nothing about what was read until then */
static bool is_quarantined(const struct thag_session *session)
{
	return atomic_load_explicit(&session->quarantined, memory_order_relaxed);
}

/* Which of a session's rings one thread reads: every `step`th from `first` on. */
struct part {
	uint32_t first;
	uint32_t step;
	uint32_t used; /* outcome: so many were claimed when it came round */
	bool shared;   /* outcome: someone else was at one of them */
};

/*
 * Whoever reads a ring; for a moment when one is to read them all it may be two who try. Whoever
 * isn't that one leaves: when it has taken the ring after the other, it sees that.
 */
static enum thag_found drain_ring(struct worker *worker, struct thag_session_ring *ring,
				  uint64_t now_ns, struct part *part)
{
	enum thag_found found = THAG_FOUND_NOTHING;

	/* acquire and release: what the one before did to the ring is seen */
	if (atomic_exchange_explicit(&ring->busy, true, memory_order_acquire)) {
		part->shared = true;
		return THAG_FOUND_MORE;
	}
	if (part->step == 1 || !thag_rings_together(ring->session))
		found = thag_rings_read(ring, worker->words, now_ns, false);
	atomic_store_explicit(&ring->busy, false, memory_order_release);
	return found;
}

/* The lock is given up after each ring that had words, so that readers get in. */
static enum thag_found drain_rings(struct worker *worker, struct thag_session *session,
				   uint64_t now_ns, struct part *part)
{
	enum thag_found most = THAG_FOUND_NOTHING;

	for (uint32_t i = part->first; !session->detached && i < thag_session_rings_used(session);
	     i += part->step) {
		enum thag_found found = drain_ring(worker, &session->rings[i], now_ns, part);

		part->used = i + 1;
		if (found == THAG_FOUND_NOTHING)
			continue;
		most = found > most ? found : most;
		pthread_rwlock_unlock(&session->lock);
		pthread_rwlock_rdlock(&session->lock);
	}
	return most;
}

/* All rings in turn, and then what they had to say about memory. */
static enum thag_found drain_round(struct worker *worker, struct thag_session *session,
				   uint64_t now_ns)
{
	struct part part = { .step = 1 };
	uint64_t begun = thag_clock_ticks(session->header.clock);
	enum thag_found found = drain_rings(worker, session, now_ns, &part);
	uint64_t applied;
	bool wait;

	if (session->detached || part.shared)
		return found;
	applied = thag_memory_apply(session, part.used, begun, &wait);
	if (found == THAG_FOUND_NOTHING && (applied || wait))
		found = applied ? THAG_FOUND_MORE : THAG_FOUND_WORDS;
	return found;
}

/* Round after round while one ring waits for another. */
static enum thag_found drain_together(struct worker *worker, struct thag_session *session,
				      uint64_t now_ns)
{
	enum thag_found found;
	uint32_t round = 0;

	do {
		found = drain_round(worker, session, now_ns);
		if (session->detached || !thag_rings_blocked(session))
			return found;
		if (thag_rings_unblock(session, now_ns, false))
			found = THAG_FOUND_MORE;
	} while (found != THAG_FOUND_NOTHING && ++round < THAG_DRAIN_ROUNDS);
	return found;
}

static enum thag_found drain_session(struct worker *worker, struct thag_session *session,
				     uint64_t now_ns)
{
	uint32_t workers = worker->drain->worker_count;
	struct part part = { .first = (uint32_t)((worker->index + session->id) % workers),
			     .step = workers };
	bool together = thag_rings_together(session);
	enum thag_found found = THAG_FOUND_NOTHING;

	if (is_quarantined(session) || (together && part.first != 0))
		return found;
	pthread_rwlock_rdlock(&session->lock);
	found = together ? drain_together(worker, session, now_ns)
			 : drain_rings(worker, session, now_ns, &part);
	pthread_rwlock_unlock(&session->lock);
	return found;
}

static enum thag_found drain_all(struct worker *worker)
{
	uint64_t now_ns = thag_clock_mono_ns();
	enum thag_found most = THAG_FOUND_NOTHING;

	for (uint32_t i = 0; i < worker->list.count; i++) {
		enum thag_found found = drain_session(worker, worker->list.sessions[i], now_ns);

		most = found > most ? found : most;
	}
	return most;
}

/* Takes over the list when it changed, and sleeps while it is empty. False: the end. */
static bool refresh(struct worker *worker)
{
	struct thag_drain *drain = worker->drain;
	bool go_on;

	if (atomic_load_explicit(&drain->generation, memory_order_relaxed) == worker->generation &&
	    worker->list.count)
		return true;
	pthread_mutex_lock(&drain->lock);
	while (!drain->stopping && drain->list.count == 0) {
		list_clear(&worker->list);
		pthread_cond_wait(&drain->changed, &drain->lock);
	}
	list_copy(&worker->list, &drain->list);
	worker->generation = atomic_load_explicit(&drain->generation, memory_order_relaxed);
	go_on = !drain->stopping;
	pthread_mutex_unlock(&drain->lock);
	return go_on;
}

/*
 * Reading right behind a producer would take the line it writes to away from it again and again:
 * who has caught up stays back for the shortest nap, and who finds nothing naps ever longer.
 */
static long nap(long last_ns, enum thag_found found)
{
	long ns = last_ns && found == THAG_FOUND_NOTHING ? last_ns * 2 : THAG_DRAIN_NAP_MIN_NS;
	struct timespec rest = { 0 };

	if (found == THAG_FOUND_MORE)
		return 0;
	rest.tv_nsec = ns < THAG_DRAIN_NAP_MAX_NS ? ns : THAG_DRAIN_NAP_MAX_NS;
	nanosleep(&rest, NULL);
	return rest.tv_nsec;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	long nap_ns = 0;

	pthread_setname_np(pthread_self(), "thagd-drain");
	while (refresh(worker))
		nap_ns = nap(nap_ns, drain_all(worker));
	list_clear(&worker->list);
	return NULL;
}

static int start_worker(struct thag_drain *drain)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret;

	if (!worker)
		return -ENOMEM;
	worker->drain = drain;
	worker->index = drain->worker_count;
	drain->workers[drain->worker_count] = worker;
	ret = -pthread_create(&worker->thread, NULL, work, worker);
	if (ret != 0)
		free(worker);
	return ret;
}

/* Signals are for the main loop; a thread inherits the mask of its maker. */
static int start_workers(struct thag_drain *drain, uint32_t threads)
{
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&drain->lock); /* they wait here until their number is known */
	while (ret == 0 && drain->worker_count < threads) {
		ret = start_worker(drain);
		if (ret == 0)
			drain->worker_count++;
	}
	pthread_mutex_unlock(&drain->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static uint32_t clamp_threads(unsigned threads)
{
	long cpus = threads ? (long)threads : sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		return 1;
	return cpus < THAG_DRAIN_THREADS_MAX ? (uint32_t)cpus : THAG_DRAIN_THREADS_MAX;
}

int thag_drain_create(struct thag_drain **out, unsigned threads)
{
	struct thag_drain *drain = calloc(1, sizeof(*drain));
	int ret;

	if (!drain)
		return -ENOMEM;
	pthread_mutex_init(&drain->lock, NULL);
	pthread_cond_init(&drain->changed, NULL);
	atomic_init(&drain->generation, 1);
	ret = start_workers(drain, clamp_threads(threads));
	if (ret != 0) {
		thag_drain_destroy(drain);
		return ret;
	}
	*out = drain;
	return 0;
}

static void announce(struct thag_drain *drain)
{
	atomic_fetch_add_explicit(&drain->generation, 1, memory_order_relaxed);
	pthread_cond_broadcast(&drain->changed);
}

void thag_drain_destroy(struct thag_drain *drain)
{
	if (!drain)
		return;
	pthread_mutex_lock(&drain->lock);
	drain->stopping = true;
	announce(drain);
	pthread_mutex_unlock(&drain->lock);
	for (uint32_t i = 0; i < drain->worker_count; i++) {
		pthread_join(drain->workers[i]->thread, NULL);
		free(drain->workers[i]);
	}
	list_clear(&drain->list);
	pthread_cond_destroy(&drain->changed);
	pthread_mutex_destroy(&drain->lock);
	free(drain);
}

int thag_drain_add(struct thag_drain *drain, struct thag_session *session)
{
	int ret = 0;

	pthread_mutex_lock(&drain->lock);
	if (drain->list.count == THAG_SESSIONS_LIVE_MAX) {
		ret = -ENOSPC;
	} else {
		drain->list.sessions[drain->list.count++] = thag_session_ref(session);
		announce(drain);
	}
	pthread_mutex_unlock(&drain->lock);
	return ret;
}

void thag_drain_remove(struct thag_drain *drain, struct thag_session *session)
{
	bool found = false;

	pthread_mutex_lock(&drain->lock);
	for (uint32_t i = 0; i < drain->list.count && !found; i++) {
		if (drain->list.sessions[i] != session)
			continue;
		drain->list.sessions[i] = drain->list.sessions[--drain->list.count];
		found = true;
	}
	announce(drain);
	pthread_mutex_unlock(&drain->lock);
	thag_session_detach(session);
	if (found)
		thag_session_unref(session);
}
