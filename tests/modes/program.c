/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that is switched, and counts for itself which of its calls were recorded.
 *
 *   program kinds WORD        THAG_ENABLE_PROFILING(WORD), then 10 calls of a function of every
 *                             kind, 200 of one of time, 3,000 of memory, 40,000 of both
 *   program random SEED N     switches itself N times, at random depths
 *   program barriers N        4 threads; N times off and on while they wait
 *   program storm N           N switches while 4 threads call flat out
 *   program outside THREADS   calls flat out until SIGTERM; told of switches by SIGUSR1 (off)
 *                             and SIGUSR2 (on), each after a SIGHUP when that is to be done, and
 *                             answers each with a line; 0: makes a call on SIGHUP only
 *   program over THREADS      as outside; on SIGTERM, when its session must have been ended, says
 *                             what thag_enable returns, and calls three million times; a child
 *                             that it forks then does the same
 *   program refused           says what thag_enable returns
 *
 * Prints "recorded N" in the end: as many calls must be in its profile. Then "late N", calls that
 * were recorded although they began after somebody had been told that recording is off, and
 * "missed N", the other way round.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <thag.h>

#define NOINLINE __attribute__((noinline))
#define THREADS 4

/* What a thread counts; summed up when it ends. */
static __thread uint64_t recorded, late, missed;
static uint64_t all_recorded, all_late, all_missed;

/* What calls know of switches: 0 nothing, 1 it is off, 2 it is on. */
static atomic_int told; /* by a handler, to all threads */
static atomic_int ended;

#define COUNT_THIS() (recorded += thag_this_span.index < THAG_SPAN_DROP_ROOT)

static void sum_up(void)
{
	__atomic_fetch_add(&all_recorded, recorded, __ATOMIC_RELAXED);
	__atomic_fetch_add(&all_late, late, __ATOMIC_RELAXED);
	__atomic_fetch_add(&all_missed, missed, __ATOMIC_RELAXED);
	recorded = late = missed = 0;
}

static int finish(void)
{
	sum_up();
	printf("recorded %llu\nlate %llu\nmissed %llu\n", (unsigned long long)all_recorded,
	       (unsigned long long)all_late, (unsigned long long)all_missed);
	return 0;
}

static NOINLINE void plain(void)
{
	THAG_PROFILED();
	COUNT_THIS();
}

static NOINLINE void of_time(void)
{
	THAG_PROFILED(time);
	COUNT_THIS();
}

static NOINLINE void of_memory(void)
{
	THAG_PROFILED(memory);
	COUNT_THIS();
}

static NOINLINE void of_both(void)
{
	THAG_PROFILED(both);
	COUNT_THIS();
}

static NOINLINE void every_kind(void)
{
	for (int i = 0; i < 10; i++)
		plain();
	for (int i = 0; i < 200; i++)
		of_time();
	for (int i = 0; i < 3000; i++)
		of_memory();
	for (int i = 0; i < 40000; i++)
		of_both();
}

#define WITH_MODE(word) \
	static int with_##word(void) \
	{ \
		THAG_ENABLE_PROFILING(word); \
		COUNT_THIS(); \
		every_kind(); \
		return 0; \
	}

WITH_MODE(time)
WITH_MODE(memory)
WITH_MODE(both)
WITH_MODE(yes)
WITH_MODE(no)
WITH_MODE(runtime)
WITH_MODE(nonsense)

static int kinds(const char *word)
{
	static const struct {
		const char *word;
		int (*run)(void);
	} modes[] = { { "time", with_time },
		      { "memory", with_memory },
		      { "both", with_both },
		      { "yes", with_yes },
		      { "no", with_no },
		      { "runtime", with_runtime },
		      { "nonsense", with_nonsense } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].word, word) == 0) {
			modes[i].run();
			return finish();
		}
	}
	return 2;
}

static uint64_t state;

static uint32_t dice(uint32_t sides)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % sides;
}

static void switch_at_random(void)
{
	uint32_t to = dice(5);

	if (to == 0 || to > 3)
		thag_disable();
	else
		thag_enable(to);
}

static NOINLINE void branch(uint32_t depth, long *switches)
{
	THAG_PROFILED();
	COUNT_THIS();
	while (depth && *switches > 0 && dice(4)) {
		switch (dice(6)) {
		case 0:
			(*switches)--;
			switch_at_random();
			break;
		case 1:
			of_time();
			break;
		case 2:
			of_memory();
			break;
		case 3:
			of_both();
			break;
		default:
			branch(depth - 1, switches);
		}
	}
}

