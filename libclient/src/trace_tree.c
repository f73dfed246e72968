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
	thag_pages_populate(&tree->slots[id * 2], PAGED_IDS * 2 * sizeof(*tree->slots));
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

static uint32_t add(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	uint32_t id = take_id(tree);

	if (id)
		fill(tree, id, parent, site);
	return id;
}

_Static_assert(THAG_SITES_MAX <= UINT64_C(1) << (64 - 2 * THAG_TRACE_BITS),
	       "what ids leave of a word");

/*
 * Line by line: of a caller with many callees they are spread ever wider, at last over the whole
 * table. The slots of a line are taken in an order that is the entry's own, and never given back:
 * behind a free one it can't be.
 */
uint32_t thag_tree_search(struct thag_trace_tree *tree, uint32_t parent, uint32_t site)
{
	uint64_t key = thag_tree_key(parent, site);
	uint32_t id = 0;

	for (uint32_t turn = 0; turn <= THAG_TREE_SLOTS_LOG2 - THAG_TREE_NEAR_LOG2; turn++) {
		uint32_t place = thag_tree_place(parent, site, turn);

		for (uint32_t i = 0; i < THAG_TREE_LINE; i++) {
			uint64_t *slot = &tree->slots[place / THAG_TREE_LINE * THAG_TREE_LINE +
						      (place + i) % THAG_TREE_LINE];
			uint64_t seen = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

			if (!seen && !id && (id = add(tree, parent, site)) == 0)
				return 0;
			/* release: whoever finds the id finds its entry */
			if (!seen &&
			    __atomic_compare_exchange_n(slot, &seen, key | id, false,
							__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				return id;
			/* when another thread, or a handler, was first, our id stays unused */
			if ((seen ^ key) >> THAG_TRACE_BITS == 0)
				return (uint32_t)seen & (THAG_TRACES_MAX - 1);
		}
	}
	return 0;
}
