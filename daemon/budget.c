/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "budget.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include "log.h"
#include "thag/shm.h"
#include "thag_tasks.h"
#include "thagd_limits.h"

#define CGROUPS_ROOT "/sys/fs/cgroup"
#define NODE_BYTES 256	    /* of a tree's node, its histograms included */
#define BLOCK_BYTES 64	    /* of a live block, in a table that is half full */
#define HEAP_NODE_BYTES 512 /* of a path's node and account */
#define RECORD_BYTES 128    /* of what one path did in one slice of time, likewise */

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	return limit.rlim_cur >= THAG_DESCRIPTORS ? limit.rlim_cur
						  : lesser(limit.rlim_max, THAG_DESCRIPTORS);
}

void thag_budget_init(struct thag_budget *budget, uint64_t timeline_bytes)
{
	*budget = (struct thag_budget){ .timeline_bytes = timeline_bytes,
					.trees_bytes = THAG_TREES_BYTES_MAX,
					.session_trees_bytes = THAG_SESSION_TREES_BYTES_MAX,
					.tree_nodes = THAG_TREE_NODES_MAX,
					.finished_bytes = THAG_FINISHED_BYTES_MAX,
					.heaps_bytes = THAG_HEAPS_BYTES_MAX,
					.heap_blocks = THAG_HEAP_BLOCKS_MAX,
					.heap_nodes = THAG_HEAP_NODES_MAX,
					.heap_records = THAG_HEAP_RECORDS_MAX,
					.heap_ended_bytes = THAG_HEAP_ENDED_BYTES_MAX,
					.names_bytes = THAG_SESSION_NAMES_BYTES_MAX,
					.tasks_bytes = THAG_TASKS_BYTES_MAX,
					.pool_chunks = THAG_POOL_CHUNKS_MAX,
					.descriptors = open_files() };
}

void thag_budget_limit(struct thag_budget *budget, uint64_t bytes, const char *who)
{
	uint64_t eighth = bytes / 8, sixteenth = bytes / 16;

	budget->memory_bytes = bytes;
	snprintf(budget->who, sizeof(budget->who), "%s", who);
	budget->timeline_bytes = lesser(budget->timeline_bytes, eighth);
	budget->trees_bytes = lesser(budget->trees_bytes, eighth);
	budget->session_trees_bytes = lesser(budget->session_trees_bytes, eighth / 2);
	budget->tree_nodes = lesser(budget->tree_nodes, eighth / NODE_BYTES + 2);
	budget->finished_bytes = lesser(budget->finished_bytes, sixteenth);
	budget->heaps_bytes = lesser(budget->heaps_bytes, eighth);
	budget->heap_blocks = lesser(budget->heap_blocks, eighth / 2 / BLOCK_BYTES + 2);
	budget->heap_nodes = lesser(budget->heap_nodes, eighth / 4 / HEAP_NODE_BYTES + 2);
	budget->heap_records = lesser(budget->heap_records, eighth / 4 / RECORD_BYTES + 2);
	budget->heap_ended_bytes = lesser(budget->heap_ended_bytes, sixteenth);
	budget->names_bytes = lesser(budget->names_bytes, sixteenth);
	budget->tasks_bytes = lesser(budget->tasks_bytes, sixteenth);
	budget->pool_chunks = lesser(budget->pool_chunks, sixteenth / THAG_POOL_CHUNK_BYTES + 2);
}

/* "max" is no number, and as large as no limit. */
static uint64_t read_limit(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t bytes;
	int got;

	if (!file)
		return UINT64_MAX;
	got = fscanf(file, "%" SCNu64, &bytes);
	fclose(file);
	return got == 1 && bytes ? bytes : UINT64_MAX;
}

