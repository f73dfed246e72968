/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that thagd sees, played by hand: it speaks the control protocol and writes the
 * shared memory itself, so that it can also do what libthag never would.
 *
 *   fake_program SOCKET STEP…       steps, in order:
 *
 *   make=KIND    makes the memfd. good; unsealed, no-future-seal, short, long, huge, empty, magic,
 *                version, order, slots, rings, clock, mode, text: with that fault; pipe, file: no
 *                memfd at all
 *   hello        sends it, prints "welcome SESSION" or "refused ERRNO WHY"
 *   fds=N        sends hello with N copies of the descriptor
 *   calls=N open=N  N calls of f that each call g; N frames that stay open
 *   threads=N    N threads, one after the other in ring 0, each calling f once
 *   name=TEXT site=ADDRESS  one more site: with that name, called once; in no module
 *   noise=SEED   random words in the ring, a random site table, random counters
 *   task=N       says that step N of a task runs, of which nothing was said before; 0: none runs
 *   misuses=N lost=N lost-memory=N  tasks were misused, calls or memory's events lost so often
 *   alloc= free= realloc= map= unmap= trace= churn= rubbish= back=    see fake_memory.h
 *   shared       checks that our view of thagd's memory can't be written
 *   full         writes until the ring is full, prints how many words
 *   drained      waits until all was read, or says "not drained" after 5 s
 *   raw=HEX      sends these bytes as a packet of their own
 *   op=JSON      sends a request, prints "STATUS BODY" and the data that came with it
 *   ask=JSON     sends a request, and doesn't wait for its answer
 *   output=DIR cwd=DIR  the header's output_dir and cwd; before make
 *   modes=N flags=N threshold=N sample=N pauses=N claims=PID  fields of the header; after make
 *   pid wait     prints the pid; waits for a line on stdin
 *   wish         waits for a new wish of the user's, prints "wish NUMBER MODES"
 *   heed=MODES   heeds the last wish: MODES are active
 *   exited close  sets the flag of a normal exit; closes all descriptors of the session
 *   exit=N  kill=SIGNAL  exec=COMMAND    ends
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fake_faults.h"
#include "fake_memory.h"
#include "thag/control.h"
#include "thag/words.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SLOTS 2
#define FDS_MAX 64

static struct {
	const char *socket;
	const char *output_dir;
	const char *cwd;
	int memfd;
	int consumer_fd;
	char *shm;
	size_t shm_bytes;
	volatile struct thag_shm_consumer_header *consumer;
	volatile struct thag_shm_consumer *consumers;
	uint64_t pos;
	uint32_t strings;
	uint32_t sites;
} self = { .memfd = -1, .consumer_fd = -1 };

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct thag_shm_header *header(void)
{
	return (struct thag_shm_header *)self.shm;
}

static struct thag_shm_thread *first_slot(void)
{
	return (struct thag_shm_thread *)(self.shm + THAG_SHM_THREADS_OFFSET);
}

static void set_text(enum thag_text which, const char *text, size_t bytes)
{
	memcpy(header()->text[which], text, bytes);
	header()->text_bytes[which] = (uint32_t)bytes;
}

static void add_site(const char *name)
{
	struct thag_shm_site *site =
		(struct thag_shm_site *)(self.shm + THAG_SHM_SITES_OFFSET) + self.sites;
	size_t bytes = strlen(name);

	memcpy(self.shm + THAG_SHM_STRINGS_OFFSET + self.strings, name, bytes);
	site->kind = THAG_SITE_FUNCTION;
	site->name_offset = self.strings;
	site->name_bytes = (uint32_t)bytes;
	site->line = 7;
	__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
	self.strings += (uint32_t)bytes;
	self.sites++;
	__atomic_store_n(&header()->site_count, self.sites, __ATOMIC_RELEASE);
}

