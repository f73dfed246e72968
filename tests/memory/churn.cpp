/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * churn SEED STEPS THREADS: allocates, reallocates and frees at random, by every entry point there
 * is, on some threads that free each other's blocks; and says what it did. A block counts with the
 * bytes that were asked for; a reallocation that succeeds is a free and an allocation.
 */
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <pthread.h>
#include <unistd.h>

namespace
{

constexpr unsigned slots = 4096;
constexpr unsigned threads_max = 64;

enum class by { free, scalar, array, aligned, aligned_array };

struct block {
	void *address;
	size_t size;
	by how; /* it must be freed */
};

struct slot {
	std::atomic_flag taken = ATOMIC_FLAG_INIT;
	block held = {};
};

slot table[slots];
std::atomic<uint64_t> allocations, allocated_bytes, frees, freed_bytes, reallocations, live, peak;
uint64_t seed, steps;

struct random {
	uint64_t state;

	uint64_t next()
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		return state * UINT64_C(0x2545f4914f6cdd1d);
	}
	/** Small sizes mostly, 0 included; some of pages, a few of megabytes. */
	size_t size()
	{
		uint64_t bits = next();

		switch (bits >> 60) {
		case 0:
			return bits % 200000;
		case 1:
			return (bits >> 52 & 0xff) == 0 ? bits % 4000000 : bits % 5000;
		default:
			return bits % 300;
		}
	}
};

/* Without threads the peak is exact. */
void count_block(const block &given)
{
	uint64_t now = live.fetch_add(given.size) + given.size;

	allocations++;
	allocated_bytes += given.size;
	if (now > peak)
		peak = now;
}

void count_end(const block &taken)
{
	frees++;
	freed_bytes += taken.size;
	live -= taken.size;
}

constexpr size_t alignment_of(uint64_t bits)
{
	return size_t(16) << bits % 8;
}

block allocate(random &random)
{
	size_t size = random.size(), alignment = alignment_of(random.next());
	void *address = nullptr;

	switch (random.next() % 16) {
	case 0:
		return { calloc(1, size), size, by::free };
	case 1:
		return { calloc(size / 8, 8), size / 8 * 8, by::free };
	case 2:
		return { realloc(nullptr, size), size, by::free };
	case 3:
		return { reallocarray(nullptr, size, 3), size * 3, by::free };
	case 4:
		if (posix_memalign(&address, alignment, size) != 0)
			address = nullptr;
		return { address, size, by::free };
	case 5:
		size = (size + alignment - 1) & ~(alignment - 1);
		return { aligned_alloc(alignment, size), size, by::free };
	case 6:
		return { memalign(alignment, size), size, by::free };
	case 7:
		return { valloc(size), size, by::free };
	case 8:
		return { strdup("twelve bytes"), 13, by::free };
	case 9:
		size = (size | 63) + 1; /* a C++ library would round it up */
		return { operator new(size), size, by::scalar };
	case 10:
		size = (size | 63) + 1;
		return { operator new[](size, std::nothrow), size, by::array };
	case 11:
		size = (size | 63) + 1;
		return { operator new(size, std::align_val_t(64)), size, by::aligned };
	case 12:
		size = (size | 63) + 1;
		return { operator new[](size, std::align_val_t(64), std::nothrow), size,
			 by::aligned_array };
	default:
		return { malloc(size), size, by::free };
	}
}

void release(const block &given)
{
	switch (given.how) {
	case by::free:
		free(given.address);
		break;
	case by::scalar:
		operator delete(given.address, given.size);
		break;
	case by::array:
		operator delete[](given.address, given.size);
		break;
	case by::aligned:
		operator delete(given.address, given.size, std::align_val_t(64));
		break;
	case by::aligned_array:
		operator delete[](given.address, given.size, std::align_val_t(64));
		break;
	}
}

/** What is left of the block, which may be another or none. */
block resize(const block &old, random &random)
{
	size_t size = random.size();
	void *moved = realloc(old.address, size);

	count_end(old);
	if (!moved) /* size 0: what that means is the allocator's affair */
		return {};
	reallocations++;
	block now = { moved, size, by::free };

	count_block(now);
	return now;
}

/** Requests that can't be met, and frees of nothing: none of them counts. */
void ask_too_much(const block &held)
{
	volatile size_t all = SIZE_MAX;
	void *address = nullptr;

	if (malloc(all) || calloc(all / 2, 4) || reallocarray(nullptr, all / 2, 4) ||
	    posix_memalign(&address, 3, 8) == 0)
		abort();
	if (held.how == by::free && held.address && realloc(held.address, all - 64))
		abort();
	free(nullptr);
	operator delete(nullptr);
}

void step(random &random)
{
	slot &slot = table[random.next() % slots];

	while (slot.taken.test_and_set(std::memory_order_acquire))
		;
	block held = slot.held;
	uint64_t choice = random.next() % 64;

	if (choice == 0) {
		ask_too_much(held);
	} else if (!held.address) {
		held = allocate(random);
		if (held.address)
			count_block(held);
	} else if (choice < 16 && held.how == by::free) {
		held = resize(held, random);
	} else {
		count_end(held);
		release(held);
		held = {};
	}
	slot.held = held;
	slot.taken.clear(std::memory_order_release);
}

void *churn(void *argument)
{
	random random = { seed * 977 + reinterpret_cast<uintptr_t>(argument) * 7919 + 1 };

	for (int i = 0; i < 16; i++)
		random.next();
	for (uint64_t i = 0; i < steps; i++)
		step(random);
	return nullptr;
}

/** Without stdio, which allocates. */
void say()
{
	char text[512];
	uint64_t blocks = allocations - frees, bytes = allocated_bytes - freed_bytes;
	int length = snprintf(text, sizeof(text),
			      "allocations %" PRIu64 "\nallocated_bytes %" PRIu64
			      "\nreallocations %" PRIu64 "\nleaked %" PRIu64
			      "\nleaked_bytes %" PRIu64 "\npeak_bytes %" PRIu64 "\n",
			      allocations.load(), allocated_bytes.load(), reallocations.load(),
			      blocks, bytes, peak.load());

	if (write(STDOUT_FILENO, text, size_t(length)) != length)
		abort();
}

} // namespace

int main(int argc, char **argv)
{
	pthread_t threads[threads_max];
	unsigned count = argc == 4 ? unsigned(atoi(argv[3])) : 0;

	if (argc != 4 || count > threads_max)
		return 2;
	seed = strtoull(argv[1], nullptr, 10);
	steps = strtoull(argv[2], nullptr, 10);
	for (uintptr_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], nullptr, churn, reinterpret_cast<void *>(i + 1)))
			return 1;
	if (count == 0)
		churn(nullptr);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], nullptr);
	say();
	return 0;
}
