/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "budget.h"
#include "chunks.h"
#include "clock.h"
#include "format.h"
#include "history.h"
#include "members.h"
#include "memory.h"
#include "recorder.h"
#include "rings.h"
#include "sites.h"
#include "thag_checkpoint.h"
#include "thag_pages.h"

#define SITE_WORDS (THAG_SITES_MAX / 64)
/* a word is placed within half a wrap after the latest: look back that far, less a margin */
#define LOOKBACK_TICKS (UINT64_C(7) << (THAG_WORD_TIME_BITS - 4))

static const struct thag_shm_header *live_header(const struct thag_session *session)
{
	return session->memory.shm;
}

static const struct thag_shm_thread *slot(const struct thag_session *session, uint32_t index)
{
	const char *shm = session->memory.shm;

	return (const struct thag_shm_thread *)(shm + THAG_SHM_THREADS_OFFSET) + index;
}

static uint64_t *consumer_tail(const struct thag_session *session, uint32_t index)
{
	char *at = (char *)session->memory.consumer + THAG_SHM_CONSUMERS_OFFSET;

	return &((struct thag_shm_consumer *)at)[index].tail;
}

static struct thag_shm_stack *saved_stack(const struct thag_session *session, uint32_t index)
{
	char *at = (char *)session->memory.consumer;

	at += thag_shm_stacks_offset(session->header.slots);
	return (struct thag_shm_stack *)at + index;
}

void thag_session_ring_commit(struct thag_session_ring *ring)
{
	if (!thag_checkpoint_save(ring->saved, &ring->stream, ring->reader.tail))
		return;
	thag_chunks_publish(ring);
	thag_ring_release(&ring->reader);
}

static void init_ring(struct thag_session *session, uint32_t index)
{
	struct thag_session_ring *ring = &session->rings[index];
	const char *shm = session->memory.shm;

	ring->session = session;
	ring->reader.words =
		(const uint64_t *)(shm + THAG_SHM_RINGS_OFFSET + index * THAG_RING_BYTES);
	ring->reader.published = consumer_tail(session, index);
	ring->saved = saved_stack(session, index);
	ring->reader.tail = __atomic_load_n(ring->reader.published, __ATOMIC_RELAXED);
	ring->stream.last_ticks = session->header.start_ticks;
	ring->stream.tasks = &session->tasks;
	thag_members_listen(ring);
}

/*
 * An earlier thagd read the ring up to here, the start of its thread included: the thread goes
 * on under the id its slot has, with the frames that thagd left open. Without them, words that
 * wait were written at most a while ago.
 */
static void resume_ring(struct thag_session *session, uint32_t index)
{
	struct thag_session_ring *ring = &session->rings[index];
	uint64_t now = thag_clock_ticks(session->header.clock);
	uint64_t since = now > LOOKBACK_TICKS ? now - LOOKBACK_TICKS : 0;
	struct thag_task_event task = { 0 };
	struct thag_thread *thread;
	uint32_t tid = __atomic_load_n(&slot(session, index)->tid, __ATOMIC_RELAXED);

	if (since > ring->stream.last_ticks)
		ring->stream.last_ticks = since;
	if (ring->reader.tail <= THAG_RING_WORDS)
		return;
	if (ring->saved->tail >= ring->reader.tail)
		tid = ring->saved->tid;
	/* without an id its thread had ended; the next one begins by saying so */
	thread = tid ? thag_members_resume(ring, tid) : NULL;
	if (thread)
		thread->own.late = !thag_checkpoint_load(ring->saved, thread, &ring->reader.tail,
							 &ring->stream.last_ticks, &task);
	if (task.id)
		thag_tasks_resume(&session->tasks, thread, &task);
	session->lost_before += ring->reader.tail - THAG_RING_WORDS;
}

/* What the program says about its start is believed when it isn't in the future. */
static void init_times(struct thag_session *session)
{
	uint64_t now = thag_clock_mono_ns();
	uint64_t mono = session->header.start_mono_ns;

	session->start_mono_ns = mono <= now ? mono : now;
	session->start_real_ns = thag_clock_real_ns() - (now - session->start_mono_ns);
	session->event_mono_ns = now;
}

static void init_program(struct thag_session *session)
{
	const struct thag_shm_header *header = &session->header;
	const char *exe = (const char *)header->text[THAG_TEXT_EXE];
	uint32_t bytes = header->text_bytes[THAG_TEXT_EXE];
	uint32_t base = 0;

	for (uint32_t i = 0; i < bytes; i++)
		if (exe[i] == '/')
			base = i + 1;
	thag_format_file_name(session->program, sizeof(session->program), exe + base, bytes - base);
}

/* Locks, and what is empty: after that thag_session_unref frees it. */
static struct thag_session *create_empty(uint64_t id, pid_t pid)
{
	struct thag_session *session = calloc(1, sizeof(*session));
	pthread_rwlockattr_t attr;

