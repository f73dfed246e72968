/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Tasks: stacks that go from thread to thread.
 *
 * A task's frames have indices from THAG_TASK_BASE on, on every thread, so that its spans can be
 * closed wherever it runs. While it runs, its thread's own frames keep their places below. The
 * words that the exits of frames put aside will need, and those of the switch back, are taken off
 * the ring's room (thag_producer_cold.parked). A switch writes its words and changes the depth in
 * one instruction, so a signal handler sees the one stack or the other.
 *
 * Who has set a slot's state to RUNNING or BUSY owns the slot. Its steps are numbered by that
 * owner, so that their order is that in which the task was handed on.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

#include "thag.h"

#define SLOTS (UINT32_C(1) << THAG_TASK_SLOT_BITS)
#define SWITCH_WORDS 4
#define TIME_WORDS 1

enum state { TASK_FREE = 0, TASK_IDLE, TASK_RUNNING, TASK_BUSY };

#define STATE_BITS 2

struct slot {
	uint64_t id;	/* of the task that has it, 0: none */
	uint64_t state; /* the session in which thagd knows it << STATE_BITS | enum state */
	uint64_t uses;	/* tasks it has had */
	uint32_t next;	/* in the list of free ones */
	uint64_t step;	/* the number of its next step */
	uint64_t below; /* the task that was put aside for it; 0: the thread's own stack */
	uint32_t site;	/* its name */
	uint32_t depth; /* its open frames while it doesn't run */
	struct thag_stack stack;
	uint64_t ended; /* of its first 64 frames those whose sections ended below the top */
};

static struct slot *slots;
static uint32_t slots_begun; /* slots below it have been used; 0 is never */
static uint64_t free_slots;  /* a counter, against ABA, << 32 | the first one's index */

static struct slot *slot_table(void)
{
	struct slot *table = __atomic_load_n(&slots, __ATOMIC_ACQUIRE), *none = NULL;

