/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file uv_table.h
 * What thag_uv.h keeps of each request and handle that libuv has. Not for use by hand.
 *
 * A table from an address to the task and the callbacks of whoever asked. An address hashes to a
 * set of eight entries; when they are taken, the entry is in the next, larger block's set.
 *
 * An entry is taken by compare-and-swap of its key and given back by a store. In between only the
 * user of that request or handle touches it, one thread at a time: libuv's loops and its pool hand
 * requests over with locks of their own, and the same locks order our accesses.
 */
#ifndef THAG_UV_TABLE_H
#define THAG_UV_TABLE_H

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "thag.h"

/* not instrumented itself: some of it begins on one stack, and ends on another */
#define THAG_UV_API static inline __attribute__((unused, no_instrument_function))
#define THAG_UV_WAYS 8
#define THAG_UV_FIRST_SETS 256
#define THAG_UV_GROWTH 8

typedef void thag_uv_fn(void);

struct thag_uv_entry {
	const void *key;       /* the request, the handle, or thag_uv_task_key; NULL: free */
	struct thag_task task; /* what the callbacks continue */
	thag_uv_fn *first;     /* the program's callbacks */
	thag_uv_fn *second;
	int moves; /* of a work: whether its first callback is the task's */
};

struct thag_uv_set {
	struct thag_uv_entry entries[THAG_UV_WAYS];
};

struct thag_uv_block {
	struct thag_uv_block *next; /* a larger one; set once */
	uintptr_t set_count;	    /* a power of two */
	struct thag_uv_set *sets;
};

/* weak: one for all files of a program */
__attribute__((weak, visibility("hidden"))) struct thag_uv_set thag_uv_sets[THAG_UV_FIRST_SETS];
__attribute__((weak, visibility("hidden"))) struct thag_uv_block thag_uv_block = {
	NULL, THAG_UV_FIRST_SETS, thag_uv_sets
};

THAG_UV_API struct thag_uv_entry *thag_uv_set_of(struct thag_uv_block *block, const void *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return block->sets[hash >> 32 & (block->set_count - 1)].entries;
}

THAG_UV_API struct thag_uv_block *thag_uv_next(struct thag_uv_block *block)
{
	return __atomic_load_n(&block->next, __ATOMIC_ACQUIRE);
}

/** The entry of `key`, NULL when there is none. */
THAG_UV_API struct thag_uv_entry *thag_uv_find(const void *key)
{
	for (struct thag_uv_block *block = &thag_uv_block; block; block = thag_uv_next(block)) {
		struct thag_uv_entry *entry = thag_uv_set_of(block, key);

		for (int i = 0; i < THAG_UV_WAYS; i++)
			if (__atomic_load_n(&entry[i].key, __ATOMIC_RELAXED) == key)
				return &entry[i];
	}
	return NULL;
}

