/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 256
/* any odd numbers with about half their bits set */
#define MULTIPLIER UINT64_C(0x9fb21c651e98df25)
#define SEED_MULTIPLIER UINT64_C(0xd6e8feb86659fd93)

struct store_head {
	uint64_t magic;
	uint32_t build_id_bytes;
	uint32_t reserved;
	uint8_t build_id[THAG_SYMBOL_BUILD_ID_MAX];
};

int thag_symbol_store_begin(struct thag_symbol_store *store, const uint8_t *build_id,
			    uint32_t build_id_bytes)
{
	struct store_head head = { .magic = THAG_SYMBOL_STORE_MAGIC,
				   .build_id_bytes = build_id_bytes };

	*store = (struct thag_symbol_store){ 0 };
	if (build_id_bytes > sizeof(head.build_id))
		return -EPROTO;
	memcpy(head.build_id, build_id, build_id_bytes);
	return thag_buffer_append(&store->bytes, &head, sizeof(head));
}

void thag_symbol_store_fini(struct thag_symbol_store *store)
{
	thag_buffer_fini(&store->bytes);
	free(store->slots);
	*store = (struct thag_symbol_store){ 0 };
}

/* The address of the record at `offset`, which was checked when it came in. */
static uint64_t address_at(const struct thag_symbol_store *store, uint32_t offset)
{
	uint64_t address;

	memcpy(&address, store->bytes.data + offset + 8, sizeof(address));
	return address;
}

static uint32_t hash(uint64_t seed, uint64_t address)
{
	unsigned __int128 product = (unsigned __int128)(address ^ seed) * MULTIPLIER;

	return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

/* The slot of the address, or the free one where it would go. */
static uint32_t find_slot(const struct thag_symbol_store *store, uint64_t address)
{
	uint32_t slot = hash(store->seed, address) & store->slot_mask;

	while (store->slots[slot] && address_at(store, store->slots[slot]) != address)
		slot = (slot + 1) & store->slot_mask;
	return slot;
}

static int grow(struct thag_symbol_store *store)
{
	uint32_t slots = store->slots ? (store->slot_mask + 1) * 2 : FIRST_SLOTS;
	uint32_t *old = store->slots, old_mask = store->slot_mask;
	uint32_t *grown = calloc(slots, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	if (!old)
		store->seed = (uint64_t)(uintptr_t)grown * SEED_MULTIPLIER;
	store->slots = grown;
	store->slot_mask = slots - 1;
	for (uint32_t i = 0; old && i <= old_mask; i++)
		if (old[i])
			grown[find_slot(store, address_at(store, old[i]))] = old[i];
	free(old);
	return 0;
}

/* The record at `offset` is what is known about its address from now on. */
static int index_record(struct thag_symbol_store *store, uint32_t offset)
{
	int ret = 0;

	if (!store->slots || store->count + 1 > store->slot_mask / 2)
		ret = grow(store);
	if (ret != 0)
		return ret;
	uint32_t slot = find_slot(store, address_at(store, offset));

	if (!store->slots[slot])
		store->count++;
	store->slots[slot] = offset;
	return 0;
}

static int index_all(struct thag_symbol_store *store)
{
	struct thag_symbol *symbol = malloc(sizeof(*symbol));
	uint32_t at = sizeof(struct store_head);
	int ret = symbol ? 0 : -ENOMEM;

	while (ret == 0) {
		long took =
			thag_symbol_read(store->bytes.data + at, store->bytes.bytes - at, symbol);

		if (took <= 0 || symbol->status != THAG_SYMBOL_FOUND)
			break;
		ret = index_record(store, at);
		at += (uint32_t)took;
	}
	store->bytes.bytes = at;
	free(symbol);
	return ret;
}

int thag_symbol_store_read(struct thag_symbol_store *store, const uint8_t *data, size_t bytes,
			   const uint8_t *build_id, uint32_t build_id_bytes)
{
	int ret = thag_symbol_store_begin(store, build_id, build_id_bytes);

	if (ret != 0)
		return ret;
	if (bytes < sizeof(struct store_head) || bytes > THAG_SYMBOL_STORE_BYTES_MAX ||
	    memcmp(data, store->bytes.data, sizeof(struct store_head)) != 0)
		ret = -EPROTO;
	if (ret == 0)
		ret = thag_buffer_append(&store->bytes, data + sizeof(struct store_head),
					 bytes - sizeof(struct store_head));
	if (ret == 0)
		ret = index_all(store);
	if (ret != 0)
		thag_symbol_store_fini(store);
	return ret;
}

bool thag_symbol_store_find(const struct thag_symbol_store *store, uint64_t address,
			    struct thag_symbol *out)
{
	uint32_t offset = store->slots ? store->slots[find_slot(store, address)] : 0;

	return offset &&
	       thag_symbol_read(store->bytes.data + offset, store->bytes.bytes - offset, out) > 0;
}

int thag_symbol_store_put(struct thag_symbol_store *store, const struct thag_symbol *symbol)
{
	size_t before = store->bytes.bytes;
	int ret = thag_symbol_append(&store->bytes, symbol);

	if (ret == 0 && store->bytes.bytes > THAG_SYMBOL_STORE_BYTES_MAX)
		ret = -E2BIG;
	if (ret == 0)
		ret = index_record(store, (uint32_t)before);
	if (ret != 0)
		store->bytes.bytes = before;
	else
		store->changed = true;
	return ret;
}