	if (table)
		return table;
	table = mmap(NULL, SLOTS * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return NULL;
	/* release: who finds the table finds it zeroed */
	if (__atomic_compare_exchange_n(&slots, &none, table, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return table;
	munmap(table, SLOTS * sizeof(*table));
	return none;
}

static uint32_t pop_free(struct slot *table)
{
	uint64_t first = __atomic_load_n(&free_slots, __ATOMIC_ACQUIRE), next;

	do {
		if ((uint32_t)first == 0)
			return 0;
		/* may be stale, and then the counter has changed */
		next = (first >> 32) + 1;
		next = next << 32 | __atomic_load_n(&table[(uint32_t)first].next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&free_slots, &first, next, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return (uint32_t)first;
}

static void push_free(struct slot *slot)
{
	uint64_t first = __atomic_load_n(&free_slots, __ATOMIC_RELAXED), next;

	do {
		__atomic_store_n(&slot->next, (uint32_t)first, __ATOMIC_RELAXED);
		next = ((first >> 32) + 1) << 32 | (uint32_t)(slot - slots);
	} while (!__atomic_compare_exchange_n(&free_slots, &first, next, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

static struct slot *claim_slot(void)
{
	struct slot *table = slot_table();
	uint32_t index = table ? pop_free(table) : 0;

	if (!table)
		return NULL;
	if (!index && __atomic_load_n(&slots_begun, __ATOMIC_RELAXED) < SLOTS - 1)
		index = __atomic_add_fetch(&slots_begun, 1, __ATOMIC_RELAXED);
	return index && index < SLOTS ? &table[index] : NULL;
}

/* The slot of a task that lives. Others may end it meanwhile: its state decides. */
static struct slot *find(uint64_t id)
{
	struct slot *table = __atomic_load_n(&slots, __ATOMIC_ACQUIRE);
	struct slot *slot = table ? &table[id % SLOTS] : NULL;

	return slot && id && __atomic_load_n(&slot->id, __ATOMIC_ACQUIRE) == id ? slot : NULL;
}

static uint64_t state_now(enum state state)
{
	return thag_process.serial << STATE_BITS | state;
}

/* Whether thagd knows the task: not when it was created before a fork. */
static bool is_known(uint64_t state)
{
	return state >> STATE_BITS == thag_process.serial;
}

static void set_state(struct slot *slot, enum state state)
{
	__atomic_store_n(&slot->state, state_now(state), __ATOMIC_RELEASE);
}

/*
 * Owns the slot, if nobody does; `*known`: is_known. Acquire, and release in set_state: what the
 * task's last owner left in the slot is seen. Whoever owned it in the parent is not here.
 */
static bool take(struct slot *slot, uint64_t id, enum state state, bool *known)
{
	uint64_t before = __atomic_load_n(&slot->state, __ATOMIC_RELAXED);

	*known = is_known(before);
	if (*known && before != state_now(TASK_IDLE))
		return false;
	if (!__atomic_compare_exchange_n(&slot->state, &before, state_now(state), false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	if (slot->id == id)
		return true;
	/* it was found, then ended by another thread, and the slot is a new task's */
	set_state(slot, TASK_IDLE);
	return false;
}

static bool has_room(struct thag_producer *producer, uint32_t words)
{
	return thag_head_get(producer) + ((uint64_t)words << 32) < thag_limit_get(producer) ||
	       thag_room_find(producer, words);
}

/* Writes a step; the depth changes by `frames` in the same moment. */
static void put(struct thag_producer *producer, enum thag_task_op op, struct slot *slot,
		int64_t frames)
{
	uint64_t payload[3] = { 0 }, ticks = thag_clock_now();

	if ((uint32_t)(ticks >> 32) != producer->time_high)
		thag_time_put(producer, ticks);
	if (slot) {
		payload[0] = slot->id;
		payload[1] = THAG_TASK_STEP(slot->step++, slot->site);
		payload[2] = slot->depth;
	}
	thag_put_ext_changing(producer, ticks, THAG_EXT_TASK << THAG_EXT_SHIFT | op, payload, 3,
			      frames);
}

/* A task that this process's thagd hasn't heard of: new, or of before a fork. */
static bool introduce(struct thag_producer *producer, struct slot *slot)
{
	slot->step = 0;
	slot->below = 0;
	slot->depth = 0;
	slot->ended = 0;
	slot->stack = (struct thag_stack){ 0 };
	if (!has_room(producer, SWITCH_WORDS + TIME_WORDS))
		return false;
	put(producer, THAG_TASK_CREATE, slot, 0);
	return true;
}

static struct thag_producer *this_producer(void)
{
	struct thag_producer *producer = thag_this_producer;

	thag_switch_heed();
	if (thag_cold(producer)->live)
		return producer;
	return __atomic_load_n(&thag_on, __ATOMIC_RELAXED) ? thag_thread_attach() : NULL;
}

static uint64_t create(struct thag_producer *producer, struct slot *slot, const char *name)
{
	uint64_t id = ++slot->uses << THAG_TASK_SLOT_BITS | (uint64_t)(slot - slots);

	slot->site = thag_site_named(THAG_SITE_TASK, name);
	__atomic_store_n(&slot->id, id, __ATOMIC_RELEASE);
	if (introduce(producer, slot)) {
		set_state(slot, TASK_IDLE);
		return id;
	}
	__atomic_store_n(&slot->id, 0, __ATOMIC_RELAXED);
	push_free(slot);
	return 0;
}

static uint64_t try_create(const char *name)
{
	struct thag_producer *producer = this_producer();
	struct slot *slot;
	uint64_t id;

	if (!producer || !__atomic_load_n(&thag_on, __ATOMIC_RELAXED))
		return 0;
	slot = claim_slot();
	id = slot ? create(producer, slot, name) : 0;
	if (!id)
		__atomic_fetch_add(&thag_process.header->refused_tasks, 1, __ATOMIC_RELAXED);
	return id;
}

struct thag_task thag_task_create(const char *name)
{
	struct thag_task task = { 0 };
	int saved = errno;

	if (!thag_is_off())
		task.id = try_create(name);
	errno = saved;
	return task;
}

static void note_ended(struct thag_producer *producer, struct slot *slot)
{
	const uintptr_t *frame_sp = &producer->frame_sp[THAG_TASK_BASE];

	slot->ended = 0;
	for (uint32_t i = 0; slot->stack.ended_sections && i < slot->depth && i < 64; i++)
		slot->ended |= (uint64_t)(frame_sp[i] == 0) << i;
}

/*
 * The task's frames are where they were on another thread. A longjmp doesn't leave them by their
 * stack pointers, which may be those of another stack; the exit of one below does.
 */
static void place_frames(struct thag_producer *producer, const struct slot *slot)
{
	uintptr_t *frame_sp = &producer->frame_sp[THAG_TASK_BASE];

	for (uint32_t i = 0; i < slot->depth; i++)
		frame_sp[i] = i < 64 && slot->ended >> i & 1 ? 0 : THAG_FRAME_UNKNOWN;
}

/* What runs is put aside. Returns how many words it will need when it goes on. */
static uint32_t put_aside(struct thag_producer *producer)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	uint32_t depth = thag_head_depth(thag_head_get(producer));
	struct slot *slot = &slots[cold->task % SLOTS];

	if (!cold->task) {
		cold->own_depth = depth;
		cold->own = cold->stack;
		return depth + SWITCH_WORDS;
	}
	slot->depth = depth - THAG_TASK_BASE;
	slot->stack = cold->stack;
	note_ended(producer, slot);
	return slot->depth + SWITCH_WORDS;
}

/* A stack so deep comes by the cold side, which looks how deep it may get. */
#define DEEP 65536

/* The limit of the stack that runs now, from that of the one before, if that had one. */
static void give_limit(struct thag_producer *producer, uint64_t limit, int64_t words)
{
	if (limit && thag_head_depth(thag_head_get(producer)) < THAG_TASK_BASE + DEEP)
		thag_room_set(producer, limit + ((uint64_t)words << 32));
}

/*
 * Around a switch: what a handler records goes to the stack whose depth it finds, but a task of
 * its own would be put over half a stack, so that one runs unrecorded.
 */
static void set_switching(struct thag_producer_cold *cold, uint32_t switching)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&cold->switching, switching, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void run(struct thag_producer *producer, struct slot *slot)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	uint32_t depth = thag_head_depth(thag_head_get(producer)), parked;
	uint64_t limit;

	set_switching(cold, 1);
	parked = put_aside(producer);
	cold->parked += parked;
	slot->below = cold->task;
	/* that of the other stack is known once the switch is over */
	limit = thag_room_take(producer);
	cold->task = slot->id;
	put(producer, THAG_TASK_RUN, slot, (int64_t)THAG_TASK_BASE + slot->depth - depth);
	cold->stack = slot->stack;
	place_frames(producer, slot);
	set_switching(cold, 0);
	give_limit(producer, limit, (slot->below ? 0 : (int64_t)THAG_TASK_BASE) - parked);
}

/* Without room for its words the task runs unrecorded, as a call would that finds none. */
static void run_unrecorded(struct thag_producer *producer, struct slot *slot, uintptr_t sp)
{
	struct thag_producer_cold *cold = thag_cold(producer);

	cold->unrecorded_drops = !cold->stack.dropping;
	cold->unrecorded_task = slot->id;
	if (cold->unrecorded_drops)
		thag_drop_begin(producer, sp);
}

static int resume(uint64_t id, uintptr_t sp)
{
	struct thag_producer *producer = this_producer();
	struct slot *slot = find(id);
	bool known;

	if (!producer)
		return -ECANCELED;
	if (!slot)
		return -ESRCH;
	if (!take(slot, id, TASK_RUNNING, &known))
		return -EBUSY;
	if (thag_cold(producer)->unrecorded_task) {
		set_state(slot, TASK_IDLE); /* within one that isn't recorded, nothing is */
		return -ECANCELED;
	}
	if ((known || introduce(producer, slot)) && !thag_cold(producer)->switching &&
	    (thag_cold(producer)->task ||
	     thag_head_depth(thag_head_get(producer)) < THAG_TASK_BASE) &&
	    has_room(producer, 2 * SWITCH_WORDS + TIME_WORDS + slot->depth))
		run(producer, slot);
	else
		run_unrecorded(producer, slot, sp);
	return 0;
}

void thag_task_resume(struct thag_task task)
{
	int saved = errno, result = 0;

	if (task.id)
		result = resume(task.id, (uintptr_t)__builtin_frame_address(0));
	if (result == -EBUSY || result == -ESRCH)
		thag_misuse(THAG_MISUSE_TASK);
	errno = saved;
}

int thag_task_try_resume(struct thag_task task)
{
	int saved = errno, result = -ESRCH;

	if (task.id)
		result = resume(task.id, (uintptr_t)__builtin_frame_address(0));
	errno = saved;
	return result;
}

/* The task that runs here stops; what was put aside for it goes on. */
static void switch_back(struct thag_producer *producer, struct slot *slot)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	struct slot *below = slot->below ? &slots[slot->below % SLOTS] : NULL;
	uint32_t depth = thag_head_depth(thag_head_get(producer));
	uint32_t back = below ? below->depth : cold->own_depth;
	uint64_t limit;

	set_switching(cold, 1);
	put_aside(producer);
	limit = thag_room_take(producer);
	put(producer, THAG_TASK_RUN, below, (int64_t)back + (below ? THAG_TASK_BASE : 0) - depth);
	cold->task = slot->below;
	cold->parked -= back + SWITCH_WORDS;
	cold->stack = below ? below->stack : cold->own;
	if (below)
		place_frames(producer, below);
	set_switching(cold, 0);
	give_limit(producer, limit,
		   (int64_t)back + SWITCH_WORDS - (below ? 0 : (int64_t)THAG_TASK_BASE));
}

static void end_unrecorded(struct thag_producer *producer, struct slot *slot)
{
	struct thag_producer_cold *cold = thag_cold(producer);

	cold->unrecorded_task = 0;
	if (cold->unrecorded_drops)
		cold->stack.dropping = 0;
	set_state(slot, TASK_IDLE);
}

/* Whether `slot` ran here, and does no more. */
static bool stop_here(struct thag_producer *producer, struct slot *slot)
{
	struct thag_producer_cold *cold = thag_cold(producer);

	if (cold->unrecorded_task == slot->id) {
		end_unrecorded(producer, slot);
		return true;
	}
	if (cold->task != slot->id || cold->switching)
		return false;
	switch_back(producer, slot);
	set_state(slot, TASK_IDLE);
	return true;
}

void thag_task_suspend(struct thag_task task)
{
	struct thag_producer *producer = thag_this_producer;
	struct slot *slot = find(task.id);
	int saved = errno;

	if (!task.id || !thag_cold(producer)->live)
		return;
	/* within one that isn't recorded, others were not resumed */
	if (thag_cold(producer)->unrecorded_task && thag_cold(producer)->unrecorded_task != task.id)
		return;
	if (!slot || (!stop_here(producer, slot) &&
		      is_known(__atomic_load_n(&slot->state, __ATOMIC_RELAXED))))
		thag_misuse(THAG_MISUSE_TASK);
	errno = saved;
}

static void destroy(uint64_t id)
{
	struct thag_producer *producer = this_producer();
	struct slot *slot = find(id);
	bool known;

	if (slot && producer)
		stop_here(producer, slot);
	if (!slot || !take(slot, id, TASK_BUSY, &known)) {
		thag_misuse(THAG_MISUSE_TASK);
		return;
	}
	if (producer && known) {
		if (has_room(producer, SWITCH_WORDS + TIME_WORDS))
			put(producer, THAG_TASK_DESTROY, slot, 0);
		else
			thag_lost_count(producer, THAG_LOST_CALLS);
	}
	__atomic_store_n(&slot->id, 0, __ATOMIC_RELAXED);
	set_state(slot, TASK_FREE);
	push_free(slot);
}

void thag_task_destroy(struct thag_task task)
{
	int saved = errno;

	if (task.id)
		destroy(task.id);
	errno = saved;
}

struct thag_task thag_task_current(void)
{
	const struct thag_producer_cold *cold = thag_cold(thag_this_producer);
	struct thag_task task = { cold->unrecorded_task ? cold->unrecorded_task : cold->task };

	return task;
}

void thag_task_leave(struct thag_producer *producer)
{
	struct thag_producer_cold *cold = thag_cold(producer);
	struct slot *slot = find(cold->unrecorded_task);
	uint64_t id = cold->task, below;

	if (slot)
		end_unrecorded(producer, slot);
	if (id)
		put_aside(producer);
	/* their steps end with the thread */
	for (; id; id = below) {
		below = slots[id % SLOTS].below;
		set_state(&slots[id % SLOTS], TASK_IDLE);
	}
	cold->task = 0;
}

void thag_task_unrecorded_exit(struct thag_producer *producer, uint32_t index)
{
	struct slot *slot = find(thag_cold(producer)->unrecorded_task);

	if (slot && index >= THAG_TASK_BASE && index - THAG_TASK_BASE < slot->depth)
		slot->depth = index - THAG_TASK_BASE;
}
