/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program whose functions are known by their addresses, played by hand: it can also name
 * modules and addresses that no honest program has.
 *
 *   fake_functions SOCKET STEP…       steps, in order:
 *
 *   module=PATH     the next addresses are in this file
 *   build-id=HEX    … which is of this build
 *   address=HEX     registers a function at this address and calls it once
 *   absolute=HEX    the same, in no module
 *   entry=INDEX     the same, in the module of this index, whatever that is
 *   noise=SEED      random bytes in the table of modules
 *   drained         waits until all was read
 *   wait            waits for a line on stdin
 *   pause           waits for half a second
 *   exited          sets the flag of a normal exit
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "thag/control.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static struct {
	const char *socket;
	int memfd;
	char *shm;
	const volatile struct thag_shm_consumer *consumers;
	uint64_t pos;
	uint32_t strings, sites, modules;
} self;

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

static void set_text(enum thag_text which, const char *text)
{
	header()->text_bytes[which] = (uint32_t)strlen(text);
	memcpy(header()->text[which], text, strlen(text));
}

static void fill_header(void)
{
	struct thag_shm_header *h = header();
	char cwd[THAG_TEXT_BYTES];

	h->magic = THAG_SHM_MAGIC;
	h->version = THAG_SHM_VERSION;
	h->byte_order = THAG_SHM_BYTE_ORDER;
	h->header_bytes = sizeof(*h);
	h->slots = 1;
	h->sites = THAG_SITES_MAX;
	h->ring_words = THAG_RING_WORDS;
	h->pid = (uint32_t)getpid();
	h->clock = THAG_CLOCK_MONOTONIC;
	h->modes = THAG_MODE_TIME;
	h->flags = THAG_SHM_FUNCTIONS;
	h->start_ticks = h->start_mono_ns = now_ns();
	h->start_real_ns = (uint64_t)time(NULL) * 1000000000;
	if (getentropy(h->nonce, sizeof(h->nonce)) != 0 || !getcwd(cwd, sizeof(cwd)))
		die("getentropy");
	set_text(THAG_TEXT_EXE, "/usr/bin/fake");
	set_text(THAG_TEXT_ARGV, "fake");
	set_text(THAG_TEXT_CWD, cwd);
	h->slots_used = 1;
	self.sites = THAG_SITE_FIRST;
	self.pos = THAG_RING_WORDS;
}

static void make(void)
{
	size_t bytes = thag_shm_bytes(1);

	self.memfd = memfd_create("thag-shm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (self.memfd < 0 || ftruncate(self.memfd, (off_t)bytes) != 0)
		die("memfd");
	self.shm = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, self.memfd, 0);
	if (self.shm == MAP_FAILED)
		die("mmap");
	fill_header();
	if (fcntl(self.memfd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
		die("seal");
}

static void put(uint64_t word)
{
	uint64_t *ring = (uint64_t *)(self.shm + THAG_SHM_RINGS_OFFSET);

	word = (word & ~THAG_WORD_PHASE) | (self.pos & THAG_WORD_PHASE);
	__atomic_store_n(&ring[self.pos++ & THAG_RING_MASK], word, __ATOMIC_RELEASE);
}

static void event(enum thag_kind kind, uint32_t arg)
{
	put(now_ns() << THAG_WORD_TIME_SHIFT | THAG_WORD(kind, arg));
}

static void start_thread(void)
{
	struct thag_shm_thread *slot =
		(struct thag_shm_thread *)(self.shm + THAG_SHM_THREADS_OFFSET);
	uint64_t now = now_ns();

	slot->state = THAG_SLOT_BUSY;
	slot->tid = (uint32_t)getpid();
	put(now << THAG_WORD_TIME_SHIFT |
	    THAG_WORD(THAG_KIND_TIME, now >> THAG_WORD_TIME_BITS & THAG_WORD_ARG_MASK));
	put(now << THAG_WORD_TIME_SHIFT | THAG_WORD_EXT(THAG_EXT_THREAD_START));
	put(thag_payload_pack(slot->tid));
}

/* The memory goes to thagd, and its answer brings how far the ring was read. */
static void hello(void)
{
	struct thag_message message = { .magic = THAG_CONTROL_MAGIC,
					.version = THAG_CONTROL_VERSION,
					.type = THAG_MESSAGE_HELLO };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char answer[THAG_CONTROL_BODY_MAX];
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &message, sizeof(message) };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), got;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", self.socket);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("connect");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &self.memfd, sizeof(int));
	if (sendmsg(fd, &packet, MSG_NOSIGNAL) < 0)
		die("send");
	part = (struct iovec){ answer, sizeof(answer) };
	packet.msg_controllen = sizeof(space);
	if (recvmsg(fd, &packet, MSG_CMSG_CLOEXEC) <= 0 || !(c = CMSG_FIRSTHDR(&packet)))
		die("refused");
	memcpy(&got, CMSG_DATA(c), sizeof(got));
	char *map = mmap(NULL, thag_shm_consumer_bytes(1), PROT_READ, MAP_SHARED, got, 0);

	if (map == MAP_FAILED)
		die("map the consumer");
	self.consumers = (struct thag_shm_consumer *)(map + THAG_SHM_CONSUMERS_OFFSET);
	close(fd);
	start_thread();
}

