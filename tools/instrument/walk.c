/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "words.h"

void thag_paths_fini(struct thag_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i]);
	free(paths->list);
	*paths = (struct thag_paths){ 0 };
}

int thag_paths_add(struct thag_paths *paths, const char *path)
{
	char *copy = strdup(path);

	if (copy && paths->count == paths->capacity) {
		size_t capacity = paths->capacity ? paths->capacity * 2 : 64;
		char **list = reallocarray(paths->list, capacity, sizeof(*list));

		if (!list) {
			free(copy);
			return -ENOMEM;
		}
		paths->list = list;
		paths->capacity = capacity;
	}
	if (!copy)
		return -ENOMEM;
	paths->list[paths->count++] = copy;
	return 0;
}

static bool is_built(int folder)
{
	static const char *const signs[] = { "CMakeCache.txt", "build.ninja", "meson-private" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (faccessat(folder, signs[i], F_OK, 0) == 0)
			return true;
	return false;
}

static bool is_wanted(const char *name, bool headers)
{
	bool header;

	return thag_words_language(name, &header) != THAG_LANGUAGE_UNKNOWN && (headers || !header);
}

/** Adds an entry to the folders to be read, or to what was found. */
static int take_entry(const char *folder, int folder_fd, const struct dirent *entry, bool headers,
		      struct thag_paths *folders, struct thag_paths *paths)
{
	struct stat st;
	char *path;
	int ret = 0;

	if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
		return 0;
	if (fstatat(folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return 0; /* it has just gone */
	if (asprintf(&path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/",
		     entry->d_name) < 0)
		return -ENOMEM;
	if (S_ISDIR(st.st_mode))
		ret = thag_paths_add(folders, path);
	else if (S_ISREG(st.st_mode) && is_wanted(entry->d_name, headers))
		ret = thag_paths_add(paths, path);
	free(path);
	return ret;
}

static int read_folder(const char *path, bool is_top, bool headers, struct thag_paths *folders,
		       struct thag_paths *paths)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int ret = 0;

	if (!folder)
		return -errno;
	if (is_top || !is_built(dirfd(folder))) {
		while (!ret && (errno = 0, entry = readdir(folder)) != NULL)
			ret = take_entry(path, dirfd(folder), entry, headers, folders, paths);
		if (!ret && errno)
			ret = -errno;
	}
	closedir(folder);
	return ret;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int thag_walk(struct thag_paths *paths, const char *top, bool headers, struct thag_paths *failed)
{
	struct thag_paths folders = { 0 };
	size_t before = paths->count;
	int ret = thag_paths_add(&folders, top), first = 0;

	while (!ret && folders.count) {
		char *path = folders.list[--folders.count];

		ret = read_folder(path, strcmp(path, top) == 0, headers, &folders, paths);
		if (ret && ret != -ENOMEM) {
			first = first ? first : ret;
			ret = thag_paths_add(failed, path);
		}
		free(path);
	}
	if (paths->count > before)
		qsort(paths->list + before, paths->count - before, sizeof(char *), compare);
	thag_paths_fini(&folders);
	return ret ? ret : first;
}
