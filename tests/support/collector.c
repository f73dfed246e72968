/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "thag/control.h"

#define NODE_LIMIT (UINT32_C(4) << 20)

/* Keeps it reachable in children that exit: it is no leak of theirs. */
static struct collector *volatile current;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "collector: %s: %s\n", what, strerror(errno));
	abort();
}

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	struct collector *collector = context;
	struct thag_thread *thread = malloc(sizeof(*thread));

	need(thread && thag_thread_init(thread, tid, NODE_LIMIT) == 0, "thread");
	if (collector->thread_count == collector->thread_capacity) {
		collector->thread_capacity = collector->thread_capacity * 2 + 16;
		collector->threads =
			realloc(collector->threads,
				collector->thread_capacity * sizeof(*collector->threads));
		need(collector->threads, "threads");
	}
	collector->threads[collector->thread_count++] = thread;
	return thread;
}

static void end_thread(void *context, struct thag_thread *thread)
{
	(void)context;
	(void)thread;
}

struct collector *collector_start(void)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	need(collector, "memory");
	current = collector;
	snprintf(collector->path, sizeof(collector->path), "/tmp/thag-collector-%d.sock", getpid());
	unlink(collector->path);
	memcpy(address.sun_path, collector->path, sizeof(collector->path));
	collector->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	need(bind(collector->listener, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	need(listen(collector->listener, 64) == 0, "listen");
	setenv("THAG_SOCKET", collector->path, 1);
	setenv("THAG_ON_FULL", "wait", 1);
	return collector;
}

static int receive_fd(int connection)
{
	struct thag_message message;
	struct iovec part = { &message, sizeof(message) };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	int fd = -1;

	need(recvmsg(connection, &packet, MSG_CMSG_CLOEXEC) == sizeof(message), "hello");
	need(CMSG_FIRSTHDR(&packet), "a memfd with the hello");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof(fd));
	return fd;
}

