/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tasks as a program uses them: written by libthag, read by a model that shares no code with it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "task_model.h"
#include "thag.h"

#define NOINLINE __attribute__((noinline))
#define ID_SLOTS (UINT64_C(1) << THAG_TASK_SLOT_BITS)

struct session {
	struct collector *collector;
	struct task_model *model;
};

static struct session run(void (*program)(void *), void *argument)
{
	struct session session = { .collector = collector_start() };
	int status;

	session.model = task_model_run(session.collector, program, argument, &status);
	cr_assert_eq(status, 0, "it ended with %x", status);
	return session;
}

static void end(struct session *session)
{
	task_model_destroy(session->model);
	collector_stop(session->collector);
}

/* Nothing went wrong, but for that many misuses and frames that a task's end cut off. */
static void expect(const struct session *session, uint32_t misuses, uint64_t truncated)
{
	struct task_model_counts counts = task_model_counts(session->model);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, 0);
	cr_expect_eq(counts.truncated, truncated, "%lu truncated", counts.truncated);
	cr_expect_eq(counts.open, 0, "%lu open", counts.open);
	cr_expect_eq(session->collector->header->misuses[THAG_MISUSE_TASK], misuses, "%u misuses",
		     session->collector->header->misuses[THAG_MISUSE_TASK]);
	cr_expect_eq(collector_lost(session->collector), 0);
}

static void expect_calls(const struct session *session, const char *path, uint64_t calls)
{
	uint64_t found = task_model_calls(session->model, path);

	cr_expect_eq(found, calls, "%s: %lu calls, not %lu", path, found, calls);
}

static NOINLINE void leaf(void)
{
	THAG_PROFILED();
	__asm__ volatile("");
}

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

/* --- what can't be right --- */

static void *destroy_elsewhere(void *task)
{
	thag_task_destroy(*(struct thag_task *)task);
	return NULL;
}

static void *resume_elsewhere(void *task)
{
	thag_task_resume(*(struct thag_task *)task);
	leaf();
	thag_task_suspend(*(struct thag_task *)task);
	return NULL;
}

static void on_thread(void *(*what)(void *), struct thag_task *task)
{
	pthread_t thread;

	pthread_create(&thread, NULL, what, task);
	pthread_join(thread, NULL);
}

static void program_destroyed_here(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task task = thag_task_create("cut");

	thag_task_resume(task);
	{
		THAG_SECTION(open, "open");
		leaf();
		thag_task_destroy(task);
		leaf();
	}
	leaf();
}

Test(tasks, destroyed_while_they_run_here_leave_the_thread_right)
{
	struct session session = run(program_destroyed_here, NULL);

	expect_calls(&session, "cut;open;leaf", 1);
	expect_calls(&session, "cut;open", 1);
	expect_calls(&session, ";program_destroyed_here;leaf", 2);
	expect(&session, 0, 1);
	end(&session);
}

static void program_misused(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task task = thag_task_create("kept"), none = { 0 }, odd = { UINT64_MAX };

	thag_task_suspend(task); /* 1: it doesn't run */
	thag_task_resume(task);
	thag_task_resume(task);		     /* 2 */
	on_thread(destroy_elsewhere, &task); /* 3 */
	on_thread(resume_elsewhere, &task);  /* 4 and 5: nor can it be suspended there */
	leaf();
	thag_task_suspend(task);
	thag_task_destroy(task);
	thag_task_destroy(task); /* 6 to 8: it is gone */
	thag_task_resume(task);
	thag_task_suspend(task);
	thag_task_resume(odd); /* 9 to 11: it never was */
	thag_task_suspend(odd);
	thag_task_destroy(odd);
	thag_task_resume(none); /* of these nothing is said */
	thag_task_suspend(none);
	thag_task_destroy(none);
	if (thag_task_try_resume(task) != -ESRCH || thag_task_try_resume(none) != -ESRCH)
		_exit(1);
	task = thag_task_create("kept"); /* in the same slot */
	leaf();
	thag_task_destroy(task);
}

