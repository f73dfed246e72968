/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../output.h"
#include "thag_buffer.h"

#define CHUNK_BYTES 65536

void thag_file_fini(struct thag_file *file)
{
	free(file->data);
	*file = (struct thag_file){ 0 };
}

int thag_file_take(struct thag_file *file, int fd, size_t max)
{
	struct thag_buffer buffer = { 0 };
	struct stat st;
	ssize_t got = 1;
	int ret = fstat(fd, &st) ? -errno : 0;

	while (!ret && got) {
		ret = thag_buffer_reserve(&buffer, CHUNK_BYTES);
		got = ret ? 0 : read(fd, buffer.data + buffer.bytes, CHUNK_BYTES);
		if (got < 0 && errno != EINTR)
			ret = -errno;
		if (got > 0)
			buffer.bytes += (size_t)got;
		if (buffer.bytes > max)
			ret = -EFBIG;
	}
	if (ret) {
		thag_buffer_fini(&buffer);
		return ret;
	}
	*file = (struct thag_file){ .data = (char *)buffer.data, .bytes = buffer.bytes, .st = st };
	return 0;
}

int thag_file_read(struct thag_file *file, const char *path, size_t max)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else if ((unsigned long long)st.st_size > max)
		ret = -EFBIG;
	else
		ret = thag_file_take(file, fd, max);
	close(fd);
	return ret;
}

static int write_bytes(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t wrote = write(fd, at, bytes);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0) {
			at += wrote;
			bytes -= (size_t)wrote;
		}
	}
	return 0;
}

static int write_file(const char *path, const void *data, size_t bytes)
{
	int fd = memfd_create("source", MFD_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write_bytes(fd, data, bytes);
	if (!ret)
		ret = thag_output_write_file(path, fd);
	close(fd);
	return ret;
}

int thag_file_replace(const struct thag_file *file, const char *path, const void *data,
		      size_t bytes)
{
	struct stat now;

	if (stat(path, &now))
		return -errno;
	if (now.st_dev != file->st.st_dev || now.st_ino != file->st.st_ino ||
	    now.st_size != file->st.st_size || now.st_mtim.tv_sec != file->st.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != file->st.st_mtim.tv_nsec)
		return -ESTALE;
	return write_file(path, data, bytes);
}

int thag_file_back_up(const struct thag_file *file, const char *path, const char *ending)
{
	char *backup;
	int ret = asprintf(&backup, "%s%s", path, ending) < 0 ? -ENOMEM : 0;

	if (ret)
		return ret;
	ret = write_file(backup, file->data, file->bytes);
	if (!ret && chmod(backup, file->st.st_mode & 0777))
		ret = -errno;
	free(backup);
	return ret;
}

bool thag_file_is_output(const struct stat *st, int fd)
{
	struct stat output;

	return S_ISREG(st->st_mode) && fstat(fd, &output) == 0 && output.st_dev == st->st_dev &&
	       output.st_ino == st->st_ino;
}
