/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which words come out for what a program does with its memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "heap_words.h"
#include "thag.h"

static void *volatile kept;
static volatile size_t asked; /* that the compiler doesn't know */

/* What a program tells its test, in memory that they share. */
struct told {
	uintptr_t blocks[8];
	uint64_t bytes, count, more;
};

static struct told *told;

/* In a program, which is not the test's process: its status is the line. */
#define need(condition) \
	do { \
		if (!(condition)) \
			_exit(__LINE__ / 4); \
	} while (0)

static struct heap_words *run(void (*program)(void *))
{
	struct collector *collector = collector_start();
	struct heap_words *words;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(told, MAP_FAILED);
	cr_assert_eq(collector_run(collector, program, NULL), 0);
	words = heap_words_read(collector, 0);
	cr_expect_eq(words->invalid, 0);
	collector_stop(collector);
	return words;
}

static void expect_event(const struct heap_words *words, size_t at, enum heap_kind kind,
			 uintptr_t address, uint64_t size)
{
	cr_assert_lt(at, words->count);
	cr_expect_eq(words->events[at].kind, kind, "event %zu: kind %d", at,
		     words->events[at].kind);
	cr_expect_eq(words->events[at].address, address, "event %zu", at);
	cr_expect_eq(words->events[at].size, size, "event %zu: size %llu", at,
		     (unsigned long long)words->events[at].size);
}

static void each_entry_point(void *argument)
{
	void *block = NULL;

	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	kept = malloc(10);
	free(kept);
	kept = calloc(3, 11);
	free(kept);
	need(posix_memalign(&block, 64, 12) == 0);
	kept = block;
	free(kept);
	kept = aligned_alloc(32, 64);
	free(kept);
	kept = memalign(32, 13);
	free(kept);
	kept = valloc(14);
	free(kept);
	kept = pvalloc(15);
	free(kept);
	kept = strdup("fifteen bytes..");
	free(kept);
	kept = reallocarray(NULL, 3, 17);
	free(kept);
	_exit(0);
}

Test(heap_emit, says_every_entry_point)
{
	static const uint64_t sizes[] = { 10, 33, 12, 64, 13, 14, 15, 16, 51 };
	struct heap_words *words = run(each_entry_point);
	uint64_t last = 0;

	cr_assert_eq(words->count, 18);
	for (size_t i = 0; i < 18; i++) {
		uint64_t address = words->events[i & ~(size_t)1].address;

		expect_event(words, i, i % 2 ? HEAP_FREE : HEAP_ALLOC, address,
			     i % 2 ? 0 : sizes[i / 2]);
		cr_expect_gt(words->events[i].ticks, last);
		last = words->events[i].ticks;
	}
	heap_words_destroy(words);
}

static void reallocations(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	kept = realloc(NULL, 10);
	told->blocks[0] = (uintptr_t)kept;
	kept = realloc(kept, 100000);
	told->blocks[1] = (uintptr_t)kept;
	asked = SIZE_MAX / 2;
	errno = 0;
	need(!realloc(kept, asked));
	need(errno == ENOMEM);
	errno = 0;
	need(!reallocarray(kept, asked, 8));
	need(errno == ENOMEM);
	kept = reallocarray(kept, 5, 8);
	told->blocks[2] = (uintptr_t)kept;
	asked = 0;
	need(!realloc(kept, asked));
	_exit(0);
}

Test(heap_emit, says_what_became_of_a_reallocated_block)
{
	struct heap_words *words = run(reallocations);
	const uintptr_t *at = told->blocks;

	cr_assert_eq(words->count, 9);
	expect_event(words, 0, HEAP_ALLOC, at[0], 10);
	expect_event(words, 1, HEAP_MOVES, at[0], 0);
	expect_event(words, 2, HEAP_MOVED, at[1], 100000);
	cr_expect_eq(words->events[2].old, at[0]);
	/* it failed */
	expect_event(words, 3, HEAP_MOVES, at[1], 0);
	expect_event(words, 4, HEAP_MOVED, 0, SIZE_MAX >> 12); /* 52 bits are said */
	expect_event(words, 5, HEAP_MOVES, at[1], 0);
	expect_event(words, 6, HEAP_MOVED, at[2], 40);
	cr_expect_eq(words->events[6].old, at[1]);
	/* freed */
	expect_event(words, 7, HEAP_MOVES, at[2], 0);
	expect_event(words, 8, HEAP_MOVED, 0, 0);
	cr_expect_eq(words->events[8].old, at[2]);
	heap_words_destroy(words);
}

