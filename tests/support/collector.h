/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The smallest thing that can stand where thagd stands: one session, its rings and its trees, in
 * the test's own process. For tests of libclient and of the ring that want to look inside.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "thag_ring.h"
#include "thag_stream.h"
#include "thag/shm.h"

struct collector_ring {
	struct thag_ring_reader reader;
	struct thag_stream stream;
};

struct collector {
	int listener;
	int consumer_fd;
	char path[108];
	const struct thag_shm_header *header;
	const struct thag_shm_thread *slots;
	const struct thag_shm_site *sites;
	const char *strings;
	const uint8_t *base;
	size_t shm_bytes;
	uint8_t *consumer_base;
	struct collector_ring rings[THAG_SLOTS_MAX];
	struct thag_thread **threads; /* all that ever wrote */
	uint32_t thread_count;
	uint32_t thread_capacity;
	const char *(*name_of)(uintptr_t address); /* names functions that have none, else NULL */
	struct thag_tasks tasks;
};

/**
 * Listens on a socket of its own and points THAG_SOCKET at it. Programs wait for us however busy
 * the machine is, unless a test unsets THAG_ON_FULL. Aborts on failure.
 */
struct collector *collector_start(void);

/** Waits for a program to introduce itself and takes its memory. */
void collector_accept(struct collector *collector);

/** Reads all there is; returns how many words. */
uint64_t collector_drain(struct collector *collector, bool writer_dead);

/**
 * Runs `program` in a child process, accepts it and drains until it ends; returns its wait
 * status. What it left open is not closed: the trees show it as it was.
 */
int collector_run(struct collector *collector, void (*program)(void *), void *argument);

/** Closes what the dead program left open. */
void collector_close(struct collector *collector);

void collector_stop(struct collector *collector);

/** Finished calls of the function called `name`, over all threads and stacks. */
uint64_t collector_calls(const struct collector *collector, const char *name);

/** Finished calls at the stack `path`, names joined by ';', over all threads. */
uint64_t collector_calls_at(const struct collector *collector, const char *path);

/** Total ticks at the stack `path`. */
uint64_t collector_ticks_at(const struct collector *collector, const char *path);

/** The same, and how long they waited, all in ticks. */
struct collector_sums {
	uint64_t calls, ticks, waits;
};
struct collector_sums collector_sums_at(const struct collector *collector, const char *path);

/** Calls the program counted as lost. */
uint64_t collector_lost(const struct collector *collector);

/** Sums over all rings and threads. */
struct collector_counts {
	uint64_t events, invalid, orphans, skewed, holes, truncated, unwound, unmatched, open,
		task_gaps;
};
struct collector_counts collector_counts(const struct collector *collector);

/**
 * What a reader would make of the words that nobody has read yet, were the program dead by now:
 * the sums, and in `*calls` the finished calls of the function `name`. Reads nothing away.
 */
struct collector_counts collector_peek(const struct collector *collector, const char *name,
				       uint64_t *calls);

#endif
