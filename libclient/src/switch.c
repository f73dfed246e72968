/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is recorded, switched while the program runs: by the program, or by the user's wish.
 *
 * Only the cold side looks at what is on. A thread gets there at its next event when its limit is
 * 0, which is how switching off reaches all threads at once. Switched on, a thread finds that
 * its limit is 0 and gets a new one. A wish of the user's lies in thagd's memory; threads look at
 * it whenever they are on the cold side: every THAG_RING_WORDS / 16 words or 2^32 ticks. Once it
 * says that the session is over, nothing switches on any more.
 */
#include "heap.h"
#include "internal.h"

#define ALL_MODES (THAG_MODE_TIME | THAG_MODE_MEMORY)

uint32_t thag_on;

static const uint64_t no_wish;
const uint64_t *thag_wish = &no_wish;
uint64_t thag_wish_heeded;

static void stop(uint64_t *limit)
{
	/* sequentially consistent: see thag_room_set */
	__atomic_store_n(limit, 0, __ATOMIC_SEQ_CST);
}

static void stop_fast_sides(uint32_t modes)
{
	for (uint32_t i = 0; i < THAG_SLOTS_MAX; i++) {
		struct thag_producer *producer =
			__atomic_load_n(&thag_process.producers[i], __ATOMIC_ACQUIRE);

		if (producer && modes & THAG_MODE_TIME)
			stop(&producer->limit);
		if (producer && modes & THAG_MODE_MEMORY)
			stop(&producer->memory_limit);
	}
}

static void switch_to(uint32_t modes)
{
	uint32_t before = __atomic_exchange_n(&thag_on, modes, __ATOMIC_SEQ_CST);

	thag_heap_switch();
	if (modes != ALL_MODES)
		stop_fast_sides(~modes);
	if (!thag_process_is_live())
		return;
	__atomic_store_n(&thag_process.header->active, modes, __ATOMIC_RELAXED);
	if (before & ~modes & THAG_MODE_MEMORY)
		__atomic_fetch_add(&thag_process.header->memory_pauses, 1, __ATOMIC_RELAXED);
}

bool thag_switch_is_over(void)
{
	const uint64_t *wish = __atomic_load_n(&thag_wish, __ATOMIC_RELAXED);

	return __atomic_load_n(wish, __ATOMIC_RELAXED) & THAG_WISH_END;
}

void thag_switch_to(uint32_t modes)
{
	switch_to(thag_switch_is_over() ? 0 : modes);
	/* who heeded the end before this switched on has seen that word, and so do we by now: both
	 * exchanged thag_on, in that order */
	if (modes && thag_switch_is_over())
		switch_to(0);
}

void thag_switch_log(uint32_t modes, const char *who)
{
	static uint32_t said;

	if (thag_log_once_more(&said, 500))
		thag_log("switched by %s; recording: %s", who, thag_log_kinds(modes));
}

static void apply(uint64_t wish)
{
	thag_switch_to((uint32_t)wish & ALL_MODES);
	/* release: thagd, which waits for it, finds `active` as it is now */
	if (thag_process_is_live())
		__atomic_store_n(&thag_process.header->heeded, (uint32_t)(wish >> 32),
				 __ATOMIC_RELEASE);
}

/* Two threads may come by with a wish each: whoever is late sees to it that the newer one stands.
 */
static void heed(uint64_t wish)
{
	uint64_t applied;

	do {
		applied = wish;
		__atomic_store_n(&thag_heap_gate.heeded, wish, __ATOMIC_RELAXED);
		thag_switch_log((uint32_t)wish & ALL_MODES,
				wish & THAG_WISH_END ? "the user, for good" : "the user");
		apply(wish);
		wish = __atomic_load_n(&thag_wish_heeded, __ATOMIC_SEQ_CST);
	} while (wish != applied && wish != 0);
}

void thag_switch_heed(void)
{
	uint64_t wish =
		__atomic_load_n(__atomic_load_n(&thag_wish, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	uint64_t heeded = __atomic_load_n(&thag_wish_heeded, __ATOMIC_RELAXED);

	if (wish != heeded && __atomic_compare_exchange_n(&thag_wish_heeded, &heeded, wish, false,
							  __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		heed(wish);
}

void thag_switch_listen(const uint64_t *wish)
{
	const uint64_t *from = wish ? wish : &no_wish;

	uint64_t said = __atomic_load_n(from, __ATOMIC_RELAXED);

	__atomic_store_n(&thag_wish_heeded, said, __ATOMIC_RELAXED);
	__atomic_store_n(&thag_wish, from, __ATOMIC_RELAXED);
	__atomic_store_n(&thag_heap_gate.heeded, said, __ATOMIC_RELAXED);
	__atomic_store_n(&thag_heap_gate.wish, from, __ATOMIC_RELAXED);
}
