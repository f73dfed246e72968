/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "look.h"
#include "output.h"
#include "waiting.h"

static int run(int argc, char **argv);

const struct thag_command thag_command_export = {
	.name = "export",
	.help = "Usage: thag export ID [-f FORMAT] [-o FILE] [--thread TID] [--raw]\n"
		"                   [--metric METRIC [--by WHAT]] [--from S] [--to S]\n"
		"Writes the profile of a session, running or ended, as 'thag list' shows it, or\n"
		"of 'latest'.\n"
		"\n"
		"  -f, --format FORMAT  folded (default): a line a stack, `a;b;c N`, N its own ns\n"
		"                       speedscope, pprof, firefox: stacks by thread\n"
		"                       csv: a table, a row a stack\n"
		"                       chrome, perfetto: every call, for ui.perfetto.dev\n"
		"                       svg: a picture; 'thag svg' draws others\n"
		"                       events: tasks, marks, frames and values, as JSON\n"
		"                       memory: totals, sizes and history of it, as JSON\n"
		"  -o, --output FILE    write FILE, whole or not at all; default, '-': stdout\n"
		"  -t, --thread TID     this thread only; default: all\n"
		"      --raw            leave the time that recording took in\n"
		"  -m, --metric METRIC  what N counts: time (default), or of memory: allocated,\n"
		"                       live, peak, leaked, freed, allocations, temporary\n"
		"      --by WHAT        memory by 'calls' or by native stacks, 'traces', which is\n"
		"                       the default where they were taken\n"
		"      --from S, --to S a part of the run, in seconds since its start\n"
		"  -h, --help           print this and exit\n"
		"\n"
		"Exit status: 0 done; 1 failure; 2 wrong usage; 3 no thagd is running; 4 no such\n"
		"session or thread.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

struct format;

struct request {
	const char *session;
	const struct format *format;
	const char *file; /* NULL: stdout */
	struct thag_look look;
};

/** What is in files of a format. */
enum subject { STACKS, CALLS, REPORT, PICTURE };

struct format {
	const char *name;
	enum subject subject;
};

static const struct format formats[] = {
	{ "folded", STACKS },  { "speedscope", STACKS }, { "pprof", STACKS },
	{ "firefox", STACKS }, { "csv", STACKS },	 { "chrome", CALLS },
	{ "perfetto", CALLS }, { "events", REPORT },	 { "memory", REPORT },
	{ "svg", PICTURE },
};

static int parse_format(struct request *request, const char *text)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(text, formats[i].name) == 0) {
			request->format = &formats[i];
			return -1;
		}
	}
	return thag_command_bad_usage(&thag_command_export,
				      "no format '%s': folded, speedscope, pprof, firefox, csv, "
				      "chrome, perfetto, svg, events and memory are there",
				      text);
}

/** What `thag stat` and its kin have as well; the short ones are export's own. */
static int take_look(struct request *request, int option)
{
	if (option == 't')
		option = THAG_LOOK_THREAD;
	if (option == 'm')
		option = THAG_LOOK_METRIC;
	return thag_look_take(&thag_command_export, &request->look, option, optarg);
}

static int parse_option(struct request *request, int option, char **argv)
{
	switch (option) {
	case 'f':
		return parse_format(request, optarg);
	case 'o':
		if (!optarg[0])
			return thag_command_bad_usage(&thag_command_export, "-o needs a file");
		request->file = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return -1;
	case 't':
	case 'm':
	case THAG_LOOK_RAW:
	case THAG_LOOK_BY:
	case THAG_LOOK_FROM:
	case THAG_LOOK_TO:
		return take_look(request, option);
	case 'h':
		return thag_command_print_help(&thag_command_export);
	default:
		return thag_command_bad_option(&thag_command_export, option, argv);
	}
}

