/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"
#include "functions.h"
#include "heap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "thag.h"
#include "thag/note.h"

struct thag_process thag_process;

__attribute__((section(THAG_NOTE_SECTION), aligned(4), used)) static const struct thag_note note = {
	.name_bytes = sizeof(THAG_NOTE_NAME),
	.type = THAG_NOTE_LINKED,
	.name = THAG_NOTE_NAME,
};

/* A memory mapping that a forked child leaves behind once it has its own. */
static struct thag_process parent_process;
static struct thag_epoch *epoch;
static struct thag_config config;
static bool preloaded;
static pid_t introduced_pid; /* who may say that it exited */

/* Seen by a program that keeps its descriptors in order: ours stay out of the low numbers. */
#define FIRST_FD 200

/* A thagd that is there but doesn't answer costs a program so much, once, unless it is to wait. */
#define HELLO_MS 2000

#define PATIENCE_NS UINT64_C(10000000)
#define LONG_PATIENCE_NS UINT64_C(10000000000)

uint64_t thag_mono_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t thag_clock_now(void)
{
	return thag_process.slow_clock ? thag_mono_ns() : thag_ticks();
}

static uint64_t real_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *private_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, 4096, MADV_WIPEONFORK) == 0)
		return page;
	munmap(page, 4096);
	return NULL;
}

int thag_fd_move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);

	if (moved < 0)
		return fd; /* a low limit of descriptors */
	close(fd);
	return moved;
}

/* Makes a memfd of `bytes`; setting a size beyond RLIMIT_FSIZE would kill us. */
static int make_memfd(uint64_t bytes)
{
	struct rlimit limit;
	int fd;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes)
		return -EFBIG;
	fd = memfd_create("thag-shm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	fd = thag_fd_move_up(fd);
	if (ftruncate(fd, (off_t)bytes) == 0)
		return fd;
	int result = -errno;

	close(fd);
	return result;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_ino : 0;
}

/* A program that closes all descriptors may have one of its own there now: that stays open. */
static void close_ours(int fd, uint64_t inode)
{
	if (fcntl(fd, F_GET_SEALS) >= 0 && inode_of(fd) == inode)
		close(fd);
}

static int map_shared(struct thag_process *process, uint32_t slots)
{
	uint64_t bytes = thag_shm_bytes(slots);
	int fd = make_memfd(bytes);
	uint8_t *base;

	if (fd < 0)
		return fd;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) {
		int result = -errno;

		close(fd);
		return result;
	}
	madvise(base, bytes, MADV_DONTDUMP);
	process->header = (struct thag_shm_header *)(void *)base;
	process->threads = (struct thag_shm_thread *)(void *)(base + THAG_SHM_THREADS_OFFSET);
	process->sites = (struct thag_shm_site *)(void *)(base + THAG_SHM_SITES_OFFSET);
	process->strings = base + THAG_SHM_STRINGS_OFFSET;
	process->rings = base + THAG_SHM_RINGS_OFFSET;
	process->shm_bytes = bytes;
	process->shm_fd = fd;
	process->shm_inode = inode_of(fd);
	process->slots = slots;
	return 0;
}

/* As many rings as the limits on address space and file size allow. */
static int make_shared(struct thag_process *process)
{
	int result = -ENOMEM;

	for (uint32_t slots = THAG_SLOTS_MAX; slots; slots /= 4) {
		result = map_shared(process, slots);
		if (result == 0)
			break;
	}
	return result;
}

static void release(struct thag_process *process)
{
	if (process->header)
		munmap(process->header, process->shm_bytes);
	if (process->consumers)
		munmap((uint8_t *)(uintptr_t)process->consumers - THAG_SHM_CONSUMERS_OFFSET,
		       process->consumer_bytes);
	process->header = NULL;
	process->consumers = NULL;
	process->rings = NULL; /* others may map something there; a forked child looks at this */
}

static void fill_text(struct thag_shm_header *header, enum thag_text which, const void *text,
		      ssize_t bytes)
{
	if (bytes <= 0)
		return;
	header->text_bytes[which] = (uint32_t)(bytes < THAG_TEXT_BYTES ? bytes : THAG_TEXT_BYTES);
	memcpy(header->text[which], text, header->text_bytes[which]);
}

