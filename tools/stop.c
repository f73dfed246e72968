/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "command.h"

#define WAIT_MS 60000 /* it may have big profiles to save to a slow disk */
#define PROBE_MS 50

static int stop(int argc, char **argv);

const struct thag_command thag_command_stop = {
	.name = "stop",
	.help = "Usage: thag stop\n"
		"Ends thagd and waits until it is gone. Profiles it holds are saved first;\n"
		"programs that it profiles go on.\n"
		"\n"
		"  -h, --help  print this and exit\n"
		"\n"
		"Exit status: 0 it is gone; 1 failure; 2 wrong usage; 3 no thagd was running.\n",
	.run = stop,
	.usage_status = THAG_EXIT_USAGE,
};

/** A descriptor of the process, readable when it has ended; -1 when it can't be had. */
static int open_process(int pid)
{
	return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

/** Waits for the end of a process we can't see: until nothing answers any more. */
static int wait_for_silence(void)
{
	struct timespec pause = { 0, PROBE_MS * 1000000 };

	for (int waited = 0; waited < WAIT_MS; waited += PROBE_MS) {
		struct thag_reply reply;
		int ret = thag_client_ask(json_pack("{s:s}", "op", "info"), THAG_CLIENT_TIMEOUT_MS,
					  &reply);

		if (ret == -ENOENT || ret == -ECONNREFUSED)
			return 0;
		if (!ret)
			thag_reply_fini(&reply);
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

static int wait_for_end(int process)
{
	struct pollfd ended = { .fd = process, .events = POLLIN };
	int ret;

	if (process < 0)
		return wait_for_silence();
	do
		ret = poll(&ended, 1, WAIT_MS);
	while (ret < 0 && errno == EINTR);
	return ret > 0 ? 0 : -ETIMEDOUT;
}

/** Ends the thagd that answered `reply`, so that what is waited for is what was asked. */
static int stop_thagd(const struct thag_reply *info)
{
	int process = open_process(info->thagd_pid);
	struct thag_reply reply;
	int ret = thag_client_command(&thag_command_stop, json_pack("{s:s}", "op", "stop"),
				      THAG_CLIENT_TIMEOUT_MS, &reply);

	if (ret == THAG_EXIT_OK) {
		thag_reply_fini(&reply);
		if (wait_for_end(process)) {
			thag_command_complain(&thag_command_stop,
					      "thagd (pid %d) was asked to end but is still there "
					      "after %d s; it may be saving to a slow disk",
					      info->thagd_pid, WAIT_MS / 1000);
			ret = THAG_EXIT_FAILURE;
		}
	}
	if (process >= 0)
		close(process);
	return ret;
}

static int parse_arguments(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option == 'h')
		return thag_command_print_help(&thag_command_stop);
	if (option != -1)
		return thag_command_bad_option(&thag_command_stop, option, argv);
	if (optind < argc)
		return thag_command_bad_usage(&thag_command_stop, "what is '%s'?", argv[optind]);
	return -1;
}

static int stop(int argc, char **argv)
{
	struct thag_reply info;
	int ret = parse_arguments(argc, argv);

	if (ret >= 0)
		return ret;
	ret = thag_client_command(&thag_command_stop, json_pack("{s:s}", "op", "info"),
				  THAG_CLIENT_TIMEOUT_MS, &info);
	if (ret)
		return ret;
	ret = stop_thagd(&info);
	thag_reply_fini(&info);
	return ret;
}
