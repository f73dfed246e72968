/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of scenes share; see scenes.cpp. */
#ifndef SCENES_H
#define SCENES_H

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

struct scene {
	const char *name;
	void (*play)();	   /* profiled; its caller counts as a call, too */
	void (*prepare)(); /* before that; may be NULL */
};

/** Those of the files of these names; the last has no name. */
extern const scene process_scenes[];
extern const scene clock_scenes[];
extern const scene kept_scenes[];

/** The program, as it was started. */
extern const char *self;

/** Says that thagd should know `calls` of this process. */
void expect(int calls);

/** A call that is recorded; and so many. */
__attribute__((noinline)) void leaf();
void leaves(int count);

void limit(decltype(RLIMIT_FSIZE) which, rlim_t value);

/* Ends the scene where what it does by itself doesn't go as it should. */
#define need(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s: %s\n", #condition, strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

static inline void run_thread(void *(*function)(void *))
{
	pthread_t thread;

	need(pthread_create(&thread, nullptr, function, nullptr) == 0);
	pthread_join(thread, nullptr);
}

static inline int number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

#endif
