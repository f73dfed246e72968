/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "waiting.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/** Waits a second more, or until it is over; whether it is. */
static bool wait_a_second(struct thag_waiting *waiting, struct timespec *until)
{
	int ret = 0;

	until->tv_sec++;
	while (!waiting->is_over && ret == 0)
		ret = pthread_cond_timedwait(&waiting->ends, &waiting->lock, until);
	return waiting->is_over;
}

static void *tell(void *arg)
{
	struct thag_waiting *waiting = arg;
	struct timespec until;
	unsigned seconds = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&waiting->lock);
	while (!wait_a_second(waiting, &until))
		fprintf(stderr, "\r%s: %u s\033[K", waiting->doing, ++seconds);
	pthread_mutex_unlock(&waiting->lock);
	if (seconds)
		fputs("\r\033[K", stderr);
	return NULL;
}

void thag_waiting_begin(struct thag_waiting *waiting, const char *doing)
{
	pthread_condattr_t monotonic;

	*waiting = (struct thag_waiting){ .doing = doing };
	if (!isatty(STDERR_FILENO))
		return;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&waiting->lock, NULL);
	pthread_cond_init(&waiting->ends, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* without a thread nothing is told, and nothing else is different */
	waiting->is_told = pthread_create(&waiting->thread, NULL, tell, waiting) == 0;
	if (!waiting->is_told) {
		pthread_cond_destroy(&waiting->ends);
		pthread_mutex_destroy(&waiting->lock);
	}
}

void thag_waiting_end(struct thag_waiting *waiting)
{
	if (!waiting->is_told)
		return;
	pthread_mutex_lock(&waiting->lock);
	waiting->is_over = true;
	pthread_cond_signal(&waiting->ends);
	pthread_mutex_unlock(&waiting->lock);
	pthread_join(waiting->thread, NULL);
	pthread_cond_destroy(&waiting->ends);
	pthread_mutex_destroy(&waiting->lock);
	waiting->is_told = false;
}
