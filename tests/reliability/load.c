/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * load VICTIM DIR THAGD PROCESSES [OPTION]...: so many victims at once, with these options
 * (victim.c), beside thagd, the process THAGD, which writes its files to DIR. SIGTERM is
 * passed on to them. Prints what came of it; exits with 0 when each call that was made is recorded
 * or counted as lost, each program ends with 0, and memory, if that is watched for ten minutes or
 * longer, stays flat.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "victims.h"

#define PROCESSES_MAX 200
#define SAMPLES_MAX 4096
#define SAMPLE_US 250000 /* at first; when there is no place for more samples, twice as long */
#define SAYS_S 60	 /* a line about how it goes */
#define FLAT_S 600	 /* shorter runs tell nothing of memory that grows slowly */
#define FLAT_KB (UINT64_C(2) << 10) /* it may grow so much in the last half, or one part in 50 */

struct sample {
	double seconds;
	uint64_t thagd_kb, programs_kb;
};

struct load {
	struct victim victims[PROCESSES_MAX];
	bool ended[PROCESSES_MAX];
	int count, running, failed;
	pid_t thagd;
	double began, said;
	uint64_t sample_us;
	struct sample samples[SAMPLES_MAX];
	int sample_count;
};

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A number of /proc/PID/status, in kB; 0 when the process is gone. */
static uint64_t status_kb(pid_t pid, const char *name)
{
	char line[256];
	uint64_t kb = 0;
	FILE *file;

	snprintf(line, sizeof(line), "/proc/%d/status", (int)pid);
	file = fopen(line, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtoull(line + strlen(name), NULL, 10);
	if (file)
		fclose(file);
	return kb;
}

/* Every second sample goes. */
static void thin_out(struct load *load)
{
	load->sample_count /= 2;
	for (int i = 0; i < load->sample_count; i++)
		load->samples[i] = load->samples[2 * i + 1];
	load->sample_us *= 2;
}

static void take_sample(struct load *load)
{
	struct sample *sample;

	if (load->sample_count == SAMPLES_MAX)
		thin_out(load);
	sample = &load->samples[load->sample_count++];
	*sample = (struct sample){ .seconds = now_s() - load->began,
				   .thagd_kb = status_kb(load->thagd, "VmRSS:") };
	for (int i = 0; i < load->count; i++)
		if (!load->ended[i])
			sample->programs_kb += status_kb(load->victims[i].pid, "VmRSS:");
	if (now_s() - load->said < SAYS_S)
		return;
	load->said = now_s();
	printf("%6.0f s: %d run, thagd has %" PRIu64 " kB, the programs %" PRIu64 "\n",
	       sample->seconds, load->running, sample->thagd_kb, sample->programs_kb);
	fflush(stdout);
}

static void reap(struct load *load)
{
	int status;

	for (int i = 0; i < load->count; i++) {
		if (load->ended[i] || waitpid(load->victims[i].pid, &status, WNOHANG) == 0)
			continue;
		load->ended[i] = true;
		load->running--;
		load->failed += status != 0;
	}
}

static void pass_on(const struct load *load)
{
	for (int i = 0; i < load->count; i++)
		if (!load->ended[i])
			kill(load->victims[i].pid, SIGTERM);
}

static void run(struct load *load, const char *program, const char *const *options)
{
	load->began = load->said = now_s();
	load->sample_us = SAMPLE_US;
	for (int i = 0; i < load->count; i++)
		load->victims[i] = start_victim(program, options);
	load->running = load->count;
	while (load->running) {
		take_sample(load);
		sleep_us(load->sample_us);
		if (told_to_end)
			pass_on(load);
		reap(load);
	}
}

static uint64_t of_thagd(const struct sample *sample)
{
	return sample->thagd_kb;
}

static uint64_t of_programs(const struct sample *sample)
{
	return sample->programs_kb;
}

/* By how many kB the straight line that fits best goes up in the last half. */
static double growth_kb(const struct load *load, uint64_t (*kb)(const struct sample *sample))
{
	const struct sample *half = &load->samples[load->sample_count / 2];
	int count = load->sample_count - load->sample_count / 2;
	double t = 0, m = 0, tt = 0, tm = 0;

	for (int i = 0; i < count; i++) {
		t += half[i].seconds / count;
		m += (double)kb(&half[i]) / count;
	}
	for (int i = 0; i < count; i++) {
		tt += (half[i].seconds - t) * (half[i].seconds - t);
		tm += (half[i].seconds - t) * ((double)kb(&half[i]) - m);
	}
	return tt > 0 ? tm / tt * (half[count - 1].seconds - half[0].seconds) : 0;
}

/* Says how one side's memory went; whether it is as flat as a run of this length can tell. */
static bool tell_memory(const struct load *load, const char *who,
			uint64_t (*kb)(const struct sample *sample))
{
	double growth = growth_kb(load, kb);
	uint64_t most = 0;

	for (int i = 0; i < load->sample_count; i++)
		if (kb(&load->samples[i]) > most)
			most = kb(&load->samples[i]);
	printf("%s: at most %" PRIu64 " kB; in the last half by %+.0f kB\n", who, most, growth);
	return load->samples[load->sample_count - 1].seconds < FLAT_S || growth < FLAT_KB ||
	       growth < (double)most / 50;
}

struct sums {
	uint64_t made, recorded, lost, waits, wrong, refused;
};

static void judge(struct sums *sums, struct victim *victim, const char *directory)
{
	pid_t pid = victim->pid;
	json_t *report = wait_for_report(directory, pid);
	uint64_t made = end_victim(victim) + 1; /* main's own call */
	uint64_t recorded = number(report, "calls"), missed = lost(report, "calls");

	sums->made += made;
	sums->recorded += recorded;
	sums->lost += missed;
	sums->waits += number(report, "waits");
	sums->refused += lost(report, "refused_threads");
	if (!report || recorded + missed != made || number(report, "unmatched") ||
	    number(report, "invalid") || number(report, "truncated_frames") ||
	    lost(report, "words")) {
		sums->wrong++;
		printf("process %d made %" PRIu64 " calls; %" PRIu64 " recorded, %" PRIu64
		       " lost\n",
		       (int)pid, made, recorded, missed);
	}
	json_decref(report);
}

int main(int argc, char **argv)
{
	static struct load load;
	struct sums sums = { 0 };
	double seconds;
	bool flat;

	load.count = argc > 4 ? atoi(argv[4]) : 0;
	if (load.count < 1 || load.count > PROCESSES_MAX) {
		fprintf(stderr, "usage: see the head of load.c\n");
		return 2;
	}
	load.thagd = (pid_t)atoi(argv[3]);
	signal(SIGTERM, on_term);
	run(&load, argv[1], (const char *const *)argv + 5);
	seconds = now_s() - load.began;
	for (int i = 0; i < load.count; i++)
		judge(&sums, &load.victims[i], argv[2]);
	printf("%d processes, %.0f s: %" PRIu64 " calls made, %.2f million a second; %" PRIu64
	       " recorded, %" PRIu64 " counted as lost, %" PRIu64 " waits for room, %" PRIu64
	       " threads without a ring; %" PRIu64 " sessions wrong, %d programs failed\n",
	       load.count, seconds, sums.made, (double)sums.made / seconds / 1e6, sums.recorded,
	       sums.lost, sums.waits, sums.refused, sums.wrong, load.failed);
	flat = tell_memory(&load, "programs", of_programs);
	flat &= tell_memory(&load, "thagd", of_thagd);
	return sums.wrong || load.failed || !flat;
}