static void fill_header(uint32_t slots)
{
	struct thag_shm_header *h = header();
	struct timespec real;
	char cwd[4096];

	clock_gettime(CLOCK_REALTIME, &real);
	h->magic = THAG_SHM_MAGIC;
	h->version = THAG_SHM_VERSION;
	h->byte_order = THAG_SHM_BYTE_ORDER;
	h->header_bytes = sizeof(*h);
	h->slots = slots;
	h->sites = THAG_SITES_MAX;
	h->ring_words = THAG_RING_WORDS;
	h->pid = (uint32_t)getpid();
	h->clock = THAG_CLOCK_MONOTONIC;
	h->modes = THAG_MODE_TIME;
	h->start_ticks = h->start_mono_ns = now_ns();
	h->start_real_ns = (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec;
	if (getentropy(h->nonce, sizeof(h->nonce)) != 0)
		die("getentropy");
	set_text(THAG_TEXT_EXE, "/usr/bin/fake", 13);
	set_text(THAG_TEXT_ARGV, "fake\0one", 9);
	if (self.cwd)
		set_text(THAG_TEXT_CWD, self.cwd, strlen(self.cwd));
	else if (getcwd(cwd, sizeof(cwd)))
		set_text(THAG_TEXT_CWD, cwd, strlen(cwd));
	if (self.output_dir)
		set_text(THAG_TEXT_OUTPUT_DIR, self.output_dir, strlen(self.output_dir));
	self.sites = THAG_SITE_FIRST;
	add_site("f");
	add_site("g");
	h->slots_used = 1;
}

static bool make_other(const char *kind)
{
	int fds[2];

	if (strcmp(kind, "pipe") == 0) {
		if (pipe(fds) != 0)
			die("pipe");
		self.memfd = fds[0];
	} else if (strcmp(kind, "file") == 0) {
		char path[] = "/tmp/fake-XXXXXX";

		self.memfd = mkstemp(path);
		unlink(path);
		if (ftruncate(self.memfd, (off_t)thag_shm_bytes(SLOTS)) != 0)
			die("ftruncate");
	} else if (strcmp(kind, "empty") == 0) {
		self.memfd = memfd_create("thag-shm", MFD_ALLOW_SEALING);
		fcntl(self.memfd, F_ADD_SEALS,
		      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
	} else {
		return false;
	}
	return true;
}

static void make(const char *kind)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

	if (make_other(kind))
		return;
	self.memfd = memfd_create("thag-shm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	self.shm_bytes = thag_shm_bytes(SLOTS);
	if (ftruncate(self.memfd, (off_t)fake_file_bytes(self.shm_bytes, kind)) != 0)
		die("ftruncate");
	self.shm = mmap(NULL, self.shm_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, self.memfd, 0);
	if (self.shm == MAP_FAILED)
		die("mmap");
	fill_header(SLOTS);
	fake_spoil_header(header(), kind);
	if (strcmp(kind, "no-future-seal") == 0)
		seals &= ~F_SEAL_FUTURE_WRITE;
	if (strcmp(kind, "unsealed") != 0 && fcntl(self.memfd, F_ADD_SEALS, seals) != 0)
		die("seal");
	self.pos = THAG_RING_WORDS;
}

static void put(uint64_t word)
{
	uint64_t *ring = (uint64_t *)(self.shm + THAG_SHM_RINGS_OFFSET);
	uint64_t phase = self.pos & THAG_WORD_PHASE;

	/* a full ring waits for thagd */
	for (uint64_t until = now_ns() + 5000000000;
	     self.consumers && self.pos - self.consumers[0].tail >= THAG_RING_WORDS;)
		if (now_ns() > until)
			die("nobody reads the ring");
	__atomic_store_n(&ring[self.pos & THAG_RING_MASK], (word & ~THAG_WORD_PHASE) | phase,
			 __ATOMIC_RELAXED);
	self.pos++;
}

static void event(enum thag_kind kind, uint32_t arg)
{
	put(now_ns() << THAG_WORD_TIME_SHIFT | THAG_WORD(kind, arg));
}

static void ext(enum thag_ext kind, uint64_t payload)
{
	put(now_ns() << THAG_WORD_TIME_SHIFT | THAG_WORD_EXT(kind));
	if (thag_ext_payload_words(kind) == 1)
		put(thag_payload_pack(payload));
}

static void start_thread(uint32_t tid)
{
	struct thag_shm_thread *slot = first_slot();

	slot->state = THAG_SLOT_BUSY;
	slot->tid = tid;
	uint64_t now = now_ns();

	put(now << THAG_WORD_TIME_SHIFT |
	    THAG_WORD(THAG_KIND_TIME, now >> THAG_WORD_TIME_BITS & THAG_WORD_ARG_MASK));
	ext(THAG_EXT_THREAD_START, tid);
}

static void run_task(uint64_t step)
{
	put(now_ns() << THAG_WORD_TIME_SHIFT | THAG_WORD_EXT(THAG_EXT_TASK) | THAG_TASK_RUN);
	put(thag_payload_pack(step ? UINT64_C(1) << THAG_TASK_SLOT_BITS | 1 : 0));
	put(thag_payload_pack(THAG_TASK_STEP(step, step ? THAG_SITE_FIRST : 0)));
	put(thag_payload_pack(0));
}

static void calls(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		event(THAG_KIND_ENTER, THAG_SITE_FIRST);
		event(THAG_KIND_ENTER, THAG_SITE_FIRST + 1);
		event(THAG_KIND_EXIT, 1);
		event(THAG_KIND_EXIT, 0);
	}
}

static int connect_daemon(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", self.socket);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	return fd;
}

static void send_packet(int fd, const void *bytes, size_t count, int attached, unsigned copies)
{
	struct iovec part = { (void *)(uintptr_t)bytes, count };
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int) * FDS_MAX)] = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (copies) {
		struct cmsghdr *c;

		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * copies);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * copies);
		for (unsigned i = 0; i < copies; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &attached, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		printf("not sent: %s\n", strerror(errno));
}

