/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sections as programs use and misuse them: in a real child process, through real memory. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector.h"
#include "section_model.h"
#include "thag.h"

static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

struct expected {
	uint64_t misused, unwound;
};

/* Runs it; the program is whole, and did as much wrong as is expected. */
static struct collector *run(void (*program)(void *), struct expected expected)
{
	struct collector *collector = collector_start();
	struct collector_counts counts;

	cr_assert_eq(collector_run(collector, program, NULL), 0);
	counts = collector_counts(collector);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, expected.unwound);
	cr_expect_eq(collector_lost(collector), 0);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_SECTION], expected.misused);
	cr_expect_eq(collector->header->misuses[THAG_MISUSE_TASK], 0);
	return collector;
}

static void run_loops(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 1000; i++) {
		THAG_SECTION(round, "round");
		for (int j = 0; j < 3; j++) {
			THAG_SECTION(step, "step");
			leaf();
			if (j == 1)
				continue;
			THAG_END(step);
			leaf();
		}
	}
}

Test(sections, end_with_each_round_of_a_loop)
{
	struct collector *collector = run(run_loops, (struct expected){ 0 });

	cr_expect_eq(collector_calls_at(collector, "run_loops;round"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_loops;round;step"), 3000);
	cr_expect_eq(collector_calls_at(collector, "run_loops;round;step;leaf"), 3000);
	cr_expect_eq(collector_calls_at(collector, "run_loops;round;leaf"), 2000);
	collector_stop(collector);
}

static int leaves_early(int way)
{
	if (way == 0)
		goto out;
	{
		THAG_SECTION(outer, "outer");
		THAG_SECTION(inner, "inner");
		leaf();
		if (way == 1)
			goto out;
		if (way == 2)
			return way;
	}
	leaf();
out:
	leaf();
	return 0;
}

static void run_ways_out(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 400; i++)
		leaves_early(i % 4);
}

Test(sections, end_on_goto_and_return_in_functions_without_marks)
{
	struct collector *collector = run(run_ways_out, (struct expected){ 0 });

	cr_expect_eq(collector_calls_at(collector, "run_ways_out;outer;inner"), 300);
	cr_expect_eq(collector_calls_at(collector, "run_ways_out;outer;inner;leaf"), 300);
	cr_expect_eq(collector_calls_at(collector, "run_ways_out;leaf"), 100 + 100 + 200);
	collector_stop(collector);
}

static jmp_buf target;

static __attribute__((noinline)) void jumps(void)
{
	THAG_SECTION(left, "left");
	THAG_SECTION(ended, "ended");
	THAG_SECTION(also_left, "also left");
	THAG_END(ended);
	longjmp(target, 1);
}

static void run_longjmp(void *argument)
{
	volatile int rounds = 1000;

	(void)argument;
	THAG_ENABLE_PROFILING(time);
	THAG_SECTION(stays, "stays");
	while (rounds-- > 0)
		if (setjmp(target) == 0)
			jumps();
	leaf();
}

Test(sections, end_where_longjmp_leaves_them)
{
	struct collector *collector = run(run_longjmp, (struct expected){ .unwound = 1000 });

	cr_expect_eq(collector_calls_at(collector, "run_longjmp;stays"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;stays;left"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;stays;left;ended"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;stays;left;also left"), 1000);
	cr_expect_eq(collector_calls_at(collector, "run_longjmp;stays;leaf"), 1);
	collector_stop(collector);
}

struct request {
	struct thag_section open;
};

static __attribute__((noinline)) void open_request(struct request *request)
{
	request->open = THAG_BEGIN("request");
}

static __attribute__((noinline)) void close_request(struct thag_section *section)
{
	THAG_PROFILED();
	THAG_END(*section);
	leaf();
}

static void run_elsewhere(void *argument)
{
	struct request requests[2];

	(void)argument;
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 100; i++) {
		open_request(&requests[0]);
		open_request(&requests[1]);
		close_request(&requests[0].open);
		leaf();
		close_request(&requests[1].open);
		leaf();
	}
}

Test(sections, end_in_another_function_by_pointer)
{
	struct collector *collector = run(run_elsewhere, (struct expected){ 0 });

#define HERE "run_elsewhere"
	/* both, where they were when they ended: the first was below the second until then */
	cr_expect_eq(collector_calls_at(collector, HERE ";request"), 200);
	cr_expect_eq(collector_calls_at(collector, HERE ";request;request"), 0);
	cr_expect_eq(collector_calls_at(collector, HERE ";request;close_request;leaf"), 100);
	cr_expect_eq(collector_calls_at(collector, HERE ";request;leaf"), 100);
	cr_expect_eq(collector_calls_at(collector, HERE ";close_request;leaf"), 100);
	cr_expect_eq(collector_calls_at(collector, HERE ";leaf"), 100);
	collector_stop(collector);
}

static __attribute__((noinline)) void begin_and_leave(struct thag_section *section)
{
	THAG_PROFILED();
	*section = THAG_BEGIN("outlives");
}

static __attribute__((noinline)) void end_of_another(struct thag_section *section)
{
	THAG_PROFILED();
	THAG_SECTION(mine, "mine"); /* has the index that the other had */
	leaf();
	THAG_END(*section);
	leaf();
}

static void run_outlived(void *argument)
{
	struct thag_section section;

	(void)argument;
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 100; i++) {
		begin_and_leave(&section);
		end_of_another(&section);
	}
}

/* The exit of the function it was begun in closes it: ending it later ends nothing else. */
Test(sections, end_with_their_function_at_the_latest)
{
	struct collector *collector =
		run(run_outlived, (struct expected){ .misused = 100, .unwound = 100 });

	cr_expect_eq(collector_calls_at(collector, "run_outlived;begin_and_leave;outlives"), 100);
	cr_expect_eq(collector_calls_at(collector, "run_outlived;end_of_another;mine;leaf"), 200);
	cr_expect_eq(collector_calls_at(collector, "run_outlived;end_of_another;mine"), 100);
	cr_expect_eq(collector_calls_at(collector, "run_outlived;end_of_another"), 100);
	collector_stop(collector);
}

static void run_mistakes(void *argument)
{
	struct thag_section never = { 0 }, copy;

	(void)argument;
	THAG_ENABLE_PROFILING(time);
	{
		THAG_SECTION(twice, "twice");
		leaf();
		THAG_END(twice);
		THAG_END(twice);
	}
	THAG_END(never);
	{
		THAG_SECTION(copied, "copied");
		THAG_SECTION(above, "above");
		copy = copied;
		THAG_END(copied);
		THAG_END(copy);
		leaf();
	}
	leaf();
}

Test(sections, count_ends_without_a_beginning)
{
	struct collector *collector = run(run_mistakes, (struct expected){ .misused = 3 });

	cr_expect_eq(collector_calls_at(collector, "run_mistakes;twice"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_mistakes;copied"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_mistakes;above"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_mistakes;above;leaf"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_mistakes;leaf"), 1);
	collector_stop(collector);
}

static void *end_foreign(void *section)
{
	THAG_PROFILED();
	THAG_SECTION(own, "own");
	leaf();
	THAG_END(*(struct thag_section *)section);
	leaf();
	return NULL;
}

static void run_foreign(void *argument)
{
	pthread_t thread;

	(void)argument;
	THAG_ENABLE_PROFILING(time);
	THAG_SECTION(here, "here");
	pthread_create(&thread, NULL, end_foreign, &here);
	pthread_join(thread, NULL);
	leaf();
}

/* The one it belongs to can't be reached from there: it goes on to its function's end. */
Test(sections, dont_end_on_another_thread)
{
	struct collector *collector =
		run(run_foreign, (struct expected){ .misused = 1, .unwound = 1 });

	cr_expect_eq(collector_calls_at(collector, "end_foreign;own;leaf"), 2);
	cr_expect_eq(collector_calls_at(collector, "end_foreign;own"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_foreign;here;leaf"), 1);
	cr_expect_eq(collector_calls_at(collector, "run_foreign;here"), 1);
	collector_stop(collector);
}

#define LONG_NAME ((size_t)1 << 20)

static void run_names(void *argument)
{
	static char name[LONG_NAME + 2];
	static struct thag_site long_site = {
		.kind = THAG_SITE_SECTION, .modes = THAG_BOTH, .name = name, .file = __FILE__
	};

	(void)argument;
	memset(name, 'n', LONG_NAME + 1);
	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < 10; i++) {
		THAG_SECTION(unnamed, NULL);
		struct thag_section section = thag_section_begin(&long_site);

		leaf();
		THAG_END(section);
	}
}

Test(sections, may_have_no_name_or_a_very_long_one)
{
	struct collector *collector = run(run_names, (struct expected){ 0 });
	const struct thag_tree *tree = &collector->threads[0]->tree;

	cr_expect_eq(collector->header->misuses[THAG_MISUSE_NAME], 2);
	cr_assert_eq(tree->count, 5);
	for (uint32_t i = 2; i < 5; i++)
		cr_expect_eq(tree->nodes[i].calls, 10);
	cr_expect_eq(collector->sites[tree->nodes[2].site].name_bytes, 0);
	cr_expect_eq(collector->sites[tree->nodes[3].site].name_bytes, LONG_NAME);
	collector_stop(collector);
}

/*
 * A program that begins and ends at random. What it does goes into one model, by names, as the
 * program sees it: its calls must be the trees'. Its words go into another, with their own times:
 * that and the trees must agree to the tick.
 */
#define NAMES 3
#define HANDLES 9
#define STEPS 30000

struct handle {
	enum { NOTHING, SPAN, SECTION } is;
	uint32_t index; /* in the model */
	struct thag_span span;
	struct thag_section section;
};

struct random_program {
	struct section_model model;
	struct handle handles[HANDLES];
	struct thag_section stale; /* one that a function's exit has closed */
	uint64_t misused;
	unsigned seed;
};

static char site_names[NAMES][2] = { "a", "b", "c" };
static struct thag_site spans[NAMES], sections[NAMES];

static uint32_t below(struct random_program *program, uint32_t limit)
{
	return (uint32_t)rand_r(&program->seed) % limit;
}

static void begin_one(struct random_program *program, struct handle *handle)
{
	uint32_t name = below(program, NAMES);

	handle->index = program->model.depth;
	model_open(&program->model, name + 1);
	if (below(program, 3) == 0) {
		handle->is = SPAN;
		handle->span = thag_span_enter(&spans[name]);
	} else {
		handle->is = SECTION;
		handle->section = thag_section_begin(&sections[name]);
	}
}

/* Those above it are over, too. */
static void exit_span(struct random_program *program, struct handle *handle)
{
	thag_span_exit(&handle->span);
	model_exit(&program->model, handle->index);
	for (struct handle *other = program->handles; other < program->handles + HANDLES; other++) {
		if (other->is == NOTHING || other->index < handle->index)
			continue;
		if (other->is == SECTION)
			program->stale = other->section;
		if (other != handle)
			other->is = NOTHING;
	}
	handle->is = NOTHING;
}

static void end_section(struct random_program *program, struct handle *handle)
{
	if (below(program, 2))
		thag_section_end(&handle->section);
	else
		thag_section_end_early(&handle->section);
	model_end(&program->model, handle->index);
	handle->is = NOTHING;
}

static void random_step(struct random_program *program)
{
	struct handle *handle = &program->handles[below(program, HANDLES)];
	struct section_model *model = &program->model;

	if (handle->is == NOTHING)
		begin_one(program, handle);
	else if (handle->is == SECTION)
		end_section(program, handle);
	else if (below(program, 4) == 0)
		exit_span(program, handle);
	if (program->stale.serial && below(program, 50) == 0) {
		struct thag_section again = program->stale;

		thag_section_end(&again);
		program->misused++;
	}
	while (model->depth && model->frames[model->depth - 1].site == 0)
		model->depth--; /* its index is free again */
}

static void run_random(void *argument)
{
	struct random_program *program = argument;

	for (int i = 0; i < NAMES; i++) {
		spans[i] = (struct thag_site){ .kind = THAG_SITE_FUNCTION,
					       .modes = THAG_BOTH,
					       .name = site_names[i] };
		sections[i] = spans[i];
		sections[i].kind = THAG_SITE_SECTION;
	}
	if (program->seed % 2)
		setenv("THAG_CLOCK", "monotonic", 1); /* sections are timed another way then */
	thag_start("time");
	for (int i = 0; i < STEPS; i++)
		random_step(program);
	for (struct handle *handle = program->handles; handle < program->handles + HANDLES;
	     handle++) {
		if (handle->is == SPAN)
			exit_span(program, handle);
		else if (handle->is == SECTION)
			end_section(program, handle);
	}
}

/* The number of the site's name, from 1. */
static uint32_t name_number(const struct collector *collector, uint32_t site)
{
	const struct thag_shm_site *entry = &collector->sites[site];

	cr_assert_eq(entry->name_bytes, 1);
	return (uint32_t)(collector->strings[entry->name_offset] - 'a') + 1;
}

static void compare_names(const struct collector *collector, struct section_model *model)
{
	const struct thag_tree *tree = &collector->threads[0]->tree;
	uint64_t calls = 0;

	for (uint32_t n = 1; n < tree->count; n++) {
		uint32_t sites[MODEL_DEPTH], depth = 0, reversed[MODEL_DEPTH];

		for (uint32_t i = n; i != THAG_TREE_ROOT; i = tree->nodes[i].parent)
			reversed[depth++] = name_number(collector, tree->nodes[i].site);
		for (uint32_t i = 0; i < depth; i++)
			sites[i] = reversed[depth - 1 - i];
		/* functions and sections of one name are one to this model */
		model_find(model, sites, depth)->calls -= tree->nodes[n].calls;
		calls += tree->nodes[n].calls;
	}
	cr_expect_gt(calls, STEPS / 4);
	for (uint32_t i = 0; i < MODEL_STACKS; i++)
		cr_assert_eq(model->stacks[i].calls, 0);
}

static void apply_word(struct section_model *model, uint64_t word)
{
	uint32_t arg = thag_word_arg(word);
	uint64_t passed =
		(thag_word_time(word) - model->now) & ((UINT64_C(1) << THAG_WORD_TIME_BITS) - 1);

	if (thag_word_kind(word) == THAG_KIND_TIME)
		return;
	model_pass(model, model->now + passed);
	if (thag_word_kind(word) == THAG_KIND_EXIT)
		model_exit(model, arg);
	else if (thag_word_kind(word) == THAG_KIND_SECTION_END)
		model_end(model, arg);
	else
		model_open(model, arg);
}

/* The ring's words as they lie there: it has not been round. */
static void compare_words(const struct collector *collector)
{
	const uint64_t *words = (const void *)(collector->base + THAG_SHM_RINGS_OFFSET);
	struct section_model model;
	uint64_t pos = THAG_RING_WORDS;

	model_init(&model, 0);
	for (; thag_word_is_at(words[pos & THAG_RING_MASK], pos); pos++) {
		uint64_t word = words[pos & THAG_RING_MASK];

		if (thag_word_kind(word) == THAG_KIND_EXT)
			pos += (uint64_t)thag_ext_payload_words(thag_word_arg(word) >>
								THAG_EXT_SHIFT);
		else
			apply_word(&model, word);
	}
	cr_assert_gt(pos, THAG_RING_WORDS + STEPS / 2);
	cr_assert_eq(collector_counts(collector).skewed, 0);
	cr_assert_eq(model.unmatched, 0);
	model_compare(&model, &collector->threads[0]->tree);
	model_fini(&model);
}

static void *share(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	return memory;
}

Test(sections, are_exact_in_any_order)
{
	struct random_program *program = share(sizeof(*program));
	struct collector *collector;

	program->model.stacks = share(MODEL_STACKS * sizeof(struct model_stack));
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct model_stack *stacks = program->model.stacks;

		memset(stacks, 0, MODEL_STACKS * sizeof(*stacks));
		*program = (struct random_program){ .seed = seed, .model.stacks = stacks };
		collector = collector_start();
		cr_assert_eq(collector_run(collector, run_random, program), 0);
		collector_close(collector); /* sections that ended may still have their index */
		cr_expect_eq(collector_counts(collector).truncated, 0);
		cr_expect_eq(collector->header->misuses[THAG_MISUSE_SECTION], program->misused);
		cr_expect_gt(program->misused, 100);
		compare_words(collector);
		compare_names(collector, &program->model);
		collector_stop(collector);
	}
}
