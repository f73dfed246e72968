/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * hostile SEED MILLIONS: a program that connects as libthag does and calls, allocates and runs
 * tasks for a while; then one thread of it goes on with so many million words, and others write
 * what they please to the memory that thagd reads meanwhile. SEED says what: of its lowest three
 * bits each number is a target of its own, 0 all of them. Ends with SIGKILL when SEED's fourth bit
 * is set, else as programs do; with 0 even where thagd refused it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "thag.h"
#include "thag/shm.h"

#define WRITERS 3
#define RINGS 4
#define BURST 64   /* words in a row */
#define AHEAD 4096 /* words around the one that thagd reads next */

static char *shm;			      /* the program's memory */
static const struct thag_shm_consumer *tails; /* how far thagd has read it */
static uint64_t writes_each;
static unsigned first_seed;
static bool stop_spoiling;

/* xorshift64*: rand_r would be most of the work. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Where the memory called `name` is mapped, NULL: nowhere yet. */
static char *find_memory(const char *name)
{
	char line[512];
	char *found = NULL;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && !found && fgets(line, sizeof(line), maps))
		if (strstr(line, name))
			found = (char *)(uintptr_t)strtoull(line, NULL, 16);
	if (maps)
		fclose(maps);
	return found;
}

/* --- what an honest program does --- */

static __attribute__((noinline)) void call(int depth)
{
	THAG_PROFILED();
	THAG_SECTION(section, "section");
	if (depth)
		call(depth - 1);
	free(malloc(100));
}

static void *live_honestly(void *unused)
{
	struct thag_task task = thag_task_create("task");

	thag_thread_name("a thread");
	for (int i = 0; i < 1000; i++) {
		thag_task_resume(task);
		call(i % 10);
		thag_task_suspend(task);
		thag_mark("mark");
		thag_value("value", i);
		call(i % 7);
	}
	return unused;
}

static void be_honest(void)
{
	pthread_t threads[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, live_honestly, NULL) != 0)
			abort();
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* --- and what this one does then --- */

/* A number that is likely to be just beyond, or just within, some bound. */
static uint64_t odd_number(uint64_t *state)
{
	uint64_t random = next_random(state);

	switch (random >> 61) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - (random & 7);
	case 2:
		return (UINT64_C(1) << (random & 63)) - (random >> 6 & 1);
	case 3:
	case 4:
		return random & 0xffff;
	default:
		return random;
	}
}

static void put32(char *at, uint64_t value)
{
	__atomic_store_n((uint32_t *)(void *)at, (uint32_t)value, __ATOMIC_RELAXED);
}

static void put64(char *at, uint64_t value)
{
	__atomic_store_n((uint64_t *)(void *)at, value, __ATOMIC_RELAXED);
}

/* Some field among the first `count` entries of a table. */
static void spoil_table(uint64_t *state, uint64_t offset, size_t entry, uint32_t count)
{
	uint64_t random = next_random(state);

	put32(shm + offset + random % count * entry + (random >> 40) % (entry / 4) * 4,
	      random >> 32 & 3 ? odd_number(state) : 1); /* 1: ready */
}

/*
 * Looks like an event of a stack that stays low, lest the tree be all that takes time; or, once in
 * so many times as `nonsense` says, like anything.
 */
static uint64_t some_word(uint64_t *state, unsigned nonsense)
{
	uint64_t random = next_random(state), word = next_random(state), kind = random >> 48;

	if (random % nonsense == 0)
		return word;
	return (word >> THAG_WORD_TIME_SHIFT << THAG_WORD_TIME_SHIFT) |
	       THAG_WORD(1 + kind % 4, kind & 1 ? random >> 20 & 3 : 2 + (random >> 20 & 3));
}

static void put_word(uint64_t slot, uint64_t pos, uint64_t word)
{
	put64(shm + THAG_SHM_RINGS_OFFSET + slot * THAG_RING_BYTES + (pos & THAG_RING_MASK) * 8,
	      (word & ~THAG_WORD_PHASE) | (pos & THAG_WORD_PHASE));
}

static uint64_t tail_of(uint64_t slot)
{
	return __atomic_load_n(&tails[slot].tail, __ATOMIC_RELAXED);
}

/* Words one after the other, as fast as thagd reads them: what others spoil is read, too. */
static void feed(uint64_t *state)
{
	static uint64_t positions[RINGS];
	uint64_t slot = next_random(state) % RINGS, tail = tail_of(slot);

	if (positions[slot] - tail >= THAG_RING_WORDS)
		positions[slot] = tail;
	for (int i = 0; i < BURST && positions[slot] - tail < THAG_RING_WORDS; i++)
		put_word(slot, positions[slot]++, some_word(state, 20000));
}

