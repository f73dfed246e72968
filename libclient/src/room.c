/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Words kept free beyond what open frames need: a call whose check of room a signal handler
 * interrupted may go two words beyond the limit, and TIME words go into half of them.
 */
#define SLACK_WORDS 64
#define SPINS 20
#define NAP_NS 20000

/* An allocation takes more than the one word that a comparison of head and limit answers for. */
#define MEMORY_WORDS 4

/* Every so many words a thread comes by here and sees what the user wishes. */
#define WINDOW_WORDS 65536

/* In the first lap it comes for pages of the ring: for few at first, for most threads write little.
 */
#define PAGED_FIRST_WORDS 8192

/* Frames' indices are below THAG_RING_WORDS, and a window may open as many as it has words. */
#define DEPTH_MAX (THAG_RING_WORDS - WINDOW_WORDS)

/* Both halves of head are rebased by this much when the position reaches it: a multiple of four
 * laps, so that slot and phase stay as they are. */
#define REBASE UINT32_C(0x80000000)

/* A handler may do so, too, at any instruction, or leave from here. A head of 0 is a new ring. */
static void rebase(struct thag_producer *producer)
{
	uint64_t both = (uint64_t)REBASE << 32 | REBASE, head = thag_head_get(producer);

	while ((uint32_t)head > REBASE &&
	       !__atomic_compare_exchange_n(&producer->head, &head, head - both, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Words of the ring that may be written, counted as head's upper half counts. */
static uint64_t allowed(const struct thag_producer *producer, uint64_t tail)
{
	const struct thag_producer_cold *cold =
		(const struct thag_producer_cold *)(const void *)producer->cold;
	uint32_t position = (uint32_t)thag_head_get(producer);
	/* both are within a ring of each other, whatever was taken off the position */
	uint64_t unread = (position - (uint32_t)tail) & (REBASE - 1);
	uint64_t taken = SLACK_WORDS, places;

	/* an index that can't be: give no room rather than overwrite */
	if (unread > THAG_RING_WORDS)
		unread = THAG_RING_WORDS;
	places = position + THAG_RING_WORDS - unread;
	if (thag_stack_floor(producer)) {
		/* a task's indices begin high up, and stacks that are put aside need words, too */
		places += THAG_TASK_BASE;
		taken += cold->parked;
		if (thag_head_depth(thag_head_get(producer)) > DEPTH_MAX)
			return 0;
	}
	return places > taken ? places - taken : 0;
}

void thag_room_set(struct thag_producer *producer, uint64_t limit)
{
	uint64_t margin = (uint64_t)MEMORY_WORDS << 32;
	uint32_t on;

	/* sequentially consistent, as is what follows: partner of thag_switch_to, which clears
	 * the bit before the limit. One of both sees what the other wrote. */
	__atomic_store_n(&producer->memory_limit, limit > margin ? limit - margin : 0,
			 __ATOMIC_SEQ_CST);
	__atomic_store_n(&producer->limit, thag_cold(producer)->stack.dropping ? 0 : limit,
			 __ATOMIC_SEQ_CST);
	on = __atomic_load_n(&thag_on, __ATOMIC_SEQ_CST);
	if (!(on & THAG_MODE_TIME))
		__atomic_store_n(&producer->limit, 0, __ATOMIC_RELAXED);
	if (!(on & THAG_MODE_MEMORY))
		__atomic_store_n(&producer->memory_limit, 0, __ATOMIC_RELAXED);
}

uint64_t thag_room_take(struct thag_producer *producer)
{
	uint64_t limit = thag_limit_get(producer);
	uint64_t memory = __atomic_load_n(&producer->memory_limit, __ATOMIC_RELAXED);

	__atomic_store_n(&producer->limit, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&producer->memory_limit, 0, __ATOMIC_RELAXED);
	if (memory)
		memory += (uint64_t)MEMORY_WORDS << 32;
	return limit > memory ? limit : memory;
}

bool thag_room_has_slack(const struct thag_producer *producer)
{
	uint32_t slot = ((const struct thag_producer_cold *)(const void *)producer->cold)->slot;
	/* acquire: as in refresh */
	uint64_t tail = __atomic_load_n(&thag_process.consumers[slot].tail, __ATOMIC_ACQUIRE);

	return thag_head_get(producer) >> 32 < allowed(producer, tail) + SLACK_WORDS / 2;
}

/*
 * Puts pages where the first lap goes on. Returns how many words ahead it is to come here again; 0
 * when there is no memory for them, where a write would be a SIGBUS.
 */
static uint64_t page_ahead(struct thag_producer *producer)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	/* later on, when the position has been rebased, pages that are there are asked for once
	 * more */
	uint64_t lap = (uint32_t)thag_head_get(producer) - THAG_RING_WORDS, paged = cold->paged,
		 more = lap;

	if (lap >= THAG_RING_WORDS)
		return WINDOW_WORDS;
	if (paged > lap)
		return paged - lap;
	if (more < PAGED_FIRST_WORDS)
		more = PAGED_FIRST_WORDS;
	if (more > WINDOW_WORDS)
		more = WINDOW_WORDS;
	paged = (lap & ~(uint64_t)(PAGED_FIRST_WORDS - 1)) + more;
	if (paged > THAG_RING_WORDS)
		paged = THAG_RING_WORDS;
	lap &= ~(uint64_t)511;
	if (!thag_pages_populate(producer->words + lap, (paged - lap) * sizeof(*producer->words)))
		return 0;
	cold->paged = paged;
	return paged - lap;
}

/* Whether there is no room by the limits as they are, nor by `limit`: thag_room_set, with its two
 * full barriers, would change nothing. */
static bool is_shut(const struct thag_producer *producer, uint64_t limit)
{
	uint64_t head = thag_head_get(producer);

	return head >= limit && head >= thag_limit_get(producer) &&
	       head >= __atomic_load_n(&producer->memory_limit, __ATOMIC_RELAXED);
}

/*
 * Brings the limit up to the reader's index, which it returns; `*limit` is what it allows.
 * Acquire: partner of the release store in thag_ring.c; who sees the index may overwrite what
 * lies before it.
 */
static uint64_t refresh(struct thag_producer *producer, uint64_t *limit)
{
	const struct thag_producer_cold *cold = thag_cold(producer);
	uint64_t tail = __atomic_load_n(&thag_process.consumers[cold->slot].tail, __ATOMIC_ACQUIRE);
	uint64_t ahead = page_ahead(producer), window = (thag_head_get(producer) >> 32) + ahead;
	uint64_t places = ahead ? allowed(producer, tail) : 0;

	*limit = places << 32;
	/* where the fast side can't time events it must find no room; nor while it is between two
	 * stacks, whose limits differ */
	if (!thag_process.slow_clock && !cold->switching && !is_shut(producer, *limit))
		thag_room_set(producer, (places < window ? places : window) << 32);
	return tail;
}

bool thag_room_has(struct thag_producer *producer, uint32_t words)
{
	uint64_t limit;

	rebase(producer);
	refresh(producer, &limit);
	return thag_head_get(producer) + ((uint64_t)words << 32) < limit;
}

static void nap(uint32_t turn)
{
	struct timespec pause = { .tv_nsec = NAP_NS };

	if (turn < SPINS)
		sched_yield();
	else
		/* not clock_nanosleep: there a thread could be cancelled, in a constructor of C++
		 * for example, which would end the program */
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* A handler may leave from here by siglongjmp: nothing is put right at the end. */
static bool wait_for_room(struct thag_producer *producer, uint32_t words)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	struct thag_shm_thread *shared = &thag_process.threads[cold->slot];
	static uint32_t said;

	if (thag_log_once_more(&said, 20))
		thag_log("ring %u is full: its thread waits for thagd to read on", cold->slot);
	thag_count(&shared->waits, 1);
	for (uint32_t turn = 0; thag_mono_ns() < cold->wait_until_ns; turn++) {
		nap(turn);
		if (thag_room_has(producer, words))
			return true;
	}
	return false;
}

bool thag_room_find(struct thag_producer *producer, uint32_t words)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	uint64_t tail, limit;

	rebase(producer);
	tail = refresh(producer, &limit);
	if (thag_head_get(producer) + ((uint64_t)words << 32) < limit)
		return true;
	if (tail != cold->patience_tail) { /* thagd reads: it deserves patience again */
		cold->patience_tail = tail;
		cold->wait_until_ns = thag_mono_ns() + thag_process.patience_ns;
	}
	if (cold->wait_until_ns && thag_mono_ns() >= cold->wait_until_ns)
		cold->wait_until_ns = 0; /* no need to ask the clock again until it does */
	return cold->wait_until_ns && wait_for_room(producer, words);
}
