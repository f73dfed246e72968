/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Faults against a real thagd and real programs; tests/reliability/run.sh starts it.
 *
 *   driver kill-program VICTIM DIR COUNT   SIGKILL at COUNT random moments
 *   driver trouble-daemon VICTIM DIR COUNT THAGD ARGS…   COUNT times under one program thagd is
 *                                          killed, stopped for a while, or ended and started anew
 *   driver stop-daemon VICTIM DIR PID SECONDS   thagd PID stopped while a program goes on
 *
 * DIR is where thagd writes its files. SEED may say what a run before said it began with. Prints
 * what it found; exits with 0 when all of it holds.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "thag/words.h"
#include "victims.h"

#define THREAD_CALLS 1000		 /* a thread has its ring by then */
#define RING_CALLS (THAG_RING_WORDS / 2) /* a call is two words */

/* SEED's, or another each time; says which. */
static unsigned new_seed(void)
{
	const char *text = getenv("SEED");
	unsigned seed = text ? (unsigned)atol(text) : (unsigned)time(NULL) ^ (unsigned)getpid();

	printf("seed %u\n", seed);
	return seed;
}

struct tally {
	uint64_t runs, calls, missing, extra, torn, lost, unmarked, no_files;
};

/* One killed program: every call that had returned is there, and no more than were under way. */
static void judge(struct tally *tally, json_t *report, uint64_t returned, int threads)
{
	const char *state = json_string_value(json_object_get(report, "state"));
	const char *name = json_string_value(json_object_get(report, "signal"));
	uint64_t calls = number(report, "calls");

	tally->runs++;
	if (!report) {
		tally->no_files++;
		return;
	}
	tally->calls += calls;
	if (calls < returned)
		tally->missing += returned - calls;
	if (calls > returned + (uint64_t)threads)
		tally->extra += calls - returned - (uint64_t)threads;
	tally->torn += number(report, "invalid") + number(report, "orphans") +
		       number(report, "unmatched") + number(report, "unwound") +
		       lost(report, "words");
	tally->lost += lost(report, "calls") + lost(report, "with_earlier_thagd");
	if (!state || strcmp(state, "crashed") != 0 || !name || strcmp(name, "SIGKILL") != 0)
		tally->unmarked++;
}

static int kill_program(const char *program, const char *directory, int count)
{
	struct tally tally = { 0 };
	unsigned seed = new_seed();

	for (int i = 0; i < count; i++) {
		int threads = 1 + i % 2;
		struct victim victim = start_victim(
			program, (const char *const[]){ "-t", threads == 2 ? "2" : "1", NULL });
		json_t *report;
		pid_t pid = victim.pid;

		wait_until_started(&victim);
		sleep_us((uint64_t)rand_r(&seed) % 6000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		report = wait_for_report(directory, pid);
		judge(&tally, report, end_victim(&victim), threads);
		json_decref(report);
	}
	printf("%" PRIu64 " kills, %" PRIu64 " calls recorded: %" PRIu64
	       " committed ones missing, %" PRIu64 " too many, %" PRIu64 " torn, %" PRIu64
	       " lost, %" PRIu64 " not marked killed, %" PRIu64 " without files\n",
	       tally.runs, tally.calls, tally.missing, tally.extra, tally.torn, tally.lost,
	       tally.unmarked, tally.no_files);
	return tally.missing || tally.extra || tally.torn || tally.lost || tally.unmarked ||
	       tally.no_files;
}

/* What the thagd started last says. */
static FILE *said;

static pid_t start_daemon(char **command)
{
	int ends[2];
	pid_t pid;

	if (said)
		fclose(said);
	if (pipe2(ends, O_CLOEXEC) != 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), 2);
		execv(command[0], command);
		_exit(127);
	}
	close(ends[1]);
	said = fdopen(ends[0], "r");
	return pid;
}

/* By then it has taken up the programs that it found. */
static void wait_until_it_listens(void)
{
	char line[512];

	while (fgets(line, sizeof(line), said))
		if (strstr(line, "listening"))
			return;
	die("thagd doesn't start");
}

/* One thing that may happen to thagd, by turns: killed twice, stopped for a while, ended. */
static pid_t trouble(int turn, pid_t thagd, char **daemon, unsigned *seed)
{
	if (turn % 4 == 2) {
		kill(thagd, SIGSTOP);
		sleep_us((uint64_t)rand_r(seed) % 60000);
		kill(thagd, SIGCONT);
		return thagd;
	}
	kill(thagd, turn % 4 == 3 ? SIGTERM : SIGKILL);
	waitpid(thagd, NULL, 0);
	return start_daemon(daemon);
}

/* WORDS: more than 20 where thagd is slow, and a loss is said more often. */
static uint64_t words_for_a_trouble(void)
{
	const char *text = getenv("WORDS");

	return text ? strtoull(text, NULL, 10) : 20;
}