/** Makes the block after the last one; whoever loses the race uses the winner's. */
THAG_UV_API struct thag_uv_block *thag_uv_grow(struct thag_uv_block *last)
{
	uintptr_t count = last->set_count * THAG_UV_GROWTH;
	struct thag_uv_block *block = (struct thag_uv_block *)malloc(sizeof(*block)), *none = NULL;
	struct thag_uv_set *sets = (struct thag_uv_set *)calloc(count, sizeof(*sets));

	if (block && sets) {
		block->next = NULL;
		block->set_count = count;
		block->sets = sets;
		/* release: who finds the block finds it whole */
		if (__atomic_compare_exchange_n(&last->next, &none, block, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			return block;
	}
	free(block);
	free(sets);
	return none;
}

/** A free entry, taken for `key`. NULL without memory. */
THAG_UV_API struct thag_uv_entry *thag_uv_claim(const void *key)
{
	struct thag_uv_block *block = &thag_uv_block, *next;

	for (; block; block = next) {
		struct thag_uv_entry *entry = thag_uv_set_of(block, key);

		for (int i = 0; i < THAG_UV_WAYS; i++) {
			const void *none = NULL;

			/* acquire: its last user has done with it, see thag_uv_free */
			if (!__atomic_load_n(&entry[i].key, __ATOMIC_RELAXED) &&
			    __atomic_compare_exchange_n(&entry[i].key, &none, key, 0,
							__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return &entry[i];
		}
		next = thag_uv_next(block);
		if (!next)
			next = thag_uv_grow(block);
	}
	return NULL;
}

THAG_UV_API void thag_uv_free(struct thag_uv_entry *entry)
{
	__atomic_store_n(&entry->key, (const void *)NULL, __ATOMIC_RELEASE);
}

THAG_UV_API void thag_uv_forget(const void *key)
{
	struct thag_uv_entry *entry = thag_uv_find(key);

	if (entry)
		thag_uv_free(entry);
}

/** What is kept of a handle. */
THAG_UV_API struct thag_uv_entry thag_uv_look(const void *key)
{
	return *thag_uv_find(key);
}

/** What was kept of a request. */
THAG_UV_API struct thag_uv_entry thag_uv_take(const void *key)
{
	struct thag_uv_entry *entry = thag_uv_find(key), kept = *entry;

	thag_uv_free(entry);
	return kept;
}

/** A request, or a handle's start, on its way to libuv. */
struct thag_uv_submission {
	struct thag_uv_entry *entry; /* NULL: no task runs, or nothing is to be called back */
	struct thag_uv_entry before; /* what was kept of that handle; key NULL: nothing */
};

THAG_UV_API struct thag_uv_submission thag_uv_submit(const void *key, thag_uv_fn *first,
						     thag_uv_fn *second)
{
	struct thag_uv_submission sub = { NULL, { NULL, { 0 }, NULL, NULL, 0 } };
	struct thag_task task = thag_task_current();

	if (!task.id || !first)
		return sub;
	sub.entry = thag_uv_find(key);
	if (sub.entry)
		sub.before = *sub.entry;
	else
		sub.entry = thag_uv_claim(key);
	if (sub.entry) {
		sub.entry->task = task;
		sub.entry->first = first;
		sub.entry->second = second;
		sub.entry->moves = 0;
	}
	return sub;
}

/** libuv said `result`: when it refused, all is as it was. Returns `result`. */
THAG_UV_API int thag_uv_settle(const struct thag_uv_submission *sub, int result)
{
	struct thag_uv_entry *entry = sub->entry;

	if (!entry || result >= 0)
		return result;
	entry->task = sub->before.task;
	entry->first = sub->before.first;
	entry->second = sub->before.second;
	if (!sub->before.key)
		thag_uv_free(entry);
	return result;
}

/** The same for a handle, which may have been another task's. */
THAG_UV_API int thag_uv_settle_handle(const struct thag_uv_submission *sub, const void *handle,
				      int result)
{
	if (!sub->entry && result >= 0)
		thag_uv_forget(handle);
	return thag_uv_settle(sub, result);
}

/** A task that runs for the length of a callback, and what ran before. */
struct thag_uv_turn {
	struct thag_task task; /* id 0: none */
	struct thag_task before;
};

THAG_UV_API struct thag_uv_turn thag_uv_enter(struct thag_task task)
{
	struct thag_uv_turn turn = { { 0 }, thag_task_current() };

	if (thag_task_try_resume(task) == 0)
		turn.task = task;
	return turn;
}

/** The callback may have ended the task, or suspended it. */
THAG_UV_API void thag_uv_leave(struct thag_uv_turn turn)
{
	if (turn.task.id && thag_task_current().id != turn.before.id)
		thag_task_suspend(turn.task);
}

/** Under this key is kept that a work of the task is in the pool. Odd: no address of libuv's. */
THAG_UV_API const void *thag_uv_task_key(struct thag_task task)
{
	return (const void *)(uintptr_t)(task.id << 1 | 1);
}

/** Whether the work that is queued now is the task's: no other one is in the pool. */
THAG_UV_API int thag_uv_task_moves(struct thag_task task)
{
	const void *key = thag_uv_task_key(task);

	return !thag_uv_find(key) && thag_uv_claim(key) != NULL;
}

/** On a thread of the pool: waits for the callback that queued the work, which is the task's. */
THAG_UV_API struct thag_uv_turn thag_uv_enter_moved(const struct thag_uv_entry *kept)
{
	const struct timespec pause = { 0, 50000 };
	struct thag_uv_turn turn = { { 0 }, { 0 } };
	int result = kept->moves ? -EBUSY : -ESRCH;

	for (int tries = 0; result == -EBUSY && tries < 128; tries++) {
		turn.before = thag_task_current();
		result = thag_task_try_resume(kept->task);
		if (result == -EBUSY && tries < 32)
			sched_yield();
		else if (result == -EBUSY)
			nanosleep(&pause, NULL);
	}
	if (result == 0)
		turn.task = kept->task;
	return turn;
}

#endif
