/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The programs of examples/tasks, word by word: each task has the calls that its kind makes, no
 * matter on which thread and between which others; and what they print is what they print without.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "task_model.h"

struct example {
	const char *name, *first, *second;
	char printed[PATH_MAX];
	struct collector *collector;
	struct task_model *model;
};

static void execute(const struct example *example, const char *suffix)
{
	char path[PATH_MAX];
	int out = open(example->printed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	snprintf(path, sizeof(path), "%s/%s%s", THAG_TASK_EXAMPLES, example->name, suffix);
	dup2(out, STDOUT_FILENO);
	execl(path, path, example->first, example->second, (char *)NULL);
	_exit(126);
}

static void execute_profiled(void *example)
{
	execute(example, "");
}

static char *printed(const struct example *example)
{
	char *text = calloc(1, 4096);
	int in = open(example->printed, O_RDONLY | O_CLOEXEC);

	cr_assert_gt(read(in, text, 4095), 0);
	close(in);
	return text;
}

/* Runs it twice; what it printed, the same both times. */
static char *run(struct example *example)
{
	char *plain, *profiled;
	pid_t child;
	int status;

	snprintf(example->printed, sizeof(example->printed), "/tmp/thag-example-%d", getpid());
	child = fork();
	if (child == 0)
		execute(example, "-plain");
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	plain = printed(example);
	example->collector = collector_start();
	example->model = task_model_run(example->collector, execute_profiled, example, &status);
	cr_assert_eq(status, 0, "it ended with %x", status);
	profiled = printed(example);
	cr_expect_str_eq(profiled, plain);
	free(plain);
	unlink(example->printed);
	return profiled;
}

static void end(struct example *example)
{
	struct task_model_counts counts = task_model_counts(example->model);

	cr_expect_eq(counts.invalid, 0);
	cr_expect_eq(counts.unmatched, 0);
	cr_expect_eq(counts.unwound, 0);
	cr_expect_eq(counts.truncated, 0);
	cr_expect_eq(counts.open, 0);
	cr_expect_eq(counts.created, counts.destroyed);
	cr_expect_eq(example->collector->header->misuses[THAG_MISUSE_TASK], 0);
	cr_expect_eq(collector_lost(example->collector), 0);
	task_model_destroy(example->model);
	collector_stop(example->collector);
}

static void expect_calls(const struct example *example, const char *path, uint64_t calls)
{
	uint64_t found = task_model_calls(example->model, path);

	cr_expect_eq(found, calls, "%s: %lu calls, not %lu", path, found, calls);
}

static void expect_times(const struct example *example, const char *name)
{
	struct task_model_times times = task_model_times(example->model, name);

	cr_expect_gt(times.self, 0);
	cr_expect_eq(times.self, times.open);
	cr_expect_leq(times.open, times.running);
	cr_expect_leq(times.running, times.wall);
}

/* What a request of each kind calls, once. */
static const char *const request_calls[] = {
	"echo;handle",
	"echo;handle;mix",
	"echo;handle;answer",
	"echo;on_written",
	"wait;handle;start_timer",
	"wait;on_timer;answer",
	"wait;on_written",
	"file;handle;start_file",
	"file;on_file_open",
	"file;on_file_read",
	"file;on_file_closed;answer",
	"file;on_written",
	"work;handle;start_work",
	"work;do_work;mix",
	"work;on_work_done;answer",
	"work;on_written",
	"mixed;handle;start_timer",
	"mixed;on_timer;start_file",
	"mixed;on_file_open",
	"mixed;on_file_read",
	"mixed;on_file_closed;start_work",
	"mixed;do_work;mix",
	"mixed;on_work_done;answer",
	"mixed;on_written",
};

/* How many requests of the kind that `path` begins with the server says it has served. */
static uint64_t served(const char *said, const char *path)
{
	size_t bytes = strcspn(path, ";");

	while (strncmp(said, path, bytes) != 0 || said[bytes] != ' ')
		said = strchr(said, '\n') + 1;
	return strtoull(said + bytes + 1, NULL, 10);
}

Test(task_examples, requests_of_the_server_have_the_calls_of_their_kind, .timeout = 120)
{
	struct example server = { .name = "tasks-server", .first = "300", .second = "30" };
	static const char *const kinds[] = { "echo", "wait", "file", "work", "mixed" };
	char *said = run(&server);
	uint64_t all = 0;

	for (size_t i = 0; i < sizeof(request_calls) / sizeof(*request_calls); i++)
		expect_calls(&server, request_calls[i], served(said, request_calls[i]));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		expect_times(&server, kinds[i]);
		all += served(said, kinds[i]);
	}
	cr_expect_eq(all, 300 * 30);
	cr_expect_eq(task_model_counts(server.model).destroyed, all);
	expect_calls(&server, ";main;serve;parse", all);
	free(said);
	end(&server);
}

Test(task_examples, coroutines_keep_their_calls_open_while_others_run, .timeout = 60)
{
	struct example coroutines = { .name = "tasks-coroutines", .first = "400" };

	free(run(&coroutines));
	expect_calls(&coroutines, "numbers;collatz", 200);
	expect_calls(&coroutines, "trees;grow", 200);
	expect_calls(&coroutines, "trees;grow;tree", 200);
	expect_calls(&coroutines, "trees;grow;tree;tree;tree;tree;tree;mix", UINT64_C(200) * 16);
	expect_times(&coroutines, "numbers");
	expect_times(&coroutines, "trees");
	cr_expect_eq(task_model_counts(coroutines.model).destroyed, 400);
	end(&coroutines);
}

Test(task_examples, cpp_coroutines_are_one_task_on_many_threads, .timeout = 60)
{
	struct example pool = { .name = "tasks-pool", .first = "3000" };

	free(run(&pool));
	expect_calls(&pool, "hashing;hash", 2000);
	expect_calls(&pool, "hashing;hash;mix", 8000);
	expect_calls(&pool, "hashing;hash;digits", 2000);
	expect_calls(&pool, "sieving;sieve;count_primes", 1000);
	expect_calls(&pool, "sieving;sieve;digits", 1000);
	expect_times(&pool, "hashing");
	expect_times(&pool, "sieving");
	cr_expect_eq(task_model_counts(pool.model).destroyed, 3000);
	end(&pool);
}