static int at_random(const char *seed, long switches)
{
	state = strtoull(seed, NULL, 10);
	thag_start("both");
	while (switches > 0)
		branch(20, &switches);
	return finish();
}

static pthread_barrier_t barrier;

static void *call_between_barriers(void *rounds)
{
	for (long i = 0; i < 2 * *(long *)rounds; i++) {
		uint64_t before = recorded;

		for (int call = 0; call < 1000; call++)
			plain();
		/* on in even rounds */
		if (i % 2 == 0)
			missed += 1000 - (recorded - before);
		else
			late += recorded - before;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	sum_up();
	return NULL;
}

static void start_threads(pthread_t threads[THREADS], void *(*run)(void *), void *argument)
{
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, argument) != 0)
			abort();
}

static void join_threads(const pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static int between_barriers(long rounds)
{
	pthread_t threads[THREADS];

	thag_start("time");
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	start_threads(threads, call_between_barriers, &rounds);
	for (long i = 0; i < 2 * rounds; i++) {
		pthread_barrier_wait(&barrier);
		if (i % 2 == 0)
			thag_disable();
		else
			thag_enable(THAG_TIME);
		pthread_barrier_wait(&barrier);
	}
	join_threads(threads);
	return finish();
}

static NOINLINE void nested(int depth)
{
	THAG_PROFILED();
	COUNT_THIS();
	if (depth)
		nested(depth - 1);
}

static void *call_flat_out(void *unused)
{
	(void)unused;
	while (!ended) {
		int knew = told;
		uint64_t before = recorded;

		nested(7);
		/* while it is being switched nobody knows */
		if (knew == 1 && told == 1)
			late += recorded - before;
		else if (knew == 2 && told == 2)
			missed += 8 - (recorded - before);
	}
	sum_up();
	return NULL;
}

static int storm(long switches)
{
	pthread_t threads[THREADS];

	state = (uint64_t)switches;
	thag_start("both");
	start_threads(threads, call_flat_out, NULL);
	for (long i = 0; i < switches; i++) {
		switch_at_random();
		usleep(dice(500));
	}
	ended = 1;
	join_threads(threads);
	return finish();
}

static void on_signal(int signal)
{
	if (signal == SIGTERM)
		ended = 1;
	else
		told = signal == SIGUSR1 ? 1 : signal == SIGUSR2 ? 2 : 0;
}

static int outside(long threads)
{
	static const int signals[] = { SIGTERM, SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t workers[THREADS];
	sigset_t blocked, usual;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &usual);
	thag_start("time");
	if (threads)
		start_threads(workers, call_flat_out, NULL);
	while (!ended) {
		puts("told");
		fflush(stdout);
		sigsuspend(&usual);
		if (!threads && !ended && told == 0)
			plain();
	}
	if (threads)
		join_threads(workers);
	return finish();
}

static int over(long threads)
{
	pid_t child;
	int status;

	outside(threads);
	all_recorded = 0;
	fflush(stdout);
	child = fork();
	printf("%d\n", thag_enable(THAG_BOTH));
	for (int i = 0; i < 3000000; i++)
		plain();
	if (child == 0) {
		finish();
		fflush(stdout);
		_exit(0);
	}
	return waitpid(child, &status, 0) != child || status != 0 ? 1 : finish();
}

static int refused(void)
{
	printf("%d\n", thag_enable(THAG_TIME));
	plain();
	printf("%d\n", thag_enable(0));
	printf("%d\n", thag_enable(8));
	return finish();
}

int main(int argc, char **argv)
{
	const char *scene = argc > 1 ? argv[1] : "";
	long number = argc > 2 ? strtol(argv[argc - 1], NULL, 10) : 0;

	if (strcmp(scene, "kinds") == 0 && argc == 3)
		return kinds(argv[2]);
	if (strcmp(scene, "random") == 0 && argc == 4)
		return at_random(argv[2], number);
	if (strcmp(scene, "barriers") == 0)
		return between_barriers(number);
	if (strcmp(scene, "storm") == 0)
		return storm(number);
	if (strcmp(scene, "outside") == 0)
		return outside(number);
	if (strcmp(scene, "over") == 0)
		return over(number);
	if (strcmp(scene, "refused") == 0)
		return refused();
	return 2;
}
