/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Native stacks beside those that libunwind finds. What is profiled is a child process, which does
 * the comparing, since its stack is there; it ends by abort where something doesn't hold.
 */
#ifndef TRACE_PROBE_H
#define TRACE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "internal.h"
#include "trace.h"
#include "trace_shapes.h"

/* collector.h and internal.h each have a struct thag_stack: the daemon's, and the program's */
struct collector;
struct collector *collector_start(void);
void collector_accept(struct collector *collector);
int collector_run(struct collector *collector, void (*program)(void *), void *argument);
void collector_stop(struct collector *collector);

#define NOINLINE __attribute__((noinline, noclone))

#define DEPTH_MAX 2048

/** A stack by the addresses of its calls, innermost first. */
struct stack {
	uint32_t depth;
	uintptr_t calls[DEPTH_MAX];
};

void check_at(bool holds, const char *what, const char *file, int line);

#define check(holds) check_at(holds, #holds, __FILE__, __LINE__)

/** Runs `program` as a child process of a collector's; returns its wait status. */
int run(void (*program)(void *));

/** Begins to profile the calling process. */
void begin(void);

/** What this process told. */
const struct thag_shm_trace *traces(void);
void read_trace(uint32_t id, struct stack *stack);

/** Of the callers of the function that calls this. */
void read_by_libunwind(struct stack *stack);

/** A stack has one id, and an id is of one stack. */
void check_known(const struct stack *stack, uint32_t id);
void forget_known(void);

/** The id of the last probe of this thread. */
extern __thread uint32_t last_id;

/** Takes the stack of its caller, as an allocation of it would. */
uint32_t take_here(void);

/** Takes it as last_id. */
void leaf_take(void);

/** Takes the stack of its caller, and compares it. */
void probe(void);

uint32_t next_random(uint64_t *state);

/** Calls `count` random trees of shapes that are less than `depth_max` deep, which call `leaf`. */
void call_trees(uint64_t seed, uint32_t count, uint32_t depth_max, void (*leaf)(void));

/** A handler that probes, and counts how often it did. */
extern volatile sig_atomic_t handled;
void handle(int signal);
void set_handler(int number, void (*handler)(int), int flags);

#endif
