/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <sched.h>

#include <criterion/criterion.h>

#include "turns.h"

#define WAITERS 8
#define STEPS 100000

static struct thag_turns turns;
static int order[WAITERS], taken;
static int counter; /* what the lock is for */

static uint64_t asked(void)
{
	uint64_t next;

	pthread_mutex_lock(&turns.lock);
	next = turns.next;
	pthread_mutex_unlock(&turns.lock);
	return next;
}

static void *take_once(void *number)
{
	thag_turns_take(&turns);
	order[taken++] = *(int *)number;
	thag_turns_give_up(&turns);
	return NULL;
}

static void *take_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < STEPS; i++) {
		thag_turns_take(&turns);
		counter++;
		thag_turns_give_up(&turns);
	}
	return NULL;
}

Test(turns, are_had_in_the_order_they_were_asked_for)
{
	pthread_t threads[WAITERS];
	int numbers[WAITERS];

	thag_turns_init(&turns);
	thag_turns_take(&turns);
	for (int i = 0; i < WAITERS; i++) {
		numbers[i] = i;
		cr_assert_eq(pthread_create(&threads[i], NULL, take_once, &numbers[i]), 0);
		while (asked() != (uint64_t)i + 2)
			sched_yield();
	}
	/* gives it up and wants it back at once: all who wait come first */
	thag_turns_give_up(&turns);
	thag_turns_take(&turns);
	cr_expect_eq(taken, WAITERS);
	thag_turns_give_up(&turns);
	for (int i = 0; i < WAITERS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(order[i], i);
	}
	thag_turns_fini(&turns);
}

Test(turns, are_had_by_one_at_a_time)
{
	pthread_t threads[3];

	thag_turns_init(&turns);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, take_often, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(counter, 3 * STEPS);
	thag_turns_fini(&turns);
}
