/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ring_kills COUNT: COUNT times a program that writes to its ring, by libthag's emit path, is
 * killed at a random moment while its words are read by thagd's reader, and each word is compared
 * with what the program was to write. How far it had come lies in a page that outlives it: all up
 * to there must be in the ring, and at most one event more. Every second program is interrupted by
 * signals, whose handler is profiled, too. Prints what it found; exits with 0 when nothing was lost
 * or torn. SEED may say what a run before said it began with.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector.h"
#include "thag.h"

#define SITES 4
#define DEPTH_MAX 30
#define LIFE_US 600 /* at most, from the first event on */
#define SAYS_KILLS 10000
#define SIGNAL_US 40 /* between two, on average */

/* The page that the dead leave. */
struct oracle {
	uint64_t done; /* events that were written, of those that `next_step` says */
};

static struct oracle *oracle;

/* What the program does, step by step: both sides know it. */
struct walk {
	uint64_t state, steps;
	uint32_t depth;
};

enum what { OPENS, CLOSES, SAYS };

static enum what next_step(struct walk *walk, uint32_t *site)
{
	uint32_t choice;

	walk->state = walk->state * UINT64_C(6364136223846793005) + 1442695040888963407;
	choice = (uint32_t)(walk->state >> 33);
	walk->steps++;
	*site = choice / 16 % SITES;
	if (choice % 16 == 0)
		return SAYS;
	if (walk->depth < DEPTH_MAX && (choice % 2 || walk->depth == 0)) {
		walk->depth++;
		return OPENS;
	}
	if (walk->depth == 0)
		return SAYS;
	walk->depth--;
	return CLOSES;
}

static void on_signal(int number)
{
	static struct thag_site site = { 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, __LINE__,
					 0, "handler",		__FILE__ };
	struct thag_span span = thag_span_enter(&site);

	(void)number;
	thag_span_exit(&span);
}

static void walk_on(uint64_t seed) __attribute__((noreturn));

static void walk_on(uint64_t seed)
{
	static struct thag_site sites[SITES];
	static const char *const names[SITES] = { "0", "1", "2", "3" };
	struct thag_span spans[DEPTH_MAX];
	struct walk walk = { .state = seed };
	uint32_t site;

	for (uint32_t i = 0; i < SITES; i++)
		sites[i] = (struct thag_site){ .kind = THAG_SITE_FUNCTION,
					       .modes = THAG_BOTH,
					       .name = names[i],
					       .file = __FILE__ };
	for (;;) {
		switch (next_step(&walk, &site)) {
		case OPENS:
			spans[walk.depth - 1] = thag_span_enter(&sites[site]);
			break;
		case CLOSES:
			thag_span_exit(&spans[walk.depth]);
			break;
		case SAYS:
			thag_value("step", (int64_t)walk.steps);
		}
		__atomic_store_n(&oracle->done, walk.steps, __ATOMIC_RELAXED);
	}
}

static pid_t start_program(uint64_t seed)
{
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigaction(SIGUSR1, &action, NULL);
	thag_start("time");
	walk_on(seed);
}

/* What was read of one program. */
struct check {
	const struct collector *collector;
	struct thag_ring_reader *reader;
	struct walk walk;
	uint64_t step;	   /* the number that a value to come must have */
	uint32_t payload;  /* words of it that are still to come */
	uint32_t handlers; /* open ones: 0 or 1 */
	uint32_t skip;	   /* words that belong to the beginning of a ring */
	uint64_t words, wrong, torn;
};

static bool is_site(const struct check *check, uint64_t id, const char *name)
{
	const struct thag_shm_site *site = &check->collector->sites[id % THAG_SITES_MAX];

	return id < THAG_SITES_MAX && site->name_bytes == strlen(name) &&
	       memcmp(check->collector->strings + site->name_offset, name, site->name_bytes) == 0;
}

static void check_step(struct check *check, uint64_t word)
{
	struct walk before = check->walk;
	uint32_t kind = thag_word_kind(word), arg = thag_word_arg(word), site;
	enum what what = next_step(&check->walk, &site);
	char name[2] = { (char)('0' + site), '\0' };
	bool right;

	if (what == OPENS)
		right = kind == THAG_KIND_ENTER && is_site(check, arg, name);
	else if (what == CLOSES)
		right = kind == THAG_KIND_EXIT && arg == before.depth - 1;
	else
		right = kind == THAG_KIND_EXT && arg >> THAG_EXT_SHIFT == THAG_EXT_VALUE;
	check->wrong += !right;
	check->payload = what == SAYS ? 2 : 0;
}

