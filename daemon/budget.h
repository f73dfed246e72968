/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How much memory and how many descriptors thagd may take, by what the system gives it: the least
 * of the limits of its memory cgroups (of its own and those above it, version 1 and 2) and of
 * RLIMIT_DATA and RLIMIT_AS.
 *
 * Within such a limit profiles become coarser sooner: each of thagd's own limits is at most a part
 * of it, so that all together, and what serving takes, fit. Beyond that an allocation fails, which
 * all code bears, rather than the kernel choosing whom to kill: thagd sets its own RLIMIT_DATA a
 * little below the limit of a cgroup.
 *
 * Thread: main loop; fixed once thagd serves.
 */
#ifndef THAG_BUDGET_H
#define THAG_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#define THAG_BUDGET_WHO_BYTES 64

struct thag_budget {
	char who[THAG_BUDGET_WHO_BYTES]; /* what limits it: "RLIMIT_DATA", "its memory cgroup" */
	uint64_t memory_bytes;		 /* 0: nothing does */
	uint64_t timeline_bytes;
	uint64_t trees_bytes;
	uint64_t session_trees_bytes;
	uint64_t tree_nodes;
	uint64_t finished_bytes;
	uint64_t heaps_bytes;
	uint64_t heap_blocks;
	uint64_t heap_nodes;
	uint64_t heap_records;
	uint64_t heap_ended_bytes;
	uint64_t names_bytes;
	uint64_t tasks_bytes;
	uint64_t pool_chunks;
	uint64_t descriptors; /* that it may open */
};

/** Without a limit of the system's. `timeline_bytes`: what the user gives timelines, 0: none. */
void thag_budget_init(struct thag_budget *budget, uint64_t timeline_bytes);

/** Keeps all of it within `bytes`, which `who` limits. */
void thag_budget_limit(struct thag_budget *budget, uint64_t bytes, const char *who);

/**
 * The least limit of the memory cgroups that `list` (/proc/self/cgroup) names and of those above
 * them, below `root` (/sys/fs/cgroup). UINT64_MAX: there is none.
 */
uint64_t thag_budget_cgroup(const char *list, const char *root);

/** Asks the system, and keeps within what it answers. */
void thag_budget_find(struct thag_budget *budget);

/** Has the kernel enforce it, and raises the limit of descriptors. Before threads are started. */
void thag_budget_enforce(const struct thag_budget *budget);

#endif
