/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#define NAME_BYTES 512
#define FD_PATH_BYTES 32
#define SUFFIX_BYTES 64
#define FILE_NAME_BYTES (NAME_BYTES + SUFFIX_BYTES)

int thag_write_all(int fd, const void *data, size_t bytes)
{
	const char *from = data;

	while (bytes) {
		ssize_t wrote = write(fd, from, bytes);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? -errno : -EIO;
		from += wrote;
		bytes -= (size_t)wrote;
	}
	return 0;
}

/* Not every file system has files without a name. */
static int open_named(int dir_fd, mode_t mode, struct thag_file *file)
{
	unsigned long long random[2] = { 0 };

	if (getentropy(random, sizeof(random)) != 0)
		return -errno;
	snprintf(file->draft, sizeof(file->draft), ".thag-%016llx%016llx.tmp", random[0],
		 random[1]);
	file->fd = (int)TEMP_FAILURE_RETRY(openat(
		dir_fd, file->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
	if (file->fd < 0) {
		file->draft[0] = '\0';
		return -errno;
	}
	return 0;
}

static int open_draft(int dir_fd, mode_t mode, struct thag_file *file)
{
	file->fd = (int)TEMP_FAILURE_RETRY(
		openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
	if (file->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return -errno;
	return open_named(dir_fd, mode, file);
}

static void close_draft(int dir_fd, struct thag_file *file)
{
	if (file->draft[0])
		unlinkat(dir_fd, file->draft, 0);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct thag_file){ .fd = -1 };
}

/* -EEXIST when the name is taken: nothing is ever overwritten. */
static int name_draft(int dir_fd, const struct thag_file *file, const char *name)
{
	char path[FD_PATH_BYTES];

	if (file->draft[0])
		return linkat(dir_fd, file->draft, dir_fd, name, 0) ? -errno : 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static void candidate(const char *stem, int pid, int attempt, char out[static NAME_BYTES])
{
	if (attempt == 0)
		snprintf(out, NAME_BYTES, "%s", stem);
	else if (attempt == 1)
		snprintf(out, NAME_BYTES, "%s-%d", stem, pid);
	else
		snprintf(out, NAME_BYTES, "%s-%d-%d", stem, pid, attempt);
}

static bool is_taken(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void name_of(char out[static FILE_NAME_BYTES], const char *stem,
		    const struct thag_file *file)
{
	snprintf(out, FILE_NAME_BYTES, "%s%s", stem, file->suffix);
}

static bool are_free(const struct thag_files *files, const char *stem)
{
	char name[FILE_NAME_BYTES];

	for (int i = 0; i < THAG_SESSION_FILES_MAX; i++) {
		if (!files->files[i].suffix)
			continue;
		name_of(name, stem, &files->files[i]);
		if (is_taken(files->dir_fd, name))
			return false;
	}
	return true;
}

/*
 * Gives all drafts their names, the last first, or none. A file that had a name and lost it can't
 * get another, so all are looked at first.
 */
static int name_all(const struct thag_files *files, const char *stem)
{
	char name[FILE_NAME_BYTES];
	int at = THAG_SESSION_FILES_MAX, ret = 0;

	if (!are_free(files, stem))
		return -EEXIST;
	while (ret == 0 && at-- > 0) {
		if (!files->files[at].suffix)
			continue;
		name_of(name, stem, &files->files[at]);
		ret = name_draft(files->dir_fd, &files->files[at], name);
	}
	for (int i = at + 1; ret != 0 && i < THAG_SESSION_FILES_MAX; i++) {
		if (!files->files[i].suffix)
			continue;
		name_of(name, stem, &files->files[i]);
		unlinkat(files->dir_fd, name, 0);
	}
	return ret;
}

static int name_some(const struct thag_files *files, const char *stem, int pid,
		     char (*paths)[THAG_PATH_BYTES])
{
	char found[NAME_BYTES], name[FILE_NAME_BYTES];
	int ret = -EEXIST, count = 0;

	for (int i = 0; i < THAG_STEM_TRIES && ret == -EEXIST; i++) {
		candidate(stem, pid, i, found);
		ret = name_all(files, found);
	}
	for (int i = 0; i < THAG_SESSION_FILES_MAX && ret == 0; i++) {
		if (!files->files[i].suffix)
			continue;
		name_of(name, found, &files->files[i]);
		snprintf(paths[count++], THAG_PATH_BYTES, "%s/%s", files->directory, name);
	}
	return ret;
}

DIR *thag_files_list(int dir_fd, const char *path)
{
	int fd = (int)TEMP_FAILURE_RETRY(openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	int error = errno;

	if (!dir && fd >= 0)
		close(fd);
	errno = error;
	return dir;
}

int thag_files_begin(struct thag_files *files, const char *directory)
{
	*files = (struct thag_files){ .directory = directory, .dir_fd = -1 };
	for (int i = 0; i < THAG_SESSION_FILES_MAX; i++)
		files->files[i].fd = -1;
	if (strlen(directory) + FILE_NAME_BYTES + 8 > THAG_PATH_BYTES)
		return -ENAMETOOLONG;
	files->dir_fd =
		(int)TEMP_FAILURE_RETRY(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return files->dir_fd >= 0 ? 0 : -errno;
}

int thag_files_put(struct thag_files *files, int index, const char *suffix, const void *data,
		   size_t bytes)
{
	struct thag_file *file = &files->files[index];
	int ret = open_draft(files->dir_fd, 0666, file);

	if (ret != 0)
		return ret;
	file->suffix = suffix;
	ret = thag_write_all(file->fd, data, bytes);
	/* for speed alone: thag_files_name waits for it */
	if (ret == 0)
		sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return ret;
}

int thag_files_name(struct thag_files *files, const char *stem, int pid,
		    char paths[static THAG_SESSION_FILES_MAX][THAG_PATH_BYTES])
{
	for (int i = 0; i < THAG_SESSION_FILES_MAX; i++)
		if (files->files[i].fd >= 0 && TEMP_FAILURE_RETRY(fsync(files->files[i].fd)) != 0 &&
		    errno != EINVAL && errno != ENOTSUP)
			return -errno;
	return name_some(files, stem, pid, paths);
}

void thag_files_settle(const struct thag_files *files)
{
	if (files->dir_fd >= 0)
		fsync(files->dir_fd); /* some file systems can't, and the files are there */
}

void thag_files_end(struct thag_files *files)
{
	for (int i = 0; i < THAG_SESSION_FILES_MAX; i++)
		close_draft(files->dir_fd, &files->files[i]);
	if (files->dir_fd >= 0)
		close(files->dir_fd);
	files->dir_fd = -1;
}

int thag_files_replace(int dir_fd, const char *name, const void *data, size_t bytes)
{
	struct thag_file draft = { .fd = -1 };
	int ret = open_named(dir_fd, 0600, &draft);

	if (ret == 0)
		ret = thag_write_all(draft.fd, data, bytes);
	if (ret == 0 && renameat(dir_fd, draft.draft, dir_fd, name) != 0)
		ret = -errno;
	if (ret == 0)
		draft.draft[0] = '\0';
	close_draft(dir_fd, &draft);
	return ret;
}
