/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "trace_probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag.h"

void check_at(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

/* --- what was told --- */

const struct thag_shm_trace *traces(void)
{
	return (const void *)((const uint8_t *)thag_process.header + THAG_SHM_TRACES_OFFSET);
}

static uintptr_t address_of(uint32_t site)
{
	const struct thag_shm_module *modules =
		(const void *)((const uint8_t *)thag_process.header + THAG_SHM_MODULES_OFFSET);
	const struct thag_shm_site *entry = &thag_process.sites[site];

	check(entry->ready && entry->kind == THAG_SITE_FUNCTION);
	check(entry->flags == (THAG_SITE_ADDRESS | THAG_SITE_CALL));
	if (entry->module == THAG_MODULE_NONE)
		return entry->address;
	check(modules[entry->module].ready);
	return entry->address + modules[entry->module].bias;
}

void read_trace(uint32_t id, struct stack *stack)
{
	for (stack->depth = 0; id; id = traces()[id].parent) {
		check(id < thag_process.header->trace_count);
		check(traces()[id].parent < id && stack->depth < DEPTH_MAX);
		stack->calls[stack->depth++] = address_of(traces()[id].site);
	}
}

/* --- what libunwind finds --- */

NOINLINE void read_by_libunwind(struct stack *stack)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t ip;

	stack->depth = 0;
	unw_getcontext(&context);
	check(unw_init_local(&cursor, &context) == 0 && unw_step(&cursor) > 0);
	while (unw_step(&cursor) > 0 && unw_get_reg(&cursor, UNW_REG_IP, &ip) == 0 && ip) {
		/* it was interrupted, and called from no call, as was the handler */
		bool is_exact = unw_is_signal_frame(&cursor) > 0;

		check(stack->depth < DEPTH_MAX);
		if (is_exact)
			stack->calls[stack->depth - 1]++;
		stack->calls[stack->depth++] = is_exact ? ip : ip - 1;
	}
}

static void show(const char *who, const struct stack *stack)
{
	fprintf(stderr, "%s:\n", who);
	for (uint32_t i = 0; i < stack->depth; i++) {
		Dl_info info = { 0 };

		dladdr((void *)stack->calls[i], &info);
		fprintf(stderr, "\t%#lx %s %s\n", (unsigned long)stack->calls[i],
			info.dli_sname ? info.dli_sname : "?",
			info.dli_fname ? info.dli_fname : "?");
	}
}

static bool is_equal(const struct stack *a, const struct stack *b)
{
	return a->depth == b->depth &&
	       memcmp(a->calls, b->calls, a->depth * sizeof(a->calls[0])) == 0;
}

/* --- the ids of stacks that were compared --- */

#define KNOWN_MAX 65536

static struct known {
	uint64_t hash;
	uint32_t id;
} known[KNOWN_MAX];

static pthread_mutex_t known_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t known_count;

static uint64_t hash_of(const struct stack *stack)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < stack->depth; i++)
		hash = (hash ^ stack->calls[i]) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	return hash;
}

void check_known(const struct stack *stack, uint32_t id)
{
	uint64_t hash = hash_of(stack);

	pthread_mutex_lock(&known_mutex);
	for (uint32_t i = 0; i < known_count; i++) {
		if ((known[i].hash == hash) == (known[i].id == id))
			continue;
		fprintf(stderr, "stack %lx has id %u, and %lx has %u\n", (unsigned long)hash, id,
			(unsigned long)known[i].hash, known[i].id);
		abort();
	}
	for (uint32_t i = 0; i < known_count; i++)
		if (known[i].id == id)
			hash = 0;
	check(known_count < KNOWN_MAX);
	if (hash)
		known[known_count++] = (struct known){ hash, id };
	pthread_mutex_unlock(&known_mutex);
}

void forget_known(void)
{
	known_count = 0;
}

/* --- probes --- */

__thread uint32_t last_id;

NOINLINE uint32_t take_here(void)
{
	struct thag_trace_start start = THAG_TRACE_START();
	uint32_t id = thag_trace_take(&start);

	__asm__ volatile("" : : : "memory");
	return id;
}

/* Both stacks are of this function's callers. */
NOINLINE void probe(void)
{
	static __thread struct stack ours, theirs;
	struct thag_trace_start start = THAG_TRACE_START();
	uint32_t id;

	errno = 4711;
	id = thag_trace_take(&start);
	check(errno == 4711);
	check(id != 0);
	read_trace(id, &ours);
	read_by_libunwind(&theirs);
	if (!is_equal(&ours, &theirs)) {
		show("ours", &ours);
		show("libunwind's", &theirs);
		abort();
	}
	check_known(&ours, id);
	last_id = id;
}

NOINLINE void leaf_take(void)
{
	last_id = take_here();
	__asm__ volatile("" : : : "memory");
}

static void mix_shapes(void);

void begin(void)
{
	mix_shapes();
	check(thag_enable(THAG_MEMORY) == 0);
	check(thag_thread_attach());
}

int run(void (*program)(void *))
{
	struct collector *collector = collector_start();
	int status = collector_run(collector, program, NULL);

	collector_stop(collector);
	return status;
}

/* --- random call trees --- */

trace_shape *trace_shapes[256];

static void mix_shapes(void)
{
	static trace_shape *const *const sets[] = { trace_shapes_o0, trace_shapes_o2,
						    trace_shapes_fp, trace_shapes_os };

	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = sets[i % 4][i / 4 % TRACE_SHAPES];
}

uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*state >> 33);
}

/* Calls of `depth` shapes, of which the outer ones are often those of the call before. */
static NOINLINE void call_at_random(uint64_t *random, uint8_t *steps, uint32_t depth,
				    void (*leaf)(void))
{
	struct trace_plan plan = { steps, depth, leaf };
	uint32_t from = next_random(random) % (depth + 1);

	for (uint32_t i = from; i < depth; i++)
		steps[i] = (uint8_t)next_random(random);
	if (depth == 0)
		leaf();
	else
		trace_shapes[(plan.left--, *plan.steps++)](&plan);
	__asm__ volatile("" : : : "memory");
}

NOINLINE void call_trees(uint64_t seed, uint32_t count, uint32_t depth_max, void (*leaf)(void))
{
	uint8_t steps[256] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		call_at_random(&seed, steps, next_random(&seed) % depth_max, leaf);
	__asm__ volatile("" : : : "memory");
}

/* --- handlers --- */

volatile sig_atomic_t handled;

void handle(int signal)
{
	(void)signal;
	probe();
	handled++;
}

void set_handler(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	check(sigaction(number, &action, NULL) == 0);
}
