/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "walk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <thag.h>

#include "memory.h"

static char *join(const char *directory, const char *name)
{
	size_t bytes = strlen(directory) + strlen(name) + 2;
	char *path = memory_resize(NULL, bytes);

	snprintf(path, bytes, "%s/%s", directory, name);
	return path;
}

/* Some file systems don't tell the type with the name. */
static unsigned char type_of(const char *path, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (lstat(path, &status) != 0)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(status.st_mode);
}

static void visit(struct queue *queue, char *path, unsigned char type)
{
	if (type == DT_REG) {
		queue_put(queue, path);
		return;
	}
	if (type == DT_DIR)
		walk_directory(queue, path);
	free(path);
}

int walk_directory(struct queue *queue, const char *directory)
{
	THAG_PROFILED();
	DIR *stream = opendir(directory);
	struct dirent *entry;

	if (!stream)
		return -1;
	while ((entry = readdir(stream))) {
		char *path;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		path = join(directory, entry->d_name);
		visit(queue, path, type_of(path, entry));
	}
	closedir(stream);
	return 0;
}
