/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Instants, values over time, and threads' names. */
#include "internal.h"

#include <errno.h>
#include <string.h>

#include "thag.h"

#define NAME_BYTES 64

/* Kept for a ring that the thread may only get later. */
static __thread char thread_name[NAME_BYTES];

/* The producer of this thread, if it has room for one EXT word with `words` of payload. */
static struct thag_producer *ready_for(uint32_t words)
{
	struct thag_producer *producer = thag_this_producer;

	thag_switch_heed();
	if (!__atomic_load_n(&thag_on, __ATOMIC_RELAXED))
		return NULL;
	if (!thag_cold(producer)->live)
		producer = thag_thread_attach();
	if (!producer)
		return NULL;
	/* a TIME word goes before it */
	if (thag_head_get(producer) + ((uint64_t)(words + 2) << 32) < thag_limit_get(producer) ||
	    thag_room_find(producer, words + 2))
		return producer;
	thag_lost_count(producer, THAG_LOST_CALLS);
	return NULL;
}

static void put(struct thag_producer *producer, uint32_t arg, const uint64_t *payload,
		uint32_t words)
{
	uint64_t ticks = thag_clock_now();

	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	thag_put_ext_changing(producer, ticks, arg, payload, words, 0);
}

static void put_instant(enum thag_site_kind kind, const char *name)
{
	int saved = errno;
	struct thag_producer *producer = ready_for(1);

	if (producer) {
		uint64_t site = thag_site_named(kind, name);

		put(producer, THAG_EXT_MARK << THAG_EXT_SHIFT, &site, 1);
	}
	errno = saved;
}

void thag_mark(const char *name)
{
	if (!thag_is_off())
		put_instant(THAG_SITE_MARK, name);
}

void thag_frame(const char *name)
{
	if (!thag_is_off())
		put_instant(THAG_SITE_FRAME, name);
}

static void put_value(const char *name, uint64_t value)
{
	int saved = errno;
	struct thag_producer *producer = ready_for(2);
	uint64_t payload[2] = { 0, value };

	if (producer) {
		payload[0] = thag_site_named(THAG_SITE_VALUE, name);
		/* a payload word has room for 62 bits */
		put(producer, (uint32_t)(THAG_EXT_VALUE << THAG_EXT_SHIFT | value >> 62), payload,
		    2);
	}
	errno = saved;
}

void thag_value(const char *name, int64_t value)
{
	if (!thag_is_off())
		put_value(name, (uint64_t)value);
}

void thag_thread_name_put(struct thag_producer *producer, uint64_t ticks)
{
	if (thread_name[0])
		thag_put_ext(producer, ticks, THAG_EXT_THREAD_NAME,
			     thag_site_named(THAG_SITE_THREAD, thread_name));
}

void thag_thread_name(const char *name)
{
	int saved = errno;
	size_t bytes = name ? strnlen(name, NAME_BYTES - 1) : 0;
	struct thag_producer *producer;

	if (!name || name[bytes])
		thag_misuse(THAG_MISUSE_NAME);
	if (name)
		memcpy(thread_name, name, bytes);
	thread_name[bytes] = '\0';
	producer = thag_cold(thag_this_producer)->live ? ready_for(1) : NULL;
	if (producer) {
		uint64_t site = thag_site_named(THAG_SITE_THREAD, thread_name);

		put(producer, THAG_EXT_THREAD_NAME << THAG_EXT_SHIFT, &site, 1);
	}
	errno = saved;
}