/*
 * What a session's events must add up to: each call is two words, main's is open to the end, and
 * words of other kinds (time, thread, loss) are few, some for each trouble. A sum that is less
 * than the calls is silent loss.
 */
static int tell_daemons(const json_t *report, int count, int status, uint64_t returned)
{
	uint64_t events = number(report, "events"), earlier = lost(report, "with_earlier_thagd");
	uint64_t accounted = events + earlier + 2 * lost(report, "calls"), called = 2 * returned;

	printf("thagd killed, stopped or ended %d times: the program ended with status %d; %" PRIu64
	       " calls made, %" PRIu64 " events in the last profile, %" PRIu64
	       " read by earlier thagds, %" PRIu64 " calls lost, %" PRIu64
	       " exits unmatched: %" PRId64 " words more than the calls' %" PRIu64 "\n",
	       count, status, returned, events, earlier, lost(report, "calls"),
	       number(report, "unmatched"), (int64_t)(accounted - called), called);
	return status != 0 || accounted < called ||
	       accounted - called > words_for_a_trouble() * (uint64_t)count;
}

static int trouble_daemon(const char *program, const char *directory, int count, char **daemon)
{
	pid_t thagd = start_daemon(daemon);
	struct victim victim;
	uint64_t returned;
	unsigned seed = new_seed();
	json_t *report;
	int status;

	wait_until_it_listens();
	victim = start_victim(program, (const char *const[]){ "-t", "2", NULL });
	wait_until_started(&victim);
	for (int i = 0; i < count; i++) {
		sleep_us(30000 + (uint64_t)rand_r(&seed) % 60000);
		thagd = trouble(i, thagd, daemon, &seed);
	}
	wait_until_it_listens();
	kill(victim.pid, SIGTERM);
	waitpid(victim.pid, &status, 0);
	report = wait_for_report(directory, victim.pid);
	returned = end_victim(&victim);
	kill(thagd, SIGTERM);
	waitpid(thagd, NULL, 0);
	if (report)
		status = tell_daemons(report, count, status, returned);
	else
		printf("no report after %d troubles of thagd\n", count);
	json_decref(report);
	return !report || status != 0;
}

/* Until it has made so many calls more; false when it stands still for a minute. */
static bool goes_on(const struct victim *victim, uint64_t calls)
{
	uint64_t first = count_returned(victim), last = first, now;

	for (int quiet = 0; quiet < 600; quiet++) {
		sleep_us(100000);
		now = count_returned(victim);
		if (now - first >= calls)
			return true;
		if (now != last)
			quiet = 0;
		last = now;
	}
	return false;
}

static int tell_stopped(const json_t *report, int status, uint64_t returned)
{
	uint64_t calls = number(report, "calls"), dropped = lost(report, "calls");

	printf("thagd stopped: the program ended with status %d; %" PRIu64 " calls made, %" PRIu64
	       " recorded + %" PRIu64 " lost, %" PRIu64 " frames truncated, %" PRIu64
	       " unmatched\n",
	       status, returned, calls, dropped, number(report, "truncated_frames"),
	       number(report, "unmatched"));
	/* main's own call has returned, too, after the last count */
	return status || !report || calls + dropped != returned + 1 || dropped == 0 ||
	       number(report, "truncated_frames") || number(report, "unmatched");
}

static int stop_daemon(const char *program, const char *directory, pid_t thagd, unsigned seconds)
{
	struct victim victim = start_victim(program, (const char *const[]){ "-t", "2", NULL });
	json_t *report;
	bool went_on;
	int status;

	wait_until_started(&victim);
	went_on = goes_on(&victim, THREAD_CALLS);
	kill(thagd, SIGSTOP);
	/* more than both rings have room for, and so each second */
	for (unsigned second = 0; second < seconds; second++) {
		sleep_us(900000);
		went_on &= goes_on(&victim, 2 * RING_CALLS);
	}
	kill(victim.pid, SIGTERM);
	waitpid(victim.pid, &status, 0); /* would not come back if it waited for thagd */
	kill(thagd, SIGCONT);
	report = wait_for_report(directory, victim.pid);
	status = tell_stopped(report, status, end_victim(&victim));
	json_decref(report);
	if (!went_on)
		printf("the program stood still\n");
	return status || !went_on;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "kill-program") == 0)
		return kill_program(argv[2], argv[3], atoi(argv[4]));
	if (argc >= 6 && strcmp(argv[1], "trouble-daemon") == 0)
		return trouble_daemon(argv[2], argv[3], atoi(argv[4]), argv + 5);
	if (argc == 6 && strcmp(argv[1], "stop-daemon") == 0)
		return stop_daemon(argv[2], argv[3], (pid_t)atoi(argv[4]), (unsigned)atoi(argv[5]));
	fprintf(stderr, "usage: see the head of driver.c\n");
	return 2;
}
