/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can't be right, or is too much, or comes between: counted, and stacks stay right. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task_program.h"

#define ID_SLOTS (UINT64_C(1) << THAG_TASK_SLOT_BITS)

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

Test(task_misuse, destroyed_while_they_run_here_leave_the_thread_right)
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

Test(task_misuse, misused_go_on_as_they_were)
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

Test(task_misuse, resumed_on_two_threads_at_once_run_on_one, .timeout = 60)
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

Test(task_misuse, outlive_the_thread_they_run_on)
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

Test(task_misuse, a_million_of_them_are_counted, .timeout = 120)
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

Test(task_misuse, beyond_the_maximum_are_refused_and_counted, .timeout = 120)
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

Test(task_misuse, of_before_a_fork_do_no_harm_in_the_child, .timeout = 60)
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

Test(task_misuse, with_any_name_are_recorded)
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

static volatile sig_atomic_t handled, is_between, handled_between; /* two switches */

static void on_signal(int number)
{
	struct thag_task task = thag_task_create("handler");

	handled += number > 0;
	handled_between += is_between;
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
	while (handled < 2000 || handled_between < 1000) {
		thag_task_resume(task);
		is_between = 1;
		for (int i = 0; i < 20; i++)
			leaf();
		is_between = 0;
		thag_task_suspend(task);
	}
	timer_delete(timer);
	thag_task_destroy(task);
}

Test(task_misuse, in_signal_handlers_come_between_anything, .timeout = 60)
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
