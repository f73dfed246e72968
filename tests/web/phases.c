/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program whose parts follow each other: "load" and "save" take a fifth of a second each, between
 * them there are a hundred short calls, one of them slow. A thread of its own has a name. With an
 * argument the short calls go on until it is killed.
 */
#include <pthread.h>
#include <time.h>

#include <thag.h>

#define ROUNDS 100
#define SLOW_ROUND 70

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void step(int round)
{
	THAG_PROFILED();
	pause_ms(round == SLOW_ROUND ? 40 : 1);
	thag_value("rounds", round);
}

static void steps(void)
{
	THAG_PROFILED();
	for (int i = 0; i < ROUNDS; i++)
		step(i);
}

static void *help(void *unused)
{
	THAG_PROFILED();
	thag_thread_name("helper");
	pause_ms(100);
	return unused;
}

#define PART(name) \
	do { \
		THAG_SECTION(section, name); \
		pause_ms(200); \
		THAG_END(section); \
	} while (0)

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	pthread_t helper;

	(void)argv;
	PART("load");
	if (pthread_create(&helper, NULL, help, NULL) == 0)
		pthread_join(helper, NULL);
	thag_mark("loaded");
	do
		steps();
	while (argc > 1);
	PART("save");
	return 0;
}