	if (!session)
		return NULL;
	atomic_init(&session->refs, 1);
	atomic_init(&session->quarantined, false);
	session->id = id;
	session->pid = pid;
	session->exit_code = session->reported_status = -1;
	/* drain threads hold the shared lock nearly all the time: they must not starve the others
	 */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&session->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&session->members_lock, NULL);
	pthread_mutex_init(&session->names_lock, NULL);
	return session;
}

static int fill(struct thag_session *session, const struct thag_session_origin *origin)
{
	session->header = *origin->header;
	session->budget = origin->budget;
	session->node_limit = (uint32_t)origin->budget->tree_nodes;
	atomic_init(&session->tree_left, origin->budget->session_trees_bytes);
	session->adopted = origin->adopted && !origin->replayed;
	session->rings = calloc(session->header.slots, sizeof(*session->rings));
	session->ring_tids = calloc(session->header.slots, sizeof(*session->ring_tids));
	session->sites_named = calloc(SITE_WORDS, sizeof(*session->sites_named));
	if (!session->rings || !session->ring_tids || !session->sites_named ||
	    thag_names_create(&session->names) != 0)
		return -ENOMEM;
	if (thag_tasks_init(&session->tasks) != 0 || thag_events_init(&session->events) != 0)
		return -ENOMEM;
	thag_pages_make(session->rings, session->header.slots * sizeof(*session->rings));
	session->tasks.bytes_max = origin->budget->tasks_bytes;
	thag_names_limit(session->names, origin->budget->names_bytes);
	session->tasks.joined_late = session->adopted;
	session->sites_first = THAG_SITE_FIRST;
	session->memory = origin->memory;
	init_times(session);
	init_program(session);
	for (uint32_t i = 0; i < session->header.slots; i++)
		init_ring(session, i);
	for (uint32_t i = 0; i < session->header.slots && session->adopted; i++)
		resume_ring(session, i);
	return thag_memory_init(session);
}

int thag_session_create(struct thag_session **out, const struct thag_session_origin *origin)
{
	struct thag_session *session = create_empty(origin->id, origin->pid);

	if (!session)
		return -ENOMEM;
	if (fill(session, origin) != 0) {
		thag_session_unref(session);
		return -ENOMEM;
	}
	*out = session;
	return 0;
}

int thag_session_create_lost(struct thag_session **out, uint64_t id, pid_t pid, const char *program,
			     uint64_t start_real_ns, const char *message)
{
	struct thag_session *session = create_empty(id, pid);

	if (!session || thag_names_create(&session->names) != 0) {
		if (session)
			thag_session_unref(session);
		return -ENOMEM;
	}
	thag_format_file_name(session->program, sizeof(session->program), program, strlen(program));
	session->start_real_ns = start_real_ns;
	session->state = THAG_SESSION_LOST;
	session->detached = session->saved = true;
	session->header.clock = THAG_CLOCK_MONOTONIC;
	thag_session_say(session, "%s", message);
	*out = session;
	return 0;
}

struct thag_session *thag_session_ref(struct thag_session *session)
{
	/* relaxed: whoever refs holds a reference already */
	atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
	return session;
}

void thag_session_memory_fini(struct thag_session_memory *memory)
{
	if (memory->shm)
		munmap((void *)(uintptr_t)memory->shm, memory->shm_bytes);
	if (memory->consumer)
		munmap(memory->consumer, memory->consumer_bytes);
	*memory = (struct thag_session_memory){ 0 };
}

void thag_session_unref(struct thag_session *session)
{
	/* acquire and release: what others did with it is done before it is freed */
	if (atomic_fetch_sub_explicit(&session->refs, 1, memory_order_acq_rel) != 1)
		return;
	thag_chunks_destroy(session);
	thag_recorder_destroy(session);
	thag_history_destroy(session->history);
	thag_memory_fini(session);
	thag_tasks_fini(&session->tasks);
	thag_events_fini(&session->events);
	thag_members_fini(session);
	thag_session_memory_fini(&session->memory);
	thag_session_let_go(session);
	if (session->opened.sent)
		close(session->opened.fd);
	if (session->names)
		thag_names_destroy(session->names);
	thag_naming_destroy(session->naming);
	free(session->rings);
	free(session->ring_tids);
	free(session->sites_named);
	pthread_rwlock_destroy(&session->lock);
	pthread_mutex_destroy(&session->members_lock);
	pthread_mutex_destroy(&session->names_lock);
	free(session);
}

uint32_t thag_session_sites(const struct thag_session *session)
{
	/* relaxed: entries order themselves by `ready` */
	uint32_t count = __atomic_load_n(&live_header(session)->site_count, __ATOMIC_RELAXED);

	return count < THAG_SITES_MAX ? count : THAG_SITES_MAX;
}