/* Prints what came, and returns the descriptor that came with it, or -1. */
static ssize_t receive(int fd, char *packet, size_t size, int *attached)
{
	struct iovec part = { packet, size };
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*attached = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(attached, CMSG_DATA(c), sizeof(int));
	return got;
}

static void take_welcome(const struct thag_welcome *welcome, int fd)
{
	size_t bytes = thag_shm_consumer_bytes(SLOTS);
	char *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die("map the consumer");
	self.consumer_fd = fd;
	self.consumer = (struct thag_shm_consumer_header *)map;
	self.consumers = (struct thag_shm_consumer *)(map + THAG_SHM_CONSUMERS_OFFSET);
	printf("welcome %llu\n", (unsigned long long)welcome->session);
	start_thread((uint32_t)getpid());
}

static void hello(unsigned copies)
{
	struct thag_message message = { .magic = THAG_CONTROL_MAGIC,
					.version = THAG_CONTROL_VERSION,
					.type = THAG_MESSAGE_HELLO };
	union {
		struct thag_message head;
		char bytes[THAG_CONTROL_BODY_MAX];
	} answer;
	int attached, fd = connect_daemon();

	send_packet(fd, &message, sizeof(message), self.memfd, copies);
	ssize_t got = receive(fd, answer.bytes, sizeof(answer), &attached);

	if (got <= (ssize_t)sizeof(message))
		printf("no answer\n");
	else if (answer.head.type == THAG_MESSAGE_WELCOME)
		take_welcome((struct thag_welcome *)(answer.bytes + sizeof(message)), attached);
	else
		printf("refused %d %.*s\n", answer.head.status, (int)answer.head.body_bytes,
		       answer.bytes + sizeof(message));
	close(fd);
}

static void print_data(int fd)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)got, stdout);
	close(fd);
}

union packet {
	struct thag_message head;
	char bytes[THAG_CONTROL_BODY_MAX];
};

/* The connection that the answer comes by. */
static int ask(const char *json)
{
	union packet packet;
	int fd = connect_daemon();
	size_t bytes = strlen(json);

	packet.head = (struct thag_message){ .magic = THAG_CONTROL_MAGIC,
					     .version = THAG_CONTROL_VERSION,
					     .type = THAG_MESSAGE_REQUEST,
					     .body_bytes = (uint32_t)bytes };
	memcpy(packet.bytes + sizeof(packet.head), json, bytes);
	send_packet(fd, packet.bytes, sizeof(packet.head) + bytes, -1, 0);
	return fd;
}

static void request(const char *json)
{
	union packet packet;
	int attached, fd = ask(json);
	ssize_t got = receive(fd, packet.bytes, sizeof(packet), &attached);

	if (got < (ssize_t)sizeof(packet.head)) {
		printf("no answer\n");
	} else {
		printf("%d %.*s\n", packet.head.status, (int)packet.head.body_bytes,
		       packet.bytes + sizeof(packet.head));
		if (attached >= 0)
			print_data(attached);
	}
	close(fd);
}

static void send_raw(const char *hex)
{
	char bytes[4096], answer[4096];
	unsigned byte;
	size_t count = 0;
	int attached, fd = connect_daemon();

	while (count < sizeof(bytes) && sscanf(hex + 2 * count, "%2x", &byte) == 1)
		bytes[count++] = (char)byte;
	send_packet(fd, bytes, count, -1, 0);
	printf("answer of %zd bytes\n", receive(fd, answer, sizeof(answer), &attached));
	close(fd);
}

static void fill(void)
{
	unsigned long written = 0;

	while (self.pos - self.consumers[0].tail < THAG_RING_WORDS &&
	       written < 8ul * THAG_RING_WORDS) {
		event(THAG_KIND_ENTER, THAG_SITE_FIRST);
		written++;
		if (self.pos - self.consumers[0].tail < THAG_RING_WORDS)
			event(THAG_KIND_EXIT, 0);
	}
	printf("full after %lu\n", written);
}

static void wait_drained(void)
{
	for (int i = 0; i < 5000 && self.consumers[0].tail < self.pos; i++)
		usleep(1000);
	printf(self.consumers[0].tail == self.pos ? "drained\n" : "not drained\n");
}

static void check_shared(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self.consumer_fd, 0);

	printf(map == MAP_FAILED ? "read-only\n" : "writable\n");
}

static void short_threads(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		ext(THAG_EXT_THREAD_END, 0);
		start_thread((uint32_t)(1000000 + i));
		calls(1);
	}
}

