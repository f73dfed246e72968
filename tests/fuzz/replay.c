/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Takes the place of libFuzzer: the inputs given are tried once each, and then again and again with
 * an allocation that fails: each of them in turn, alone, and with all that come after it. Whatever
 * is lost for want of memory, nothing may crash, run for ever or leak. What a target finds wrong
 * with a result after a failure, it finds wrong because there is none: that try is over, and isn't
 * looked at for leaks. Linked with --wrap for malloc, its like and abort.
 *
 *   replay_NAME [FILE | DIRECTORY]...     TRIES (40) so many allocations of an input fail
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRY_SECONDS 30
#define BLOCKS_MAX (1u << 20) /* a power of two */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
bool memory_is_short(void);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void __real_abort(void) __attribute__((noreturn));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
void __wrap_abort(void) __attribute__((noreturn));

/* The try that is made. */
static const char *input;
static bool tries;
static uint64_t *calls;		 /* shared with a target's children: theirs fail in their turn */
static uint64_t fails_at, until; /* from which call on, and before which, all fail */
static pid_t self;
static jmp_buf given_up;

/* What the target has allocated and not freed, by linear probing. Of a block that is gone its place
 * is left, marked, and may be taken again. */
static const void *blocks[BLOCKS_MAX];
static const char gone;
static uint32_t places[BLOCKS_MAX], place_count; /* those that were taken in this try */
static uint64_t lives;

/** Where the block is; or where it would go. */
static const void **place_of(const void *block)
{
	size_t i = ((uintptr_t)block >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 44;
	const void **left = NULL;

	for (; blocks[i]; i = (i + 1) % BLOCKS_MAX) {
		if (blocks[i] == block)
			return &blocks[i];
		if (blocks[i] == &gone && !left)
			left = &blocks[i];
	}
	if (left)
		return left;
	if (place_count == BLOCKS_MAX / 2)
		__real_abort();
	places[place_count++] = (uint32_t)i;
	return &blocks[i];
}

static void *came(void *block)
{
	if (tries && block) {
		*place_of(block) = block;
		lives++;
	}
	return block;
}

static void goes(const void *block)
{
	const void **place;

	if (!tries || !block)
		return;
	place = place_of(block);
	if (*place == block)
		lives--;
	*place = &gone;
}

static bool fails(void)
{
	if (!tries)
		return false;
	++*calls;
	if (*calls < fails_at || *calls >= until)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : came(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : came(__real_calloc(count, size));
}

static void *moved(void *old, void *new, bool freed)
{
	if (new || freed)
		goes(old);
	return came(new);
}

void *__wrap_realloc(void *old, size_t size)
{
	return size && fails() ? NULL : moved(old, __real_realloc(old, size), size == 0);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : moved(old, __real_reallocarray(old, count, size), false);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : came(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
	goes(block);
	__real_free(block);
}

void __wrap_abort(void)
{
	if (getpid() != self)
		_exit(1);
	if (memory_is_short())
		longjmp(given_up, 1);
	__real_abort();
}

bool memory_is_short(void)
{
	return tries && *calls >= fails_at;
}

static void tell(const char *what)
{
	if (!tries)
		fprintf(stderr, "%s\n", what);
	else if (fails_at == UINT64_MAX)
		fprintf(stderr, "%s: %s\n", input, what);
	else
		fprintf(stderr, "%s: %s when allocation %llu fails%s\n", input, what,
			(unsigned long long)fails_at,
			until == UINT64_MAX ? ", and all after it" : "");
}

static void on_signal(int signal)
{
	if (getpid() == self)
		tell(signal == SIGALRM ? "it takes for ever" : "it crashes");
	raise(signal); /* once more, and for good */
}

static void on_report(void)
{
	tell("a sanitizer stops it here");
}

/** What a try that was given up had in its hands. */
static void free_blocks(void)
{
	while (place_count) {
		const void **place = &blocks[places[--place_count]];

		if (*place != &gone)
			__real_free((void *)(uintptr_t)*place);
		*place = NULL;
	}
	lives = 0;
}

/** Allocations from `first` on fail, before `end`. Returns how many there were. */
static uint64_t try_once(const uint8_t *data, size_t bytes, uint64_t first, uint64_t end)
{
	*calls = 0;
	fails_at = first;
	until = end;
	alarm(TRY_SECONDS);
	tries = true;
	if (setjmp(given_up) == 0) {
		LLVMFuzzerTestOneInput(data, bytes);
		if (lives) {
			tell("it leaks");
			exit(1);
		}
	}
	tries = false;
	free_blocks();
	return *calls;
}

/** `count` of the allocations, or all of them, spread over them. */
static void try_input(const uint8_t *data, size_t bytes, uint64_t count)
{
	uint64_t all, step;

	LLVMFuzzerTestOneInput(data, bytes); /* what is made once for all inputs */
	all = try_once(data, bytes, UINT64_MAX, UINT64_MAX);
	step = count ? all / count + 1 : 1;
	/* what libraries have allocated is lost where a try is given up */
	if (__lsan_disable)
		__lsan_disable();
	for (uint64_t i = 1; count && i <= all; i += i < count / 2 ? 1 : step) {
		try_once(data, bytes, i, i + 1);
		try_once(data, bytes, i, UINT64_MAX);
	}
	if (__lsan_enable)
		__lsan_enable();
}

static int try_file(const char *path, uint64_t count)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t bytes;

	if (!file || fstat(fileno(file), &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	bytes = (size_t)st.st_size;
	data = malloc(bytes + 1);
	if (!data || fread(data, 1, bytes, file) != bytes) {
		fprintf(stderr, "%s: can't be read\n", path);
		return 1;
	}
	fclose(file);
	input = path;
	/* as long as it is, and no longer: for a sanitizer to see what is read behind its end */
	data = realloc(data, bytes ? bytes : 1);
	try_input(data, bytes, count);
	free(data);
	return 0;
}

static int try_path(const char *path, uint64_t count)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[4096];
	int ret = 0;

	if (!directory)
		return try_file(path, count);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		ret |= try_file(name, count);
	}
	closedir(directory);
	return ret;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
	const struct sigaction action = { .sa_handler = on_signal,
					  .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
	const char *count = getenv("TRIES");
	int ret = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	self = getpid();
	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (calls == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(on_report);
	for (int i = 1; i < argc; i++)
		ret |= try_path(argv[i], count ? strtoull(count, NULL, 10) : 40);
	return ret;
}