static void send_welcome(int connection, int fd)
{
	struct {
		struct thag_message message;
		struct thag_welcome welcome;
	} packet = { { THAG_CONTROL_MAGIC, THAG_CONTROL_VERSION, THAG_MESSAGE_WELCOME,
		       sizeof(struct thag_welcome), 0 },
		     { 1, 0, 0 } };
	struct iovec part = { &packet, sizeof(packet) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	need(sendmsg(connection, &header, MSG_NOSIGNAL) > 0, "welcome");
}

static void make_consumers(struct collector *collector, uint32_t slots)
{
	uint64_t bytes = thag_shm_consumer_bytes(slots);
	struct thag_shm_consumer_header *header;

	collector->consumer_fd = memfd_create("thag-consumer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	need(ftruncate(collector->consumer_fd, (off_t)bytes) == 0, "consumer memfd");
	fcntl(collector->consumer_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	collector->consumer_base =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, collector->consumer_fd, 0);
	need(collector->consumer_base != MAP_FAILED, "map consumers");
	header = (void *)collector->consumer_base;
	*header = (struct thag_shm_consumer_header){ .magic = THAG_CONSUMER_MAGIC,
						     .version = THAG_SHM_VERSION,
						     .slots = slots,
						     .session = 1 };
}

static void prepare_rings(struct collector *collector)
{
	struct thag_shm_consumer *consumers =
		(void *)(collector->consumer_base + THAG_SHM_CONSUMERS_OFFSET);

	for (uint32_t i = 0; i < collector->header->slots; i++) {
		struct collector_ring *ring = &collector->rings[i];

		consumers[i].tail = THAG_RING_WORDS;
		ring->reader = (struct thag_ring_reader){
			.words = (const void *)(collector->base + THAG_SHM_RINGS_OFFSET +
						i * THAG_RING_BYTES),
			.published = &consumers[i].tail,
			.tail = THAG_RING_WORDS,
		};
		ring->stream = (struct thag_stream){ .thread_start = start_thread,
						     .thread_end = end_thread,
						     .tasks = &collector->tasks,
						     .context = collector };
	}
}

void collector_accept(struct collector *collector)
{
	int connection = accept4(collector->listener, NULL, NULL, SOCK_CLOEXEC);
	int fd = receive_fd(connection);
	off_t bytes = lseek(fd, 0, SEEK_END);

	collector->shm_bytes = (size_t)bytes;
	collector->base = mmap(NULL, collector->shm_bytes, PROT_READ, MAP_SHARED, fd, 0);
	need(collector->base != MAP_FAILED, "map the program's memory");
	close(fd);
	thag_tasks_fini(&collector->tasks); /* of a program before this one */
	need(thag_tasks_init(&collector->tasks) == 0, "a table of tasks");
	collector->header = (const void *)collector->base;
	collector->slots = (const void *)(collector->base + THAG_SHM_THREADS_OFFSET);
	collector->sites = (const void *)(collector->base + THAG_SHM_SITES_OFFSET);
	collector->strings = (const char *)(collector->base + THAG_SHM_STRINGS_OFFSET);
	if (collector->consumer_fd > 0)
		close(collector->consumer_fd); /* likewise */
	make_consumers(collector, collector->header->slots);
	prepare_rings(collector);
	send_welcome(connection, collector->consumer_fd);
	close(connection);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Reads what there is in one ring, up to a step of a task that another ring must say first, and no
 * more than a ring holds: others wait beside a thread that writes as fast as this reads.
 */
static uint64_t drain_ring(struct collector_ring *ring, bool writer_dead)
{
	uint64_t words[THAG_RING_BATCH], all = thag_stream_retry(&ring->stream, false);
	size_t count, taken;
	bool more;

	if (!all)
		return 0;
	all = 0;
	do {
		while (all < THAG_RING_WORDS &&
		       (count = thag_ring_read(&ring->reader, words, THAG_RING_BATCH))) {
			taken = thag_stream_feed(&ring->stream, words, count);
			ring->reader.tail -= count - taken;
			thag_ring_release(&ring->reader);
			all += taken;
			if (ring->stream.blocked)
				return all;
		}
		uint64_t holes = ring->reader.holes;

		more = thag_ring_skip_hole(&ring->reader, now_ns(), writer_dead);
		if (ring->reader.holes != holes)
			thag_stream_gap(&ring->stream);
	} while (more && all < THAG_RING_WORDS);
	return all;
}

/* A dead program's ring that still waits: what it waits for is lost. */
static uint64_t force_one(struct collector *collector, uint32_t used)
{
	for (uint32_t i = 0; i < used; i++)
		if (collector->rings[i].stream.blocked) {
			thag_stream_retry(&collector->rings[i].stream, true);
			return 1;
		}
	return 0;
}

uint64_t collector_drain(struct collector *collector, bool writer_dead)
{
	uint32_t used = __atomic_load_n(&collector->header->slots_used, __ATOMIC_ACQUIRE);
	uint64_t all = 0, more;

	do {
		more = 0;
		for (uint32_t i = 0; i < used; i++)
			more += drain_ring(&collector->rings[i], writer_dead);
		if (!more && writer_dead)
			more = force_one(collector, used);
		all += more;
	} while (more);
	return all;
}

int collector_run(struct collector *collector, void (*program)(void *), void *argument)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		program(argument);
		exit(0);
	}
	collector_accept(collector);
	while (waitpid(child, &status, WNOHANG) == 0)
		if (collector_drain(collector, false) == 0)
			usleep(100);
	while (collector_drain(collector, true) != 0)
		;
	return status;
}

void collector_close(struct collector *collector)
{
	uint64_t last_ticks = 0;

	for (uint32_t i = 0; i < collector->thread_count; i++) {
		struct thag_thread *thread = collector->threads[i];

		if (thread->last_ticks > last_ticks)
			last_ticks = thread->last_ticks;
		if (thread->task)
			thag_tasks_leave(&collector->tasks, thread, thread->last_ticks);
		thag_thread_close(thread);
	}
	thag_tasks_end(&collector->tasks, last_ticks);
}

void collector_stop(struct collector *collector)
{
	thag_tasks_fini(&collector->tasks);
	for (uint32_t i = 0; i < collector->thread_count; i++) {
		thag_thread_fini(collector->threads[i]);
		free(collector->threads[i]);
	}
	free(collector->threads);
	if (collector->base) {
		munmap(collector->consumer_base, thag_shm_consumer_bytes(collector->header->slots));
		munmap((void *)(uintptr_t)collector->base, collector->shm_bytes);
	}
	close(collector->listener);
	if (collector->consumer_fd > 0)
		close(collector->consumer_fd);
	unlink(collector->path);
	current = NULL;
	free(collector);
}

static const char *name_by_address(const struct collector *collector,
				   const struct thag_shm_site *site)
{
	const struct thag_shm_module *modules =
		(const void *)(collector->base + THAG_SHM_MODULES_OFFSET);
	uint64_t bias = site->module < THAG_MODULES_MAX ? modules[site->module].bias : 0;
	const char *name = collector->name_of ? collector->name_of(bias + site->address) : NULL;

	return name ? name : "";
}

static bool is_site(const struct collector *collector, uint32_t site, const char *name,
		    size_t bytes)
{
	const struct thag_shm_site *entry = &collector->sites[site];

	if (entry->ready && entry->flags & THAG_SITE_ADDRESS) {
		const char *known = name_by_address(collector, entry);

		return strlen(known) == bytes && memcmp(known, name, bytes) == 0;
	}
	return entry->ready && entry->name_bytes == bytes &&
	       memcmp(collector->strings + entry->name_offset, name, bytes) == 0;
}

uint64_t collector_calls(const struct collector *collector, const char *name)
{
	uint64_t calls = 0;

	for (uint32_t i = 0; i < collector->thread_count; i++) {
		const struct thag_tree *tree = &collector->threads[i]->tree;

		for (uint32_t n = 1; n < tree->count; n++)
			if (is_site(collector, tree->nodes[n].site, name, strlen(name)))
				calls += tree->nodes[n].calls;
	}
	return calls;
}

/* Whether node `n` lies at `path`; compares from the leaf up. */
static bool is_path(const struct collector *collector, const struct thag_tree *tree, uint32_t n,
		    const char *path)
{
	size_t end = strlen(path);

	while (n != THAG_TREE_ROOT) {
		size_t start = end;

		while (start > 0 && path[start - 1] != ';')
			start--;
		if (!is_site(collector, tree->nodes[n].site, path + start, end - start))
			return false;
		n = tree->nodes[n].parent;
		if (start == 0)
			return n == THAG_TREE_ROOT;
		end = start - 1;
	}
	return false;
}

struct collector_sums collector_sums_at(const struct collector *collector, const char *path)
{
	struct collector_sums sums = { 0 };

	for (uint32_t i = 0; i < collector->thread_count; i++) {
		const struct thag_tree *tree = &collector->threads[i]->tree;

		for (uint32_t n = 1; n < tree->count; n++) {
			if (!is_path(collector, tree, n, path))
				continue;
			sums.calls += tree->nodes[n].calls;
			sums.ticks += tree->nodes[n].total;
			sums.waits += thag_tree_wait(tree, n);
		}
	}
	return sums;
}

uint64_t collector_calls_at(const struct collector *collector, const char *path)
{
	return collector_sums_at(collector, path).calls;
}

uint64_t collector_ticks_at(const struct collector *collector, const char *path)
{
	return collector_sums_at(collector, path).ticks;
}

uint64_t collector_lost(const struct collector *collector)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < collector->header->slots; i++)
		lost += collector->slots[i].lost_calls;
	return lost;
}

