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

/* A file that has a name only once it is whole; `name` is "" while it has none at all. */
struct draft {
	int fd;
	char name[NAME_BYTES];
};

static int write_all(int fd, const void *data, size_t bytes)
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
static int open_named(int dir_fd, mode_t mode, struct draft *draft)
{
	unsigned long long random[2] = { 0 };

	if (getentropy(random, sizeof(random)) != 0)
		return -errno;
	snprintf(draft->name, sizeof(draft->name), ".thag-%016llx%016llx.tmp", random[0],
		 random[1]);
	draft->fd = openat(dir_fd, draft->name,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (draft->fd < 0) {
		draft->name[0] = '\0';
		return -errno;
	}
	return 0;
}

static int open_draft(int dir_fd, mode_t mode, struct draft *draft)
{
	draft->fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	if (draft->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
		return -errno;
	return open_named(dir_fd, mode, draft);
}

static void close_draft(int dir_fd, struct draft *draft)
{
	if (draft->name[0])
		unlinkat(dir_fd, draft->name, 0);
	if (draft->fd >= 0)
		close(draft->fd);
	*draft = (struct draft){ .fd = -1 };
}

static int fill_draft(int dir_fd, mode_t mode, const void *data, size_t bytes, struct draft *draft)
{
	int ret = open_draft(dir_fd, mode, draft);

	if (ret == 0)
		ret = write_all(draft->fd, data, bytes);
	if (ret == 0 && fsync(draft->fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		ret = -errno;
	return ret;
}

/* -EEXIST when the name is taken: nothing is ever overwritten. */
static int name_draft(int dir_fd, const struct draft *draft, const char *name)
{
	char path[FD_PATH_BYTES];

	if (draft->name[0])
		return linkat(dir_fd, draft->name, dir_fd, name, 0) ? -errno : 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", draft->fd);
	return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static void candidate(const struct thag_files *files, int attempt, char out[static NAME_BYTES])
{
	if (attempt == 0)
		snprintf(out, NAME_BYTES, "%s", files->stem);
	else if (attempt == 1)
		snprintf(out, NAME_BYTES, "%s-%d", files->stem, files->pid);
	else
		snprintf(out, NAME_BYTES, "%s-%d-%d", files->stem, files->pid, attempt);
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

/*
 * Gives all drafts their names, the last first, or none. A file that had a name and lost it can't
 * get another, so all are looked at first.
 */
static int name_all(int dir_fd, const struct thag_files *files, struct draft *drafts,
		    const char *stem)
{
	char name[FILE_NAME_BYTES];
	int at = files->count, ret = 0;

	for (int i = 0; i < files->count; i++) {
		name_of(name, stem, &files->files[i]);
		if (is_taken(dir_fd, name))
			return -EEXIST;
	}
	while (ret == 0 && at-- > 0) {
		name_of(name, stem, &files->files[at]);
		ret = name_draft(dir_fd, &drafts[at], name);
	}
	for (int i = at + 1; ret != 0 && i < files->count; i++) {
		name_of(name, stem, &files->files[i]);
		unlinkat(dir_fd, name, 0);
	}
	return ret;
}

static int name_some(int dir_fd, const struct thag_files *files, struct draft *drafts,
		     char (*paths)[THAG_PATH_BYTES])
{
	char stem[NAME_BYTES], name[FILE_NAME_BYTES];
	int ret = -EEXIST;

	for (int i = 0; i < THAG_STEM_TRIES && ret == -EEXIST; i++) {
		candidate(files, i, stem);
		ret = name_all(dir_fd, files, drafts, stem);
	}
	for (int i = 0; i < files->count && ret == 0; i++) {
		name_of(name, stem, &files->files[i]);
		snprintf(paths[i], THAG_PATH_BYTES, "%s/%s", files->directory, name);
	}
	return ret;
}

int thag_files_write(const struct thag_files *files,
		     char paths[static THAG_SESSION_FILES_MAX][THAG_PATH_BYTES])
{
	struct draft drafts[THAG_SESSION_FILES_MAX];
	int dir_fd, ret = 0;

	if (strlen(files->directory) + FILE_NAME_BYTES + 8 > THAG_PATH_BYTES)
		return -ENAMETOOLONG;
	dir_fd = open(files->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	for (int i = 0; i < files->count; i++)
		drafts[i] = (struct draft){ .fd = -1 };
	for (int i = 0; i < files->count && ret == 0; i++)
		ret = fill_draft(dir_fd, 0666, files->files[i].data, files->files[i].bytes,
				 &drafts[i]);
	if (ret == 0)
		ret = name_some(dir_fd, files, drafts, paths);
	if (ret == 0)
		fsync(dir_fd); /* some file systems can't, and the files are there */
	for (int i = 0; i < files->count; i++)
		close_draft(dir_fd, &drafts[i]);
	close(dir_fd);
	return ret;
}

int thag_files_replace(int dir_fd, const char *name, const void *data, size_t bytes)
{
	struct draft draft = { .fd = -1 };
	int ret = open_named(dir_fd, 0600, &draft);

	if (ret == 0)
		ret = write_all(draft.fd, data, bytes);
	if (ret == 0 && renameat(dir_fd, draft.name, dir_fd, name) != 0)
		ret = -errno;
	if (ret == 0)
		draft.name[0] = '\0';
	close_draft(dir_fd, &draft);
	return ret;
}