static void fill_texts(struct thag_shm_header *header)
{
	static char text[THAG_TEXT_BYTES]; /* used by one thread at a time: see thag_epoch */
	int fd;

	fill_text(header, THAG_TEXT_EXE, text, readlink("/proc/self/exe", text, sizeof(text)));
	if (getcwd(text, sizeof(text)))
		fill_text(header, THAG_TEXT_CWD, text, (ssize_t)strlen(text));
	fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		fill_text(header, THAG_TEXT_ARGV, text, read(fd, text, sizeof(text)));
		close(fd);
	}
	fill_text(header, THAG_TEXT_OUTPUT_DIR, config.output_dir,
		  (ssize_t)strlen(config.output_dir));
}

static uint32_t flags(void)
{
	return (thag_functions_sample ? THAG_SHM_FUNCTIONS : 0) |
	       (config.detail ? THAG_SHM_DETAIL : 0) |
	       (config.detail && config.free_traces ? THAG_SHM_FREE_TRACES : 0) |
	       (thag_heap_bypassed ? THAG_SHM_OWN_MALLOC : 0) | (config.maps ? THAG_SHM_MAPS : 0) |
	       (preloaded ? THAG_SHM_PRELOADED : 0);
}

static void fill_header(struct thag_process *process)
{
	struct thag_shm_header *header = process->header;

	header->magic = THAG_SHM_MAGIC;
	header->version = THAG_SHM_VERSION;
	header->byte_order = THAG_SHM_BYTE_ORDER;
	header->header_bytes = sizeof(*header);
	header->slots = process->slots;
	header->sites = THAG_SITES_MAX;
	header->ring_words = THAG_RING_WORDS;
	header->pid = (uint32_t)getpid();
	header->clock = process->clock;
	header->modes = config.modes;
	header->flags = flags();
	header->size_threshold = config.size_threshold;
	header->sample_bytes = config.sample_bytes;
	header->active = __atomic_load_n(&thag_on, __ATOMIC_RELAXED);
	header->site_count = THAG_SITE_FIRST;
	if (getrandom(header->nonce, sizeof(header->nonce), GRND_NONBLOCK) < 0)
		memcpy(header->nonce, &(uint64_t){ thag_mono_ns() }, sizeof(uint64_t));
	memcpy(&process->serial, header->nonce, sizeof(process->serial));
	process->serial >>= 2;
	fill_texts(header);
	header->start_real_ns = real_ns();
	header->start_ticks = thag_clock_now();
	header->start_mono_ns = thag_mono_ns();
}

static int map_consumers(struct thag_process *process)
{
	uint64_t bytes = thag_shm_consumer_bytes(process->slots);
	int seals = fcntl(process->consumer_fd, F_GET_SEALS);
	const struct thag_shm_consumer_header *header;
	struct stat st;
	uint8_t *base;

	/* a file that shrank would kill us when we read it */
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(process->consumer_fd, &st) != 0 ||
	    (uint64_t)st.st_size < bytes)
		return -EPROTO;
	base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, process->consumer_fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	header = (const struct thag_shm_consumer_header *)(void *)base;
	process->consumers =
		(const struct thag_shm_consumer *)(void *)(base + THAG_SHM_CONSUMERS_OFFSET);
	process->consumer_bytes = bytes;
	return header->magic == THAG_CONSUMER_MAGIC && header->version == THAG_SHM_VERSION
		       ? 0
		       : -EPROTO;
}

static uint32_t hello_ms(void)
{
	return thag_process.patience_ns == LONG_PATIENCE_NS ? LONG_PATIENCE_NS / 1000000 : HELLO_MS;
}

