/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "thagd_limits.h"

/* Says where it really is, without links and "..", if the kernel does. */
static void resolve(struct thag_source_file *file)
{
	char link[32], path[THAG_PATH_BYTES];
	ssize_t bytes;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	bytes = readlink(link, path, sizeof(path) - 1);
	if (bytes <= 0 || path[0] != '/')
		return;
	path[bytes] = '\0';
	snprintf(file->path, sizeof(file->path), "%s", path);
}

/* A descriptor of the path alone has no effect on what is there: no device is opened by it. */
static int open_path(struct thag_source_file *file)
{
	struct stat st;
	int fd = (int)TEMP_FAILURE_RETRY(open(file->path, O_PATH | O_CLOEXEC));

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	file->fd = fd;
	resolve(file);
	file->device = (uint64_t)st.st_dev;
	file->inode = (uint64_t)st.st_ino;
	file->mode = (uint32_t)st.st_mode;
	file->bytes = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	file->changed_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return 0;
}

/* Below a directory, `bytes` of the text at `directory`. */
static int try_below(struct thag_source_file *file, const char *directory, size_t bytes,
		     const char *name)
{
	int length;

	if (bytes == 0 || directory[0] != '/')
		return -ENOENT;
	length = snprintf(file->path, sizeof(file->path), "%.*s/%s", (int)bytes, directory, name);
	return length < (int)sizeof(file->path) ? open_path(file) : -ENAMETOOLONG;
}

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

/* A text of the header, which ends at a NUL if it has one. */
static const char *text_of(const struct thag_session *session, enum thag_text text, size_t *bytes)
{
	const char *at = (const char *)session->header.text[text];

	*bytes = strnlen(at, session->header.text_bytes[text]);
	return at;
}

static size_t directory_bytes(const char *path, size_t bytes)
{
	while (bytes && path[bytes - 1] != '/')
		bytes--;
	while (bytes > 1 && path[bytes - 1] == '/')
		bytes--;
	return bytes;
}

static int find_relative(struct thag_source_file *file, const struct thag_session *session,
			 const char *name)
{
	size_t bytes;
	const char *directory = text_of(session, THAG_TEXT_CWD, &bytes);
	int ret = try_below(file, directory, bytes, name);

	if (!is_missing(ret))
		return ret;
	directory = text_of(session, THAG_TEXT_EXE, &bytes);
	for (int i = 0; i < THAG_SOURCE_UPWARDS && bytes > 1 && is_missing(ret); i++) {
		bytes = directory_bytes(directory, bytes);
		ret = try_below(file, directory, bytes, name);
	}
	file->beside = ret == 0;
	if (is_missing(ret))
		snprintf(file->path, sizeof(file->path), "%s", name);
	return ret;
}

void thag_source_file_find(struct thag_source_file *out, const struct thag_session *session,
			   const char *name)
{
	*out = (struct thag_source_file){ .fd = -1 };
	if (name[0] != '/') {
		out->error = find_relative(out, session, name);
		return;
	}
	if (snprintf(out->path, sizeof(out->path), "%s", name) < (int)sizeof(out->path))
		out->error = open_path(out);
	else
		out->error = -ENAMETOOLONG;
}

void thag_source_file_fini(struct thag_source_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

bool thag_source_file_same(const struct thag_source_file *a, const struct thag_source_file *b)
{
	return a->fd >= 0 && b->fd >= 0 && a->device == b->device && a->inode == b->inode;
}

static const char *explain(const struct thag_source_file *file, int error)
{
	bool relative = file->path[0] != '/';

	switch (-error) {
	case ENOENT:
	case ENOTDIR:
		return relative ? "There is no such file where the program ran, nor beside the "
				  "program: its path is relative, and to what isn't known."
				: "There is no such file.";
	case EACCES:
	case EPERM:
		return "thagd may not read this file.";
	case ELOOP:
	case ENAMETOOLONG:
		return "This path leads to no file.";
	case ENOMEM:
		return "thagd has no memory for this file.";
	default:
		return "This file can't be read.";
	}
}

/* Files of the kernel look regular, and do what they like when they are read. */
static bool is_of_kernel(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) != 0 || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
	       fs.f_type == DEBUGFS_MAGIC || fs.f_type == TRACEFS_MAGIC;
}

static int check(const struct thag_source_file *file, const char **why)
{
	if (file->fd < 0) {
		*why = explain(file, file->error);
		return file->error;
	}
	*why = "This is a directory, not a file.";
	if (S_ISDIR(file->mode))
		return -EISDIR;
	*why = "This is not a regular file: it is not read.";
	if (!S_ISREG(file->mode) || is_of_kernel(file->fd))
		return -EINVAL;
	*why = "This file is larger than 8 MiB: it is not read.";
	if (file->bytes > THAG_SOURCE_FILE_BYTES)
		return -EFBIG;
	*why = "This file is empty.";
	return file->bytes ? 0 : -ENODATA;
}

/* At most the bytes it had: what is appended meanwhile, or cut off, is no harm. */
static int read_bytes(int fd, uint64_t bytes, struct thag_buffer *out)
{
	int ret = thag_buffer_reserve(out, bytes);

	while (ret == 0 && bytes) {
		ssize_t got = read(fd, out->data + out->bytes, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ret = -errno;
		if (got <= 0)
			break;
		out->bytes += (size_t)got;
		bytes -= (uint64_t)got;
	}
	return ret;
}

int thag_source_file_read(const struct thag_source_file *file, struct thag_buffer *out,
			  const char **why)
{
	char link[32];
	int fd, ret = check(file, why);

	if (ret != 0)
		return ret;
	/* the very file that was looked at, whatever has its path by now */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	fd = (int)TEMP_FAILURE_RETRY(open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	ret = fd < 0 ? -errno : read_bytes(fd, file->bytes, out);
	if (fd >= 0)
		close(fd);
	if (ret != 0) {
		*why = explain(file, ret);
		return ret;
	}
	*why = "This file is not text.";
	return out->bytes && !memchr(out->data, '\0', out->bytes) ? 0 : -EILSEQ;
}
