/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_tree.h"

#include <sys/mman.h>

#include "internal.h"

static struct thag_trace_roots *roots;

void *thag_trace_map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (madvise(at, bytes, MADV_WIPEONFORK) != 0) {
		munmap(at, bytes);
		return NULL;
	}
	madvise(at, bytes, MADV_DONTDUMP);
	return at;
}

struct thag_trace_roots *thag_trace_roots(void)
{
	struct thag_trace_roots *made, *none = NULL;

	if (__atomic_load_n(&roots, __ATOMIC_ACQUIRE))
		return roots;
	made = thag_trace_map(sizeof(*made));
	if (!made || __atomic_compare_exchange_n(&roots, &none, made, false, __ATOMIC_RELEASE,
						 __ATOMIC_ACQUIRE))
		return made;
	munmap(made, sizeof(*made));
	return none;
}

static struct thag_trace_tree *make_tree(struct thag_trace_roots *where)
{
	uint8_t *base = (uint8_t *)thag_process.header;
	struct thag_trace_tree *tree = thag_trace_map(sizeof(*tree)), *none = NULL;

	if (!tree)
		return NULL;
	tree->header = thag_process.header;
	tree->traces = (struct thag_shm_trace *)(void *)(base + THAG_SHM_TRACES_OFFSET);
	/* release: who finds the tree finds what it is of */
	if (__atomic_compare_exchange_n(&where->tree, &none, tree, false, __ATOMIC_RELEASE,
					__ATOMIC_ACQUIRE))
		return tree;
	munmap(tree, sizeof(*tree));
	return none;
}

struct thag_trace_tree *thag_tree_get(void)
{
	struct thag_trace_roots *where = thag_trace_roots();
	struct thag_trace_tree *tree =
		where ? __atomic_load_n(&where->tree, __ATOMIC_ACQUIRE) : NULL;

	return tree || !where ? tree : make_tree(where);
}

/* Ids whose entries come together: whole pages of each table. */
#define PAGED_IDS UINT32_C(4096)

/* Where the entries of these ids will be written, and, mostly, where they will be looked for. */
static void page_entries(struct thag_trace_tree *tree, uint32_t id)
{
	thag_pages_populate(&tree->traces[id], PAGED_IDS * sizeof(*tree->traces));
	thag_pages_populate(&tree->nodes[id], PAGED_IDS * sizeof(*tree->nodes));
	thag_pages_populate(&tree->buckets[id % THAG_TREE_BUCKETS],
			    PAGED_IDS * sizeof(*tree->buckets));
}

/* Ids begin at 1. */
static uint32_t take_id(struct thag_trace_tree *tree)
{
	uint32_t *count = &tree->header->trace_count;
	uint32_t seen = __atomic_load_n(count, __ATOMIC_RELAXED), id;

	do {
		id = seen ? seen : 1;
		if (id >= THAG_TRACES_MAX)
			return 0;
	} while (!__atomic_compare_exchange_n(count, &seen, id + 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (id == 1 || id % PAGED_IDS == 0)
		page_entries(tree, id - id % PAGED_IDS);
	return id;
}

static void fill(struct thag_trace_tree *tree, uint32_t id, uint32_t parent, uint32_t site)
{
	struct thag_shm_trace entry = { parent, site };
	uint64_t whole;

	_Static_assert(sizeof(entry) == sizeof(whole), "a single store");
	__builtin_memcpy(&whole, &entry, sizeof(whole));
	/* release: thagd, which finds it, finds its parent and its site */
	__atomic_store_n((uint64_t *)(void *)&tree->traces[id], whole, __ATOMIC_RELEASE);
}

_Static_assert(THAG_SITES_MAX <= UINT32_C(1) << 20, "sites have 20 bits of a key");
_Static_assert(THAG_TRACES_MAX <= UINT32_C(1) << 22, "ids have 22");

static uint64_t key_of(uint32_t parent, uint32_t site)
{
	return (uint64_t)site << 44 | (uint64_t)parent << 22;
}

static uint32_t next_of(const struct thag_trace_tree *tree, uint32_t id)
{
	return tree->nodes[id].key & ((UINT32_C(1) << 22) - 1);
}

/* `key`: what key_of gives. */
static bool is_entry(const struct thag_trace_tree *tree, uint32_t id, uint64_t key)
{
	return (tree->nodes[id].key ^ key) >> 22 == 0;
}

/*
 * The callees of frames whose ids are near each other lie near each other, as frames of one stack
 * often are; those of one frame are spread over a kilobyte.
 */
static uint32_t *bucket_of(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t spread = site * UINT32_C(0x9e3779b9) >> 24;

	return &tree->buckets[(parent + spread) % THAG_TREE_BUCKETS];
}

static uint32_t add(struct thag_trace_tree *tree, uint32_t *bucket, uint32_t parent, uint32_t site)
{
	uint32_t id = take_id(tree), first = __atomic_load_n(bucket, __ATOMIC_ACQUIRE), seen = 0;
	uint64_t key = key_of(parent, site);

	if (id == 0)
		return 0;
	fill(tree, id, parent, site);
	do {
		/* another thread, or a handler, may have added it: then our id stays unused */
		for (uint32_t other = first; other && other != seen; other = next_of(tree, other))
			if (is_entry(tree, other, key))
				return other;
		seen = first;
		tree->nodes[id].key = key | first;
	} while (!__atomic_compare_exchange_n(bucket, &first, id, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return id;
}

uint32_t thag_tree_search(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t *bucket = bucket_of(tree, parent, site);
	uint64_t key = key_of(parent, site);
	/* acquire: partner of the release in add; the entry is whole */
	uint32_t id = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);

	while (id && !is_entry(tree, id, key))
		id = next_of(tree, id);
	if (!id)
		id = add(tree, bucket, parent, site);
	/* the first one stays: threads that share a frame don't fight for its hint */
	if (id && !__atomic_load_n(&tree->nodes[parent].hint, __ATOMIC_RELAXED))
		__atomic_store_n(&tree->nodes[parent].hint, (uint64_t)site << 32 | id,
				 __ATOMIC_RELEASE);
	return id;
}
