/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * exact-program FILE SEED OPS THREADS [tasks] [forever] [late]: allocates and frees at random, in
 * profiled calls, in every way there is, across threads, and counts by call path. FILE, which
 * exists from the beginning and survives a kill, is the table of struct account; see exact.py.
 * late: its threads run for a while before memory is recorded.
 *
 * It asks for no memory itself but for that. With one thread it notes what was live of each path
 * when most was.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thag.h>

#define FUNCTIONS 6
#define DEPTH 3
#define PATHS 512 /* 8^DEPTH: a digit a call, 1 … FUNCTIONS */
#define SLOTS 400
#define SHARED 64
#define THREADS_MAX 16
#define TASKS 8

void *exact_new(int kind, size_t size);
void exact_delete(int kind, void *block, size_t size);

/** What a path did; 10 numbers. */
struct account {
	uint64_t begun; /* allocations that may not have happened yet */
	uint64_t allocations;
	uint64_t allocated_bytes;
	uint64_t frees; /* of what it allocated */
	uint64_t freed_bytes;
	uint64_t released_bytes; /* by it */
	uint64_t reallocations;
	uint64_t temporary;
	uint64_t peak_bytes;
	uint64_t ending; /* frees that may have happened already */
};

struct block {
	void *at; /* NULL: none */
	size_t size;
	uint32_t path;
	uint32_t owner;	 /* thread that allocated it */
	uint64_t number; /* of its allocations */
	int kind;	 /* of exact_new, -1: of malloc */
};

struct worker {
	pthread_t thread;
	uint32_t index;
	uint64_t random;
	uint64_t allocations;
	long left; /* operations */
	struct block slots[SLOTS];
};

static struct account *accounts;
static struct worker workers[THREADS_MAX];
static struct block given[SHARED];
static int given_busy[SHARED];
static struct thag_task tasks[TASKS];
static int tasks_busy[TASKS];
static bool use_tasks, alone;
static int is_late;
static uint64_t live[PATHS], live_all, live_most;

