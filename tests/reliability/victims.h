/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Victims (victim.c) and what thagd tells of them; for driver.c and load.c. */
#ifndef VICTIMS_H
#define VICTIMS_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "oracle.h"

struct victim {
	pid_t pid;
	struct oracle *oracle;
	char path[64];
};

/** Says what failed, with errno's reason, and exits with 1. */
void die(const char *what) __attribute__((noreturn));

void sleep_us(uint64_t us);

/** Starts PROGRAM with an oracle of its own; `options` come before that, and end with NULL. */
struct victim start_victim(const char *program, const char *const *options);

/** Until it calls. Exits when it ends before. */
void wait_until_started(const struct victim *victim);

/** How many calls of it have returned. */
uint64_t count_returned(const struct victim *victim);

/** Forgets its oracle; returns what count_returned did. */
uint64_t end_victim(struct victim *victim);

/**
 * The STEM.json in `directory` that tells of `pid`, once thagd has written it; the session's files
 * go, for pids come again. NULL when there is none within 30 s. Owner: the caller.
 */
json_t *wait_for_report(const char *directory, pid_t pid);

/** A number of a report, and one under its "lost"; 0 where it isn't there. */
uint64_t number(const json_t *report, const char *name);
uint64_t lost(const json_t *report, const char *name);

#endif