static void what_is_none(void *argument)
{
	void *block = (void *)1;

	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	free(NULL);
	asked = SIZE_MAX;
	errno = 0;
	need(!malloc(asked));
	need(errno == ENOMEM);
	errno = 0;
	need(!calloc(asked, 2));
	need(errno == ENOMEM);
	errno = 0;
	need(!aligned_alloc(64, asked));
	need(errno == ENOMEM);
	errno = 0;
	need(posix_memalign(&block, 3, 10) == EINVAL);
	need(posix_memalign(&block, 64, asked) == ENOMEM);
	need(block == (void *)1);
	need(malloc_usable_size(NULL) == 0);
	_exit(0);
}

Test(heap_emit, says_nothing_where_nothing_was_allocated)
{
	struct heap_words *words = run(what_is_none);

	cr_expect_eq(words->count, 0);
	heap_words_destroy(words);
}

/* What keeps a block that no memory is needed for but its pages. */
static void large_blocks(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	asked = THAG_ALLOC_LONG - 1;
	kept = malloc(asked);
	asked = THAG_ALLOC_LONG;
	kept = malloc(asked);
	asked = UINT64_C(5) << 40 | 12345; /* more than the machine has, but untouched */
	kept = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	asked = (size_t)1 << 33 | 7;
	kept = malloc(asked);
	told->count = kept != NULL;
	kept = realloc(kept, asked + 1);
	_exit(0);
}

Test(heap_emit, says_large_sizes_whole)
{
	struct heap_words *words = run(large_blocks);

	cr_assert_geq(words->count, 2);
	cr_expect_eq(words->events[0].size, THAG_ALLOC_LONG - 1);
	cr_expect_eq(words->events[1].size, THAG_ALLOC_LONG);
	if (told->count) {
		cr_assert_eq(words->count, 5);
		cr_expect_eq(words->events[2].size, (UINT64_C(1) << 33) + 7);
		cr_expect_eq(words->events[4].size, (UINT64_C(1) << 33) + 8);
	}
	heap_words_destroy(words);
}

static void keeps_errno(void *argument)
{
	(void)argument;
	errno = 77;
	kept = malloc(1); /* off */
	THAG_ENABLE_PROFILING(memory);
	need(errno == 77);
	kept = malloc(10); /* the thread's first */
	need(errno == 77);
	kept = realloc(kept, 20);
	free(kept);
	need(errno == 77);
	_exit(0);
}

Test(heap_emit, keeps_errno)
{
	struct heap_words *words = run(keeps_errno);

	cr_expect_eq(words->count, 4);
	heap_words_destroy(words);
}

static void on_signal(int number)
{
	void *block = malloc(5);

	(void)number;
	told->more += block != NULL;
	free(block);
}

static void interrupted(void *argument)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 1000; i++) {
		kept = malloc(6);
		raise(SIGUSR1);
		free(kept);
	}
	_exit(0);
}

Test(heap_emit, says_what_a_handler_allocates)
{
	struct heap_words *words = run(interrupted);

	cr_expect_eq(told->more, 1000);
	cr_expect_eq(words->count, 4000);
	heap_words_destroy(words);
}

static void switched(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(time);
	kept = malloc(1);
	need(thag_enable(THAG_MEMORY) == 0);
	kept = malloc(2);
	need(thag_enable(THAG_BOTH) == 0);
	kept = malloc(3);
	thag_disable();
	kept = malloc(4);
	need(thag_enable(THAG_MEMORY) == 0);
	kept = malloc(5);
	need(thag_enable(THAG_TIME) == 0);
	kept = malloc(6);
	_exit(0);
}

Test(heap_emit, says_only_what_is_allocated_while_memory_is_on)
{
	struct heap_words *words = run(switched);

	cr_assert_eq(words->count, 3);
	cr_expect_eq(words->events[0].size, 2);
	cr_expect_eq(words->events[1].size, 3);
	cr_expect_eq(words->events[2].size, 5);
	heap_words_destroy(words);
}

static pthread_key_t keys[4];

static void free_late(void *block)
{
	free(block);
}

static void *keeps_until_the_end(void *argument)
{
	(void)argument;
	for (int i = 0; i < 4; i++)
		pthread_setspecific(keys[i], malloc(100 + (size_t)i));
	return NULL;
}

