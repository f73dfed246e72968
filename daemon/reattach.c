/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "reattach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>

#include "chunks.h"
#include "daemon.h"
#include "files.h"
#include "handshake.h"
#include "hello.h"
#include "life.h"
#include "log.h"
#include "proc.h"
#include "recording_file.h"
#include "records.h"
#include "resume.h"

#define SHM_LINK "/memfd:thag-shm (deleted)"
#define CONSUMER_LINK "/memfd:thag-consumer (deleted)"
#define LINK_BYTES 64
#define DIR_BYTES 64

/* What is looked for among a program's descriptors, and what was found. */
struct search {
	const struct thag_record *record;
	struct thag_shm_header header;
	struct thag_session_memory memory; /* shm set when found, consumer likewise */
};

static void try_shm(struct search *search, int fd)
{
	struct thag_session_memory memory = { 0 };
	struct thag_shm_header header;
	char why[THAG_WHY_BYTES];

	if (search->memory.shm || thag_hello_map(fd, &memory, &header, why) != 0)
		return;
	if (memcmp(header.nonce, search->record->nonce, sizeof(header.nonce)) != 0) {
		thag_session_memory_fini(&memory);
		return;
	}
	search->header = header;
	search->memory.shm = memory.shm;
	search->memory.shm_bytes = memory.shm_bytes;
	search->memory.shm_inode = memory.shm_inode;
}

/* Needs the slot count, so the program's own memfd is found first. */
static void try_consumer(struct search *search, int fd)
{
	struct thag_shm_consumer_header header;
	char why[THAG_WHY_BYTES];
	uint64_t bytes = thag_shm_consumer_bytes(search->header.slots);
	void *map;

	if (search->memory.consumer ||
	    thag_handshake_check_consumer_fd(fd, search->header.slots, why) != 0)
		return;
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	memcpy(&header, map, sizeof(header));
	if (header.magic != THAG_CONSUMER_MAGIC || header.version != THAG_SHM_VERSION ||
	    header.slots != search->header.slots || header.session != search->record->id) {
		munmap(map, bytes);
		return;
	}
	search->memory.consumer = map;
	search->memory.consumer_bytes = bytes;
}

/* Opens anew, through /proc, each descriptor whose link reads `wanted`. */
static void scan(struct search *search, const char *wanted, int flags,
		 void (*found)(struct search *search, int fd))
{
	char path[DIR_BYTES], link[LINK_BYTES];
	struct dirent *entry;
	uint32_t seen = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)search->record->pid);
	dir = thag_files_list(AT_FDCWD, path);
	if (!dir)
		return;
	while (seen++ < THAG_PROC_FDS_MAX && (entry = readdir(dir))) {
		ssize_t got = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		int fd;

		if (got < 0)
			continue;
		link[got] = '\0';
		if (strcmp(link, wanted) != 0)
			continue;
		fd = (int)TEMP_FAILURE_RETRY(openat(dirfd(dir), entry->d_name, flags | O_CLOEXEC));
		if (fd < 0)
			continue;
		found(search, fd);
		close(fd);
	}
	closedir(dir);
}

/* What the service manager kept for us: there even when the program has gone, or closed its own. */
static int find_kept(struct search *search, const struct thag_service *service)
{
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < service->count; i++) {
			if (service->kept[i].session != search->record->id)
				continue;
			if (round == 0)
				try_shm(search, service->kept[i].fd);
			else if (search->memory.shm)
				try_consumer(search, service->kept[i].fd);
		}
	if (search->memory.shm && search->memory.consumer)
		return 0;
	thag_session_memory_fini(&search->memory);
	return -ENOENT;
}

static int find_memory(struct search *search)
{
	scan(search, SHM_LINK, O_RDONLY, try_shm);
	if (search->memory.shm)
		scan(search, CONSUMER_LINK, O_RDWR, try_consumer);
	if (search->memory.shm && search->memory.consumer)
		return 0;
	thag_session_memory_fini(&search->memory);
	return -ENOENT;
}

/* The session of what was found; takes its memory over. `replayed`: see thag_session_origin. */
static int make_session(struct thag_daemon *daemon, struct search *search, bool replayed,
			struct thag_session **out)
{
	struct thag_session_origin origin = { .budget = &daemon->budget,
					      .id = search->record->id,
					      .pid = search->record->pid,
					      .header = &search->header,
					      .memory = search->memory,
					      .adopted = true,
					      .replayed = replayed };
	int ret = thag_session_create(out, &origin);

	if (ret != 0)
		return ret;
	search->memory = (struct thag_session_memory){ 0 };
	thag_history_create(&(*out)->history, &daemon->histories);
	(*out)->start_real_ns = search->record->start_real_ns;
	return 0;
}

/* Its rings are read from now on. Takes over the session on success only, as the descriptor. */
static int begin(struct thag_daemon *daemon, struct thag_session *session, int pidfd)
{
	int ret = thag_life_begin(daemon, session, pidfd);

	if (ret != 0)
		return ret;
	thag_log_write(THAG_LOG_INFO, "session %llu: %s, pid %d, goes on; %s",
		       (unsigned long long)session->id, session->program, (int)session->pid,
		       session->message[0] ? session->message : "nothing was lost");
	return 0;
}

