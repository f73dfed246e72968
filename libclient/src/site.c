/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <string.h>

/* Copies `text` to the string area; 0 bytes when it is full. Room taken is never given back. */
static uint32_t copy_text(struct thag_process *process, const char *text, uint32_t *offset)
{
	size_t bytes = text ? strnlen(text, THAG_SITE_NAME_MAX) : 0;
	uint32_t used = __atomic_load_n(&process->header->strings_used, __ATOMIC_RELAXED);

	if (bytes == 0)
		return 0;
	do {
		if (bytes > THAG_STRINGS_BYTES - used)
			return 0;
	} while (!__atomic_compare_exchange_n(&process->header->strings_used, &used,
					      used + (uint32_t)bytes, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	memcpy(process->strings + used, text, bytes);
	*offset = used;
	return (uint32_t)bytes;
}

static uint32_t take_id(struct thag_process *process)
{
	uint32_t id = __atomic_load_n(&process->header->site_count, __ATOMIC_RELAXED);

	do {
		if (id >= THAG_SITES_MAX)
			return THAG_SITE_OVERFLOW;
	} while (!__atomic_compare_exchange_n(&process->header->site_count, &id, id + 1, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return id;
}

static void fill_entry(struct thag_process *process, uint32_t id, const struct thag_site *site)
{
	struct thag_shm_site *entry = &process->sites[id];

	entry->kind = site->kind;
	entry->modes = site->modes;
	entry->flags = site->flags;
	entry->module = THAG_MODULE_NONE;
	entry->line = site->line;
	entry->name_bytes = copy_text(process, site->name, &entry->name_offset);
	entry->file_bytes = copy_text(process, site->file, &entry->file_offset);
	/* release: thagd's acquire load of `ready` sees the entry and its strings whole */
	__atomic_store_n(&entry->ready, 1, __ATOMIC_RELEASE);
}

uint32_t thag_site_register(struct thag_site *site)
{
	uint32_t kind = site->kind == THAG_SITE_SECTION ? THAG_KIND_SECTION_BEGIN : THAG_KIND_ENTER;
	uint32_t id = take_id(&thag_process);
	uint32_t word = (uint32_t)THAG_WORD(kind, id), none = 0;

	if (id != THAG_SITE_OVERFLOW)
		fill_entry(&thag_process, id, site);
	/* release: whoever finds the word may write it to a ring, and the entry was there before;
	 * when two threads race, or a handler comes between, the loser's id stays unused */
	if (__atomic_compare_exchange_n(&site->word, &none, word, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		return word;
	return none;
}

void thag_site_inherit(struct thag_process *child, const struct thag_process *parent)
{
	uint32_t count = __atomic_load_n(&parent->header->site_count, __ATOMIC_ACQUIRE);
	uint32_t bytes = __atomic_load_n(&parent->header->strings_used, __ATOMIC_ACQUIRE);

	if (count > THAG_SITES_MAX)
		count = THAG_SITES_MAX;
	if (bytes > THAG_STRINGS_BYTES)
		bytes = THAG_STRINGS_BYTES;
	memcpy(child->sites, parent->sites, count * sizeof(*child->sites));
	memcpy(child->strings, parent->strings, bytes);
	__atomic_store_n(&child->header->strings_used, bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&child->header->site_count, count, __ATOMIC_RELEASE);
}
