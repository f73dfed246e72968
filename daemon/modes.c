/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "modes.h"

#include <errno.h>
#include <string.h>

#include "log.h"

#define ALL_KINDS ((uint32_t)(THAG_MODE_TIME | THAG_MODE_MEMORY))

static uint64_t *wish_of(const struct thag_session *session)
{
	return &((struct thag_shm_consumer_header *)session->memory.consumer)->wish;
}

/* What the program says may be anything; what we said ourselves stands in our own memory. */
static void read_memory(const struct thag_session *session, struct thag_modes *modes)
{
	const struct thag_shm_header *header = session->memory.shm;
	/* relaxed: one word by itself; only we write it */
	uint64_t wish = __atomic_load_n(wish_of(session), __ATOMIC_RELAXED);
	uint32_t number = (uint32_t)(wish >> 32);
	/* acquire: a program that has heeded a wish has said before what it records since */
	uint32_t heeded = __atomic_load_n(&header->heeded, __ATOMIC_ACQUIRE);

	modes->active = __atomic_load_n(&header->active, __ATOMIC_RELAXED) & ALL_KINDS;
	modes->wished = (uint32_t)wish & ALL_KINDS;
	modes->waiting = number != 0 && heeded != number;
}

void thag_modes_get(struct thag_session *session, struct thag_modes *modes)
{
	*modes = (struct thag_modes){ 0 };
	pthread_rwlock_rdlock(&session->lock);
	modes->asked = session->header.modes & ALL_KINDS;
	modes->active = session->header.active & ALL_KINDS;
	if (session->memory.shm)
		read_memory(session, modes);
	pthread_rwlock_unlock(&session->lock);
}

static const char *const names[] = { "none", "time", "memory", "both" };

const char *thag_modes_name(uint32_t kinds)
{
	return names[kinds & ALL_KINDS];
}

/* What to wish for: what `name` says, or what the program was started with. */
static int choose(const struct thag_session *session, const char *name, uint32_t *kinds)
{
	uint32_t asked = session->header.modes & ALL_KINDS;

	if (!name) {
		*kinds = asked ? asked : ALL_KINDS;
		return 0;
	}
	for (uint32_t i = 1; i <= ALL_KINDS; i++) {
		if (strcmp(names[i], name) == 0) {
			*kinds = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int wish(struct thag_session *session, uint32_t kinds)
{
	uint32_t number;
	int ret = -ESRCH;

	pthread_rwlock_rdlock(&session->lock);
	if (session->memory.consumer) {
		uint64_t *at = wish_of(session);

		number = (uint32_t)(__atomic_load_n(at, __ATOMIC_RELAXED) >> 32) + 1;
		/* 0 stands for no wish. Relaxed: nothing goes with it but itself */
		__atomic_store_n(at, THAG_WISH(number ? number : 1, kinds), __ATOMIC_RELAXED);
		ret = 0;
	}
	pthread_rwlock_unlock(&session->lock);
	return ret;
}

static bool is_running(const struct thag_session *session)
{
	return thag_session_is_live(session) && !session->finishing;
}

int thag_modes_switch(struct thag_session *session, const char *op, const char *kinds,
		      const char **why)
{
	uint32_t wanted = 0;

	*why = "what to record must be time, memory or both";
	if (strcmp(op, "enable") == 0 && choose(session, kinds, &wanted) != 0)
		return -EINVAL;
	*why = "that session is lost: its program ended while no thagd ran";
	if (session->state == THAG_SESSION_LOST)
		return -ESRCH;
	*why = "that session is being ended";
	if (thag_modes_is_ending(session))
		return -ESRCH;
	*why = "that session has ended: there is no program to switch";
	if (!is_running(session) || wish(session, wanted) != 0)
		return -ESRCH;
	thag_log_write(THAG_LOG_INFO, "session %llu: the user wants %s recorded",
		       (unsigned long long)session->id, thag_modes_name(wanted));
	return 0;
}

int thag_modes_end(struct thag_session *session, const char **why)
{
	*why = "that session is lost: its program ended while no thagd ran";
	if (session->state == THAG_SESSION_LOST)
		return -ESRCH;
	if (thag_modes_is_ending(session))
		return 0;
	*why = "that session has ended already";
	if (!is_running(session) || wish(session, THAG_WISH_END) != 0)
		return -ESRCH;
	thag_log_write(THAG_LOG_INFO, "session %llu: the user ends it",
		       (unsigned long long)session->id);
	return 0;
}

bool thag_modes_is_ending(struct thag_session *session)
{
	bool ending;

	pthread_rwlock_rdlock(&session->lock);
	/* relaxed: one word by itself; only we write it */
	ending = session->memory.consumer &&
		 __atomic_load_n(wish_of(session), __ATOMIC_RELAXED) & THAG_WISH_END;
	pthread_rwlock_unlock(&session->lock);
	return ending;
}

bool thag_modes_is_silent(struct thag_session *session)
{
	struct thag_modes modes;

	thag_modes_get(session, &modes);
	return !modes.waiting || modes.active == 0;
}

void thag_modes_report(struct thag_session *session, json_t *object)
{
	struct thag_modes modes;

	thag_modes_get(session, &modes);
	json_object_set_new(object, "modes", json_string(thag_modes_name(modes.asked)));
	json_object_set_new(object, "active", json_string(thag_modes_name(modes.active)));
	json_object_set_new(object, "wished",
			    modes.waiting ? json_string(thag_modes_name(modes.wished))
					  : json_null());
}
