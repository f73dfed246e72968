/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"
#include "modules.h"

#include <string.h>
#include <sys/mman.h>

/*
 * Not memcpy and memcmp: in a program built with TSan these are TSan's, which sees the bytes, but
 * not the releases and acquires that put them in order, and so reports a race. Atomic, so that
 * compilers don't make those calls of the loops.
 */
static void copy_bytes(uint8_t *to, const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		__atomic_store_n(&to[i], (uint8_t)from[i], __ATOMIC_RELAXED);
}

static bool are_bytes(const uint8_t *at, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (__atomic_load_n(&at[i], __ATOMIC_RELAXED) != (uint8_t)text[i])
			return false;
	return true;
}

uint32_t thag_site_copy_text(struct thag_process *process, const char *text, uint32_t *offset)
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
	copy_bytes(process->strings + used, text, bytes);
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

static bool is_good_name(const char *name)
{
	return name && strnlen(name, THAG_SITE_NAME_MAX + 1) <= THAG_SITE_NAME_MAX;
}

uint32_t thag_site_add(const struct thag_shm_site *fixed, const char *name, const char *file)
{
	uint32_t id = take_id(&thag_process);
	struct thag_shm_site *entry = &thag_process.sites[id];
	static uint32_t said;

	if (!(fixed->flags & THAG_SITE_ADDRESS) && !is_good_name(name))
		thag_misuse(THAG_MISUSE_NAME);
	if (thag_log_once_more(&said, 200))
		thag_log("site %u: %s, %s:%u", id, name ? name : "(no name)",
			 file ? file : "(no file)", fixed->line);
	if (id == THAG_SITE_OVERFLOW)
		return id;
	entry->kind = fixed->kind;
	entry->modes = fixed->modes;
	entry->flags = fixed->flags;
	entry->line = fixed->line;
	entry->module = fixed->module;
	entry->address = fixed->address;
	entry->name_bytes = thag_site_copy_text(&thag_process, name, &entry->name_offset);
	entry->file_bytes = thag_site_copy_text(&thag_process, file, &entry->file_offset);
	/* release: thagd's acquire load of `ready` sees the entry and its strings whole */
	__atomic_store_n(&entry->ready, 1, __ATOMIC_RELEASE);
	return id;
}

/* What a site that can't be timed by the fast side alone keeps its word in. */
static uint32_t *word_of(struct thag_site *site)
{
	return site->modes & THAG_MODE_TIME ? &site->word : &site->cold_word;
}

static uint32_t site_register(struct thag_site *site)
{
	uint32_t kind = site->kind == THAG_SITE_SECTION ? THAG_KIND_SECTION_BEGIN : THAG_KIND_ENTER;
	struct thag_shm_site fixed = { .kind = site->kind,
				       .modes = site->modes,
				       .flags = site->flags,
				       .line = site->line,
				       .module = THAG_MODULE_NONE };
	uint32_t word = (uint32_t)THAG_WORD(kind, thag_site_add(&fixed, site->name, site->file));
	uint32_t none = 0;

	/* release: whoever finds the word may write it to a ring, and the entry was there before;
	 * when two threads race, or a handler comes between, the loser's id stays unused */
	if (__atomic_compare_exchange_n(word_of(site), &none, word, false, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED))
		return word;
	return none;
}

uint32_t thag_site_word(struct thag_site *site)
{
	uint32_t word = __atomic_load_n(word_of(site), __ATOMIC_ACQUIRE);

	return word ? word : site_register(site);
}

/*
 * Names given at run time: a table of open addressing from a name's hash to its site. Entries are
 * never taken out. A forked child goes on with it, since its sites keep their ids.
 */
#define NAMED_ENTRIES (UINT32_C(1) << 16)
#define NAMED_PROBES 64
#define NAMED_LOOKS 1000 /* at an entry that somebody is filling in */

struct named {
	uint64_t hash; /* 0: free */
	uint32_t site; /* 0: whoever took the entry hasn't filled it in yet */
	uint32_t unused;
};

static struct named *named_entries;

