/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bring.h"
#include "child.h"
#include "client.h"
#include "command.h"
#include "hooks.h"
#include "memory.h"
#include "record.h"
#include "sessions.h"

#define URL_BYTES 256

/* thagd waits 20 s for names of functions before it saves without them */
#define SAVE_MS 25000
#define AWAIT_MS 1000	/* it answers at least so often … */
#define STOPPED_MS 2000 /* … or is stopped, which must not keep our caller waiting */

static int run(int argc, char **argv);

const struct thag_command thag_command_run = {
	.name = "run",
	.help = "Usage: thag run [OPTION]… [--] PROGRAM [ARGUMENT]…\n"
		"Runs PROGRAM under thagd; starts a thagd when none answers. It is one that was\n"
		"built with libthag or, with --memory, any. Returns when its profile is saved.\n"
		"\n"
		"  -F, --functions     profile all functions of a program, and of libraries,\n"
		"                      that were compiled with -finstrument-functions\n"
		"  -m, --memory        profile all memory that a program, and those it runs, gets\n"
		"                      from malloc and its kin, by call stacks\n"
		"  --sample-bytes N    pick allocations, one in about N bytes (512K, 1M), and\n"
		"                      estimate the rest\n"
		"  --no-free-traces    leave out where memory is freed\n"
		"  --maps              count pages that the program maps itself, too\n"
		"  --paused            record nothing until 'thag enable', the page or the\n"
		"                      program itself switches it on\n"
		"  -o, --output FILE   record everything into FILE.thag, for 'thag open'; a\n"
		"                      process that the program starts goes into FILE-PID.thag\n"
		"  -q, --quiet         don't print where to watch, and where it was saved\n"
		"  -h, --help          print this and exit\n"
		"\n"
		"Exit status: that of PROGRAM; when a signal killed it, thag dies of the same.\n"
		"125 thag itself failed; 126 PROGRAM can't be run; 127 it wasn't found.\n",
	.run = run,
	.usage_status = THAG_EXIT_RUN_FAILURE,
};

struct options {
	bool functions;
	bool memory;
	bool paused;
	bool quiet;
	const char *output; /* NULL: nothing is recorded */
	struct thag_memory_options heap;
};

/** Options without a letter. */
enum { OPTION_PAUSED = 256, OPTION_SAMPLE, OPTION_NO_FREE_TRACES, OPTION_MAPS };

/** Heeds an option; false when it is none, or its value is bad. */
static bool heed(struct options *asked, int option)
{
	switch (option) {
	case 'F':
		asked->functions = true;
		return true;
	case 'm':
		asked->memory = true;
		return true;
	case 'o':
		asked->output = optarg;
		return true;
	case 'q':
		asked->quiet = true;
		return true;
	case OPTION_PAUSED:
		asked->paused = true;
		return true;
	case OPTION_SAMPLE:
		return thag_memory_parse_bytes(optarg, &asked->heap.sample_bytes) == 0;
	case OPTION_NO_FREE_TRACES:
		asked->heap.no_free_traces = true;
		return true;
	case OPTION_MAPS:
		asked->heap.maps = true;
		return true;
	default:
		return false;
	}
}

static int bad_option(int option, char **argv)
{
	if (option == OPTION_SAMPLE)
		return thag_command_bad_usage(&thag_command_run, "'%s' is no number of bytes",
					      optarg);
	return thag_command_bad_option(&thag_command_run, option, argv);
}