static void step_end(const char *name, const char *value)
{
	fflush(stdout);
	if (strcmp(name, "exit") == 0)
		_exit(atoi(value));
	if (strcmp(name, "kill") == 0)
		kill(getpid(), atoi(value));
	if (strcmp(name, "exec") == 0)
		execl("/bin/sh", "sh", "-c", value, (char *)NULL);
	die(name);
}

static void add_address(uint64_t address)
{
	struct thag_shm_site *site =
		(struct thag_shm_site *)(self.shm + THAG_SHM_SITES_OFFSET) + self.sites;

	*site = (struct thag_shm_site){ .kind = THAG_SITE_FUNCTION,
					.flags = THAG_SITE_ADDRESS | THAG_SITE_CALL,
					.module = THAG_MODULE_NONE,
					.address = address };
	__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
	self.sites++;
	__atomic_store_n(&header()->site_count, self.sites, __ATOMIC_RELEASE);
}

static bool step_header(const char *name, const char *value)
{
	uint64_t count = strtoull(value, NULL, 0);

	if (self.shm && fake_header_step(header(), name, count))
		return true;
	if (strcmp(name, "lost-memory") == 0)
		first_slot()->lost_memory += count;
	else if (strcmp(name, "site") == 0)
		add_address(count);
	else
		return false;
	return true;
}

static bool step_setup(const char *name, const char *value)
{
	if (strcmp(name, "make") == 0)
		make(value);
	else if (strcmp(name, "hello") == 0)
		hello(self.memfd >= 0);
	else if (strcmp(name, "fds") == 0)
		hello((unsigned)atoi(value));
	else if (strcmp(name, "raw") == 0)
		send_raw(value);
	else if (strcmp(name, "op") == 0)
		request(value);
	else if (strcmp(name, "ask") == 0)
		ask(value);
	else if (strcmp(name, "output") == 0)
		self.output_dir = value;
	else if (strcmp(name, "cwd") == 0)
		self.cwd = value;
	else
		return false;
	return true;
}

static bool step_write(const char *name, const char *value)
{
	unsigned long count = strtoul(value, NULL, 10);
	struct fake_memory memory = { .put = put, .now = now_ns, .shm = self.shm };

	if (fake_memory_step(&memory, name, value))
		return true;
	if (strcmp(name, "calls") == 0) {
		calls(count);
	} else if (strcmp(name, "open") == 0) {
		while (count--)
			event(THAG_KIND_ENTER, THAG_SITE_FIRST);
	} else if (strcmp(name, "threads") == 0) {
		short_threads(count);
	} else if (strcmp(name, "name") == 0) {
		add_site(value);
		event(THAG_KIND_ENTER, self.sites - 1);
		event(THAG_KIND_EXIT, 0);
	} else if (strcmp(name, "noise") == 0) {
		fake_noise(self.shm, SLOTS, (unsigned)count);
	} else if (strcmp(name, "task") == 0) {
		run_task(count);
	} else if (strcmp(name, "misuses") == 0) {
		header()->misuses[THAG_MISUSE_TASK] = (uint32_t)count;
	} else if (strcmp(name, "lost") == 0) {
		first_slot()->lost_calls += count;
	} else if (strcmp(name, "full") == 0) {
		fill();
	} else if (strcmp(name, "heed") == 0) {
		header()->active = (uint32_t)count;
		header()->heeded = (uint32_t)(self.consumer->wish >> 32);
	} else {
		return false;
	}
	return true;
}

static void wait_wish(void)
{
	for (int i = 0; i < 60000 && self.consumer->wish >> 32 == header()->heeded; i++)
		usleep(1000);
	printf("wish %lu %lu\n", (unsigned long)(self.consumer->wish >> 32),
	       (unsigned long)self.consumer->wish & 3);
}

static bool step_other(const char *name)
{
	if (strcmp(name, "wait") == 0) {
		char line[16];

		if (!fgets(line, sizeof(line), stdin))
			return true;
	} else if (strcmp(name, "pid") == 0) {
		printf("%d\n", (int)getpid());
	} else if (strcmp(name, "drained") == 0) {
		wait_drained();
	} else if (strcmp(name, "shared") == 0) {
		check_shared();
	} else if (strcmp(name, "wish") == 0) {
		wait_wish();
	} else if (strcmp(name, "exited") == 0) {
		__atomic_store_n(&header()->exited, 1, __ATOMIC_RELEASE);
	} else if (strcmp(name, "close") == 0) {
		close(self.memfd);
		close(self.consumer_fd);
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	self.socket = argc > 1 ? argv[1] : "";
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		if (!step_setup(argv[i], value ? value : "") &&
		    !step_header(argv[i], value ? value : "") &&
		    !step_write(argv[i], value ? value : "") && !step_other(argv[i]))
			step_end(argv[i], value ? value : "0");
		fflush(stdout);
	}
	return 0;
}
