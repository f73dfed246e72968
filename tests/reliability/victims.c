/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "victims.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *what)
{
	fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
	exit(1);
}

void sleep_us(uint64_t us)
{
	struct timespec left = { .tv_sec = (time_t)(us / 1000000),
				 .tv_nsec = (long)(us % 1000000) * 1000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static void become(const char *program, const char *const *options, const char *oracle)
{
	const char *arguments[16] = { program };
	int count = 1;

	while (*options && count < 14)
		arguments[count++] = *options++;
	arguments[count] = oracle;
	execv(program, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

struct victim start_victim(const char *program, const char *const *options)
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
	if (victim.pid == 0)
		become(program, options, victim.path);
	return victim;
}

void wait_until_started(const struct victim *victim)
{
	while (!__atomic_load_n(&victim->oracle->started, __ATOMIC_ACQUIRE)) {
		if (waitpid(victim->pid, NULL, WNOHANG) == victim->pid)
			die("the victim ended before it began");
		sleep_us(100);
	}
}

uint64_t count_returned(const struct victim *victim)
{
	uint64_t returned = 0;

	for (int i = 0; i < ORACLE_THREADS; i++)
		returned += __atomic_load_n(&victim->oracle->threads[i].returned, __ATOMIC_RELAXED);
	return returned;
}

uint64_t end_victim(struct victim *victim)
{
	uint64_t returned = count_returned(victim);

	munmap(victim->oracle, sizeof(*victim->oracle));
	unlink(victim->path);
	return returned;
}

/*
 * A STEM.json in `directory` that tells how `pid` ended, once thagd has written all: STEM.folded
 * gets its name last. (A thagd that ends while the program runs leaves one that says that it does.)
 */
static bool tells_of(const json_t *report, pid_t pid)
{
	const char *state = json_string_value(json_object_get(report, "state"));

	return json_integer_value(json_object_get(report, "pid")) == pid && state &&
	       strcmp(state, "live") != 0 && strcmp(state, "idle") != 0;
}

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
		if (!tells_of(report, pid) || unlink(folded) != 0) {
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

json_t *wait_for_report(const char *directory, pid_t pid)
{
	json_t *report = NULL;

	for (int i = 0; i < 3000 && !report; i++) {
		report = find_report(directory, pid);
		if (!report)
			sleep_us(10000);
	}
	return report;
}

uint64_t number(const json_t *report, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(report, name));
}

uint64_t lost(const json_t *report, const char *name)
{
	return number(json_object_get(report, "lost"), name);
}