uint32_t thag_session_rings_used(const struct thag_session *session)
{
	/* acquire: pairs with the release by which a thread claims a slot */
	uint32_t used = __atomic_load_n(&live_header(session)->slots_used, __ATOMIC_ACQUIRE);

	return used < session->header.slots ? used : session->header.slots;
}

bool thag_session_exited(const struct thag_session *session)
{
	if (!session->memory.shm)
		return session->header.exited == 1;
	/* acquire: pairs with the release store at the program's exit */
	return __atomic_load_n(&live_header(session)->exited, __ATOMIC_ACQUIRE) == 1;
}

bool thag_session_is_live(const struct thag_session *session)
{
	return session->state == THAG_SESSION_LIVE || session->state == THAG_SESSION_IDLE;
}

const char *thag_session_state_name(enum thag_session_state state)
{
	static const char *const names[] = { "live", "idle",	 "ended",  "crashed",
					     "lost", "recorded", "opening" };

	return names[state];
}

uint64_t thag_session_duration_ns(const struct thag_session *session)
{
	uint64_t end = session->end_mono_ns;

	if (session->state == THAG_SESSION_LOST)
		return 0;
	return (end ? end : thag_clock_mono_ns()) - session->start_mono_ns;
}

void thag_session_detach(struct thag_session *session)
{
	pthread_rwlock_wrlock(&session->lock);
	session->detached = true;
	pthread_rwlock_unlock(&session->lock);
}

