/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "symbol_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "files.h"
#include "log.h"

#define NAME_BYTES (2 * THAG_SYMBOL_BUILD_ID_MAX + 1)
#define DRAFT_PREFIX ".thag-"
#define DRAFT_AGE_S 3600

/* Makes the directory `name` in `parent`, which is closed, and opens it. */
static int enter(int parent, const char *name)
{
	int fd = -1;

	if (parent >= 0 && (mkdirat(parent, name, 0700) == 0 || errno == EEXIST))
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0)
		close(parent);
	return fd;
}

void thag_symbol_cache_open(struct thag_symbol_cache *cache)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int fd = -1;

	*cache = (struct thag_symbol_cache){ .dir_fd = -1 };
	if (base && base[0] == '/')
		fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (home && home[0] == '/')
		fd = enter(open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ".cache");
	cache->dir_fd = enter(enter(fd, "thag"), "symbols");
	if (cache->dir_fd < 0)
		thag_log_write(THAG_LOG_INFO, "names of functions are not kept: no directory "
					      "for caches");
}

static void name_file(char out[static NAME_BYTES], const uint8_t *build_id, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", build_id[i]);
}

/* The file's bytes, to be freed; NULL when there is none that could be ours. */
static uint8_t *read_file(const struct thag_symbol_cache *cache, const char *name, size_t *bytes)
{
	int fd = (int)TEMP_FAILURE_RETRY(
		openat(cache->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	struct stat st;
	uint8_t *data = NULL;
	ssize_t got;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= THAG_SYMBOL_STORE_BYTES_MAX)
		data = malloc((size_t)st.st_size);
	*bytes = 0;
	while (data && *bytes < (size_t)st.st_size &&
	       (got = TEMP_FAILURE_RETRY(read(fd, data + *bytes, (size_t)st.st_size - *bytes))) > 0)
		*bytes += (size_t)got;
	close(fd);
	return data;
}

static int load(struct thag_symbol_cache *cache, struct thag_symbol_cache_entry *entry)
{
	char name[NAME_BYTES];
	uint8_t *data = NULL;
	size_t bytes;
	int ret = -EPROTO;

	name_file(name, entry->build_id, entry->build_id_bytes);
	if (cache->dir_fd >= 0)
		data = read_file(cache, name, &bytes);
	if (data)
		ret = thag_symbol_store_read(&entry->store, data, bytes, entry->build_id,
					     entry->build_id_bytes);
	free(data);
	if (ret == -EPROTO)
		ret = thag_symbol_store_begin(&entry->store, entry->build_id,
					      entry->build_id_bytes);
	return ret;
}

/* Files of ours by age, to drop the oldest. */
struct aged {
	char name[NAME_BYTES];
	off_t bytes;
	time_t time;
};

static int newest_first(const void *a, const void *b)
{
	const struct aged *left = a, *right = b;

	return left->time > right->time ? -1 : left->time < right->time;
}

static bool is_ours(const char *name)
{
	size_t bytes = strlen(name);

	return bytes >= 2 * THAG_SYMBOL_BUILD_ID_MIN && bytes < NAME_BYTES &&
	       strspn(name, "0123456789abcdef") == bytes;
}

/* A draft that nobody finished is of one that was killed. */
static void remove_draft(const struct thag_symbol_cache *cache, const char *name,
			 const struct stat *st)
{
	if (strncmp(name, DRAFT_PREFIX, strlen(DRAFT_PREFIX)) == 0 &&
	    time(NULL) - st->st_mtime > DRAFT_AGE_S)
		unlinkat(cache->dir_fd, name, 0);
}

static uint32_t list_files(const struct thag_symbol_cache *cache, DIR *dir, struct aged *files)
{
	struct dirent *entry;
	struct stat st;
	uint32_t count = 0;

	while (count < THAG_SYMBOL_CACHE_LISTED_MAX && (entry = readdir(dir))) {
		if (fstatat(cache->dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		remove_draft(cache, entry->d_name, &st);
		if (!is_ours(entry->d_name))
			continue;
		snprintf(files[count].name, NAME_BYTES, "%s", entry->d_name);
		files[count].bytes = st.st_size;
		files[count++].time = st.st_mtime;
	}
	return count;
}

static void drop_oldest(const struct thag_symbol_cache *cache)
{
	struct aged *files = calloc(THAG_SYMBOL_CACHE_LISTED_MAX, sizeof(*files));
	DIR *dir = thag_files_list(cache->dir_fd, ".");
	uint32_t count = files && dir ? list_files(cache, dir, files) : 0;
	uint64_t bytes = 0;

	if (count)
		qsort(files, count, sizeof(*files), newest_first);
	for (uint32_t i = 0; i < count; i++) {
		bytes += (uint64_t)files[i].bytes;
		if (i >= THAG_SYMBOL_CACHE_FILES_MAX || bytes > THAG_SYMBOL_CACHE_BYTES_MAX)
			unlinkat(cache->dir_fd, files[i].name, 0);
	}
	if (dir)
		closedir(dir);
	free(files);
}

static bool save(const struct thag_symbol_cache *cache, struct thag_symbol_cache_entry *entry)
{
	char name[NAME_BYTES];
	int ret;

	if (!entry->build_id_bytes || !entry->store.changed)
		return false;
	entry->store.changed = false;
	if (cache->dir_fd < 0)
		return false;
	name_file(name, entry->build_id, entry->build_id_bytes);
	ret = thag_files_replace(cache->dir_fd, name, entry->store.bytes.data,
				 entry->store.bytes.bytes);
	if (ret != 0)
		thag_log_write(THAG_LOG_WARN, "can't keep names of functions: %s", strerror(-ret));
	return ret == 0;
}

void thag_symbol_cache_flush(struct thag_symbol_cache *cache)
{
	bool saved = false;

	for (uint32_t i = 0; i < THAG_SYMBOL_CACHE_OPEN_MAX; i++)
		if (save(cache, &cache->entries[i]))
			saved = true;
	if (saved)
		drop_oldest(cache);
}

void thag_symbol_cache_close(struct thag_symbol_cache *cache)
{
	for (uint32_t i = 0; i < THAG_SYMBOL_CACHE_OPEN_MAX; i++)
		thag_symbol_store_fini(&cache->entries[i].store);
	if (cache->dir_fd >= 0)
		close(cache->dir_fd);
	*cache = (struct thag_symbol_cache){ .dir_fd = -1 };
}

struct thag_symbol_store *thag_symbol_cache_get(struct thag_symbol_cache *cache,
						const uint8_t *build_id, uint32_t build_id_bytes)
{
	struct thag_symbol_cache_entry *oldest = &cache->entries[0];

	for (uint32_t i = 0; i < THAG_SYMBOL_CACHE_OPEN_MAX; i++) {
		struct thag_symbol_cache_entry *entry = &cache->entries[i];

		if (entry->build_id_bytes == build_id_bytes &&
		    memcmp(entry->build_id, build_id, build_id_bytes) == 0) {
			entry->used = ++cache->uses;
			return &entry->store;
		}
		if (entry->used < oldest->used)
			oldest = entry;
	}
	save(cache, oldest);
	thag_symbol_store_fini(&oldest->store);
	memcpy(oldest->build_id, build_id, build_id_bytes);
	oldest->build_id_bytes = build_id_bytes;
	oldest->used = ++cache->uses;
	if (load(cache, oldest) == 0)
		return &oldest->store;
	oldest->build_id_bytes = 0;
	oldest->used = 0;
	return NULL;
}
