/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_server.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "thag_symbol_reader.h"
#include "thag_symbol_request.h"

#define FIRST_OTHER_FD 3
#define FLUSH_BYTES 32768
#define FILES_MAX 1024 /* split DWARF is a file a unit */

/* A file that stays open for the next request. */
struct kept {
	struct thag_symbol_request_head head; /* with a build id, and without addresses */
	char path[THAG_SYMBOL_PATH_MAX + 1];
	struct thag_symbol_reader *reader;
	uint32_t status; /* why there is none */
	uint64_t used;
};

struct server {
	struct kept kept[THAG_SYMBOL_SERVER_FILES];
	uint64_t requests;
	struct thag_symbol_request_head head;
	char path[THAG_SYMBOL_PATH_MAX + 1];
	char dirs[THAG_SYMBOL_DIRS_MAX + 1];
	uint64_t addresses[THAG_SYMBOL_ADDRESSES_MAX];
	struct thag_buffer out;
	struct thag_symbol symbol;
};

static void limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
	struct rlimit value = { soft, hard };

	setrlimit(what, &value);
}

/* A lower one that is there stays: who started us has been given less. */
static void lower(__rlimit_resource_t what, uint64_t most)
{
	struct rlimit now = { .rlim_cur = most };

	getrlimit(what, &now);
	if (now.rlim_cur < most)
		most = now.rlim_cur;
	limit(what, most, most);
}

/* A sanitizer's shadow needs all of the address space. */
static bool has_shadow(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}

static void confine(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	syscall(SYS_close_range, FIRST_OTHER_FD, ~0u, 0);
	lower(RLIMIT_CORE, 0);
	lower(RLIMIT_NOFILE, FILES_MAX);
	lower(RLIMIT_FSIZE, 0);
	if (has_shadow())
		return;
	lower(RLIMIT_DATA, THAG_SYMBOL_SERVER_DATA_BYTES);
	lower(RLIMIT_AS, THAG_SYMBOL_SERVER_SPACE_BYTES);
}

/* Time counts from the start of the process: the next request gets its own. */
static void limit_cpu(void)
{
	struct rusage used = { 0 };

	getrusage(RUSAGE_SELF, &used);
	limit(RLIMIT_CPU,
	      (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + THAG_SYMBOL_SERVER_CPU_S,
	      RLIM_INFINITY);
}

/* 1, or 0 at the end of the input. */
static int read_all(void *out, size_t bytes)
{
	char *at = out;

	while (bytes) {
		ssize_t got = read(STDIN_FILENO, at, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		at += got;
		bytes -= (size_t)got;
	}
	return 1;
}

static int flush(struct server *server)
{
	const uint8_t *at = server->out.data;

	while (server->out.bytes) {
		ssize_t wrote = write(STDOUT_FILENO, at, server->out.bytes);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return -EPIPE;
		at += wrote;
		server->out.bytes -= (size_t)wrote;
	}
	return 0;
}

static int read_request(struct server *server)
{
	struct thag_symbol_request_head *head = &server->head;

	if (!read_all(head, sizeof(*head)) || !thag_symbol_request_is_sensible(head) ||
	    !read_all(server->path, head->path_bytes) ||
	    !read_all(server->dirs, head->dirs_bytes) ||
	    !read_all(server->addresses, head->address_count * sizeof(uint64_t)))
		return 0;
	server->path[head->path_bytes] = '\0';
	server->dirs[head->dirs_bytes] = '\0';
	return 1;
}

static bool is_same(const struct kept *kept, const struct server *server)
{
	return kept->used && kept->head.flags == server->head.flags &&
	       kept->head.build_id_bytes == server->head.build_id_bytes &&
	       memcmp(kept->head.build_id, server->head.build_id, sizeof(kept->head.build_id)) ==
		       0 &&
	       strcmp(kept->path, server->path) == 0;
}

/* The place of the same file, else the one that was not used for longest. */
static struct kept *find_place(struct server *server)
{
	struct kept *oldest = &server->kept[0];

	for (size_t i = 0; i < THAG_SYMBOL_SERVER_FILES; i++) {
		if (is_same(&server->kept[i], server))
			return &server->kept[i];
		if (server->kept[i].used < oldest->used)
			oldest = &server->kept[i];
	}
	return oldest;
}

/* Without a build id nothing says that the file is still the one that was opened. */
static struct kept *open_file(struct server *server)
{
	struct kept *kept = find_place(server);
	struct thag_object_query query = {
		.path = server->path,
		.build_id = server->head.build_id,
		.build_id_bytes = server->head.build_id_bytes,
		.pid = server->head.pid,
		.debug_dirs = server->head.dirs_bytes ? server->dirs : NULL,
	};
	struct thag_symbol_reader_options options = {
		.no_dwarf = server->head.flags & THAG_SYMBOL_NO_DWARF,
	};

	if (!is_same(kept, server) || !kept->head.build_id_bytes || !kept->reader) {
		thag_symbol_reader_close(kept->reader);
		kept->reader = NULL;
		kept->head = server->head;
		memcpy(kept->path, server->path, sizeof(kept->path));
		kept->status = thag_symbol_reader_open(&kept->reader, &query, &options);
	}
	kept->used = ++server->requests;
	return kept;
}

static int answer(struct server *server)
{
	struct kept *kept = open_file(server);
	int ret = 0;

	for (uint32_t i = 0; i < server->head.address_count && ret == 0; i++) {
		server->symbol.address = server->addresses[i];
		server->symbol.status = kept->status;
		server->symbol.frame_count = 0;
		if (kept->reader)
			thag_symbol_reader_find(kept->reader, server->addresses[i],
						&server->symbol);
		ret = thag_symbol_append(&server->out, &server->symbol);
		if (ret == 0 && server->out.bytes >= FLUSH_BYTES)
			ret = flush(server);
	}
	return ret == 0 ? flush(server) : ret;
}

int thag_symbol_server_run(void)
{
	struct server *server = calloc(1, sizeof(*server));

	confine();
	if (!server)
		return EXIT_FAILURE;
	limit_cpu();
	while (read_request(server) && answer(server) == 0)
		limit_cpu();
	for (size_t i = 0; i < THAG_SYMBOL_SERVER_FILES; i++)
		thag_symbol_reader_close(server->kept[i].reader);
	thag_buffer_fini(&server->out);
	free(server);
	return EXIT_SUCCESS;
}
