/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "turns.h"

void thag_turns_init(struct thag_turns *turns)
{
	turns->next = turns->serving = 0;
	pthread_mutex_init(&turns->lock, NULL);
	pthread_cond_init(&turns->given_up, NULL);
}

void thag_turns_fini(struct thag_turns *turns)
{
	pthread_cond_destroy(&turns->given_up);
	pthread_mutex_destroy(&turns->lock);
}

void thag_turns_take(struct thag_turns *turns)
{
	uint64_t ticket;

	pthread_mutex_lock(&turns->lock);
	ticket = turns->next++;
	while (turns->serving != ticket)
		pthread_cond_wait(&turns->given_up, &turns->lock);
	pthread_mutex_unlock(&turns->lock);
}

void thag_turns_give_up(struct thag_turns *turns)
{
	pthread_mutex_lock(&turns->lock);
	turns->serving++;
	if (turns->serving != turns->next)
		pthread_cond_broadcast(&turns->given_up);
	pthread_mutex_unlock(&turns->lock);
}