/* An event's first word. Those of a handler may come between any two of the program's events. */
static void check_event(struct check *check, uint64_t word)
{
	uint32_t kind = thag_word_kind(word), arg = thag_word_arg(word);

	if (kind == THAG_KIND_TIME)
		return;
	if (kind == THAG_KIND_EXT && arg >> THAG_EXT_SHIFT == THAG_EXT_THREAD_START)
		check->skip = 1;
	else if (kind == THAG_KIND_ENTER && is_site(check, arg, "handler"))
		check->handlers++;
	else if (kind == THAG_KIND_EXIT && check->handlers)
		check->handlers--;
	else
		check_step(check, word);
}

static void check_word(struct check *check, uint64_t word)
{
	check->words++;
	if (check->skip) {
		check->skip--;
	} else if (check->payload == 0) {
		check_event(check, word);
	} else if (--check->payload == 1) {
		check->wrong += !is_site(check, thag_payload_unpack(word), "step");
	} else {
		check->wrong += thag_payload_unpack(word) != check->walk.steps;
	}
}

/* Words behind a hole are a handler's: what it interrupted will never be written. */
static void step_over(struct check *check)
{
	check->torn++;
	check->payload = 0;
}

static bool read_some(struct check *check)
{
	uint64_t words[THAG_RING_BATCH];
	size_t count = thag_ring_read(check->reader, words, THAG_RING_BATCH);

	for (size_t i = 0; i < count; i++)
		check_word(check, words[i]);
	thag_ring_release(check->reader);
	return count > 0;
}

/* What a dead program has left. */
static void read_all(struct check *check)
{
	uint64_t holes;
	bool more = true;

	while (more) {
		while (read_some(check))
			;
		holes = check->reader->holes;
		more = thag_ring_skip_hole(check->reader, 0, true);
		if (check->reader->holes != holes)
			step_over(check);
	}
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000;
}

/* Reads while the program writes, until it is to die. */
static void live(struct check *check, pid_t pid, bool signals, unsigned *seed)
{
	uint64_t end, next;

	while (__atomic_load_n(&oracle->done, __ATOMIC_RELAXED) == 0)
		read_some(check);
	end = now_us() + (uint64_t)rand_r(seed) % LIFE_US;
	next = now_us();
	while (now_us() < end) {
		read_some(check);
		if (!signals || now_us() < next)
			continue;
		kill(pid, SIGUSR1);
		next = now_us() + (uint64_t)rand_r(seed) % (2 * SIGNAL_US);
	}
}

struct tally {
	uint64_t runs, words, events, missing, extra, wrong, torn, most_torn, lost;
};

/*
 * The event under way, and nothing else, may be there in part: up to its three words, when a
 * handler wrote behind them.
 */
static void judge(struct tally *tally, const struct check *check)
{
	uint64_t done = oracle->done, found = check->walk.steps;

	/* a value that isn't whole hasn't been read, nor was it done */
	if (check->payload)
		found--;
	tally->runs++;
	tally->words += check->words;
	tally->events += found;
	if (found < done)
		tally->missing += done - found;
	if (found > done + 1)
		tally->extra += found - done - 1;
	tally->wrong += check->wrong;
	tally->torn += check->torn;
	if (check->torn > tally->most_torn)
		tally->most_torn = check->torn;
	tally->lost += collector_lost(check->collector);
}

static void kill_one(struct tally *tally, bool signals, unsigned *seed)
{
	uint64_t walk_seed = (uint64_t)rand_r(seed) << 20 ^ (uint64_t)rand_r(seed);
	struct collector *collector = collector_start();
	struct check check = { .collector = collector, .walk = { .state = walk_seed } };
	pid_t pid;

	oracle->done = 0;
	pid = start_program(walk_seed);
	collector_accept(collector);
	check.reader = &collector->rings[0].reader;
	live(&check, pid, signals, seed);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	read_all(&check);
	judge(tally, &check);
	collector_stop(collector);
}

static void tell(const struct tally *tally)
{
	printf("%" PRIu64 " kills, %" PRIu64 " words, %" PRIu64 " events: %" PRIu64
	       " written ones missing, %" PRIu64 " too many, %" PRIu64 " wrong, %" PRIu64
	       " counted as lost, %" PRIu64 " words never written, at most %" PRIu64 " at a time\n",
	       tally->runs, tally->words, tally->events, tally->missing, tally->extra, tally->wrong,
	       tally->lost, tally->torn, tally->most_torn);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *text = getenv("SEED");
	unsigned seed = text ? (unsigned)atol(text) : (unsigned)time(NULL);
	int count = argc > 1 ? atoi(argv[1]) : 0;
	struct tally tally = { 0 };

	printf("seed %u\n", seed);
	oracle = mmap(NULL, sizeof(*oracle), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (oracle == MAP_FAILED)
		return 1;
	for (int i = 0; i < count; i++) {
		if (i % SAYS_KILLS == SAYS_KILLS - 1)
			tell(&tally);
		kill_one(&tally, i % 2, &seed);
	}
	tell(&tally);
	return tally.runs == 0 || tally.missing || tally.extra || tally.wrong || tally.lost ||
	       tally.most_torn > 3;
}