Test(tasks, misused_go_on_as_they_were)
{
	struct session session = run(program_misused, NULL);

	expect_calls(&session, "kept;leaf", 1);
	expect_calls(&session, ";leaf", 1); /* on the thread that could not resume it */
	expect_calls(&session, ";program_misused;leaf", 1);
	cr_expect_eq(task_model_counts(session.model).created, 2);
	cr_expect_eq(task_model_counts(session.model).destroyed, 2);
	expect(&session, 11, 0);
	end(&session);
}

static pthread_barrier_t barrier;
static int winners;

static void *race(void *argument)
{
	struct thag_task task = *(struct thag_task *)argument;

	for (int i = 0; i < 2000; i++) {
		pthread_barrier_wait(&barrier);
		if (thag_task_try_resume(task) == 0) {
			leaf();
			__atomic_fetch_add(&winners, 1, __ATOMIC_RELAXED);
			pthread_barrier_wait(&barrier);
			thag_task_suspend(task);
		} else {
			pthread_barrier_wait(&barrier);
		}
	}
	return NULL;
}

static void program_race(void *argument)
{
	struct thag_task task;
	pthread_t threads[2];

	(void)argument;
	thag_start("time");
	task = thag_task_create("contested");
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, race, &task);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	thag_task_destroy(task);
	if (winners > 2000)
		_exit(1);
}

Test(tasks, resumed_on_two_threads_at_once_run_on_one, .timeout = 60)
{
	struct session session = run(program_race, NULL);

	cr_expect_leq(task_model_calls(session.model, "contested;leaf"), 2000);
	cr_expect_gt(task_model_calls(session.model, "contested;leaf"), 0);
	expect(&session, 0, 0);
	end(&session);
}

static void *leave_running(void *task)
{
	static struct thag_site open = { 0, THAG_SITE_FUNCTION, THAG_BOTH, 0, 1, 0, "open", NULL };

	thag_task_resume(*(struct thag_task *)task);
	thag_span_enter(&open);
	leaf();
	return NULL;
}

static void program_left(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task task = thag_task_create("left");

	on_thread(leave_running, &task);
	thag_task_resume(task);
	leaf();
	thag_task_destroy(task);
}

Test(tasks, outlive_the_thread_they_run_on)
{
	struct session session = run(program_left, NULL);

	expect_calls(&session, "left;open;leaf", 2);
	expect(&session, 0, 1);
	end(&session);
}

static void program_many(void *argument)
{
	int count = *(int *)argument;

	thag_start("time");
	for (int i = 0; i < count; i++) {
		struct thag_task task = thag_task_create("short");

		thag_task_resume(task);
		leaf();
		thag_task_suspend(task);
		thag_task_destroy(task);
	}
}

Test(tasks, a_million_of_them_are_counted, .timeout = 120)
{
	int count = 1000000;
	struct session session = run(program_many, &count);

	expect_calls(&session, "short;leaf", (uint64_t)count);
	cr_expect_eq(task_model_counts(session.model).destroyed, (uint64_t)count);
	cr_expect_eq(session.collector->header->refused_tasks, 0);
	expect(&session, 0, 0);
	end(&session);
}

static void program_too_many(void *argument)
{
	struct thag_task *tasks = calloc(ID_SLOTS + 10, sizeof(*tasks));

	(void)argument;
	thag_start("time");
	for (uint64_t i = 0; i < ID_SLOTS + 10; i++) {
		tasks[i] = thag_task_create("alive");
		if (!tasks[i].id != (i >= ID_SLOTS - 1))
			_exit(1);
	}
	for (uint64_t i = 0; i < ID_SLOTS + 10; i++) {
		thag_task_resume(tasks[i]);
		if (i % 1000 == 0)
			leaf();
		thag_task_suspend(tasks[i]);
		thag_task_destroy(tasks[i]);
	}
	if (!thag_task_create("again").id)
		_exit(2);
	free(tasks);
}