/* Of the group at `path` and those above it. In a container the path may not be there. */
static uint64_t least_above(const char *root, const char *top, const char *path, const char *name)
{
	char group[THAG_PATH_BYTES], file[2 * THAG_PATH_BYTES];
	uint64_t least = UINT64_MAX;
	char *slash;

	snprintf(group, sizeof(group), "%s", path);
	group[strcspn(group, "\n")] = '\0';
	for (;;) {
		snprintf(file, sizeof(file), "%s%s%s/%s", root, top, group, name);
		least = lesser(least, read_limit(file));
		slash = strrchr(group, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* A line: "0::PATH" of version 2, "N:CONTROLLER,…:PATH" of version 1. */
static uint64_t read_line(char *line, const char *root)
{
	char *kinds = strchr(line, ':'), *path = kinds ? strchr(kinds + 1, ':') : NULL;
	uint64_t least = UINT64_MAX;

	if (!path || path[1] != '/')
		return least;
	*path++ = '\0';
	if (kinds[1] == '\0') {
		least = least_above(root, "", path, "memory.max");
		return lesser(least, least_above(root, "/unified", path, "memory.max"));
	}
	for (char *rest = kinds + 1, *kind; (kind = strsep(&rest, ","));)
		if (strcmp(kind, "memory") == 0)
			least = least_above(root, "/memory", path, "memory.limit_in_bytes");
	return least;
}

uint64_t thag_budget_cgroup(const char *list, const char *root)
{
	FILE *file = fopen(list, "re");
	uint64_t least = UINT64_MAX;
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		least = lesser(least, read_line(line, root));
	free(line);
	if (file)
		fclose(file);
	/* version 1 has a number where it means no limit: the largest multiple of pages */
	return least >= INT64_MAX / 4096 * 4096 ? UINT64_MAX : least;
}

void thag_budget_find(struct thag_budget *budget)
{
	static const struct {
		int which;
		const char *name;
	} kinds[] = { { RLIMIT_DATA, "RLIMIT_DATA" }, { RLIMIT_AS, "RLIMIT_AS" } };
	uint64_t least = thag_budget_cgroup("/proc/self/cgroup", CGROUPS_ROOT);
	const char *who = "its memory cgroup";
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (getrlimit(kinds[i].which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
		    limit.rlim_cur >= least)
			continue;
		least = limit.rlim_cur;
		who = kinds[i].name;
	}
	if (least != UINT64_MAX)
		thag_budget_limit(budget, least, who);
}

static void raise_descriptors(const struct thag_budget *budget)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= budget->descriptors)
		return;
	limit.rlim_cur = budget->descriptors;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		thag_log_write(THAG_LOG_WARN, "can't raise the limit of open files");
}

/* Stacks count as data as soon as they are there: ours need a fraction of the usual 8 MiB. */
static void shrink_stacks(void)
{
	struct rlimit limit;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) == 0) {
		pthread_attr_setstacksize(&attr, THAG_STACK_BYTES);
		pthread_setattr_default_np(&attr);
		pthread_attr_destroy(&attr);
	}
	/* libuv's threads have stacks as large as the main thread's may be */
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > THAG_STACK_BYTES) {
		limit.rlim_cur = THAG_STACK_BYTES;
		setrlimit(RLIMIT_STACK, &limit);
	}
}

void thag_budget_enforce(const struct thag_budget *budget)
{
	uint64_t most = budget->memory_bytes - budget->memory_bytes / 8;
	struct rlimit limit;

	raise_descriptors(budget);
	if (!budget->memory_bytes)
		return;
	shrink_stacks();
	if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur > most) {
		limit.rlim_cur = most;
		setrlimit(RLIMIT_DATA, &limit);
	}
	thag_log_write(THAG_LOG_INFO, "%s leaves %llu MiB: profiles are coarser sooner",
		       budget->who, (unsigned long long)(budget->memory_bytes >> 20));
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur < thag_shm_bytes(THAG_SLOTS_MAX))
		thag_log_write(THAG_LOG_WARN,
			       "RLIMIT_AS leaves no room for the rings of programs, "
			       "which need %llu MiB of addresses",
			       (unsigned long long)(thag_shm_bytes(THAG_SLOTS_MAX) >> 20));
}