/* Counts that the program keeps in its header. */
static void read_header(struct thag_session *session)
{
	const struct thag_shm_header *from = live_header(session);

	session->refused_threads = __atomic_load_n(&from->refused_threads, __ATOMIC_RELAXED);
	session->refused_tasks = __atomic_load_n(&from->refused_tasks, __ATOMIC_RELAXED);
	session->lost_traces = __atomic_load_n(&from->lost_traces, __ATOMIC_RELAXED);
	session->memory_pauses = __atomic_load_n(&from->memory_pauses, __ATOMIC_RELAXED);
	for (int i = 0; i < THAG_MISUSE_COUNT; i++)
		session->misuses[i] = __atomic_load_n(&from->misuses[i], __ATOMIC_RELAXED);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t add_sat(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static void count_thread(const struct thag_thread *thread, struct thag_session_counts *sum)
{
	sum->calls += thread->calls;
	sum->truncated += thread->truncated;
	sum->unwound += thread->unwound;
	sum->unmatched += thread->unmatched;
	sum->tree_bytes += thag_tree_bytes(&thread->tree);
	sum->tree_nodes += thread->tree.count - 1;
	sum->overflowed += thread->tree.overflowed;
}

static uint64_t read_count(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static void read_slots(struct thag_session *session)
{
	struct thag_session_slot_sums sums = { 0 };
	uint32_t used = thag_session_rings_used(session);

	for (uint32_t i = 0; i < used; i++) {
		const struct thag_shm_thread *from = slot(session, i);

		sums.lost = add_sat(sums.lost, read_count(&from->lost_calls));
		sums.waits = add_sat(sums.waits, read_count(&from->waits));
		sums.skewed = add_sat(sums.skewed, read_count(&from->skewed));
		sums.lost_memory = add_sat(sums.lost_memory, read_count(&from->lost_memory));
		sums.skipped = add_sat(sums.skipped, read_count(&from->skipped_allocs));
		sums.skipped_bytes = add_sat(sums.skipped_bytes, read_count(&from->skipped_bytes));
	}
	session->slot_sums = sums;
	read_header(session);
}

static void sum_rings(const struct thag_session *session, struct thag_session_ring_sums *sums)
{
	uint32_t slots = session->rings ? session->header.slots : 0;

	*sums = session->ring_sums;
	for (uint32_t i = 0; i < slots; i++) {
		const struct thag_session_ring *ring = &session->rings[i];

		sums->events += ring->stream.events;
		sums->lost = add_sat(sums->lost, ring->stream.lost_calls);
		sums->lost_memory = add_sat(sums->lost_memory, ring->stream.lost_memory);
		sums->lost_memory = add_sat(sums->lost_memory, ring->queue.dropped);
		sums->holes += ring->reader.holes;
		sums->skewed += ring->stream.skewed;
		sums->invalid += ring->stream.invalid;
		sums->orphans += ring->stream.orphans;
	}
}

static void count_rings(struct thag_session *session, struct thag_session_counts *sum)
{
	struct thag_session_ring_sums rings;

	sum_rings(session, &rings);
	sum->events = rings.events;
	sum->holes = rings.holes;
	sum->skewed = add_sat(rings.skewed, session->slot_sums.skewed);
	sum->invalid = rings.invalid;
	sum->orphans = rings.orphans;
	/* the ring tells late, or never when the program is killed; the slot tells at once */
	sum->lost = larger(rings.lost, session->slot_sums.lost);
	sum->memory.lost = larger(rings.lost_memory, session->slot_sums.lost_memory);
}

/* Every word was read: what is left of the rings is their sums. */
static void drop_rings(struct thag_session *session)
{
	sum_rings(session, &session->ring_sums);
	thag_memory_drop_queues(session);
	free(session->rings);
	session->rings = NULL;
}

void thag_session_count(struct thag_session *session, struct thag_session_counts *out)
{
	struct thag_session_counts sum = { 0 };

	pthread_rwlock_wrlock(&session->lock);
	if (session->memory.shm)
		read_slots(session);
	count_rings(session, &sum);
	for (uint32_t i = 0; i < session->member_count; i++)
		count_thread(&session->members[i]->thread, &sum);
	if (session->folded)
		count_thread(&session->folded->thread, &sum);
	sum.lost_before = session->lost_before;
	sum.refused_threads = session->refused_threads;
	sum.refused_tasks = session->refused_tasks;
	memcpy(sum.misuses, session->misuses, sizeof(sum.misuses));
	sum.task_gaps = session->tasks.gaps;
	sum.tasks_untold = session->tasks.refused;
	sum.dropped_notes = session->events.dropped;
	sum.tree_bytes += session->tasks.bytes;
	sum.waits = session->slot_sums.waits;
	thag_memory_count(session, &sum.memory);
	pthread_rwlock_unlock(&session->lock);
	*out = sum;
}

/* What the program said last, kept for when its memory is gone. */
static void keep_last(struct thag_session *session)
{
	session->header.exited = thag_session_exited(session);
	session->header.active = __atomic_load_n(&live_header(session)->active, __ATOMIC_RELAXED);
	session->refused_threads =
		__atomic_load_n(&live_header(session)->refused_threads, __ATOMIC_RELAXED);
}

void thag_session_finish(struct thag_session *session, bool writer_dead)
{
	if (!session->memory.shm)
		return;
	/* the rings are ours alone now, but snapshots are still taken */
	thag_rings_finish(session, writer_dead);
	thag_chunks_drain(session);
	thag_session_conclude(session, writer_dead);
}

void thag_session_conclude(struct thag_session *session, bool writer_dead)
{
	struct thag_session_counts counts;
	bool forgotten;

	thag_session_count(session, &counts); /* the slots' own counts, for the last time */
	pthread_mutex_lock(&session->names_lock);
	thag_sites_import(session);
	pthread_rwlock_wrlock(&session->lock);
	thag_members_end(session);
	keep_last(session);
	thag_memory_finish(session);
	if (writer_dead) {
		drop_rings(session);
		session->left = session->memory;
		session->memory = (struct thag_session_memory){ 0 };
	}
	forgotten = session->heap && thag_heap_has_forgotten(session->heap);
	pthread_rwlock_unlock(&session->lock);
	pthread_mutex_unlock(&session->names_lock);
	/* many small pieces were freed: without a word they would stay ours */
	if (forgotten)
		malloc_trim(0);
}

void thag_session_let_go(struct thag_session *session)
{
	thag_session_memory_fini(&session->left);
}

static void tighten(struct thag_tree *tree)
{
	tree->limit = tree->count > 2 ? tree->count : 2;
}

void thag_session_tighten(struct thag_session *session)
{
	pthread_rwlock_wrlock(&session->lock);
	session->node_limit = THAG_TREE_NODES_TIGHT;
	for (uint32_t i = 0; i < session->member_count; i++)
		tighten(&session->members[i]->thread.tree);
	if (session->folded)
		tighten(&session->folded->thread.tree);
	pthread_rwlock_unlock(&session->lock);
}

void thag_session_say(struct thag_session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(session->message, sizeof(session->message), format, args);
	va_end(args);
}

void thag_session_explain_coarse(struct thag_session *session)
{
	const struct thag_budget *budget = session->budget;

	if (budget->memory_bytes)
		thag_session_say(session,
				 "%s leaves thagd %llu MiB: its profile is coarser, calls by new "
				 "paths count at their callers",
				 budget->who, (unsigned long long)(budget->memory_bytes >> 20));
	else
		thag_session_say(session, "its calls have too many paths: its profile is coarser, "
					  "new ones count at their callers");
}

bool thag_session_say_quarantine(struct thag_session *session)
{
	/* relaxed: set once, by a drain thread; nothing else is read by it */
	if (session->quarantine_said ||
	    !atomic_load_explicit(&session->quarantined, memory_order_relaxed))
		return false;
	session->quarantine_said = true;
	thag_session_say(session, "its events make no sense (%llu so far): not read any more",
			 (unsigned long long)session->counts.invalid);
	return true;
}
