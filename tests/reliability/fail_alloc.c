/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Preloaded, it has allocations fail that a module makes, itself or by a library it calls. A site
 * is an allocation by the stack below it, down to the second frame of the module's own.
 *
 * FAIL_FILE: each distinct site is noted there, "SITE alloc 1 - STACK"; or "done", once one failed.
 *
 * FAIL_MODULE: the beginning of the module's file name.
 *
 * FAIL_SITE: the site that is to fail, once; with FAIL_THEN, from then on whatever else the module
 * asks for.
 *
 * FAIL_AFTER: a file; nothing counts before that is there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define EXPORTED __attribute__((visibility("default")))
#define FRAMES 48
#define OWN_FRAMES 2
#define SITES 32768

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *block, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
} real = { __libc_malloc, __libc_calloc, __libc_realloc, __libc_memalign };

static const char *file, *module, *begin_file;
static uint64_t site_that_fails;
static bool then_all, ready;
static atomic_int failed;
static atomic_bool begun;
static _Atomic uint64_t seen[SITES];
static __thread bool inside;

struct walk {
	uint64_t hash;
	int frames, own, own_most;
	char text[1024];
	size_t used;
};

static void mix(uint64_t *hash, const void *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*hash = (*hash ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
}

static const char *name_at(const struct dl_find_object *found)
{
	const char *path = found->dlfo_link_map->l_name, *base;

	if (!path[0])
		path = program_invocation_short_name;
	base = strrchr(path, '/');
	return base ? base + 1 : path;
}

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	struct dl_find_object found;
	uintptr_t at = _Unwind_GetIP(context);
	const char *name;

	if (!at || _dl_find_object((void *)at, &found) != 0)
		return _URC_END_OF_STACK;
	name = name_at(&found);
	if (strncmp(name, "libfail_alloc", 13) == 0)
		return _URC_NO_REASON;
	at -= found.dlfo_link_map->l_addr;
	mix(&walk->hash, name, strlen(name));
	mix(&walk->hash, &at, sizeof(at));
	if (walk->used < sizeof(walk->text) - 100)
		walk->used += (size_t)snprintf(walk->text + walk->used, 100, " %.60s+%#lx", name,
					       (unsigned long)at);
	walk->own += strncmp(name, module, strlen(module)) == 0;
	return walk->own == walk->own_most || ++walk->frames == FRAMES ? _URC_END_OF_STACK
								       : _URC_NO_REASON;
}

static bool is_new(uint64_t hash)
{
	for (uint64_t i = 0; i < SITES; i++) {
		_Atomic uint64_t *entry = &seen[(hash + i) % SITES];
		uint64_t none = 0;

		if (atomic_compare_exchange_strong(entry, &none, hash))
			return true;
		if (none == hash)
			return false;
	}
	return false;
}

static void note(const char *line)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ssize_t written = fd < 0 ? 0 : write(fd, line, strlen(line));

	(void)written;
	close(fd);
}

static void on_crash(int number)
{
	struct walk walk = { .own_most = FRAMES };
	char line[sizeof(walk.text) + 64];

	/* the program is lost anyway, and where it was is all that is wanted */
	_Unwind_Backtrace(on_frame, &walk); /* NOLINT(bugprone-signal-handler) */
	/* NOLINTNEXTLINE(bugprone-signal-handler) */
	snprintf(line, sizeof(line), "crash%s\n", walk.text);
	note(line);
	signal(number, SIG_DFL);
	raise(number);
}

static bool decide(void)
{
	struct walk walk = { .hash = UINT64_C(0xcbf29ce484222325), .own_most = OWN_FRAMES };
	char line[sizeof(walk.text) + 64];

	if (!site_that_fails || !atomic_load(&failed) || then_all)
		_Unwind_Backtrace(on_frame, &walk);
	if (walk.own == 0)
		return false;
	if (!site_that_fails) {
		if (is_new(walk.hash)) {
			snprintf(line, sizeof(line), "%016" PRIx64 " alloc 1 -%s\n", walk.hash,
				 walk.text);
			note(line);
		}
		return false;
	}
	if (then_all && atomic_load(&failed))
		return true;
	if (walk.hash != site_that_fails || atomic_exchange(&failed, 1))
		return false;
	note("done\n");
	return true;
}

/* A process that confines itself may still open files, if nothing else. */
static bool has_begun(void)
{
	int fd;

	if (atomic_load(&begun))
		return true;
	fd = open(begin_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	atomic_store(&begun, true);
	return true;
}

static bool fails(void)
{
	int saved = errno;
	bool result;

	if (!ready || inside)
		return false;
	inside = true;
	result = has_begun() && decide();
	inside = false;
	errno = result ? ENOMEM : saved;
	return result;
}

__attribute__((constructor)) static void begin(void)
{
	const char *site = getenv("FAIL_SITE");

	file = getenv("FAIL_FILE");
	module = getenv("FAIL_MODULE");
	if (!file || !module)
		return;
	begin_file = getenv("FAIL_AFTER");
	atomic_store(&begun, begin_file == NULL);
	site_that_fails = site ? strtoull(site, NULL, 16) : 0;
	then_all = getenv("FAIL_THEN") != NULL;
	inside = true;
	*(void **)&real.malloc = dlsym(RTLD_NEXT, "malloc");
	*(void **)&real.calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&real.realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&real.memalign = dlsym(RTLD_NEXT, "memalign");
	_Unwind_Backtrace(on_frame, &(struct walk){ 0 });
	inside = false;
	if (site_that_fails) {
		signal(SIGABRT, on_crash);
		signal(SIGSEGV, on_crash);
	}
	ready = true;
}

EXPORTED void *malloc(size_t size)
{
	return fails() ? NULL : real.malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : real.calloc(count, size);
}

EXPORTED void *realloc(void *block, size_t size)
{
	return size && fails() ? NULL : real.realloc(block, size);
}

EXPORTED void *reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, bytes);
}

EXPORTED void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : real.memalign(alignment, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

EXPORTED int posix_memalign(void **block, size_t alignment, size_t size)
{
	void *taken = memalign(alignment, size);

	if (!taken)
		return ENOMEM;
	*block = taken;
	return 0;
}