struct collector_counts collector_counts(const struct collector *collector)
{
	struct collector_counts sum = { 0 };

	for (uint32_t i = 0; i < collector->header->slots; i++) {
		const struct collector_ring *ring = &collector->rings[i];

		sum.events += ring->stream.events;
		sum.invalid += ring->stream.invalid;
		sum.orphans += ring->stream.orphans;
		sum.skewed += ring->stream.skewed;
		sum.holes += ring->reader.holes;
	}
	for (uint32_t i = 0; i < collector->thread_count; i++) {
		sum.truncated += collector->threads[i]->truncated;
		sum.unwound += collector->threads[i]->unwound;
		sum.unmatched += collector->threads[i]->unmatched;
		sum.open += collector->threads[i]->own.depth;
	}
	sum.task_gaps = collector->tasks.gaps;
	return sum;
}

/* A reader of its own, which gives no room back to the program. */
static void begin_anew(struct collector *collector, struct collector_ring *ring, uint64_t *nobody)
{
	ring->reader.published = nobody;
	ring->stream = (struct thag_stream){ .thread_start = start_thread,
					     .thread_end = end_thread,
					     .tasks = &collector->tasks,
					     .context = collector };
}

struct collector_counts collector_peek(const struct collector *collector, const char *name,
				       uint64_t *calls)
{
	static struct collector now;
	struct collector_counts counts;
	uint64_t nobody[THAG_SLOTS_MAX];

	now = *collector;
	now.threads = NULL;
	now.thread_count = now.thread_capacity = 0;
	need(thag_tasks_init(&now.tasks) == 0, "a table of tasks");
	for (uint32_t i = 0; i < now.header->slots; i++)
		begin_anew(&now, &now.rings[i], &nobody[i]);
	collector_drain(&now, true);
	counts = collector_counts(&now);
	*calls = collector_calls(&now, name);
	for (uint32_t i = 0; i < now.thread_count; i++) {
		thag_thread_fini(now.threads[i]);
		free(now.threads[i]);
	}
	free(now.threads);
	thag_tasks_fini(&now.tasks);
	return counts;
}