/** An option that says how memory is profiled, where it isn't; or NULL. */
static const char *idle_option(const struct options *asked)
{
	if (asked->memory)
		return NULL;
	if (asked->heap.sample_bytes)
		return "--sample-bytes";
	if (asked->heap.no_free_traces)
		return "--no-free-traces";
	return asked->heap.maps ? "--maps" : NULL;
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(int argc, char **argv, struct options *asked)
{
	static const struct option options[] = {
		{ "functions", no_argument, NULL, 'F' },
		{ "memory", no_argument, NULL, 'm' },
		{ "sample-bytes", required_argument, NULL, OPTION_SAMPLE },
		{ "no-free-traces", no_argument, NULL, OPTION_NO_FREE_TRACES },
		{ "maps", no_argument, NULL, OPTION_MAPS },
		{ "output", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "paused", no_argument, NULL, OPTION_PAUSED },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+:Fmo:qh", options, NULL)) != -1) {
		if (option == 'h')
			return thag_command_print_help(&thag_command_run);
		if (!heed(asked, option))
			return bad_option(option, argv);
	}
	if (optind == argc)
		return thag_command_bad_usage(&thag_command_run, "a program is missing");
	if (idle_option(asked))
		return thag_command_bad_usage(&thag_command_run, "'%s' needs --memory",
					      idle_option(asked));
	return -1;
}

/** Whether all sessions of the process are saved (exec makes several); the last one. */
static bool are_saved(const json_t *list, pid_t pid, const json_t **last)
{
	const json_t *session;
	bool all = true;
	size_t i;

	json_array_foreach(json_object_get(list, "sessions"), i, session)
	{
		if (json_integer_value(json_object_get(session, "pid")) != pid)
			continue;
		all = all && json_is_true(json_object_get(session, "saved"));
		*last = session;
	}
	return all;
}

static void say_where(const json_t *session)
{
	const char *file = thag_session_file(session);

	if (file)
		fprintf(stderr, "thag: saved %s\n", file);
	thag_record_report(session);
	thag_memory_report(session);
}

/** Says where the profile is, unless `quiet`, if all is saved. */
static bool take_sessions(const struct thag_reply *reply, pid_t pid, bool quiet)
{
	json_t *list = thag_reply_take_list(reply);
	const json_t *last = NULL;
	bool done = are_saved(list, pid, &last);

	if (done && last && !quiet)
		say_where(last);
	json_decref(list);
	return done;
}

/** Asks thagd once. Whether there is nothing more to wait for. */
static bool await(pid_t pid, int status, bool quiet)
{
	json_t *request = json_pack("{s:s, s:i, s:i, s:i}", "op", "await", "pid", (int)pid,
				    "status", status, "limit_ms", AWAIT_MS);
	struct thag_reply reply;
	bool done = true;
	int ret = thag_client_ask(request, AWAIT_MS + STOPPED_MS, &reply);

	if (ret != 0) {
		/* that it has ended is no news to whoever ended it */
		if (ret != -ENOENT && ret != -ECONNREFUSED && ret != -ECONNRESET)
			thag_command_complain(&thag_command_run, "can't wait for the profile: %s",
					      strerror(-ret));
		return true;
	}
	if (reply.status == 0)
		done = take_sessions(&reply, pid, quiet);
	else
		thag_reply_complain(&thag_command_run, &reply);
	thag_reply_fini(&reply);
	return done;
}

/** Tells thagd how the program ended; whoever waits for us will want to read the files. */
static void await_files(pid_t pid, int status, bool quiet)
{
	int waited = 0;

	while (waited < SAVE_MS && !await(pid, status, quiet))
		waited += AWAIT_MS;
}

static int complain_of_program(const char *program, int error)
{
	thag_command_complain(&thag_command_run, "can't run '%s': %s", program, strerror(-error));
	return error == -ENOENT ? THAG_EXIT_RUN_MISSING : THAG_EXIT_RUN_REFUSED;
}

/** For the program; a thagd that was brought has started by now. 0, or the status to exit with. */
static int prepare(const struct options *asked, const char *name,
		   const struct thag_program *program)
{
	const struct thag_command *self = &thag_command_run;

	if (asked->paused && setenv("THAG_PAUSED", "1", 1) != 0)
		return complain_of_program(name, -errno);
	if (asked->output && thag_record_prepare(self, asked->output))
		return THAG_EXIT_RUN_FAILURE;
	if (asked->functions && thag_hooks_preload(self))
		return THAG_EXIT_RUN_FAILURE;
	if (asked->functions)
		thag_hooks_advise(self, name, program);
	/* before the hooks' library, which brings a libthag */
	if (asked->memory && thag_memory_prepare(self, &asked->heap, program, asked->functions))
		return THAG_EXIT_RUN_FAILURE;
	return 0;
}

static int run(int argc, char **argv)
{
	struct thag_child child;
	char url[URL_BYTES];
	struct options asked = { 0 };
	struct thag_program program = { 0 };
	int status, ret = parse_arguments(argc, argv, &asked);

	if (ret >= 0)
		return ret;
	/* what can't be read says so when it is run */
	if (asked.memory || asked.functions)
		thag_program_look(argv[optind], &program);
	if (asked.memory && thag_memory_refuses(&thag_command_run, argv[optind], &program))
		return THAG_EXIT_RUN_REFUSED;
	if (thag_bring_daemon(&thag_command_run, url, sizeof(url)))
		return THAG_EXIT_RUN_FAILURE;
	ret = prepare(&asked, argv[optind], &program);
	if (ret)
		return ret;
	ret = thag_child_start(&child, argv + optind);
	if (ret)
		return complain_of_program(argv[optind], ret);
	if (!asked.quiet && url[0])
		fprintf(stderr, "thag: watch %s\n", url);
	status = thag_child_wait(&child);
	await_files(child.pid, status, asked.quiet);
	thag_child_reap(&child);
	thag_child_exit_as(status);
}