static struct thag_shm_module *module(uint32_t index)
{
	return (struct thag_shm_module *)(self.shm + THAG_SHM_MODULES_OFFSET) + index;
}

/* Ready only when the first address is registered in it: the build id comes later. */
static void add_module(const char *path)
{
	struct thag_shm_module *entry = module(self.modules++);

	memcpy(self.shm + THAG_SHM_STRINGS_OFFSET + self.strings, path, strlen(path));
	entry->path_offset = self.strings;
	entry->path_bytes = (uint32_t)strlen(path);
	self.strings += entry->path_bytes;
	header()->module_count = self.modules;
}

static void set_build_id(const char *hex)
{
	struct thag_shm_module *entry = module(self.modules - 1);

	while (entry->build_id_bytes < THAG_BUILD_ID_MAX &&
	       sscanf(hex + 2 * entry->build_id_bytes, "%2hhx",
		      &entry->build_id[entry->build_id_bytes]) == 1)
		entry->build_id_bytes++;
}

static void call_address(uint64_t address, uint32_t in)
{
	struct thag_shm_site *site =
		(struct thag_shm_site *)(self.shm + THAG_SHM_SITES_OFFSET) + self.sites;

	site->kind = THAG_SITE_FUNCTION;
	site->flags = THAG_SITE_ADDRESS;
	site->module = in;
	site->address = address;
	if (in < self.modules)
		__atomic_store_n(&module(in)->ready, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
	event(THAG_KIND_ENTER, self.sites++);
	__atomic_store_n(&header()->site_count, self.sites, __ATOMIC_RELEASE);
	event(THAG_KIND_EXIT, 0);
}

static void noise(unsigned seed)
{
	char *modules = self.shm + THAG_SHM_MODULES_OFFSET;

	srandom(seed);
	for (size_t i = 0; i < THAG_MODULES_MAX * sizeof(struct thag_shm_module); i++)
		modules[i] = (char)random();
	for (uint32_t i = 0; i < THAG_MODULES_MAX; i++)
		module(i)->ready = 1;
	for (uint32_t i = 0; i < 1000; i++)
		call_address((uint64_t)random() << 20, (uint32_t)random() % (2 * THAG_MODULES_MAX));
}

static void wait_drained(void)
{
	for (int i = 0; i < 5000 && self.consumers[0].tail < self.pos; i++)
		usleep(1000);
	printf(self.consumers[0].tail == self.pos ? "drained\n" : "not drained\n");
	fflush(stdout);
}

static void step(const char *name, const char *value)
{
	uint64_t number = strtoull(value, NULL, 16);
	char line[16];

	if (strcmp(name, "module") == 0)
		add_module(value);
	else if (strcmp(name, "build-id") == 0)
		set_build_id(value);
	else if (strcmp(name, "address") == 0)
		call_address(number, self.modules - 1);
	else if (strcmp(name, "absolute") == 0)
		call_address(number, THAG_MODULE_NONE);
	else if (strcmp(name, "entry") == 0)
		call_address(1, (uint32_t)number);
	else if (strcmp(name, "noise") == 0)
		noise((unsigned)number);
	else if (strcmp(name, "drained") == 0)
		wait_drained();
	else if (strcmp(name, "wait") == 0 && !fgets(line, sizeof(line), stdin))
		return;
	else if (strcmp(name, "pause") == 0)
		usleep(500000);
	else if (strcmp(name, "exited") == 0)
		__atomic_store_n(&header()->exited, 1, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	self.socket = argv[1];
	make();
	hello();
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		step(argv[i], value ? value : "");
	}
	return 0;
}