static void ending_thread(void *argument)
{
	pthread_t thread;

	(void)argument;
	/* one before the library's own key, the others behind it */
	pthread_key_create(&keys[0], free_late);
	THAG_ENABLE_PROFILING(memory);
	for (int i = 1; i < 4; i++)
		pthread_key_create(&keys[i], free_late);
	pthread_create(&thread, NULL, keeps_until_the_end, NULL);
	pthread_join(thread, NULL);
	_exit(0);
}

Test(heap_emit, says_what_an_ending_thread_frees)
{
	struct collector *collector = collector_start();
	struct heap_words *words;

	cr_assert_eq(collector_run(collector, ending_thread, NULL), 0);
	words = heap_words_read(collector, 1);
	cr_expect_eq(words->starts, 1, "%zu", words->starts);
	cr_assert_eq(words->count, 8, "%zu", words->count);
	for (size_t i = 0; i < 4; i++) {
		expect_event(words, i, HEAP_ALLOC, words->events[4 + i].address, 100 + i);
		cr_expect_eq(words->events[4 + i].kind, HEAP_FREE);
	}
	heap_words_destroy(words);
	collector_stop(collector);
}

static void forks(void *argument)
{
	pid_t child;

	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	kept = malloc(7);
	unsetenv("THAG_SOCKET"); /* the child is nobody's */
	setenv("THAG_SOCKET", "/nowhere", 1);
	child = fork();
	if (child == 0) {
		kept = malloc(8);
		_exit(kept ? 0 : 1);
	}
	need(waitpid(child, NULL, 0) == child);
	kept = malloc(9);
	_exit(0);
}

Test(heap_emit, says_nothing_of_a_child_in_its_parents_ring)
{
	struct heap_words *words = run(forks);

	for (size_t i = 0; i < words->count; i++)
		cr_expect_neq(words->events[i].size, 8);
	cr_expect_eq(words->events[words->count - 1].size, 9);
	heap_words_destroy(words);
}

static void vforks(void *argument)
{
	(void)argument;
	THAG_ENABLE_PROFILING(memory);
	pid_t child = vfork();
	if (child == 0) {
		kept = malloc(7); /* NOLINT(clang-analyzer-unix.Vfork): some programs do */
		_exit(0);
	}
	waitpid(child, NULL, 0);
	free(kept);
	_exit(0);
}

Test(heap_emit, says_what_a_vforked_child_does_to_its_parents_memory)
{
	struct heap_words *words = run(vforks);

	cr_assert_eq(words->count, 2);
	expect_event(words, 0, HEAP_ALLOC, words->events[1].address, 7);
	heap_words_destroy(words);
}

static void small_and_large(void *argument)
{
	(void)argument;
	setenv("SIZE_TRACKING_THRESHOLD", "1024", 1);
	THAG_ENABLE_PROFILING(memory);
	kept = malloc(1024); /* not above it */
	free(kept);	     /* but so close that its free might matter */
	kept = malloc(1025);
	free(kept);
	kept = malloc(10);
	free(kept);
	kept = malloc(10);
	kept = realloc(kept, 2000);
	kept = realloc(kept, 20);
	free(kept);
	_exit(0);
}

Test(heap_emit, leaves_out_small_allocations_but_counts_them)
{
	struct collector *collector = collector_start();
	struct heap_words *words;

	cr_assert_eq(collector_run(collector, small_and_large, NULL), 0);
	words = heap_words_read(collector, 0);
	cr_expect_eq(collector->header->size_threshold, 1024);
	cr_expect_eq(collector->slots[0].skipped_allocs, 4);
	cr_expect_eq(collector->slots[0].skipped_bytes, 1024 + 10 + 10 + 20);
	cr_assert_eq(words->count, 6, "%zu", words->count);
	cr_expect_eq(words->events[0].kind, HEAP_FREE);
	expect_event(words, 1, HEAP_ALLOC, words->events[2].address, 1025);
	cr_expect_eq(words->events[2].kind, HEAP_FREE);
	expect_event(words, 3, HEAP_ALLOC, words->events[4].address, 2000);
	cr_expect_eq(words->events[4].kind, HEAP_MOVES);
	/* of no more interest: freed, as it were */
	expect_event(words, 5, HEAP_MOVED, 0, 0);
	heap_words_destroy(words);
	collector_stop(collector);
}

#define SAMPLED 200000