static struct named *named_table(void)
{
	struct named *table = __atomic_load_n(&named_entries, __ATOMIC_ACQUIRE), *none = NULL;
	size_t bytes = NAMED_ENTRIES * sizeof(*table);

	if (table)
		return table;
	table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return NULL;
	/* release: who finds the table finds it zeroed */
	if (__atomic_compare_exchange_n(&named_entries, &none, table, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return table;
	munmap(table, bytes);
	return none;
}

/* FNV-1a over the kind and the name; never 0. */
static uint64_t hash_named(enum thag_site_kind kind, const char *name, size_t bytes)
{
	uint64_t hash = (UINT64_C(0xcbf29ce484222325) ^ kind) * UINT64_C(0x100000001b3);

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

static bool is_site_of(uint32_t site, enum thag_site_kind kind, const char *name, size_t bytes)
{
	const struct thag_shm_site *entry = &thag_process.sites[site];

	if (site == THAG_SITE_OVERFLOW)
		return true;
	return entry->kind == kind && entry->name_bytes == bytes &&
	       are_bytes(thag_process.strings + entry->name_offset, name, bytes);
}

static uint32_t add_named(enum thag_site_kind kind, const char *name)
{
	struct thag_shm_site fixed = { .kind = (uint16_t)kind,
				       .modes = THAG_MODE_TIME | THAG_MODE_MEMORY,
				       .module = THAG_MODULE_NONE };

	return thag_site_add(&fixed, name, NULL);
}

/* The entry's site, once it has one: 0 when it is another's, or not filled in yet. */
static uint32_t take_entry(struct named *entry, uint64_t hash, enum thag_site_kind kind,
			   const char *name)
{
	uint64_t none = 0;
	uint32_t site;

	if (!__atomic_compare_exchange_n(&entry->hash, &none, hash, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return none == hash ? __atomic_load_n(&entry->site, __ATOMIC_ACQUIRE) : 0;
	site = add_named(kind, name);
	/* release: who finds the site finds its entry and its name */
	__atomic_store_n(&entry->site, site, __ATOMIC_RELEASE);
	return site;
}

static bool is_for(const struct named *entry, uint64_t hash)
{
	return __atomic_load_n(&entry->hash, __ATOMIC_RELAXED) == hash;
}

uint32_t thag_site_named(enum thag_site_kind kind, const char *name)
{
	size_t bytes = name ? strnlen(name, THAG_SITE_NAME_MAX) : 0;
	uint64_t hash = hash_named(kind, name, bytes);
	struct named *table = named_table();

	for (uint32_t i = 0; table && i < NAMED_PROBES; i++) {
		struct named *entry = &table[(hash + i) % NAMED_ENTRIES];
		uint32_t site = take_entry(entry, hash, kind, name);

		/* another thread is about to fill it in; if it lasts, or is what we interrupted, a
		 * second site of that name does no harm but to be listed twice */
		for (int look = 0; !site && is_for(entry, hash) && look < NAMED_LOOKS; look++)
			site = __atomic_load_n(&entry->site, __ATOMIC_ACQUIRE);
		if (site && is_site_of(site, kind, name ? name : "", bytes))
			return site;
		if (!site && is_for(entry, hash))
			return add_named(kind, name);
	}
	return THAG_SITE_OVERFLOW;
}

void thag_site_inherit(struct thag_process *child, const struct thag_process *parent)
{
	uint32_t count = __atomic_load_n(&parent->header->site_count, __ATOMIC_ACQUIRE);
	uint32_t bytes = __atomic_load_n(&parent->header->strings_used, __ATOMIC_ACQUIRE);

	if (count > THAG_SITES_MAX)
		count = THAG_SITES_MAX;
	if (bytes > THAG_STRINGS_BYTES)
		bytes = THAG_STRINGS_BYTES;
	thag_modules_inherit(child, parent);
	memcpy(child->sites, parent->sites, count * sizeof(*child->sites));
	memcpy(child->strings, parent->strings, bytes);
	__atomic_store_n(&child->header->strings_used, bytes, __ATOMIC_RELEASE);
	__atomic_store_n(&child->header->site_count, count, __ATOMIC_RELEASE);
}