static int adopt(struct thag_daemon *daemon, struct search *search, int pidfd)
{
	struct thag_session *session = NULL;
	int ret = make_session(daemon, search, false, &session);

	if (ret != 0)
		return ret;
	if (session->lost_before)
		thag_session_say(session,
				 "thagd was restarted: the %llu words recorded before that went "
				 "with the earlier one",
				 (unsigned long long)session->lost_before);
	thag_chunks_try_begin(session);
	ret = begin(daemon, session, pidfd);
	if (ret != 0)
		thag_session_unref(session);
	return ret;
}

/* A program whose recording is being gone on with. */
struct recorded {
	struct thag_resume resume;
	struct thag_record record;
	int pidfd;
};

static void reattach_or_mourn(struct thag_daemon *daemon, const struct thag_record *record);

/* Without its recording the program is as one that was never recorded. */
static void on_resumed(struct thag_resume *resume)
{
	struct recorded *recorded = (struct recorded *)resume; /* its first field */
	struct thag_daemon *daemon = resume->daemon;
	int ret = resume->error;

	if (ret == 0)
		ret = begin(daemon, resume->session, recorded->pidfd);
	if (ret != 0) {
		thag_session_unref(resume->session);
		close(recorded->pidfd);
		if (ret != -EALREADY)
			thag_log_write(THAG_LOG_ERROR,
				       "session %llu: can't go on with the recording %s: %s",
				       (unsigned long long)recorded->record.id, resume->path,
				       strerror(-ret));
		recorded->record.recording[0] = '\0';
		reattach_or_mourn(daemon, &recorded->record);
	}
	free(recorded);
}

static int adopt_recorded(struct thag_daemon *daemon, struct search *search, int pidfd)
{
	struct recorded *recorded = calloc(1, sizeof(*recorded));
	struct thag_session *session = NULL;
	int ret = recorded ? make_session(daemon, search, true, &session) : -ENOMEM;

	if (ret != 0) {
		free(recorded);
		return ret;
	}
	recorded->record = *search->record;
	recorded->pidfd = pidfd;
	thag_resume_start(&recorded->resume, daemon, session, search->record->recording,
			  on_resumed);
	return 0;
}

/* A process with that pid that started at another time is another one. */
static int open_process(const struct thag_record *record)
{
	int pidfd = thag_proc_open(record->pid), ret;
	uint64_t start_time = 0;

	if (pidfd < 0)
		return pidfd;
	ret = thag_proc_start_time(record->pid, &start_time);
	if (ret == 0 && start_time == record->start_time)
		return pidfd;
	close(pidfd);
	return -ESRCH;
}

/*
 * Of a program that has ended there may still be its memory: it is a session that ends at once, as
 * soon as what stands for its process, an event, is seen to have happened.
 */
static int reattach(struct thag_daemon *daemon, const struct thag_record *record, const char **why)
{
	struct search search = { .record = record };
	int pidfd = open_process(record), ret;
	bool kept = find_kept(&search, &daemon->service) == 0;

	*why = "the program ended while no thagd ran: what it recorded is gone";
	if (pidfd < 0 && kept)
		pidfd = eventfd(1, EFD_CLOEXEC);
	if (pidfd < 0) {
		thag_session_memory_fini(&search.memory);
		return pidfd;
	}
	*why = "thagd was restarted and can't find the program's memory again";
	ret = kept ? 0 : find_memory(&search);
	if (ret == 0)
		ret = record->recording[0] ? adopt_recorded(daemon, &search, pidfd)
					   : adopt(daemon, &search, pidfd);
	thag_session_memory_fini(&search.memory);
	if (ret != 0)
		close(pidfd);
	return ret;
}

static void list_lost(struct thag_daemon *daemon, const struct thag_record *record, const char *why)
{
	struct thag_session *session;

	thag_log_write(THAG_LOG_WARN, "session %llu: %s", (unsigned long long)record->id, why);
	if (thag_session_create_lost(&session, record->id, record->pid, record->program,
				     record->start_real_ns, why) != 0)
		return;
	if (thag_registry_add(&daemon->registry, session) != 0)
		thag_session_unref(session);
}

static void reattach_or_mourn(struct thag_daemon *daemon, const struct thag_record *record)
{
	const char *why;

	if (reattach(daemon, record, &why) == 0)
		return;
	if (record->recording[0])
		thag_recording_file_salvage(record->recording, record->nonce);
	if (!record->left)
		list_lost(daemon, record, why);
	thag_records_remove(daemon->runtime.records_fd, record->id);
}

static bool goes_on(void *context, uint64_t id)
{
	return thag_records_has(((struct thag_daemon *)context)->runtime.records_fd, id);
}

void thag_reattach_all(struct thag_daemon *daemon)
{
	int dir_fd = daemon->runtime.records_fd;
	struct thag_record *records = NULL;
	uint32_t count = 0;
	int ret;

	daemon->registry.next_id = thag_records_next_id(dir_fd);
	ret = thag_records_load(dir_fd, &records, &count);
	if (ret != 0)
		thag_log_write(THAG_LOG_ERROR,
			       "can't read all of which programs an earlier thagd profiled (%s): "
			       "they are not gone on with",
			       strerror(-ret));
	for (uint32_t i = 0; i < count; i++) {
		if (records[i].id >= daemon->registry.next_id)
			daemon->registry.next_id = records[i].id + 1;
		reattach_or_mourn(daemon, &records[i]);
	}
	free(records);
	thag_service_settle(&daemon->service, goes_on, daemon);
}