static void sampled(void *argument)
{
	void **blocks = mmap(NULL, SAMPLED * sizeof(void *), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	setenv("THAG_SAMPLE_BYTES", "1000", 1);
	THAG_ENABLE_PROFILING(memory);
	for (size_t i = 0; i < SAMPLED; i++)
		blocks[i] = malloc(i % 4 ? 20 : 700);
	for (size_t i = 0; i < SAMPLED; i++)
		free(blocks[i]);
	_exit(0);
}

static int compare_events(const void *a, const void *b)
{
	const struct heap_event *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Of n that are each picked with probability p, k were: within five standard deviations. */
static void expect_picked(uint64_t picked, double n, double p)
{
	double off = (double)picked - n * p;

	cr_expect_lt(off * off, 25 * n * p * (1 - p), "%llu of %.0f, p = %f",
		     (unsigned long long)picked, n, p);
}

Test(heap_emit, samples_by_size)
{
	struct heap_words *words = run(sampled);
	uint64_t small = 0, large = 0, frees = 0;

	for (size_t i = 0; i < words->count; i++) {
		small += words->events[i].size == 20;
		large += words->events[i].size == 700;
		frees += words->events[i].kind == HEAP_FREE;
	}
	expect_picked(small, SAMPLED * 0.75, 1 - 0.980198673306755);
	expect_picked(large, SAMPLED * 0.25, 1 - 0.496585303791410);
	/* and the frees are theirs */
	cr_expect_eq(frees, small + large);
	qsort(words->events, words->count, sizeof(words->events[0]), compare_events);
	for (size_t i = 0; i + 1 < words->count; i += 2)
		cr_expect_eq(words->events[i].address, words->events[i + 1].address);
	heap_words_destroy(words);
}

static void loses(void *argument)
{
	(void)argument;
	setenv("THAG_ON_FULL", "drop", 1);
	THAG_ENABLE_PROFILING(memory);
	for (uint64_t i = 0; i < THAG_RING_WORDS; i++) {
		kept = malloc(1);
		kept = realloc(kept, 2);
		free(kept);
	}
	_exit(0);
}

Test(heap_emit, counts_what_finds_no_room)
{
	struct collector *collector = collector_start();
	struct heap_words *words;
	uint64_t said = 0, lost;
	pid_t child = fork();
	int status;

	if (child == 0)
		loses(NULL);
	collector_accept(collector);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	words = heap_words_read(collector, 0);
	lost = collector->slots[0].lost_memory;
	for (size_t i = 0; i < words->count; i++)
		said += words->events[i].kind == HEAP_MOVES ? 0 : 1;
	/* a reallocation that was said is one event here, one that wasn't two: it would have
	 * freed and allocated */
	cr_expect_geq(said + lost, 3 * (uint64_t)THAG_RING_WORDS);
	cr_expect_leq(said + lost, 4 * (uint64_t)THAG_RING_WORDS);
	cr_expect_eq(words->events[words->count - 1].kind == HEAP_MOVES, 0);
	cr_expect_eq(collector->slots[0].lost_calls, 0);
	heap_words_destroy(words);
	collector_stop(collector);
}

static void maps(void *argument)
{
	uint8_t *at;

	(void)argument;
	setenv("THAG_MAPS", "1", 1);
	THAG_ENABLE_PROFILING(memory);
	at = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	told->blocks[0] = (uintptr_t)at;
	/* what is replaced is mapped already */
	need(mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	need(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	need(munmap(at + 1, 4096) == -1 && errno == EINVAL);
	munmap(at, 4096);
	at = mremap(at + 4096, 8192, (size_t)1 << 20, MREMAP_MAYMOVE);
	told->blocks[1] = (uintptr_t)at;
	munmap(at, (size_t)1 << 20);
	/* the allocator's own */
	asked = (size_t)8 << 20;
	kept = malloc(asked);
	free(kept);
	_exit(0);
}

Test(heap_emit, says_what_the_program_maps_itself)
{
	struct heap_words *words = run(maps);
	const uintptr_t *at = told->blocks;

	cr_assert_eq(words->count, 7, "%zu", words->count);
	expect_event(words, 0, HEAP_MAPPED, at[0], 12288);
	expect_event(words, 1, HEAP_UNMAPPED, at[0], 4096);
	expect_event(words, 2, HEAP_UNMAPPED, at[0] + 4096, 8192);
	expect_event(words, 3, HEAP_MAPPED, at[1], (uint64_t)1 << 20);
	expect_event(words, 4, HEAP_UNMAPPED, at[1], (uint64_t)1 << 20);
	cr_expect_eq(words->events[5].kind, HEAP_ALLOC);
	cr_expect_eq(words->events[6].kind, HEAP_FREE);
	heap_words_destroy(words);
}
