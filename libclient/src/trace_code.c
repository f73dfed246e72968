/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_code.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "modules.h"
#include "trace_walk.h"

struct thag_codes thag_codes = { .generation = 1 };

/* --- the table --- */

#define FAR_ALL (THAG_CODE_FAR + THAG_CODE_PROBES + 1)
#define TABLE_BYTES ((THAG_CODE_NEAR + FAR_ALL) * sizeof(struct thag_code))

static bool make_tables(void)
{
	struct thag_code *none = NULL, *table;

	table = mmap(NULL, TABLE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		return false;
	madvise(table, TABLE_BYTES, MADV_DONTDUMP);
	thag_pages_populate(table, THAG_CODE_NEAR * sizeof(*table));
	if (!__atomic_compare_exchange_n(&thag_codes.near, &none, table, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		munmap(table, TABLE_BYTES);
		table = none;
	}
	/* whoever comes first: it is the same */
	__atomic_store_n(&thag_codes.far, table + THAG_CODE_NEAR, __ATOMIC_RELEASE);
	return true;
}

bool thag_codes_ready(void)
{
	int saved = errno;
	bool ready = __atomic_load_n(&thag_codes.far, __ATOMIC_ACQUIRE) || make_tables();

	errno = saved;
	return ready;
}

/* Whether the entry is the address's; takes it if it is free. */
static bool take(struct thag_code *entry, uintptr_t ra)
{
	uintptr_t seen = 0;

	return __atomic_load_n(&entry->ra, __ATOMIC_RELAXED) == ra ||
	       __atomic_compare_exchange_n(&entry->ra, &seen, ra, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       seen == ra;
}

/* The address's entry, taken if need be; NULL when there is no place for it. */
static struct thag_code *take_entry(uintptr_t ra)
{
	struct thag_code *entry = thag_code_entry(ra);

	if (entry)
		return entry;
	entry = thag_code_near(ra);
	for (uint32_t i = 0; i < THAG_CODE_LINE; i++)
		if (take(&entry[i], ra))
			return &entry[i];
	entry = thag_code_far(ra);
	for (uint32_t i = 0; i < THAG_CODE_PROBES; i++)
		if (take(&entry[i], ra))
			return &entry[i];
	return NULL;
}

/* --- rules --- */

/* In eights of bytes: 20 bits with their sign. */
#define OFFSET_END (INT64_C(1) << 19)

static uint64_t pack(enum thag_code_rule rule, int64_t offset, uint32_t saved)
{
	if (offset % 8 || offset / 8 < -OFFSET_END || offset / 8 >= OFFSET_END || saved > 1023)
		return (uint64_t)THAG_CODE_COMPLEX << 11;
	return ((uint64_t)(offset / 8) & 0xfffff) << 24 | (uint64_t)saved << 14 |
	       (uint64_t)rule << 11;
}

#if defined(__x86_64__)
static uint64_t complex(void)
{
	return pack(THAG_CODE_COMPLEX, 0, 0);
}

/* Reads a DW_OP_bregN and its offset, if that is what the code begins with; its bytes. */
static uint32_t read_breg(const uint8_t *code, uint32_t bytes, uint32_t number, int64_t *offset)
{
	uint64_t value = 0;
	uint32_t at = 1, shift = 0;

	if (bytes < 2 || code[0] != 0x70 + number)
		return 0;
	do {
		value |= (uint64_t)(code[at] & 0x7f) << shift;
		shift += 7;
	} while (code[at++] & 0x80 && at < bytes && shift < 56);
	if (code[at - 1] & 0x40)
		value |= ~UINT64_C(0) << shift;
	*offset = (int64_t)value;
	return at;
}

/*
 * A function that aligns its stack keeps the CFA below its frame pointer: DW_OP_breg6 n,
 * DW_OP_deref; the caller's frame pointer lies where its own points to: DW_OP_breg6 0.
 */
static uint64_t pack_aligned(const struct thag_cfi_section *section, const struct thag_cfi_row *row)
{
	const struct thag_cfi_place *rbp = &row->registers[THAG_CFI_RBP];
	uint32_t bytes, saved_bytes, used;
	const uint8_t *code = thag_cfi_expression(section, row->cfa.value, &bytes), *saved;
	int64_t offset, saved_offset;

	if (!code || rbp->how != THAG_CFI_AT_RESULT)
		return complex();
	used = read_breg(code, bytes, THAG_CFI_RBP, &offset);
	if (used == 0 || used + 1 != bytes || code[used] != 0x06)
		return complex();
	saved = thag_cfi_expression(section, rbp->value, &saved_bytes);
	if (!saved || read_breg(saved, saved_bytes, THAG_CFI_RBP, &saved_offset) != saved_bytes ||
	    saved_offset != 0)
		return complex();
	return pack(THAG_CODE_FP_LOAD, offset, 0);
}

/* Entries of a PLT push a word in their second half, which lies at 11 of 16 bytes. */
static bool is_plt(const struct thag_cfi_section *section, const struct thag_cfi_row *row)
{
	static const uint8_t plt[] = { 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a,
				       0x3b, 0x2a, 0x33, 0x24, 0x22 };
	uint32_t bytes;
	const uint8_t *code = thag_cfi_expression(section, row->cfa.value, &bytes);

	return code && bytes == sizeof(plt) && memcmp(code, plt, bytes) == 0;
}

static uint64_t pack_row(const struct thag_cfi_section *section, const struct thag_cfi_row *row,
			 uintptr_t address)
{
	const struct thag_cfi_place *rbp = &row->registers[THAG_CFI_RBP];
	const struct thag_cfi_place *ra = &row->registers[THAG_CFI_RA];
	uint32_t saved = 0;

	if (row->is_signal)
		return pack(THAG_CODE_SIGNAL, 0, 0);
	if (ra->how == THAG_CFI_UNDEFINED || ra->how == THAG_CFI_SAME)
		return pack(THAG_CODE_END, 0, 0);
	if (ra->how != THAG_CFI_AT || ra->value != -8 ||
	    row->registers[THAG_CFI_RSP].how != THAG_CFI_SAME)
		return complex();
	if (row->cfa.how == THAG_CFI_IS_RESULT && rbp->how == THAG_CFI_SAME && is_plt(section, row))
		return pack(THAG_CODE_SP, (address & 15) >= 11 ? 16 : 8, 0);
	if (row->cfa.how == THAG_CFI_IS_RESULT)
		return pack_aligned(section, row);
	if (rbp->how == THAG_CFI_AT && rbp->value % 8 == 0 && rbp->value < -8)
		saved = (uint32_t)(-(int64_t)rbp->value / 8);
	else if (rbp->how != THAG_CFI_SAME && rbp->how != THAG_CFI_UNDEFINED)
		return complex();
	if (row->cfa.how == THAG_CFI_REGISTER && row->cfa.value == THAG_CFI_RSP)
		return pack(THAG_CODE_SP, row->cfa_offset, saved);
	if (row->cfa.how == THAG_CFI_REGISTER && row->cfa.value == THAG_CFI_RBP)
		return pack(THAG_CODE_FP, row->cfa_offset, saved);
	return complex();
}
#endif

static bool find_section(const struct thag_module_image *image, struct thag_cfi_section *section)
{
	uintptr_t start, end;

	if (!image->unwind || !thag_module_segment(image, (uintptr_t)image->unwind, &start, &end))
		return false;
	section->start = (const uint8_t *)start;
	section->end = (const uint8_t *)end;
	section->header = image->unwind;
	return true;
}

bool thag_code_row(uintptr_t address, struct thag_cfi_section *section, struct thag_cfi_row *row)
{
	struct thag_module_image image = { 0 };

	return thag_module_find(address, &image) && find_section(&image, section) &&
	       thag_cfi_find(section, address, row) == 0;
}

#if defined(__x86_64__)
static uint64_t learn_rule(const struct thag_module_image *image, uintptr_t address)
{
	struct thag_cfi_section section;
	struct thag_cfi_row row;

	if (!find_section(image, &section) || thag_cfi_find(&section, address, &row) != 0)
		return pack(THAG_CODE_CHAIN, 0, 0);
	return pack_row(&section, &row, address);
}
#else
/* Frame pointers are part of the procedure call standard. */
static uint64_t learn_rule(const struct thag_module_image *image, uintptr_t address)
{
	(void)image;
	(void)address;
	return pack(THAG_CODE_CHAIN, 0, 0);
}
#endif

/* --- sites --- */

static uint32_t add_site(uint32_t module, uintptr_t address)
{
	struct thag_shm_site fixed = { .kind = THAG_SITE_FUNCTION,
				       .modes = THAG_MODE_MEMORY,
				       .flags = THAG_SITE_ADDRESS | THAG_SITE_CALL,
				       .module = module,
				       .address = address };

	return thag_site_add(&fixed, NULL, NULL);
}

/* Whether the site is still of the file that is mapped there now. */
static bool is_same(uint32_t site, const struct thag_module_image *image, bool found)
{
	uint32_t module = thag_process.sites[site].module;

	if (site == THAG_SITE_OVERFLOW)
		return true;
	return found ? thag_module_is_at(module, image) : module == THAG_MODULE_NONE;
}

/*
 * Whether a call ends right before `ra`, which is in no file of code: is it code that was made at
 * run time, or garbage that the stack holds?
 */
static bool is_behind_call(uintptr_t ra)
{
#if defined(__x86_64__)
	uint8_t at[8];
	uint64_t code;

	if (ra < 4096 || ra >> 47 || !thag_walk_is_readable(ra - 8))
		return false;
	code = thag_walk_load(ra - 8);
	memcpy(at, &code, sizeof(at));
	if (at[8 - 5] == 0xe8)
		return true;
	/* call *…: two to four bytes with registers and a short displacement, else six or seven */
	for (int bytes = 2; bytes <= 7; bytes++)
		if (at[8 - bytes] == 0xff && (at[9 - bytes] & 0x38) == 0x10)
			return true;
	return false;
#else
	return ra % 4 == 0 && ra >= 4096 && !(ra >> 48);
#endif
}

/*
 * The module's index. When it is new, and lies where another did, what is known of that one's
 * addresses doesn't hold: it went without our notice, as those do that the C library loads.
 */
static uint32_t index_of(const struct thag_module_image *image)
{
	uint32_t before = __atomic_load_n(&thag_process.header->module_count, __ATOMIC_RELAXED);
	uint32_t index = thag_module_index(image);

	if (index >= before && index != THAG_MODULE_NONE && thag_module_replaces(index))
		thag_codes_recheck();
	return index;
}

static uint64_t learn(uintptr_t address, uint64_t known)
{
	struct thag_module_image image = { 0 };
	bool found = thag_module_find(address, &image);
	uint64_t rule = found ? learn_rule(&image, address) : pack(THAG_CODE_CHAIN, 0, 0);
	uint32_t site = thag_code_site(known), module;

	if (!found && !is_behind_call(address + 1))
		return pack(THAG_CODE_END, 0, 0);
	/* the address in the kernel's call of a handler isn't behind a call */
	if (thag_code_rule(rule) == THAG_CODE_SIGNAL)
		address++;
	if (!site || !is_same(site, &image, found)) {
		module = found ? index_of(&image) : THAG_MODULE_NONE;
		site = add_site(module, address - image.bias);
	}
	return (uint64_t)site << 44 | rule;
}

static uint64_t learn_entry(uintptr_t ra)
{
	struct thag_code *entry = take_entry(ra);
	uint64_t generation = __atomic_load_n(&thag_codes.generation, __ATOMIC_ACQUIRE), known,
		 data;

	/* without an entry there would be a new site each time */
	if (!entry)
		return (uint64_t)THAG_SITE_OVERFLOW << 44 |
		       learn(ra - 1, (uint64_t)THAG_SITE_OVERFLOW << 44);
	known = __atomic_load_n(&entry->data, __ATOMIC_ACQUIRE);
	data = learn(ra - 1, known) | generation;
	/* release: who finds the site's id may write it, and the site was there before; the loser
	 * of a race uses the winner's, and leaves an id unused */
	if (__atomic_compare_exchange_n(&entry->data, &known, data, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return data;
	return known;
}

uint64_t thag_code_learn(uintptr_t ra)
{
	int saved = errno;
	uint64_t data = learn_entry(ra);

	errno = saved;
	return data;
}

/* After so many generations their numbers come again: nothing may seem to be of the new first. */
static void forget_generations(void)
{
	struct thag_code *entries = __atomic_load_n(&thag_codes.near, __ATOMIC_ACQUIRE);

	for (size_t i = 0; entries && i < THAG_CODE_NEAR + FAR_ALL; i++)
		if (__atomic_load_n(&entries[i].ra, __ATOMIC_RELAXED))
			__atomic_fetch_and(&entries[i].data, ~(uint64_t)THAG_CODE_GENERATION_MAX,
					   __ATOMIC_RELAXED);
}

void thag_codes_recheck(void)
{
	uint64_t generation = __atomic_load_n(&thag_codes.generation, __ATOMIC_RELAXED), next;

	do {
		next = generation % THAG_CODE_GENERATION_MAX + 1;
		if (next == 1)
			forget_generations();
	} while (!__atomic_compare_exchange_n(&thag_codes.generation, &generation, next, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}
