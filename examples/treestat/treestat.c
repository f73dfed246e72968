/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * treestat: the most frequent identifiers of a directory tree.
 *
 * The main thread walks the tree and fills a queue; it and its helpers empty it. Each counts in
 * a table of its own; in the end the tables are merged. Functions and two sections are marked
 * for profiling; built without THAG_TIME_PROFILING the marks are nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <thag.h>

#include "memory.h"
#include "queue.h"
#include "scan.h"
#include "walk.h"

#define THREADS_MAX 256
#define TOP_MAX 1000000

struct options {
	const char *directory;
	long threads, top, repeat, seconds;
};

struct worker {
	pthread_t thread;
	struct queue *queue;
	struct scan scan;
};

static const char usage_text[] =
	"usage: treestat [OPTION]... [DIRECTORY]\n"
	"Counts the identifiers in all files below DIRECTORY (/usr/include).\n"
	"\n"
	"  -t, --threads N   threads that read and count (one for each CPU)\n"
	"  -n, --top N       identifiers to print (10)\n"
	"  -r, --repeat N    do it all N times (1)\n"
	"  -s, --seconds N   repeat until N seconds have passed\n"
	"  -h, --help        print this\n";

static void work(struct worker *worker)
{
	THAG_PROFILED();
	char *path;

	while ((path = queue_take(worker->queue))) {
		scan_file(&worker->scan, path);
		free(path);
	}
}

static void *helper_main(void *worker)
{
	work(worker);
	return NULL;
}

/* Starts helpers; fewer when the system gives no more threads. Returns how many. */
static long start_helpers(struct worker *workers, long count)
{
	for (long i = 0; i < count; i++) {
		if (pthread_create(&workers[i].thread, NULL, helper_main, &workers[i]) != 0)
			return i;
	}
	return count;
}

static void merge(struct scan *into, const struct scan *from)
{
	table_merge(&into->table, &from->table);
	into->files += from->files;
	into->bytes += from->bytes;
	into->unreadable += from->unreadable;
}

/* The whole job once; the sum ends in workers[0]. */
static int count_tree(const struct options *options, struct worker *workers, struct queue *queue)
{
	THAG_PROFILED();
	long helpers = start_helpers(workers + 1, options->threads - 1);
	int status;

	THAG_SECTION(walking, "walk the tree");
	status = walk_directory(queue, options->directory);
	THAG_END(walking);
	queue_close(queue);
	work(&workers[0]);
	THAG_SECTION(merging, "join and merge");
	for (long i = 1; i <= helpers; i++) {
		pthread_join(workers[i].thread, NULL);
		merge(&workers[0].scan, &workers[i].scan);
	}
	THAG_END(merging);
	return status;
}

static void print_scan(const struct scan *scan, size_t top)
{
	THAG_PROFILED();
	struct word *words = memory_zeroed(top + 1, sizeof(*words));
	size_t count = table_top(&scan->table, words, top);

	for (size_t i = 0; i < count; i++)
		printf("%10" PRIu64 "  %s\n", words[i].count, words[i].text);
	printf("%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " identifiers, %zu distinct",
	       scan->files, scan->bytes, scan->table.total, scan->table.distinct);
	if (scan->unreadable)
		printf(", %" PRIu64 " files unreadable", scan->unreadable);
	putchar('\n');
	free(words);
}

static int run_once(const struct options *options, bool print)
{
	THAG_PROFILED();
	struct worker *workers = memory_zeroed((size_t)options->threads, sizeof(*workers));
	struct queue queue;
	int status;

	queue_init(&queue);
	for (long i = 0; i < options->threads; i++) {
		workers[i].queue = &queue;
		scan_init(&workers[i].scan);
	}
	status = count_tree(options, workers, &queue);
	if (status != 0)
		fprintf(stderr, "treestat: %s: %s\n", options->directory, strerror(errno));
	else if (print)
		print_scan(&workers[0].scan, (size_t)options->top);
	for (long i = 0; i < options->threads; i++)
		scan_fini(&workers[i].scan);
	queue_fini(&queue);
	free(workers);
	return status;
}

static bool parse_number(const char *text, long min, long max, long *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "treestat: '%s' is not a number from %ld to %ld\n", text, min, max);
		return false;
	}
	*out = value;
	return true;
}

static bool parse_option(int option, struct options *options)
{
	switch (option) {
	case 't':
		return parse_number(optarg, 1, THREADS_MAX, &options->threads);
	case 'n':
		return parse_number(optarg, 0, TOP_MAX, &options->top);
	case 'r':
		return parse_number(optarg, 1, 1000000, &options->repeat);
	case 's':
		return parse_number(optarg, 0, 1000000, &options->seconds);
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		return false;
	}
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "top", required_argument, NULL, 'n' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "t:n:r:s:h", names, NULL)) != -1) {
		if (!parse_option(option, options))
			return false;
	}
	if (optind < argc)
		options->directory = argv[optind++];
	return optind == argc;
}

static long cpu_count(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 1)
		return 1;
	return count < THREADS_MAX ? count : THREADS_MAX;
}

static long seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	struct options options = { "/usr/include", cpu_count(), 10, 1, 0 };
	long start = seconds_now();

	if (!parse_options(argc, argv, &options)) {
		fputs(usage_text, stderr);
		return 2;
	}
	for (long i = 1;; i++) {
		bool last = i >= options.repeat && seconds_now() - start >= options.seconds;

		if (run_once(&options, last) != 0)
			return 1;
		if (last)
			return 0;
	}
}