/** What goes together. */
static int check(const struct request *request)
{
	const struct thag_source_query *query = &request->look.query;
	enum subject subject = request->format->subject;

	if ((query->from_ns || query->to_ns) && subject == REPORT)
		return thag_command_bad_usage(&thag_command_export,
					      "--from and --to are for stacks and for calls: "
					      "not for events and memory");
	if (query->metric && subject != STACKS && subject != PICTURE)
		return thag_command_bad_usage(&thag_command_export, "memory is exported as stacks");
	return thag_look_check(&thag_command_export, &request->look);
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' },
		{ "thread", required_argument, NULL, 't' },
		{ "raw", no_argument, NULL, THAG_LOOK_RAW },
		{ "metric", required_argument, NULL, 'm' },
		{ "by", required_argument, NULL, THAG_LOOK_BY },
		{ "from", required_argument, NULL, THAG_LOOK_FROM },
		{ "to", required_argument, NULL, THAG_LOOK_TO },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":f:o:t:m:h", options, NULL)) != -1)
		ret = parse_option(request, option, argv);
	if (ret >= 0)
		return ret;
	if (optind + 1 < argc)
		return thag_command_bad_usage(&thag_command_export, "one session at a time");
	if (optind == argc || !argv[optind][0])
		return thag_command_bad_usage(&thag_command_export,
					      "of which session? An ID of "
					      "'thag list' or 'latest' is missing");
	request->session = argv[optind];
	return check(request);
}

/** thagd gives an empty profile for a thread it doesn't know: better say so. */
static bool is_missing_thread(const struct request *request, int data_fd)
{
	struct stat st;

	return request->look.query.thread && fstat(data_fd, &st) == 0 && st.st_size == 0;
}

static int write_data(const struct request *request, int data_fd)
{
	if (is_missing_thread(request, data_fd)) {
		thag_command_complain(&thag_command_export,
				      "thread %u of that session has no profile",
				      request->look.query.thread);
		return THAG_EXIT_NOT_FOUND;
	}
	int ret = request->file ? thag_output_write_file(request->file, data_fd)
				: thag_output_copy(STDOUT_FILENO, data_fd);

	if (!ret)
		return THAG_EXIT_OK;
	thag_command_complain(&thag_command_export, "can't write %s: %s",
			      request->file ? request->file : "the output", strerror(-ret));
	return THAG_EXIT_FAILURE;
}

/* What thagd says is missing in what it gave. */
static void pass_on_note(const struct thag_reply *reply)
{
	const char *note = json_string_value(json_object_get(reply->body, "note"));

	if (note)
		thag_command_complain(&thag_command_export, "%s", note);
}

/** As `thag svg` does, which has more to choose from. */
static int draw(const struct request *request)
{
	const struct thag_source_query *query = &request->look.query;
	char thread[24], from[40], to[40];
	const char *argv[20] = { "svg", request->session };
	int argc = 2;
	const struct {
		bool said;
		const char *option, *value;
	} others[] = {
		{ query->metric != NULL, "--metric", query->metric },
		{ query->by != NULL, "--by", query->by },
		{ query->thread != 0, "--thread", thread },
		{ query->from_ns > 0, "--from", from },
		{ query->to_ns > 0, "--to", to },
		{ request->file != NULL, "--output", request->file },
		{ query->raw, "--raw", NULL },
	};

	snprintf(thread, sizeof(thread), "%u", query->thread);
	snprintf(from, sizeof(from), "%.9f", (double)query->from_ns / 1e9);
	snprintf(to, sizeof(to), "%.9f", (double)query->to_ns / 1e9);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!others[i].said)
			continue;
		argv[argc++] = others[i].option;
		if (others[i].value)
			argv[argc++] = others[i].value;
	}
	optind = 0; /* getopt begins anew */
	return thag_command_svg.run(argc, (char **)(uintptr_t)argv);
}

static int run(int argc, char **argv)
{
	struct request request = { .format = &formats[0] };
	struct thag_waiting waiting;
	struct thag_reply reply;
	int ret = parse_arguments(&request, argc, argv);

	if (ret >= 0)
		return ret;
	if (request.format->subject == PICTURE)
		return draw(&request);
	json_t *json =
		thag_source_request(request.session, request.format->name, &request.look.query);

	if (!json)
		return thag_command_bad_usage(&thag_command_export, "the ID is no text");
	thag_waiting_begin(&waiting, "exporting");
	ret = thag_client_command(&thag_command_export, json, THAG_CLIENT_EXPORT_TIMEOUT_MS,
				  &reply);
	thag_waiting_end(&waiting);
	if (ret)
		return ret;
	if (reply.data_fd < 0)
		ret = thag_client_complain(&thag_command_export, -EPROTO);
	else
		ret = write_data(&request, reply.data_fd);
	if (ret == THAG_EXIT_OK)
		pass_on_note(&reply);
	thag_reply_fini(&reply);
	return ret;
}
