/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include "thag_text.h"

#define VARIABLE "THAG_RECORD"
#define SUFFIX ".thag"
#define MAGIC "thagrec"

int thag_record_make_path(const char *file, char out[static PATH_MAX])
{
	char copy[PATH_MAX], directory[PATH_MAX];
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	size_t bytes = strlen(name);
	bool has_suffix = bytes > strlen(SUFFIX) && thag_text_ends_with(name, SUFFIX);
	int used;

	if (strlen(file) >= sizeof(copy))
		return -ENAMETOOLONG;
	if (!name[0])
		return -EISDIR;
	strcpy(copy, file);
	if (!realpath(dirname(copy), directory))
		return -errno;
	if (access(directory, W_OK | X_OK) != 0)
		return -errno;
	used = snprintf(out, PATH_MAX, "%s/%s%s", directory, name, has_suffix ? "" : SUFFIX);
	return used < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/** Whether an open file is a recording, and nobody writes it. 0 or a negative errno. */
static int check_old(int fd)
{
	char magic[sizeof(MAGIC)];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	if (st.st_size && (pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
			   memcmp(magic, MAGIC, sizeof(magic)) != 0))
		return -EEXIST;
	return TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) == 0 ? 0 : -EBUSY;
}

/** Removes an old recording. 0 or a negative errno. */
static int remove_old(const char *path)
{
	char journal[PATH_MAX + 8];
	int fd =
		(int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
	int ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ret = check_old(fd);
	if (ret == 0 && unlink(path) != 0)
		ret = -errno;
	close(fd);
	if (ret != 0)
		return ret;
	snprintf(journal, sizeof(journal), "%s.open", path);
	unlink(journal);
	return 0;
}

static const char *reason(int error)
{
	switch (error) {
	case -EEXIST:
		return "it is there, and no recording";
	case -EBUSY:
		return "it is being written by another thagd";
	default:
		return strerror(-error);
	}
}

int thag_record_prepare(const struct thag_command *command, const char *file)
{
	char path[PATH_MAX];
	int ret = thag_record_make_path(file, path);

	if (ret == 0)
		ret = remove_old(path);
	if (ret == 0 && setenv(VARIABLE, path, 1) != 0)
		ret = -errno;
	if (ret != 0)
		thag_command_complain(command, "can't record to '%s': %s", file, reason(ret));
	return ret ? -1 : 0;
}

/* A session that was to be recorded and isn't: thagd says why. */
static void tell_unrecorded(const json_t *session)
{
	const char *why = json_string_value(json_object_get(session, "message"));
	struct thag_buffer text = { 0 };

	if (why && thag_text_append_terminal(&text, why, strlen(why)) == 0)
		fprintf(stderr, "thag: not recorded: %.*s\n", (int)text.bytes,
			(const char *)text.data);
	thag_buffer_fini(&text);
}

void thag_record_report(const json_t *session)
{
	const json_t *recording = json_object_get(session, "recording");
	const char *file = json_string_value(json_object_get(recording, "file"));
	const char *error = json_string_value(json_object_get(recording, "error"));

	if (file && error)
		fprintf(stderr, "thag: recording %s stopped: %s\n", file, error);
	else if (file)
		fprintf(stderr, "thag: recorded %s\n", file);
	else if (getenv(VARIABLE))
		tell_unrecorded(session);
}
