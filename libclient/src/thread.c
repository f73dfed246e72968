/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"
#include "functions.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of threads that have no ring: limit 0, so that every event comes by the cold side. */
static struct thag_producer nobody;

__thread struct thag_producer *thag_this_producer = &nobody;

/* A thread that found no slot tries again after so many calls. */
#define RETRY_CALLS 4096
static __thread uint32_t calls_to_retry;

__thread bool thag_is_alone;

static pthread_key_t end_key;
static bool end_key_made;

static uint32_t this_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static struct thag_producer *map_producer(void)
{
	struct thag_producer *producer = mmap(NULL, thag_producer_bytes(), PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (producer == MAP_FAILED)
		return NULL;
	/* the page before `words`; without it a forked child would write to its parent's ring */
	if (madvise(producer, offsetof(struct thag_producer, words), MADV_WIPEONFORK) != 0) {
		munmap(producer, thag_producer_bytes());
		return NULL;
	}
	madvise(producer, thag_producer_bytes(), MADV_DONTDUMP);
	return producer;
}

/* Slots below `slots_used` are all that thagd looks at: say so before the first word. */
static void announce_slot(uint32_t slot)
{
	uint32_t *used = &thag_process.header->slots_used;
	uint32_t seen = __atomic_load_n(used, __ATOMIC_RELAXED);

	while (seen <= slot && !__atomic_compare_exchange_n(used, &seen, slot + 1, true,
							    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* A slot whose thread ended without a word (a raw exit system call) can be taken over. */
static bool owner_is_gone(uint32_t slot)
{
	uint32_t tid = __atomic_load_n(&thag_process.threads[slot].tid, __ATOMIC_RELAXED);

	return tid != 0 && syscall(SYS_tgkill, getpid(), tid, 0) != 0 && errno == ESRCH;
}

/* Acquire, and release in give_back: what the last owner left in the producer is seen. */
static bool claim(uint32_t slot, uint32_t from)
{
	return __atomic_compare_exchange_n(&thag_process.threads[slot].state, &from, THAG_SLOT_BUSY,
					   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static uint32_t claim_slot(void)
{
	for (uint32_t slot = 0; slot < thag_process.slots; slot++)
		if (__atomic_load_n(&thag_process.threads[slot].state, __ATOMIC_RELAXED) ==
			    THAG_SLOT_FREE &&
		    claim(slot, THAG_SLOT_FREE))
			return slot;
	for (uint32_t slot = 0; slot < thag_process.slots; slot++) {
		uint32_t tid = thag_process.threads[slot].tid;

		/* whoever swaps the dead one's tid for 0 has the slot */
		if (owner_is_gone(slot) &&
		    __atomic_compare_exchange_n(&thag_process.threads[slot].tid, &tid, 0, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return slot;
	}
	return UINT32_MAX;
}

static void give_back(uint32_t slot)
{
	__atomic_store_n(&thag_process.threads[slot].tid, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&thag_process.threads[slot].state, THAG_SLOT_FREE, __ATOMIC_RELEASE);
}

static void reset(struct thag_producer *producer, uint32_t slot)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	uint64_t position = (uint32_t)producer->head ? (uint32_t)producer->head : THAG_RING_WORDS;

	*cold = (struct thag_producer_cold){ .slot = slot };
	/* who switches off may do the same right now */
	__atomic_store_n(&producer->limit, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&producer->memory_limit, 0, __ATOMIC_RELAXED);
	producer->time_high = 0;
	producer->head = position << 32 | position;
	producer->words = (uint64_t *)(void *)(thag_process.rings + slot * THAG_RING_BYTES);
}

/* The words that every owner of a ring begins with. */
static bool introduce(struct thag_producer *producer, uint32_t slot)
{
	struct thag_shm_thread *shared = &thag_process.threads[slot];
	uint64_t ticks = thag_clock_now();

	if (!thag_room_find(producer, 8))
		return false;
	__atomic_store_n(&shared->tid, this_tid(), __ATOMIC_RELAXED);
	__atomic_store_n(&shared->generation, shared->generation + 1, __ATOMIC_RELAXED);
	announce_slot(slot);
	producer->time_high = (uint32_t)(ticks >> 32);
	thag_put_plain(producer, ticks << THAG_WORD_TIME_SHIFT |
					 THAG_WORD(THAG_KIND_TIME, ticks >> THAG_WORD_TIME_BITS &
									   THAG_WORD_ARG_MASK));
	thag_put_ext(producer, ticks, THAG_EXT_THREAD_START, this_tid());
	thag_suspend_watch(producer, ticks);
	thag_thread_name_put(producer, ticks);
	return true;
}

static struct thag_producer *own_slot(uint32_t slot)
{
	struct thag_producer *producer = thag_process.producers[slot];

	if (!producer)
		producer = map_producer();
	if (!producer)
		return NULL;
	/* release: partner of the acquire in switch.c, which may set its limit to 0 */
	__atomic_store_n(&thag_process.producers[slot], producer, __ATOMIC_RELEASE);
	reset(producer, slot);
	if (!introduce(producer, slot))
		return NULL;
	thag_cold(producer)->live = 1;
	if (end_key_made)
		pthread_setspecific(end_key, producer);
	return producer;
}

static struct thag_producer *attach(void)
{
	static uint32_t said, refused;
	struct thag_producer *producer = NULL;
	uint32_t slot;

	if (!thag_process_is_live() && thag_process_attach(true) != 0)
		return NULL;
	slot = claim_slot();
	if (slot != UINT32_MAX) {
		producer = own_slot(slot);
		if (!producer)
			give_back(slot);
	}
	if (producer)
		thag_this_producer = producer;
	else
		__atomic_fetch_add(&thag_process.header->refused_threads, 1, __ATOMIC_RELAXED);
	if (producer && thag_log_once_more(&said, 200))
		thag_log("thread %u has ring %u", this_tid(), slot);
	else if (!producer && thag_log_once_more(&refused, 20))
		thag_log("thread %u gets no ring: %s", this_tid(),
			 slot == UINT32_MAX ? "all are taken" : "no memory, or no room");
	return producer;
}

struct thag_producer *thag_thread_attach(void)
{
	struct thag_producer *producer;
	struct thag_alone alone;

	if (calls_to_retry && --calls_to_retry)
		return NULL;
	/* a handler that came in here half-way would claim a second slot */
	if (!thag_alone_begin(&alone))
		return NULL;
	producer = attach();
	if (!producer)
		calls_to_retry = RETRY_CALLS;
	thag_alone_end(&alone);
	return producer;
}

/* A thread is ending. What comes after this attaches it anew. */
static void leave(struct thag_producer *producer)
{
	static uint32_t said;
	struct thag_producer_cold *cold = thag_cold(producer);
	uint64_t ticks = thag_clock_now();

	thag_this_producer = &nobody;
	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	thag_task_leave(producer);
	/* there are exits' places or slack; a ring's next owner says the same by beginning */
	thag_put_plain(producer,
		       ticks << THAG_WORD_TIME_SHIFT | THAG_WORD_EXT(THAG_EXT_THREAD_END));
	cold->live = 0;
	if (thag_log_once_more(&said, 200))
		thag_log("a thread ended; ring %u is free", cold->slot);
	give_back(cold->slot);
}

static __thread uint32_t end_rounds;

/* The last is that of the sanitizers, after which their code can't run on the thread. */
#define END_ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS - 1)

/* Other keys' destructors may free what they hold: ours comes again, until it is nearly the last.
 */
static void end_thread(void *context)
{
	struct thag_producer *producer = context;

	if (!thag_cold(producer)->live || producer != thag_this_producer)
		return;
	if (++end_rounds < END_ROUNDS && pthread_setspecific(end_key, producer) == 0)
		return;
	end_rounds = END_ROUNDS;
	leave(producer);
}

void thag_thread_leave_if_over(void)
{
	struct thag_producer *producer = thag_this_producer;

	if (end_rounds == END_ROUNDS && thag_cold(producer)->live)
		leave(producer);
}

/*
 * A forked child holds its parent's rings. An emit that a handler interrupted to fork would go on
 * in the child with a place in them: from here on that is memory of the child's own.
 */
static void leave_parents_rings(void)
{
	void *private_memory;

	if (!thag_process.rings)
		return;
	private_memory = mmap(thag_process.rings, thag_process.slots * THAG_RING_BYTES,
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	(void)private_memory; /* where it fails, such an emit writes its parent's word once more */
}

void thag_thread_setup(void)
{
	if (end_key_made)
		return;
	end_key_made = pthread_key_create(&end_key, end_thread) == 0;
	pthread_atfork(NULL, NULL, leave_parents_rings);
}
