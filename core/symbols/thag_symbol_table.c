/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#define FIRST_SYMBOLS 1024
#define CODE_MAX 256  /* sections of code; programs have half a dozen */
#define STEPS_BACK 16 /* a function may lie inside another, as one's cold part does */

static int add_code(struct thag_symbol_table *table, const GElf_Shdr *header)
{
	struct thag_address_range *grown =
		reallocarray(table->code, table->code_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->code = grown;
	grown[table->code_count++] =
		(struct thag_address_range){ header->sh_addr, header->sh_addr + header->sh_size };
	return 0;
}

int thag_symbol_table_read_code(struct thag_symbol_table *table, const struct thag_object *object)
{
	const GElf_Xword wanted = SHF_ALLOC | SHF_EXECINSTR;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int ret = 0;

	while (ret == 0 && table->code_count < CODE_MAX &&
	       (section = elf_nextscn(object->elf, section)))
		if (gelf_getshdr(section, &header) && (header.sh_flags & wanted) == wanted &&
		    header.sh_addr + header.sh_size > header.sh_addr)
			ret = add_code(table, &header);
	return ret;
}

bool thag_symbol_table_is_code(const struct thag_symbol_table *table, uint64_t address)
{
	for (size_t i = 0; i < table->code_count; i++)
		if (address >= table->code[i].start && address < table->code[i].end)
			return true;
	return false;
}

/* Names that a linker or an assembler made for itself are no functions' names. */
static bool is_function(const struct thag_symbol_table *table, const GElf_Sym *symbol,
			const char *name)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	if (!name || !name[0] || symbol->st_shndx == SHN_UNDEF ||
	    !thag_symbol_table_is_code(table, symbol->st_value))
		return false;
	if (type == STT_NOTYPE)
		return name[0] != '$' && strncmp(name, ".L", 2) != 0;
	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

/* What others see comes first; then what says how long it is. */
static uint32_t rank(const GElf_Sym *symbol)
{
	static const uint8_t by_binding[3] = { [STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1 };
	int binding = GELF_ST_BIND(symbol->st_info);
	uint32_t value = binding < 3 ? by_binding[binding] : 3;

	return value + (symbol->st_size ? 0 : 4) +
	       (GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE ? 8 : 0);
}

static int add_symbol(struct thag_symbol_table *table, const GElf_Sym *symbol, const char *name)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : FIRST_SYMBOLS;
		void *grown = reallocarray(table->symbols, capacity, sizeof(*table->symbols));

		if (!grown)
			return -ENOMEM;
		table->symbols = grown;
		table->capacity = capacity;
	}
	uint64_t end = symbol->st_value + symbol->st_size;

	table->symbols[table->count++] = (struct thag_table_symbol){
		.start = symbol->st_value,
		.end = end >= symbol->st_value ? end : symbol->st_value,
		.name = name,
		.rank = rank(symbol),
	};
	return 0;
}

static int add_section(struct thag_symbol_table *table, const struct thag_object *object,
		       Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	GElf_Sym symbol;
	int ret = 0;

	for (size_t i = 0; data && i < count && i <= INT32_MAX && ret == 0; i++) {
		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		const char *name = elf_strptr(object->elf, header->sh_link, symbol.st_name);

		if (is_function(table, &symbol, name))
			ret = add_symbol(table, &symbol, name);
	}
	return ret;
}

int thag_symbol_table_add(struct thag_symbol_table *table, const struct thag_object *object,
			  uint32_t type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int ret = 0;

	while (ret == 0 && (section = elf_nextscn(object->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			ret = add_section(table, object, section, &header);
	return ret;
}

static int by_address(const void *a, const void *b)
{
	const struct thag_table_symbol *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* Code without a length goes on to the next symbol, or to the end of its section. */
static uint64_t end_without_size(const struct thag_symbol_table *table, uint64_t start,
				 uint64_t next)
{
	uint64_t end = next;

	for (size_t i = 0; i < table->code_count; i++)
		if (start >= table->code[i].start && start < table->code[i].end &&
		    end > table->code[i].end)
			end = table->code[i].end;
	return end;
}

void thag_symbol_table_sort(struct thag_symbol_table *table)
{
	size_t kept = 0;
	uint64_t covered = 0;

	if (!table->count)
		return;
	qsort(table->symbols, table->count, sizeof(*table->symbols), by_address);
	/* one a place, and no labels inside of functions */
	for (size_t i = 0; i < table->count; i++) {
		const struct thag_table_symbol *one = &table->symbols[i];

		if ((kept && table->symbols[kept - 1].start == one->start) ||
		    (one->end == one->start && one->start < covered))
			continue;
		if (one->end > covered)
			covered = one->end;
		table->symbols[kept++] = *one;
	}
	table->count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct thag_table_symbol *one = &table->symbols[i];

		if (one->end == one->start)
			one->end = end_without_size(table, one->start,
						    i + 1 < kept ? one[1].start : UINT64_MAX);
	}
}

void thag_symbol_table_fini(struct thag_symbol_table *table)
{
	free(table->symbols);
	free(table->code);
	*table = (struct thag_symbol_table){ 0 };
}

const struct thag_table_symbol *thag_symbol_table_find(const struct thag_symbol_table *table,
						       uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (int steps = 0; low > 0 && steps < STEPS_BACK; steps++) {
		const struct thag_table_symbol *one = &table->symbols[--low];

		if (address < one->end)
			return one;
	}
	return NULL;
}
