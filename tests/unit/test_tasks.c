/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tasks as a program uses them: written by libthag, read by a model that shares no code with it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "task_program.h"

/* --- what each call does --- */

static void program_one(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task task = thag_task_create("request");

	leaf();
	thag_task_resume(task);
	leaf();
	THAG_SECTION(part, "part");
	leaf();
	thag_task_suspend(task);
	leaf();
	thag_task_resume(task);
	leaf();
	THAG_END(part);
	thag_task_suspend(task);
	thag_task_destroy(task);
}

Test(tasks, have_a_stack_of_their_own)
{
	struct session session = run(program_one, NULL);

	expect_calls(&session, ";program_one;leaf", 2);
	expect_calls(&session, "request;leaf", 1);
	expect_calls(&session, "request;part;leaf", 2);
	expect_calls(&session, "request;part", 1);
	expect_calls(&session, ";program_one", 1);
	expect(&session, 0, 0);
	end(&session);
}

static void program_nested(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task outer = thag_task_create("outer"), inner = thag_task_create("inner");

	thag_task_resume(outer);
	THAG_SECTION(open, "open");
	thag_task_resume(inner);
	leaf();
	if (thag_task_current().id != inner.id)
		_exit(1);
	thag_task_suspend(inner);
	leaf();
	if (thag_task_current().id != outer.id)
		_exit(2);
	thag_task_resume(inner);
	thag_task_destroy(inner);
	leaf();
	THAG_END(open);
	thag_task_destroy(outer);
	if (thag_task_current().id != 0)
		_exit(3);
	leaf();
}

Test(tasks, put_aside_the_one_that_runs)
{
	struct session session = run(program_nested, NULL);

	expect_calls(&session, "inner;leaf", 1);
	expect_calls(&session, "outer;open;leaf", 2);
	expect_calls(&session, ";program_nested;leaf", 1);
	expect(&session, 0, 0);
	end(&session);
}

/* --- scripts: calls and pauses at random, the same ones for the same seed --- */

#define SITES 6
#define KINDS 4
#define DEPTH_MAX 20
#define THREADS 4

static const char *const kinds[KINDS] = { "parse", "render", "query", "write" };
static struct thag_site sites[SITES] = {
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 1, 0, "a", __FILE__ },
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 2, 0, "b", __FILE__ },
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 3, 0, "c", __FILE__ },
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 4, 0, "d", __FILE__ },
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 5, 0, "e", __FILE__ },
	{ 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 6, 0, "f", __FILE__ },
};

struct script {
	struct thag_task task;
	uint64_t random;
	int kind, left, depth;
	struct thag_span spans[DEPTH_MAX];
	struct script *next;
};

static uint64_t draw(struct script *script)
{
	script->random = script->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return script->random >> 33;
}

static void script_begin(struct script *script, uint64_t seed)
{
	*script = (struct script){ .random = seed, .kind = (int)(seed % KINDS), .left = 60 };
	script->task = thag_task_create(kinds[script->kind]);
}

/* Goes on to the next pause, or to the end. Returns whether there is more. */
static bool script_step(struct script *script)
{
	while (script->left > 0) {
		uint64_t what = draw(script);

		script->left--;
		if (what % 4 == 0)
			return true;
		if (what % 4 == 1 && script->depth > 0)
			thag_span_exit(&script->spans[--script->depth]);
		else if (script->depth < DEPTH_MAX)
			script->spans[script->depth++] = thag_span_enter(
				&sites[(what / 4 + (uint64_t)script->kind) % SITES]);
	}
	while (script->depth > 0)
		thag_span_exit(&script->spans[--script->depth]);
	return false;
}

static void program_alone(void *count)
{
	struct script script;

	THAG_ENABLE_PROFILING(time);
	for (int i = 0; i < *(int *)count; i++) {
		script_begin(&script, (uint64_t)i);
		thag_task_resume(script.task);
		while (script_step(&script))
			;
		thag_task_suspend(script.task);
		thag_task_destroy(script.task);
	}
}

static struct {
	pthread_mutex_t mutex;
	struct script *ready;
	struct script **last;
	int alive;
} queue;

static struct script *queue_take(void)
{
	struct script *script = NULL;

	while (!script) {
		pthread_mutex_lock(&queue.mutex);
		script = queue.ready;
		if (script && !(queue.ready = script->next))
			queue.last = &queue.ready;
		if (!queue.alive) {
			pthread_mutex_unlock(&queue.mutex);
			return NULL;
		}
		pthread_mutex_unlock(&queue.mutex);
	}
	return script;
}

static void queue_put(struct script *script, int alive)
{
	pthread_mutex_lock(&queue.mutex);
	queue.alive -= !alive;
	if (alive) {
		script->next = NULL;
		*queue.last = script;
		queue.last = &script->next;
	}
	pthread_mutex_unlock(&queue.mutex);
}

static NOINLINE void *worker(void *argument)
{
	THAG_PROFILED();
	struct script *script;

	while ((script = queue_take())) {
		bool more;

		leaf();
		thag_task_resume(script->task);
		more = script_step(script);
		thag_task_suspend(script->task);
		if (!more)
			thag_task_destroy(script->task);
		queue_put(script, more);
	}
	return argument;
}

static void program_together(void *count)
{
	struct script *scripts = calloc((size_t) * (int *)count, sizeof(*scripts));
	pthread_t threads[THREADS];

	THAG_ENABLE_PROFILING(time);
	pthread_mutex_init(&queue.mutex, NULL);
	queue.last = &queue.ready;
	queue.alive = *(int *)count;
	for (int i = 0; i < *(int *)count; i++) {
		script_begin(&scripts[i], (uint64_t)i);
		queue_put(&scripts[i], true);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	free(scripts);
}

/* The lines of tasks, without those of threads' own stacks. */
static const char *tasks_only(const char *text)
{
	while (*text == ';')
		text = strchr(text, '\n') + 1;
	return text;
}

static void expect_times(const struct session *session)
{
	for (int i = 0; i < KINDS; i++) {
		struct task_model_times times = task_model_times(session->model, kinds[i]);

		cr_expect_gt(times.self, 0);
		cr_expect_eq(times.self, times.open);
		cr_expect_leq(times.open, times.running);
		cr_expect_leq(times.running, times.wall);
	}
}

Test(tasks, interleaved_on_threads_count_as_when_they_are_alone, .timeout = 120)
{
	int count = 5000;
	struct session alone = run(program_alone, &count), together;
	char *wanted = strdup(tasks_only(task_model_text(alone.model)));

	expect(&alone, 0, 0);
	expect_times(&alone);
	end(&alone);
	together = run(program_together, &count);
	expect(&together, 0, 0);
	expect_times(&together);
	cr_expect_str_eq(tasks_only(task_model_text(together.model)), wanted);
	cr_expect_gt(strlen(wanted), 1000);
	cr_expect_eq(task_model_counts(together.model).created, (uint64_t)count);
	cr_expect_eq(task_model_counts(together.model).destroyed, (uint64_t)count);
	cr_expect_gt(task_model_counts(together.model).steps, (uint64_t)count * 5);
	free(wanted);
	end(&together);
}