Test(tasks, beyond_the_maximum_are_refused_and_counted, .timeout = 120)
{
	struct session session = run(program_too_many, NULL);

	cr_expect_eq(session.collector->header->refused_tasks, 11);
	cr_expect_eq(task_model_counts(session.model).destroyed, ID_SLOTS - 1);
	expect_calls(&session, "alive;leaf", ID_SLOTS / 1000 + 1);
	expect(&session, 0, 0);
	end(&session);
}

static void program_forks(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	struct thag_task running = thag_task_create("running"), idle = thag_task_create("idle");
	int status;
	pid_t child;

	thag_task_resume(running);
	leaf();
	child = fork();
	if (child == 0) {
		alarm(30);
		leaf();
		thag_task_suspend(running);
		thag_task_resume(idle);
		leaf();
		thag_task_destroy(idle);
		thag_task_destroy(running);
		_exit(7);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		_exit(1);
	leaf();
	thag_task_suspend(running);
	thag_task_destroy(running);
	thag_task_destroy(idle);
}

Test(tasks, of_before_a_fork_do_no_harm_in_the_child, .timeout = 60)
{
	struct session session = run(program_forks, NULL);

	expect_calls(&session, "running;leaf", 2);
	expect(&session, 0, 0);
	end(&session);
}

static void program_named(void *argument)
{
	size_t bytes = (size_t)1 << 20;
	char *name = malloc(bytes + 2);

	(void)argument;
	thag_start("time");
	memset(name, 'n', bytes + 1);
	name[bytes + 1] = 0;
	for (int i = 0; i < 3; i++) {
		struct thag_task task = thag_task_create(i == 0 ? NULL : i == 1 ? "" : name);

		if (!task.id)
			_exit(1);
		thag_task_resume(task);
		leaf();
		thag_task_destroy(task);
	}
	free(name);
}

Test(tasks, with_any_name_are_recorded)
{
	struct session session = run(program_named, NULL);
	size_t bytes = (size_t)1 << 20;
	char *path = malloc(bytes + 6);

	memset(path, 'n', bytes);
	memcpy(path + bytes, ";leaf", 6);
	expect_calls(&session, path, 1);
	cr_expect_eq(session.collector->header->misuses[THAG_MISUSE_NAME], 2);
	cr_expect_eq(task_model_counts(session.model).destroyed, 3);
	expect(&session, 0, 0);
	free(path);
	end(&session);
}

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	struct thag_task task = thag_task_create("handler");

	handled += number > 0;
	thag_task_resume(task);
	leaf();
	thag_task_suspend(task);
	thag_task_destroy(task);
}

static void program_signals(void *argument)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerspec every = { { 0, 50000 }, { 0, 50000 } };
	struct thag_task task;
	timer_t timer;

	(void)argument;
	thag_start("time");
	task = thag_task_create("interrupted");
	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &every, NULL);
	for (int i = 0; handled < 2000; i++) {
		thag_task_resume(task);
		leaf();
		thag_task_suspend(task);
	}
	timer_delete(timer);
	thag_task_destroy(task);
}

Test(tasks, in_signal_handlers_come_between_anything, .timeout = 60)
{
	struct session session = run(program_signals, NULL);

	struct task_model_counts counts = task_model_counts(session.model);
	uint64_t lost = collector_lost(session.collector);

	/* in the middle of a switch a handler's own task finds no place: that is counted */
	cr_expect_geq(task_model_calls(session.model, "handler;leaf") + lost, 2000);
	cr_expect_geq(task_model_calls(session.model, "handler;leaf"), 1000);
	cr_expect_eq(counts.destroyed, counts.created);
	cr_expect_eq(counts.invalid + counts.unmatched + counts.unwound + counts.truncated, 0);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(session.collector->header->misuses[THAG_MISUSE_TASK], 0);
	end(&session);
}