/* Words that are read at this moment, or soon, or in another lap. */
static void spoil_ring(uint64_t *state)
{
	uint64_t random = next_random(state), slot = random % RINGS;
	uint64_t pos = tail_of(slot) + (random >> 8) % AHEAD - AHEAD / 8;

	if ((random >> 48 & 63) == 0)
		pos += THAG_RING_WORDS;
	put_word(slot, pos, some_word(state, 4));
}

/* All but what says that the program ended. */
static void spoil_header(uint64_t *state)
{
	uint64_t random = next_random(state);
	size_t later = offsetof(struct thag_shm_header, site_count);
	size_t at = random & 1 ? random >> 8 & 127 : later + (random >> 8) % 80;

	at &= ~(size_t)3;
	if (at != offsetof(struct thag_shm_header, exited))
		put32(shm + at, odd_number(state));
}

static void spoil_lengths(uint64_t *state)
{
	uint64_t random = next_random(state);

	if (random & 1)
		put32(shm + offsetof(struct thag_shm_header, text_bytes) + (random >> 8 & 3) * 4,
		      odd_number(state));
	else /* a place of bytes: name_offset, name_bytes, file_offset, file_bytes */
		put32(shm + THAG_SHM_SITES_OFFSET + (random >> 8 & 63) * 48 + 8 +
			      (random >> 20 & 3) * 4,
		      odd_number(state));
	put64(shm + THAG_SHM_STRINGS_OFFSET + (random >> 24 & 511) * 8, next_random(state));
}

static void spoil_slots(uint64_t *state)
{
	spoil_table(state, THAG_SHM_THREADS_OFFSET, sizeof(struct thag_shm_thread), 8);
}

static void spoil_sites(uint64_t *state)
{
	spoil_table(state, THAG_SHM_SITES_OFFSET, sizeof(struct thag_shm_site), 256);
}

static void spoil_modules(uint64_t *state)
{
	spoil_table(state, THAG_SHM_MODULES_OFFSET, sizeof(struct thag_shm_module), 32);
}

static void spoil_traces(uint64_t *state)
{
	spoil_table(state, THAG_SHM_TRACES_OFFSET, sizeof(struct thag_shm_trace), 4096);
}

static void (*const targets[8])(uint64_t *) = { feed,	       spoil_ring,  spoil_header,
						spoil_lengths, spoil_slots, spoil_sites,
						spoil_modules, spoil_traces };

/* The first of them keeps thagd reading, whatever the others spoil. */
static void *spoil(void *which)
{
	uint64_t state = ((uint64_t)first_seed << 8 | (uintptr_t)which) + 1;
	uint64_t left = writes_each;
	unsigned target = first_seed & 7;

	while (!__atomic_load_n(&stop_spoiling, __ATOMIC_RELAXED) && left--) {
		unsigned turn = which == NULL ? 0
				: target      ? target
					      : 1 + (unsigned)(next_random(&state) % 7);

		targets[turn](&state);
	}
	return NULL;
}

static void start_writers(pthread_t *threads, void *(*work)(void *))
{
	for (uintptr_t i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			abort();
}

static void join_writers(const pthread_t *threads)
{
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* From the moment the memory is there, while thagd is told of it. */
static void *spoil_the_handshake(void *unused)
{
	uint64_t state = first_seed + 1;
	char *memory = NULL;

	while (!memory && !__atomic_load_n(&stop_spoiling, __ATOMIC_RELAXED))
		memory = find_memory("thag-shm");
	while (memory && !__atomic_load_n(&stop_spoiling, __ATOMIC_RELAXED)) {
		char *at = memory + (next_random(&state) % 64 & ~UINT64_C(3));
		uint32_t right = *(uint32_t *)(void *)at;

		put32(at, odd_number(&state));
		put32(at, right);
		at = memory + offsetof(struct thag_shm_header, text_bytes);
		put32(at + (next_random(&state) & 12), odd_number(&state));
	}
	return unused;
}

static void start_honestly_or_not(void)
{
	pthread_t thread;

	if (first_seed & 7) {
		thag_start("both");
		return;
	}
	if (pthread_create(&thread, NULL, spoil_the_handshake, NULL) != 0)
		abort();
	thag_start("both");
	__atomic_store_n(&stop_spoiling, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	__atomic_store_n(&stop_spoiling, false, __ATOMIC_RELAXED);
}

int main(int argc, char **argv)
{
	pthread_t threads[WRITERS];
	char *consumers;

	if (argc < 3)
		return 2;
	first_seed = (unsigned)atol(argv[1]);
	writes_each = strtoull(argv[2], NULL, 10) * 1000000 / BURST;
	start_honestly_or_not();
	be_honest();
	shm = find_memory("thag-shm");
	consumers = find_memory("thag-consumer");
	if (shm && consumers) {
		tails = (const struct thag_shm_consumer *)(void *)(consumers +
								   THAG_SHM_CONSUMERS_OFFSET);
		start_writers(threads, spoil);
		join_writers(threads);
	}
	if (first_seed & 8)
		kill(getpid(), SIGKILL);
	_exit(0);
}
