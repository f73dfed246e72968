/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "thag_text.h"

#define START_MS 10000 /* how long one that starts may take until it answers */
#define PROBE_MS 20
#define THAGD_RUNS_ALREADY 4 /* thagd's exit status, see thagd(1) */
#define ERROR_BYTES 512

/** Asks a thagd that is there. 0, or a negative errno as thag_client_ask. */
static int ask(char *url, size_t size)
{
	struct thag_reply reply;
	int ret = thag_client_ask(json_pack("{s:s}", "op", "info"), THAG_CLIENT_TIMEOUT_MS, &reply);

	if (ret)
		return ret;
	const char *text = json_string_value(json_object_get(reply.body, "url"));
	bool has_page = json_integer_value(json_object_get(reply.body, "port")) > 0;

	snprintf(url, size, "%s", text && has_page ? text : "");
	ret = reply.status;
	thag_reply_fini(&reply);
	return ret;
}

static bool nobody_answers(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

/** The thagd beside this program, or of the same build; "thagd" when there is none. */
static void find_daemon(char path[static PATH_MAX])
{
	static const char *const places[] = { "thagd", "../daemon/thagd" };
	char own[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[bytes > 0 ? bytes : 0] = '\0';
	char *slash = strrchr(own, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		int used = snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - own), own, places[i]);

		if (used < PATH_MAX && access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "thagd");
}

/** In the child: becomes `thagd --daemonize`, with nothing of ours but its errors' file. */
static _Noreturn void become_daemon(const char *path, int errors)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(errors, STDERR_FILENO) < 0)
		_exit(THAG_EXIT_FAILURE);
	syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, 0);
	execlp(path, "thagd", "--daemonize", (char *)NULL);
	dprintf(STDERR_FILENO, "can't run %s: %s", path, strerror(errno));
	_exit(THAG_EXIT_FAILURE);
}

/** Starts thagd; what it says when it can't goes to the file `errors`. Its pid or an errno. */
static pid_t start(int errors)
{
	char path[PATH_MAX];
	pid_t child;

	find_daemon(path);
	child = fork();
	if (child == 0)
		become_daemon(path, errors);
	return child < 0 ? -errno : child;
}

static void pause_briefly(void)
{
	struct timespec pause = { 0, PROBE_MS * 1000000 };

	nanosleep(&pause, NULL);
}

/** Whether our thagd has given up for another reason than that one runs, or starts, already. */
static bool has_failed(pid_t *child)
{
	int status;

	if (*child == 0 || waitpid(*child, &status, WNOHANG) != *child)
		return false;
	*child = 0;
	return !WIFEXITED(status) ||
	       (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != THAGD_RUNS_ALREADY);
}

/** Waits until a thagd answers, be it ours or that of somebody who was quicker. */
static int wait_until_it_answers(pid_t child, char *url, size_t size)
{
	bool failed = false;
	int ret = -ENOENT;

	for (int waited = 0; waited < START_MS && !failed; waited += PROBE_MS) {
		failed = has_failed(&child);
		ret = ask(url, size);
		if (!nobody_answers(ret))
			break;
		pause_briefly();
	}
	return ret;
}

/** Passes on, as one line of ours, what the daemon said before it gave up. */
static void complain_of_start(const struct thag_command *command, int errors)
{
	char said[ERROR_BYTES];
	ssize_t bytes = pread(errors, said, sizeof(said), 0);
	size_t line = bytes > 0 ? strcspn(said, "\n") : 0;
	struct thag_buffer text = { 0 };

	if (bytes > 0)
		line = line < (size_t)bytes ? line : (size_t)bytes;
	if (line == 0 || thag_text_append_terminal(&text, said, line))
		thag_command_complain(command, "can't start thagd; 'thagd --foreground' shows why");
	else
		thag_command_complain(command, "can't start thagd: %.*s", (int)text.bytes,
				      (const char *)text.data);
	thag_buffer_fini(&text);
}

static int start_and_wait(const struct thag_command *command, char *url, size_t size)
{
	int errors = memfd_create("thagd-errors", MFD_CLOEXEC);
	pid_t child = errors < 0 ? -errno : start(errors);
	int ret = child < 0 ? child : wait_until_it_answers(child, url, size);

	if (child < 0)
		thag_command_complain(command, "can't start thagd: %s", strerror(-ret));
	else if (nobody_answers(ret))
		complain_of_start(command, errors);
	else if (ret)
		thag_client_complain(command, ret);
	if (errors >= 0)
		close(errors);
	return ret ? -1 : 0;
}

int thag_bring_daemon(const struct thag_command *command, char *url, size_t size)
{
	int ret = ask(url, size);

	if (nobody_answers(ret))
		return start_and_wait(command, url, size);
	if (ret)
		thag_client_complain(command, ret);
	return ret ? -1 : 0;
}
