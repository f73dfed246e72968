/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the words of a program with tasks mean, in the plainest way: all words are kept, and played
 * back when the program has ended, one ring after the other as far as the steps of its tasks
 * allow. Shares no code with core's decoder. Sections that end below the top are not for it.
 */
#ifndef TASK_MODEL_H
#define TASK_MODEL_H

#include <stdint.h>

#include "collector.h"

struct task_model;

/** What happened that is no finished call. */
struct task_model_counts {
	uint64_t invalid;   /* words that make no sense, or that wait for a step that never comes */
	uint64_t unmatched; /* exits with no open frame */
	uint64_t unwound;   /* frames closed by the exit of one below */
	uint64_t truncated; /* frames that a task's or thread's end closed */
	uint64_t open;	    /* frames that are open at the end */
	uint64_t created;
	uint64_t destroyed;
	uint64_t steps; /* times a task began to run */
};

/** Ticks, over all tasks of a name. */
struct task_model_times {
	uint64_t running;
	uint64_t wall;
	uint64_t open; /* times at which a frame was open while the task ran */
	uint64_t self; /* sum of the self times of all its stacks */
};

/** Runs `program` in a child process until it ends, as collector_run does. */
struct task_model *task_model_run(struct collector *collector, void (*program)(void *),
				  void *argument, int *status);
void task_model_destroy(struct task_model *model);

/** "NAME;stack calls" lines, sorted; threads' own stacks have no name. Owned by the model. */
const char *task_model_text(struct task_model *model);

/** Finished calls at "NAME;a;b", or at ";a;b" of threads' own stacks. */
uint64_t task_model_calls(const struct task_model *model, const char *path);

struct task_model_counts task_model_counts(const struct task_model *model);

/** Of the tasks with that name; "": of the threads' own stacks, which have no wall time. */
struct task_model_times task_model_times(const struct task_model *model, const char *name);

#endif
