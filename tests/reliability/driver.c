/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Faults against a real thagd and real programs; tests/reliability/run.sh starts it.
 *
 *   driver kill-program VICTIM DIR COUNT   SIGKILL at COUNT random moments
 *   driver kill-daemon VICTIM DIR COUNT THAGD ARGS…   COUNT thagds killed under one program
 *   driver stop-daemon VICTIM DIR PID      thagd PID stopped while a program runs
 *
 * DIR is where thagd writes its files. Prints what it found; exits with 0 when all of it holds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"

static void die(const char *what)
{
	fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void sleep_us(uint64_t us)
{
	struct timespec left = { .tv_sec = (time_t)(us / 1000000),
				 .tv_nsec = (long)(us % 1000000) * 1000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

struct victim {
	pid_t pid;
	struct oracle *oracle;
	char path[64];
};

static struct victim start_victim(const char *program, const char *threads, const char *seconds)
{
	struct victim victim;
	int fd;

	strcpy(victim.path, "/tmp/thag-oracle-XXXXXX");
	fd = mkstemp(victim.path);
	if (fd < 0 || ftruncate(fd, sizeof(*victim.oracle)) != 0)
		die("oracle");
	victim.oracle =
		mmap(NULL, sizeof(*victim.oracle), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (victim.oracle == MAP_FAILED)
		die("map oracle");
	victim.pid = fork();
	if (victim.pid == 0) {
		execl(program, program, victim.path, threads, seconds, (char *)NULL);
		_exit(127);
	}
	return victim;
}

static void wait_until_started(const struct victim *victim)
{
	while (!__atomic_load_n(&victim->oracle->started, __ATOMIC_ACQUIRE)) {
		if (waitpid(victim->pid, NULL, WNOHANG) == victim->pid)
			die("the victim ended before it began");
		sleep_us(100);
	}
}

static uint64_t end_victim(struct victim *victim)
{
	uint64_t returned = 0;

	for (int i = 0; i < ORACLE_THREADS; i++)
		returned += victim->oracle->threads[i].returned;
	munmap(victim->oracle, sizeof(*victim->oracle));
	unlink(victim->path);
	return returned;
}

/*
 * A STEM.json in `directory` that tells of `pid`, once thagd has written all: STEM.folded gets its
 * name last.
 */
static json_t *find_report(const char *directory, pid_t pid)
{
	struct dirent *entry;
	DIR *dir = opendir(directory);
	json_t *found = NULL;

	while (dir && !found && (entry = readdir(dir))) {
		char path[4096], folded[4096];
		json_t *report;
		char *end;

		if (!strstr(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		end = strrchr(path, '.');
		snprintf(folded, sizeof(folded), "%.*s.folded", (int)(end - path), path);
		report = json_load_file(path, 0, NULL);
		if (json_integer_value(json_object_get(report, "pid")) != pid ||
		    unlink(folded) != 0) {
			json_decref(report);
			continue;
		}
		found = report;
		unlink(path); /* pids come again; and a shorter search next time */
	}
	if (dir)
		closedir(dir);
	return found;
}

static json_t *wait_for_report(const char *directory, pid_t pid)
{
	json_t *report = NULL;

	for (int i = 0; i < 3000 && !report; i++) {
		report = find_report(directory, pid);
		if (!report)
			sleep_us(10000);
	}
	return report;
}

static uint64_t number(const json_t *report, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(report, name));
}

static uint64_t lost(const json_t *report, const char *name)
{
	return number(json_object_get(report, "lost"), name);
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
	unsigned seed = (unsigned)time(NULL);

	for (int i = 0; i < count; i++) {
		int threads = 1 + i % 2;
		struct victim victim = start_victim(program, threads == 2 ? "2" : "1", NULL);
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

static pid_t start_daemon(char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execv(command[0], command);
		_exit(127);
	}
	return pid;
}

/*
 * What a session's events must add up to: each call is two words, and words of other kinds
 * (time, thread, loss) are few. Calls that were open or lost at a change of thagd are counted.
 */
static int kill_daemon(const char *program, const char *directory, int count, char **daemon)
{
	pid_t thagd = start_daemon(daemon);
	struct victim victim;
	uint64_t returned, accounted, difference;
	unsigned seed = 1;
	json_t *report;
	int status;
	char seconds[16];

	sleep_us(500000);
	snprintf(seconds, sizeof(seconds), "%d", count / 10 + 2);
	victim = start_victim(program, "2", seconds);
	wait_until_started(&victim);
	for (int i = 0; i < count; i++) {
		sleep_us(30000 + (uint64_t)rand_r(&seed) % 60000);
		kill(thagd, SIGKILL);
		waitpid(thagd, NULL, 0);
		thagd = start_daemon(daemon);
	}
	waitpid(victim.pid, &status, 0);
	report = wait_for_report(directory, victim.pid);
	returned = end_victim(&victim);
	kill(thagd, SIGTERM);
	waitpid(thagd, NULL, 0);
	if (!report) {
		printf("no report after %d kills of thagd\n", count);
		return 1;
	}
	accounted = number(report, "events") + lost(report, "with_earlier_thagd") +
		    2 * lost(report, "calls");
	difference = accounted > 2 * returned ? accounted - 2 * returned : 2 * returned - accounted;
	printf("%d kills of thagd: the program ended with status %d; %" PRIu64
	       " calls made, %" PRIu64 " events in the last profile, %" PRIu64
	       " read by earlier thagds, %" PRIu64 " calls lost, %" PRIu64
	       " exits unmatched: off by %" PRIu64 " of %" PRIu64 " events\n",
	       count, status, returned, number(report, "events"),
	       lost(report, "with_earlier_thagd"), lost(report, "calls"),
	       number(report, "unmatched"), difference, accounted);
	json_decref(report);
	/* time, thread and loss words are no calls: a few for each pause */
	return status != 0 || difference > 2000;
}

static int stop_daemon(const char *program, const char *directory, pid_t thagd)
{
	struct victim victim = start_victim(program, "2", "3");
	uint64_t returned, calls, dropped;
	json_t *report;
	int status;

	wait_until_started(&victim);
	sleep_us(300000);
	kill(thagd, SIGSTOP);
	waitpid(victim.pid, &status, 0); /* would not come back if it waited for thagd */
	kill(thagd, SIGCONT);
	report = wait_for_report(directory, victim.pid);
	returned = end_victim(&victim);
	calls = number(report, "calls");
	dropped = lost(report, "calls");
	printf("thagd stopped: the program ended with status %d; %" PRIu64 " calls made, %" PRIu64
	       " recorded + %" PRIu64 " lost, %" PRIu64 " frames truncated, %" PRIu64
	       " unmatched\n",
	       status, returned, calls, dropped, number(report, "truncated_frames"),
	       number(report, "unmatched"));
	/* main's own call has returned, too, after the last count */
	status = status || !report || calls + dropped != returned + 1 || dropped == 0 ||
		 number(report, "truncated_frames") || number(report, "unmatched");
	json_decref(report);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "kill-program") == 0)
		return kill_program(argv[2], argv[3], atoi(argv[4]));
	if (argc >= 6 && strcmp(argv[1], "kill-daemon") == 0)
		return kill_daemon(argv[2], argv[3], atoi(argv[4]), argv + 5);
	if (argc == 5 && strcmp(argv[1], "stop-daemon") == 0)
		return stop_daemon(argv[2], argv[3], (pid_t)atoi(argv[4]));
	fprintf(stderr, "usage: see the head of driver.c\n");
	return 2;
}