static uint64_t draw(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

static void add(uint64_t *to, uint64_t value)
{
	__atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

/* Only where one thread runs is it known when most was live. */
static void note_live(uint32_t path, uint64_t more, uint64_t less, uint32_t less_path)
{
	if (!alone)
		return;
	live[less_path] -= less;
	live[path] += more;
	live_all += more - less;
	if (live_all <= live_most)
		return;
	live_most = live_all;
	for (uint32_t i = 0; i < PATHS; i++)
		accounts[i].peak_bytes = live[i];
}

static void count_alloc(struct worker *worker, struct block *block)
{
	struct account *account = &accounts[block->path];

	block->owner = worker->index;
	block->number = ++worker->allocations;
	add(&account->allocations, 1);
	add(&account->allocated_bytes, block->size);
}

static void count_free(struct worker *worker, const struct block *block, uint32_t path)
{
	struct account *account = &accounts[block->path];

	add(&account->frees, 1);
	add(&account->freed_bytes, block->size);
	add(&accounts[path].released_bytes, block->size);
	if (alone && block->number == worker->allocations)
		add(&account->temporary, 1);
}

static size_t draw_size(struct worker *worker)
{
	static const size_t classes[] = { 0, 1, 16, 64, 100, 512, 4000, 20000, 140000, 700000 };
	size_t most = classes[draw(worker) % (sizeof(classes) / sizeof(classes[0]))];

	return most ? 1 + draw(worker) % most : 0;
}

static void *allocate_plain(struct worker *worker, size_t size)
{
	void *at = NULL;

	switch (draw(worker) % 8) {
	case 0:
		return calloc(1, size);
	case 1:
		return realloc(NULL, size);
	case 2:
		return reallocarray(NULL, 1, size);
	case 3:
		return posix_memalign(&at, 64, size) == 0 ? at : NULL;
	case 4:
		return aligned_alloc(256, size);
	case 5:
		return memalign(4096, size);
	default:
		return malloc(size);
	}
}

static void allocate(struct worker *worker, struct block *block, uint32_t path)
{
	*block = (struct block){ .size = draw_size(worker), .path = path, .kind = -1 };
	add(&accounts[path].begun, 1);
	if (draw(worker) % 4 == 0) {
		block->kind = (int)(draw(worker) % 4);
		block->size = (block->size / 128 + 1) * 128; /* what an alignment rounds up to */
		block->at = exact_new(block->kind, block->size);
	} else {
		block->at = allocate_plain(worker, block->size);
	}
	if (!block->at)
		abort();
	count_alloc(worker, block);
	note_live(path, block->size, 0, 0);
}

static void release(struct worker *worker, struct block *block, uint32_t path)
{
	add(&accounts[block->path].ending, 1);
	if (block->kind >= 0)
		exact_delete(block->kind, block->at, block->size);
	else
		free(block->at);
	count_free(worker, block, path);
	note_live(0, 0, block->size, block->path);
	block->at = NULL;
}

/* A reallocation that fails changes nothing. */
static void fail(struct block *block)
{
	volatile size_t most = SIZE_MAX / 2;

	if (realloc(block->at, most))
		abort();
}

static void reallocate(struct worker *worker, struct block *block, uint32_t path)
{
	struct block old = *block;

	if (draw(worker) % 16 == 0) {
		fail(block);
		return;
	}
	add(&accounts[old.path].ending, 1);
	add(&accounts[path].begun, 1);
	block->size = 1 + draw_size(worker);
	block->at = draw(worker) % 2 ? realloc(old.at, block->size)
				     : reallocarray(old.at, block->size, 1);
	if (!block->at)
		abort();
	count_free(worker, &old, path);
	block->path = path;
	count_alloc(worker, block);
	add(&accounts[path].reallocations, 1);
	note_live(path, block->size, old.size, old.path);
}

/* Blocks go from hand to hand. */
static void exchange(struct worker *worker, struct block *block)
{
	uint32_t at = (uint32_t)(draw(worker) % SHARED);
	struct block kept = *block;

	if (__atomic_exchange_n(&given_busy[at], 1, __ATOMIC_ACQUIRE))
		return;
	*block = given[at];
	given[at] = kept;
	__atomic_store_n(&given_busy[at], 0, __ATOMIC_RELEASE);
}

static void operate(struct worker *worker, uint32_t path)
{
	struct block *block = &worker->slots[draw(worker) % SLOTS];

	worker->left--;
	if (draw(worker) % 8 == 0)
		exchange(worker, block);
	if (!block->at)
		allocate(worker, block, path);
	else if (block->kind < 0 && draw(worker) % 4 == 0)
		reallocate(worker, block, path);
	else
		release(worker, block, path);
}

static void act(struct worker *worker, uint32_t path, int depth);

#define FUNCTION(name, digit) \
	static __attribute__((noinline)) void name(struct worker *worker, uint32_t path, \
						   int depth) \
	{ \
		THAG_PROFILED(); \
		act(worker, path * 8 + (digit), depth + 1); \
		__asm__ volatile(""); \
	}

FUNCTION(fa, 1)
FUNCTION(fb, 2)
FUNCTION(fc, 3)
FUNCTION(fd, 4)
FUNCTION(fe, 5)
FUNCTION(ff, 6)

static void descend(struct worker *worker, uint32_t path, int depth)
{
	static void (*const functions[FUNCTIONS])(struct worker *, uint32_t, int) = { fa, fb, fc,
										      fd, fe, ff };

	functions[draw(worker) % FUNCTIONS](worker, path, depth);
}

static void act(struct worker *worker, uint32_t path, int depth)
{
	for (uint64_t i = 1 + draw(worker) % 4; i-- && worker->left > 0;) {
		if (depth < DEPTH && draw(worker) % 3 == 0)
			descend(worker, path, depth);
		else
			operate(worker, path);
	}
}

static void act_as_task(struct worker *worker)
{
	uint32_t at = (uint32_t)(draw(worker) % TASKS);

	if (__atomic_exchange_n(&tasks_busy[at], 1, __ATOMIC_ACQUIRE))
		return;
	thag_task_resume(tasks[at]);
	descend(worker, 0, 0);
	thag_task_suspend(tasks[at]);
	__atomic_store_n(&tasks_busy[at], 0, __ATOMIC_RELEASE);
}

/* Calls without any memory, until it is recorded. */
static void wait_late(struct worker *worker)
{
	long left = worker->left;

	worker->left = 0;
	for (int i = 0; i < 100000 && __atomic_load_n(&is_late, __ATOMIC_ACQUIRE); i++)
		descend(worker, 0, 0);
	if (worker->index == 0 && is_late) {
		thag_enable(THAG_BOTH);
		__atomic_store_n(&is_late, 0, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&is_late, __ATOMIC_ACQUIRE))
		descend(worker, 0, 0);
	worker->left = left;
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	wait_late(worker);
	while (worker->left > 0)
		if (use_tasks && draw(worker) % 2)
			act_as_task(worker);
		else
			descend(worker, 0, 0);
	return NULL;
}

static void map_accounts(const char *file)
{
	size_t bytes = PATHS * sizeof(*accounts);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		abort();
	accounts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (accounts == MAP_FAILED)
		abort();
	close(fd);
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(both);
	uint32_t threads = argc > 4 ? (uint32_t)atoi(argv[4]) : 0;
	bool forever = false;

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	for (int i = 5; i < argc; i++) {
		use_tasks |= strcmp(argv[i], "tasks") == 0;
		forever |= strcmp(argv[i], "forever") == 0;
		is_late |= strcmp(argv[i], "late") == 0;
	}
	map_accounts(argv[1]);
	alone = threads == 1;
	for (int i = 0; use_tasks && i < TASKS; i++)
		tasks[i] = thag_task_create("job");
	for (uint32_t i = 0; i < threads; i++) {
		workers[i].index = i;
		workers[i].random = strtoull(argv[2], NULL, 10) * 1000003 + i + 1;
		workers[i].left = forever ? INT64_MAX : atol(argv[3]);
	}
	for (uint32_t i = 1; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	work(&workers[0]);
	for (uint32_t i = 1; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}
