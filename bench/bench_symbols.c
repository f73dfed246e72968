/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_symbols FILE BUILD-ID ADDRESS…: the time from asking for the names of the addresses to
 * having them all, with file and line: by a process that was started for it, with the file out of
 * memory and in it; by one that has the file open; and from the cache. The way thagd asks.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "symbol_cache.h"
#include "symbol_helper.h"
#include "thag_symbol_server.h"

static struct {
	const char *path;
	struct thag_symbol_request_head head;
	uint64_t addresses[THAG_SYMBOL_ADDRESSES_MAX];
	struct thag_symbol_store *store;
	uint32_t found, lines;
} self;

static void on_answer(void *context, uint32_t index, const struct thag_symbol *symbol)
{
	(void)context;
	(void)index;
	self.found += symbol->status == THAG_SYMBOL_FOUND;
	self.lines += symbol->status == THAG_SYMBOL_FOUND && symbol->function.line;
	if (self.store && symbol->status == THAG_SYMBOL_FOUND)
		thag_symbol_store_put(self.store, symbol);
}

static void drop_from_memory(void)
{
	int fd = open(self.path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		perror(self.path);
	if (fd >= 0)
		close(fd);
}

static long peak_kib(pid_t pid)
{
	char path[32], line[128];
	long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static void ask(struct thag_symbol_helper *helper, const char *text)
{
	uint64_t start = thag_clock_mono_ns();
	uint32_t answered;
	int ret;

	self.found = self.lines = 0;
	ret = thag_symbol_helper_ask(helper, &self.head, self.path, NULL, self.addresses,
				     UINT64_C(600000000000), on_answer, NULL, &answered);
	printf("%-44s %7.1f ms   %u of %u named, %u with a line, peak %ld KiB%s\n", text,
	       (double)(thag_clock_mono_ns() - start) / 1e6, self.found, self.head.address_count,
	       self.lines, peak_kib(helper->pid), ret ? ", FAILED" : "");
}

static void find(struct thag_symbol_cache *cache, const char *text)
{
	uint64_t start = thag_clock_mono_ns();
	static struct thag_symbol symbol;
	uint32_t found = 0;

	self.store = thag_symbol_cache_get(cache, self.head.build_id, self.head.build_id_bytes);
	for (uint32_t i = 0; self.store && i < self.head.address_count; i++)
		found += thag_symbol_store_find(self.store, self.addresses[i], &symbol);
	printf("%-44s %7.3f ms   %u of %u named\n", text,
	       (double)(thag_clock_mono_ns() - start) / 1e6, found, self.head.address_count);
}

static void run(void)
{
	struct thag_symbol_helper helper = THAG_SYMBOL_HELPER_NONE;
	static struct thag_symbol_cache cache;

	drop_from_memory();
	ask(&helper, "a new process, the file on disk");
	thag_symbol_helper_stop(&helper);
	ask(&helper, "a new process, the file in memory");
	ask(&helper, "the same process again");
	thag_symbol_cache_open(&cache);
	self.store = thag_symbol_cache_get(&cache, self.head.build_id, self.head.build_id_bytes);
	ask(&helper, "once more, into the cache");
	thag_symbol_helper_stop(&helper);
	thag_symbol_cache_flush(&cache);
	thag_symbol_cache_close(&cache);
	thag_symbol_cache_open(&cache);
	find(&cache, "from the cache's file");
	thag_symbol_cache_close(&cache);
}

int main(int argc, char **argv)
{
	/* the process that is asked is this program, too */
	if (argc > 1 && strcmp(argv[1], "--symbols") == 0)
		return thag_symbol_server_run();
	if (argc < 4 || argc - 3 > THAG_SYMBOL_ADDRESSES_MAX)
		return 2;
	self.path = argv[1];
	self.head.magic = THAG_SYMBOL_REQUEST_MAGIC;
	self.head.path_bytes = (uint32_t)strlen(argv[1]);
	while (self.head.build_id_bytes < THAG_SYMBOL_BUILD_ID_MAX &&
	       sscanf(argv[2] + 2 * self.head.build_id_bytes, "%2hhx",
		      &self.head.build_id[self.head.build_id_bytes]) == 1)
		self.head.build_id_bytes++;
	for (int i = 3; i < argc; i++)
		self.addresses[self.head.address_count++] = strtoull(argv[i], NULL, 16);
	run();
	return 0;
}
