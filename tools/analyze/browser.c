/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "browser.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPENER "xdg-open"
#define SUFFIX ".svg"

static int make_in(const char *directory, const char *kind, char **path)
{
	char *made = NULL;
	int fd, ret = 0;

	if (asprintf(&made, "%s/thag-%s-XXXXXX" SUFFIX, directory, kind) < 0)
		return -ENOMEM;
	fd = mkostemps(made, sizeof(SUFFIX) - 1, O_CLOEXEC);
	if (fd < 0)
		ret = -errno;
	else
		close(fd);
	if (ret)
		free(made);
	else
		*path = made;
	return ret;
}

int thag_browser_make_file(const char *kind, char **path)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && runtime[0] == '/' && make_in(runtime, kind, path) == 0)
		return 0;
	return make_in("/tmp", kind, path);
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0];
}

/** Whether the shell would find it. */
static bool is_in_path(const char *name)
{
	const char *at = getenv("PATH");
	bool found = false;

	while (at && *at && !found) {
		size_t bytes = strcspn(at, ":");
		char *path = NULL;

		if (asprintf(&path, "%.*s/%s", (int)bytes, at, name) >= 0) {
			found = access(path, X_OK) == 0;
			free(path);
		}
		at += bytes + (at[bytes] == ':');
	}
	return found;
}

/** Never returns. A child of nobody's: it may run on as long as it likes. */
static void run_opener(const char *path)
{
	int nothing = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	if (fork() == 0)
		execlp(OPENER, OPENER, path, (char *)NULL);
	_exit(0);
}

int thag_browser_open(const char *path)
{
	pid_t child;

	if (!(is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) || !is_in_path(OPENER))
		return -ENOENT;
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		run_opener(path);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}
