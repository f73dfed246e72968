/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "members.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "chunks.h"

#define FIRST_CAPACITY 16

static void member_destroy(struct thag_member *member)
{
	if (!member)
		return;
	thag_thread_fini(&member->thread);
	free(member);
}

static struct thag_member *member_create(struct thag_session *session, uint32_t tid)
{
	struct thag_member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	if (thag_thread_init(&member->thread, tid, session->node_limit) != 0) {
		free(member);
		return NULL;
	}
	thag_tree_limit(&member->thread.tree, &session->tree_left);
	member->live = true;
	return member;
}

static int reserve(struct thag_session *session)
{
	uint32_t capacity =
		session->member_capacity ? session->member_capacity * 2 : FIRST_CAPACITY;
	struct thag_member **grown;

	if (session->member_count < session->member_capacity)
		return 0;
	if (session->member_count >= THAG_MEMBERS_MAX)
		return -E2BIG;
	grown = realloc(session->members, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	session->members = grown;
	session->member_capacity = capacity;
	return 0;
}

/* The counts of an ended thread go where its tree goes. */
static int merge_member(struct thag_thread *into, const struct thag_thread *from)
{
	int ret = thag_tree_merge(&into->tree, &from->tree);

	if (ret != 0)
		return ret;
	into->calls += from->calls;
	into->truncated += from->truncated;
	into->unwound += from->unwound;
	into->unmatched += from->unmatched;
	if (from->last_ticks > into->last_ticks)
		into->last_ticks = from->last_ticks;
	if (!into->first_ticks || from->first_ticks < into->first_ticks)
		into->first_ticks = from->first_ticks;
	return 0;
}

static int make_folded(struct thag_session *session)
{
	if (session->folded)
		return 0;
	session->folded = member_create(session, 0);
	if (!session->folded)
		return -ENOMEM;
	session->folded->live = false;
	session->folded->thread.ended = 1;
	return 0;
}

/* The oldest ended ones go, until half of what may stay is left: not one for each new one. */
static void fold_ended(struct thag_session *session)
{
	uint32_t kept = 0, surplus;

	if (session->pins || session->ended_count <= THAG_MEMBERS_ENDED_MAX ||
	    make_folded(session) != 0)
		return;
	surplus = session->ended_count - THAG_MEMBERS_ENDED_MAX / 2;
	for (uint32_t i = 0; i < session->member_count; i++) {
		struct thag_member *member = session->members[i];

		if (surplus && !member->live &&
		    merge_member(&session->folded->thread, &member->thread) == 0) {
			thag_tasks_move(&session->tasks, &member->thread, &session->folded->thread);
			member_destroy(member);
			session->ended_count--;
			surplus--;
			continue;
		}
		session->members[kept++] = member;
	}
	session->member_count = kept;
}

static struct thag_thread *start(struct thag_session *session, uint32_t tid)
{
	struct thag_member *member = NULL;

	if (reserve(session) == 0)
		member = member_create(session, tid);
	if (!member)
		return NULL;
	session->members[session->member_count++] = member;
	return &member->thread;
}

static void note_tid(const struct thag_session_ring *ring, uint32_t tid)
{
	struct thag_session *session = ring->session;

	atomic_store_explicit(&session->ring_tids[ring - session->rings], tid,
			      memory_order_relaxed);
}

static struct thag_thread *on_start(void *context, uint32_t tid)
{
	struct thag_session *session = ((struct thag_session_ring *)context)->session;
	struct thag_thread *thread;

	pthread_mutex_lock(&session->members_lock);
	thread = start(session, tid);
	note_tid(context, tid);
	pthread_mutex_unlock(&session->members_lock);
	return thread;
}

static void on_end(void *context, struct thag_thread *thread)
{
	struct thag_session *session = ((struct thag_session_ring *)context)->session;
	struct thag_member *member = (struct thag_member *)thread; /* its first field */

	pthread_mutex_lock(&session->members_lock);
	member->live = false;
	session->ended_count++;
	fold_ended(session);
	pthread_mutex_unlock(&session->members_lock);
}

static void on_note(void *context, struct thag_thread *thread, const struct thag_note *note)
{
	struct thag_session *session = ((struct thag_session_ring *)context)->session;

	thag_events_note(&session->events, thread, note);
}

static void on_task(void *context, const struct thag_task_event *event,
		    const struct thag_task_state *task)
{
	thag_chunks_note_task(context, event, task);
}

void thag_members_listen(struct thag_session_ring *ring)
{
	ring->stream.thread_start = on_start;
	ring->stream.thread_end = on_end;
	ring->stream.note = on_note;
	ring->stream.task = on_task;
	ring->stream.context = ring;
}

struct thag_thread *thag_members_resume(struct thag_session_ring *ring, uint32_t tid)
{
	ring->stream.thread = start(ring->session, tid);
	note_tid(ring, tid);
	if (ring->stream.thread)
		ring->stream.thread->first_ticks = ring->stream.last_ticks;
	return ring->stream.thread;
}

static void end_member(struct thag_session *session, struct thag_member *member)
{
	struct thag_thread *thread = &member->thread;

	if (thread->task)
		thag_tasks_leave(&session->tasks, thread, thread->last_ticks);
	thag_thread_close(thread);
	thread->ended = 1;
	member->live = false;
	session->ended_count++;
}

void thag_members_end(struct thag_session *session)
{
	uint64_t last_ticks = 0;

	for (uint32_t i = 0; i < session->header.slots; i++)
		session->rings[i].stream.thread = NULL;
	for (uint32_t i = 0; i < session->member_count; i++) {
		struct thag_member *member = session->members[i];

		if (!member->live)
			continue;
		if (member->thread.last_ticks > last_ticks)
			last_ticks = member->thread.last_ticks;
		end_member(session, member);
	}
	thag_tasks_end(&session->tasks, last_ticks);
}

void thag_members_pin(struct thag_session *session)
{
	pthread_mutex_lock(&session->members_lock);
	session->pins++;
	pthread_mutex_unlock(&session->members_lock);
}

void thag_members_unpin(struct thag_session *session)
{
	pthread_mutex_lock(&session->members_lock);
	session->pins--;
	pthread_mutex_unlock(&session->members_lock);
}

void thag_members_fini(struct thag_session *session)
{
	for (uint32_t i = 0; i < session->member_count; i++)
		member_destroy(session->members[i]);
	member_destroy(session->folded);
	free(session->members);
	session->members = NULL;
	session->folded = NULL;
	session->member_count = session->member_capacity = session->ended_count = 0;
}
