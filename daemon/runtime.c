/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "files.h"
#include "log.h"
#include "thag/socket_path.h"

#define SUFFIX ".sock"

__attribute__((format(printf, 2, 3))) static int fail(int err, const char *format, ...)
{
	va_list args;

	fputs("thagd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return err;
}

/* A directory where others can't put, take or replace what is ours. */
static int check_dir(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(-errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(-ENOTDIR, "%s is not a directory", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(-EPERM, "%s belongs to another user; choose another --socket", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
		return fail(-EPERM, "%s can be written by others; 'chmod go-w' it", path);
	return 0;
}

/* A directory that is ours alone: made, or found as we would have made it. */
static int open_own_dir(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(-errno, "can't make %s: %s", path, strerror(errno));
	fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (fd < 0)
		return fail(-errno, "can't open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return fd;
	close(fd);
	return fail(-EPERM, "%s must belong to you, with mode 0700", path);
}

/* The directory the default path wants is made; one that was named must be there. */
static int prepare_dir(const struct thag_runtime *runtime, int is_default)
{
	char dir[THAG_PATH_BYTES];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", runtime->socket);
	slash = strrchr(dir, '/');
	*(slash == dir ? slash + 1 : slash) = '\0';
	if (!is_default)
		return check_dir(dir);
	fd = open_own_dir(dir);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int make_absolute(struct thag_runtime *runtime, const char *path)
{
	char cwd[THAG_PATH_BYTES];
	int used;

	if (path[0] == '/') {
		used = snprintf(runtime->socket, sizeof(runtime->socket), "%s", path);
	} else {
		if (!getcwd(cwd, sizeof(cwd)))
			return fail(-errno, "no current directory: %s", strerror(errno));
		used = snprintf(runtime->socket, sizeof(runtime->socket), "%s/%s", cwd, path);
	}
	if (used >= (int)THAG_SOCKET_PATH_BYTES)
		return fail(-ENAMETOOLONG, "%s is too long for a socket (%zu bytes at most)",
			    runtime->socket, THAG_SOCKET_PATH_BYTES - 1);
	return 0;
}

/* Programs that are started with the same environment pass it over as well. */
static void warn_of_runtime_dir(const char *socket)
{
	const char *why = thag_socket_runtime_fault(), *named = getenv("THAG_SOCKET");

	if (why && !(named && named[0]))
		thag_log_write(THAG_LOG_WARN, "XDG_RUNTIME_DIR isn't used: %s; the socket is %s",
			       why, socket);
}

static int find_path(struct thag_runtime *runtime, const char *named)
{
	char path[THAG_SOCKET_PATH_BYTES];
	int ret;

	if (named)
		return make_absolute(runtime, named);
	ret = thag_socket_path(path, sizeof(path));
	if (ret == -EINVAL)
		return fail(ret, "THAG_SOCKET must be an absolute path");
	if (ret != 0)
		return fail(ret, "THAG_SOCKET is too long for a socket");
	warn_of_runtime_dir(path);
	return make_absolute(runtime, path);
}

static void find_base(struct thag_runtime *runtime)
{
	size_t bytes = strlen(runtime->socket);
	size_t cut = strlen(SUFFIX);

	if (bytes > cut && strcmp(runtime->socket + bytes - cut, SUFFIX) == 0)
		bytes -= cut;
	memcpy(runtime->base, runtime->socket, bytes);
	runtime->base[bytes] = '\0';
}

static int open_own_file(const struct thag_runtime *runtime, const char *suffix, int flags)
{
	char path[THAG_PATH_BYTES + 16];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s%s", runtime->base, suffix);
	flags |= O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	fd = (int)TEMP_FAILURE_RETRY(open(path, flags, 0600));
	if (fd < 0)
		return fail(-errno, "can't open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return fail(-EPERM, "%s is not your own file", path);
}

static int say_running(int lock_fd)
{
	char text[64] = "";
	ssize_t got = TEMP_FAILURE_RETRY(pread(lock_fd, text, sizeof(text) - 1, 0));
	int pid = 0;
	unsigned port = 0;

	if (got <= 0 || sscanf(text, "%d %u", &pid, &port) != 2)
		return fail(-EALREADY, "already starting");
	return fail(-EALREADY,
		    "already running (pid %d, http://localhost:%u); use 'thag stop' to end it", pid,
		    port);
}

static int take_lock(struct thag_runtime *runtime)
{
	int fd = open_own_file(runtime, ".lock", O_RDWR);

	if (fd < 0)
		return fd;
	if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) != 0) {
		int ret = errno == EWOULDBLOCK ? say_running(fd)
					       : fail(-errno, "can't lock: %s", strerror(errno));

		close(fd);
		return ret;
	}
	runtime->lock_fd = fd;
	if (TEMP_FAILURE_RETRY(ftruncate(fd, 0)) != 0)
		return fail(-errno, "can't write the lock: %s", strerror(errno));
	return 0;
}

/* Whoever made a socket here is gone, since we have the lock; but it must have been us. */
static int remove_stale(const struct thag_runtime *runtime)
{
	struct stat st;

	if (lstat(runtime->socket, &st) != 0)
		return errno == ENOENT ? 0
				       : fail(-errno, "%s: %s", runtime->socket, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(-EEXIST, "%s is in the way and not a socket; remove it",
			    runtime->socket);
	if (st.st_uid != geteuid())
		return fail(-EPERM, "%s belongs to another user; choose another --socket",
			    runtime->socket);
	if (unlink(runtime->socket) != 0)
		return fail(-errno, "can't remove the stale %s: %s", runtime->socket,
			    strerror(errno));
	return 0;
}

static int listen_on_path(struct thag_runtime *runtime)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, ret = 0;

	/* find_path saw to it that it fits */
	memcpy(address.sun_path, runtime->socket,
	       strnlen(runtime->socket, sizeof(address.sun_path) - 1));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(-errno, "no socket: %s", strerror(errno));
	before = umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, THAG_CONTROL_BACKLOG) != 0)
		ret = fail(-errno, "can't listen on %s: %s", runtime->socket, strerror(errno));
	umask(before);
	if (ret == 0)
		runtime->listen_fd = fd;
	else
		close(fd);
	return ret;
}

static int open_records(struct thag_runtime *runtime)
{
	char path[THAG_PATH_BYTES + 16];

	snprintf(path, sizeof(path), "%s.sessions", runtime->base);
	runtime->records_fd = open_own_dir(path);
	return runtime->records_fd < 0 ? runtime->records_fd : 0;
}

/* Where the socket that was handed over lies; it must be what we would have made. */
static int find_handed(struct thag_runtime *runtime)
{
	struct sockaddr_un address = { 0 };
	socklen_t bytes = sizeof(address) - 1; /* so that it ends */
	struct stat st;

	if (getsockname(runtime->listen_fd, (struct sockaddr *)&address, &bytes) != 0 ||
	    address.sun_family != AF_UNIX || address.sun_path[0] != '/')
		return fail(-EINVAL, "the socket that was handed over has no path");
	snprintf(runtime->socket, sizeof(runtime->socket), "%s", address.sun_path);
	if (lstat(runtime->socket, &st) != 0 || !S_ISSOCK(st.st_mode))
		return fail(-ENOENT, "%s is not there any more", runtime->socket);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return fail(-EPERM, "%s must belong to you, with mode 0600", runtime->socket);
	if (fcntl(runtime->listen_fd, F_SETFL, O_NONBLOCK) != 0)
		return fail(-errno, "the socket that was handed over: %s", strerror(errno));
	return 0;
}

static int open_handed(struct thag_runtime *runtime, int fd)
{
	int ret;

	runtime->listen_fd = fd;
	runtime->handed = true;
	ret = find_handed(runtime);
	if (ret == 0)
		ret = prepare_dir(runtime, 0);
	if (ret != 0)
		return ret;
	find_base(runtime);
	ret = take_lock(runtime);
	return ret == 0 ? open_records(runtime) : ret;
}

int thag_runtime_open(struct thag_runtime *runtime, const char *socket, int handed)
{
	const char *named = getenv("THAG_SOCKET");
	int ret;

	if (handed >= 0)
		return open_handed(runtime, handed);
	ret = find_path(runtime, socket);
	if (ret == 0)
		ret = prepare_dir(runtime, !socket && !(named && named[0]));
	if (ret != 0)
		return ret;
	find_base(runtime);
	ret = take_lock(runtime);
	if (ret == 0)
		ret = remove_stale(runtime);
	if (ret == 0)
		ret = open_records(runtime);
	if (ret == 0)
		ret = listen_on_path(runtime);
	return ret;
}

void thag_runtime_announce(const struct thag_runtime *runtime, uint32_t port)
{
	char text[64];
	int bytes = snprintf(text, sizeof(text), "%d %u\n", (int)getpid(), port);

	int ret = thag_write_all(runtime->lock_fd, text, (size_t)bytes);

	if (ret != 0)
		fail(ret, "can't write the lock: %s", strerror(-ret));
}

int thag_runtime_to_log(const struct thag_runtime *runtime)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log_fd = open_own_file(runtime, ".log", O_WRONLY | O_APPEND);
	int ret = 0;

	if (null_fd < 0 || log_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(log_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		ret = -EIO;
	if (null_fd >= 0)
		close(null_fd);
	if (log_fd >= 0)
		close(log_fd);
	return ret;
}

void thag_runtime_close(struct thag_runtime *runtime)
{
	if (runtime->listen_fd >= 0) {
		if (!runtime->handed)
			unlink(runtime->socket);
		close(runtime->listen_fd);
	}
	if (runtime->records_fd >= 0)
		close(runtime->records_fd);
	if (runtime->lock_fd >= 0)
		close(runtime->lock_fd);
	runtime->lock_fd = runtime->listen_fd = runtime->records_fd = -1;
}