static int introduce(struct thag_process *process, char *why, size_t why_bytes)
{
	int result, fd = -1;

	/* nobody, not even we, can change the size or map it for writing again */
	if (fcntl(process->shm_fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
		return -errno;
	result = thag_hello(process->shm_fd, hello_ms(), &fd, why, why_bytes);
	if (result)
		return result;
	process->consumer_fd = thag_fd_move_up(fd);
	process->consumer_inode = inode_of(process->consumer_fd);
	result = map_consumers(process);
	if (result == -EPROTO && why_bytes >= sizeof(THAG_OTHER_VERSION))
		memcpy(why, THAG_OTHER_VERSION, sizeof(THAG_OTHER_VERSION));
	return result;
}

/* Forked: what the parent shared stays where it is, for its sites and for emits under way. */
static void set_parent_aside(void)
{
	if (!thag_process.header)
		return;
	thag_switch_listen(NULL);
	release(&parent_process);
	parent_process = thag_process;
	close_ours(thag_process.shm_fd, thag_process.shm_inode);
	close_ours(thag_process.consumer_fd, thag_process.consumer_inode);
	thag_process.header = NULL;
	thag_process.consumers = NULL;
}

static int attach(char *why, size_t why_bytes)
{
	int result;

	if (thag_process.header)
		thag_log("a child, forked from pid %d", (int)getppid());
	set_parent_aside();
	thag_process.shm_fd = thag_process.consumer_fd = -1;
	thag_process.clock = thag_clock_choose();
	thag_process.slow_clock = thag_process.clock == THAG_CLOCK_MONOTONIC;
	result = make_shared(&thag_process);
	if (result)
		return result;
	fill_header(&thag_process);
	if (parent_process.header)
		thag_site_inherit(&thag_process, &parent_process);
	thag_calibrate(&thag_process.header->cost_inside, &thag_process.header->cost_outside);
	result = introduce(&thag_process, why, why_bytes);
	if (result == 0)
		return 0;
	release(&thag_process);
	close(thag_process.shm_fd);
	if (thag_process.consumer_fd >= 0)
		close(thag_process.consumer_fd);
	return result;
}

bool thag_process_is_live(void)
{
	return epoch && __atomic_load_n(&epoch->state, __ATOMIC_ACQUIRE) == THAG_ATTACH_LIVE;
}

void thag_misuse(enum thag_misuse which)
{
	static const char *const names[] = { "a task", "a section", "a name" };
	static uint32_t said;

	if (thag_log_once_more(&said, 50))
		thag_log("misused: %s", names[which]);
	if (thag_process_is_live())
		__atomic_fetch_add(&thag_process.header->misuses[which], 1, __ATOMIC_RELAXED);
}

static bool begin_attach(enum thag_attach_state from)
{
	int expected = (int)from;

	return epoch && __atomic_compare_exchange_n(&epoch->state, &expected, THAG_ATTACH_BUSY,
						    false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Where the user's wishes for this process are. */
static const uint64_t *wish(void)
{
	const uint8_t *consumers = (const uint8_t *)thag_process.consumers;
	const struct thag_shm_consumer_header *header =
		(const void *)(consumers - THAG_SHM_CONSUMERS_OFFSET);

	return &header->wish;
}

static void log_attached(void)
{
	static const char *const clocks[] = { "", "TSC", "CLOCK_MONOTONIC", "CNTVCT" };
	const struct thag_shm_header *header = thag_process.header;

	thag_log("connected to thagd; %u rings, clock: %s", thag_process.slots,
		 clocks[header->clock]);
	thag_log("a recorded call costs %u + %u ticks, by 256: in its own time, in its caller's",
		 header->cost_inside, header->cost_outside);
}

static void say_why(int result, const char *why)
{
	thag_say(why[0] ? why : "can't make the memory to share with thagd: ",
		 why[0] ? "" : strerrordesc_np(-result), "; running unprofiled", NULL);
}

/* To a forked child that thagd has ended meanwhile is no news. */
static bool is_news(int result, bool forked)
{
	return result && !(forked && (result == -ENOENT || result == -ECONNREFUSED));
}

int thag_process_attach(bool forked)
{
	char why[200] = "";
	int result;

	/* what failed is tried again only where somebody asks for it */
	if (!begin_attach(THAG_ATTACH_NONE) && (forked || !begin_attach(THAG_ATTACH_FAILED)))
		return -EBUSY;
	result = attach(why, sizeof(why));
	if (result == 0) {
		introduced_pid = getpid();
		thag_switch_listen(wish());
		log_attached();
	} else {
		thag_log("not connected: %s", why[0] ? why : strerrordesc_np(-result));
		thag_switch_to(0);
	}
	/* release: who sees LIVE sees thag_process whole */
	__atomic_store_n(&epoch->state, result == 0 ? THAG_ATTACH_LIVE : THAG_ATTACH_FAILED,
			 __ATOMIC_RELEASE);
	if (is_news(result, forked))
		say_why(result, why);
	return result;
}

/* THAG_ON_FULL: drop calls at once, or wait for long, when a ring is full; else a bit of both. */
static uint64_t read_patience(void)
{
	const char *on_full = getenv("THAG_ON_FULL");

	if (on_full && strcmp(on_full, "drop") == 0)
		return 0;
	return on_full && strcmp(on_full, "wait") == 0 ? LONG_PATIENCE_NS : PATIENCE_NS;
}

static int prepare(void)
{
	thag_process.patience_ns = read_patience();
	epoch = private_page();
	if (!epoch)
		return -ENOMEM;
	thag_thread_setup();
	return 0;
}

static int begin(uint32_t modes)
{
	int result = thag_switch_is_over() ? -ECANCELED : 0;

	if (result == 0 && !epoch) {
		result = prepare();
		if (result)
			say_why(result, "");
	}
	if (result == 0 && !thag_process_is_live())
		result = thag_process_attach(false);
	if (result == 0) {
		thag_switch_log(modes, "the program");
		thag_switch_to(modes);
	}
	return result;
}

/* Reads what was asked for, the first time somebody asks. */
static int configure(const char *mode)
{
	static bool done;

	if (done)
		return config.banned ? -ECANCELED : 0;
	done = true;
	if (getauxval(AT_SECURE)) {
		config.banned = true;
		return -ECANCELED;
	}
	if (thag_config_read(mode, &config) != 0)
		return -EINVAL;
	thag_log_open(config.log);
	thag_log("asked for: %s; to record: %s%s%s", mode ? mode : "preloaded",
		 thag_log_kinds(config.modes), config.banned ? ", ever" : "",
		 config.paused ? ", paused at first" : "");
	if (thag_heap_configure(&config) != 0) {
		thag_say("no memory for the addresses of sampled blocks; running unprofiled", NULL,
			 NULL, NULL);
		config.banned = true;
	}
	return config.banned ? -ECANCELED : 0;
}

static void start(const char *mode)
{
	if (!epoch && configure(mode) == 0 && config.modes)
		begin(config.paused ? 0 : config.modes);
}

static void start_alone(const char *mode)
{
	int saved = errno;
	struct thag_alone alone;

	if (!thag_alone_begin(&alone))
		return;
	start(mode);
	thag_alone_end(&alone);
	errno = saved;
}

void thag_start(const char *mode)
{
	start_alone(mode);
}

void thag_start_preloaded(void)
{
	preloaded = true;
	start_alone(NULL);
}

static int enable(uint32_t modes)
{
	int result = configure("no");

	if (result == 0 && !config.modes)
		config.modes = modes;
	return result ? result : begin(modes);
}

/* Two threads that both come first: one of them is told that the other is at it. */
static int enable_alone(uint32_t modes)
{
	static int busy;
	int result;

	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return -EBUSY;
	result = enable(modes);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return result;
}

int thag_enable(unsigned kinds)
{
	int saved = errno, result;
	struct thag_alone alone;

	if (kinds == 0 || kinds & ~(unsigned)THAG_BOTH)
		return -EINVAL;
	if (!thag_alone_begin(&alone))
		return -EINVAL;
	result = enable_alone(kinds);
	thag_alone_end(&alone);
	errno = saved;
	return result;
}

void thag_disable(void)
{
	thag_switch_log(0, "the program");
	thag_switch_to(0);
}

/* A normal end: without this word thagd takes the end for a kill. */
__attribute__((destructor)) static void say_exited(void)
{
	if (thag_process_is_live() && introduced_pid == getpid())
		__atomic_store_n(&thag_process.header->exited, 1, __ATOMIC_RELEASE);
	thag_log("end");
}
