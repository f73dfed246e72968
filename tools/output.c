/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

static int write_all(int to, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t wrote = write(to, data, bytes);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0) {
			data += wrote;
			bytes -= (size_t)wrote;
		}
	}
	return 0;
}

int thag_output_copy(int to, int from)
{
	char *chunk = malloc(CHUNK_BYTES);
	off_t at = 0;
	ssize_t got;
	int ret = chunk ? 0 : -ENOMEM;

	while (!ret) {
		got = pread(from, chunk, CHUNK_BYTES, at);
		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			ret = -errno;
		if (got > 0) {
			ret = write_all(to, chunk, (size_t)got);
			at += got;
		}
	}
	free(chunk);
	return ret;
}

/** The mode a new file gets, as open(2) would give it. */
static mode_t new_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int fill(int fd, int from, mode_t mode)
{
	int ret = fchmod(fd, mode) ? -errno : thag_output_copy(fd, from);

	return !ret && TEMP_FAILURE_RETRY(fsync(fd)) ? -errno : ret;
}

/** `path` ends with XXXXXX, in place of which it gets what no other has. */
static int make_beside(char *path)
{
	int fd;

	do {
		memcpy(path + strlen(path) - 6, "XXXXXX", 6);
		fd = mkostemp(path, O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/** An interrupted close has closed, too. */
static int close_written(int fd)
{
	return close(fd) && errno != EINTR ? -errno : 0;
}

/** Writes a new file beside `path`, then gives it that name. */
static int replace_unblocked(const char *path, int from, mode_t mode)
{
	char *made;
	int ret = asprintf(&made, "%s.XXXXXX", path) < 0 ? -ENOMEM : 0;

	if (ret)
		return ret;
	int fd = make_beside(made);
	if (fd < 0) {
		free(made);
		return fd;
	}
	ret = fill(fd, from, mode);
	if (!ret)
		ret = close_written(fd);
	else
		close(fd);
	if (!ret && rename(made, path))
		ret = -errno;
	if (ret)
		unlink(made);
	free(made);
	return ret;
}

static int replace(const char *path, int from, mode_t mode)
{
	sigset_t ending, before;
	int ret;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, &before);
	ret = replace_unblocked(path, from, mode);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

static int write_into(const char *path, int from)
{
	int fd = (int)TEMP_FAILURE_RETRY(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)), ret;

	if (fd < 0)
		return -errno;
	ret = thag_output_copy(fd, from);
	if (!ret)
		return close_written(fd);
	close(fd);
	return ret;
}

/*
 * Whether `path` is a link that another user left in a directory for all, such as /tmp: what the
 * kernel refuses to follow where fs.protected_symlinks is on.
 */
static bool is_trap(const char *path)
{
	char *copy = strdup(path);
	struct stat link, parent;
	bool trap;

	if (!copy)
		return true;
	trap = lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && link.st_uid != geteuid() &&
	       (stat(dirname(copy), &parent) != 0 ||
		((parent.st_mode & S_ISVTX) && (parent.st_mode & S_IWOTH) &&
		 parent.st_uid != link.st_uid));
	free(copy);
	return trap;
}

int thag_output_write_file(const char *path, int from)
{
	struct stat st;
	char *target;
	int ret;

	if (is_trap(path))
		return -EACCES;
	if (stat(path, &st))
		return errno == ENOENT ? replace(path, from, new_mode()) : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return write_into(path, from);
	target = realpath(path, NULL); /* a link stays a link */
	if (!target)
		return -errno;
	ret = access(target, W_OK) ? -errno : replace(target, from, st.st_mode & 0777);
	free(target);
	return ret;
}

int thag_output_write_data(const char *path, const void *data, size_t bytes)
{
	int fd, ret;

	if (!path)
		return write_all(STDOUT_FILENO, data, bytes);
	fd = memfd_create("thag-output", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, bytes);
	if (!ret)
		ret = thag_output_write_file(path, fd);
	close(fd);
	return ret;
}
