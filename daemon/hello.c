/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "hello.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "chunks.h"
#include "daemon.h"
#include "handshake.h"
#include "life.h"
#include "log.h"
#include "proc.h"
#include "recording_file.h"
#include "records.h"
#include "thag_pages.h"

#define FD_PATH_BYTES 32

static int refuse(int err, char *why, const char *text)
{
	snprintf(why, THAG_WHY_BYTES, "%s", text);
	return err;
}

int thag_hello_map(int memfd, struct thag_session_memory *memory, struct thag_shm_header *header,
		   char why[static THAG_WHY_BYTES])
{
	struct stat st;
	uint64_t bytes;
	void *shm;
	int ret = thag_handshake_check_fd(memfd, &bytes, why);

	if (ret != 0)
		return ret;
	if (fstat(memfd, &st) != 0)
		return refuse(-errno, why, "thagd can't look at the memfd");
	shm = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, memfd, 0);
	if (shm == MAP_FAILED)
		return refuse(-errno, why, "thagd has no room to map the memfd");
	/* once: what is checked below is what is used from then on */
	memcpy(header, shm, sizeof(*header));
	__asm__ volatile("" ::: "memory");
	ret = thag_handshake_check_header(header, bytes, why);
	if (ret != 0) {
		munmap(shm, bytes);
		return ret;
	}
	memory->shm = shm;
	memory->shm_bytes = bytes;
	memory->shm_inode = st.st_ino;
	return 0;
}

static void fill_consumer(void *map, uint64_t id, uint32_t slots)
{
	struct thag_shm_consumer_header *header = map;
	struct thag_shm_consumer *consumers =
		(struct thag_shm_consumer *)((char *)map + THAG_SHM_CONSUMERS_OFFSET);

	*header = (struct thag_shm_consumer_header){ .magic = THAG_CONSUMER_MAGIC,
						     .version = THAG_SHM_VERSION,
						     .slots = slots,
						     .session = id };
	for (uint32_t i = 0; i < slots; i++)
		consumers[i].tail = THAG_RING_WORDS;
}

/* The program gets a descriptor it can't write through. */
static int reopen_read_only(int fd)
{
	char path[FD_PATH_BYTES];
	int read_only;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_only = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
	return read_only >= 0 ? read_only : -errno;
}

static int make_consumer(uint64_t id, uint32_t slots, struct thag_session_memory *memory)
{
	uint64_t bytes = thag_shm_consumer_bytes(slots);
	int fd = memfd_create("thag-consumer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map = MAP_FAILED;
	int ret;

	if (fd < 0)
		return -errno;
	if (TEMP_FAILURE_RETRY(ftruncate(fd, (off_t)bytes)) == 0)
		map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		ret = -errno;
	else
		ret = reopen_read_only(fd);
	if (ret >= 0)
		thag_service_keep(id, fd);
	close(fd);
	if (ret < 0) {
		if (map != MAP_FAILED)
			munmap(map, bytes);
		return ret;
	}
	thag_pages_make(map, thag_shm_stacks_offset(slots));
	fill_consumer(map, id, slots);
	memory->consumer = map;
	memory->consumer_bytes = bytes;
	return ret;
}

/* exec keeps the pid: sessions of what the process was before are over. */
static void end_replaced(struct thag_daemon *daemon, pid_t pid)
{
	for (uint32_t i = daemon->registry.count; i-- > 0;) {
		struct thag_session *session = daemon->registry.sessions[i];

		if (session->pid == pid && thag_session_is_live(session))
			thag_life_check_exec(daemon, session);
	}
}

/* An id that the disk has no room to note is still good until thagd is killed. */
uint64_t thag_hello_take_id(struct thag_daemon *daemon)
{
	uint64_t id = daemon->registry.next_id++;

	if (thag_records_set_next_id(daemon->runtime.records_fd, id + 1) != 0)
		thag_log_write(THAG_LOG_WARN, "can't note the next session id");
	return id;
}

/* Takes over the memory, in any case. Returns the descriptor for the program. */
static int begin(struct thag_daemon *daemon, struct thag_session_origin *origin, int memfd,
		 int pidfd)
{
	struct thag_session *session = NULL;
	int consumer_fd, ret;

	origin->id = thag_hello_take_id(daemon);
	ret = consumer_fd = make_consumer(origin->id, origin->header->slots, &origin->memory);
	if (ret >= 0)
		ret = thag_session_create(&session, origin);
	if (ret == 0)
		origin->memory = (struct thag_session_memory){ 0 };
	if (ret == 0) {
		thag_history_create(&session->history, &daemon->histories);
		thag_recording_file_begin(session, &daemon->clock, daemon->record_dir);
		thag_chunks_try_begin(session);
	}
	if (ret == 0)
		ret = thag_life_begin(daemon, session, pidfd);
	if (ret == 0) {
		thag_service_keep(origin->id, memfd);
		if (thag_records_put(daemon->runtime.records_fd, session, false) != 0)
			thag_log_write(THAG_LOG_WARN, "session %llu has no record",
				       (unsigned long long)session->id);
		thag_log_write(THAG_LOG_INFO, "session %llu: %s, pid %d",
			       (unsigned long long)session->id, session->program,
			       (int)session->pid);
		return consumer_fd;
	}
	if (session)
		thag_session_unref(session);
	thag_service_drop(origin->id);
	if (consumer_fd >= 0)
		close(consumer_fd);
	return ret;
}

int thag_hello_accept(struct thag_daemon *daemon, int socket_fd, pid_t pid, int memfd,
		      int *consumer_fd, uint64_t *id, char why[static THAG_WHY_BYTES])
{
	struct thag_shm_header header;
	struct thag_session_origin origin = { .budget = &daemon->budget,
					      .pid = pid,
					      .header = &header };
	int pidfd, ret;

	if (daemon->stopping)
		return refuse(-ESHUTDOWN, why, "thagd is stopping");
	if (daemon->registry.live_count >= THAG_SESSIONS_LIVE_MAX)
		return refuse(-EBUSY, why, "too many programs are profiled at once");
	if (memfd < 0)
		return refuse(-EPROTO, why, "no memfd came with the hello");
	ret = thag_hello_map(memfd, &origin.memory, &header, why);
	if (ret != 0)
		return ret;
	pidfd = pid > 0 ? thag_proc_open_peer(socket_fd, pid) : -ESRCH;
	if (pidfd < 0) {
		thag_session_memory_fini(&origin.memory);
		return refuse(pidfd, why, "thagd can't see the program's process");
	}
	end_replaced(daemon, pid);
	ret = begin(daemon, &origin, memfd, pidfd);
	thag_session_memory_fini(&origin.memory);
	if (ret < 0) {
		close(pidfd);
		return refuse(ret, why, "thagd is out of memory or descriptors");
	}
	*consumer_fd = ret;
	*id = origin.id;
	return 0;
}
