/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_dwarf.h"

#include <errno.h>
#include <stdlib.h>

#include <dwarf.h>

#include "thag_dwarf_units.h"

#define DEPTH_MAX 256 /* of blocks in each other */

struct thag_dwarf {
	Dwarf *dbg;
	struct thag_dwarf_units units;
};

/* A function and what is inlined in it at one address, outermost first. */
struct chain {
	uint64_t address;
	uint32_t count;
	Dwarf_Die dies[THAG_SYMBOL_FRAMES_MAX];
};

int thag_dwarf_open(struct thag_dwarf **out, Elf *elf, const struct thag_symbol_table *code)
{
	struct thag_dwarf *dwarf = calloc(1, sizeof(*dwarf));
	int ret = -ENOEXEC;

	if (!dwarf)
		return -ENOMEM;
	dwarf->dbg = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (dwarf->dbg)
		ret = thag_dwarf_units_read(&dwarf->units, dwarf->dbg, code);
	if (ret != 0)
		thag_dwarf_close(dwarf);
	else
		*out = dwarf;
	return ret;
}

void thag_dwarf_close(struct thag_dwarf *dwarf)
{
	if (!dwarf)
		return;
	thag_dwarf_units_fini(&dwarf->units);
	if (dwarf->dbg)
		dwarf_end(dwarf->dbg);
	free(dwarf);
}

/* 1 when the entry covers the address, 0 when not, -1 when it doesn't say where it is. */
static int covers(Dwarf_Die *die, uint64_t address)
{
	if (!dwarf_hasattr(die, DW_AT_low_pc) && !dwarf_hasattr(die, DW_AT_ranges))
		return -1;
	return dwarf_haspc(die, address) > 0;
}

/* Whether the entry leads on, towards what is inlined. */
static bool leads_on(struct chain *chain, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_inlined_subroutine:
		if (covers(die, chain->address) != 1)
			return false;
		if (chain->count < THAG_SYMBOL_FRAMES_MAX)
			chain->dies[chain->count++] = *die;
		return true;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return covers(die, chain->address) != 0;
	default:
		return false;
	}
}

/* Follows the inlined calls below `parent` down to the address. */
static void descend(struct chain *chain, Dwarf_Die *parent, int depth)
{
	uint32_t before = chain->count;
	Dwarf_Die die;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		if (leads_on(chain, &die))
			descend(chain, &die, depth + 1);
		/* a block that doesn't say where it is may have led nowhere */
	} while (chain->count == before && dwarf_siblingof(&die, &die) == 0);
}

static const char *text_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static uint32_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &value) != 0 ||
	    value > UINT32_MAX)
		return 0;
	return (uint32_t)value;
}

static void name_frame(Dwarf_Die *die, struct thag_dwarf_frame *frame)
{
	frame->linkage = text_of(die, DW_AT_linkage_name);
	if (!frame->linkage)
		frame->linkage = text_of(die, DW_AT_MIPS_linkage_name);
	frame->name = text_of(die, DW_AT_name);
}

/* The line table's place of an address. */
static void place_by_lines(struct thag_dwarf_unit *unit, uint64_t address,
			   struct thag_dwarf_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address);
	int number = 0;

	if (!line)
		return;
	frame->file = dwarf_linesrc(line, NULL, NULL);
	dwarf_lineno(line, &number);
	if (number > 0)
		frame->line = (uint32_t)number;
}

/* The file that an attribute names by its number in the unit the attribute comes from. */
static const char *file_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Die unit;
	Dwarf_Files *files;
	Dwarf_Word number;

	if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &number) != 0 ||
	    dwarf_cu_info(attribute.cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) != 0 ||
	    dwarf_getsrcfiles(&unit, &files, NULL) != 0)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

static void fill_place(struct thag_dwarf_unit *unit, struct chain *chain,
		       struct thag_dwarf_place *out)
{
	uint32_t count = chain->count;

	out->frame_count = count ? count : 1;
	place_by_lines(unit, chain->address, &out->frames[0]);
	for (uint32_t i = 0; i < count; i++) {
		Dwarf_Die *die = &chain->dies[count - 1 - i];

		name_frame(die, &out->frames[i]);
		if (i + 1 == count)
			continue;
		/* where the inlined function was called */
		out->frames[i + 1].file = file_of(die, DW_AT_call_file);
		out->frames[i + 1].line = number_of(die, DW_AT_call_line);
	}
	if (count == 0)
		return;
	out->function = out->frames[count - 1];
	out->function.file = file_of(&chain->dies[0], DW_AT_decl_file);
	out->function.line = number_of(&chain->dies[0], DW_AT_decl_line);
}

static bool is_cplusplus(struct thag_dwarf_unit *unit)
{
	switch (dwarf_srclang(&unit->tree)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
		return true;
	default:
		return false;
	}
}

int thag_dwarf_find(struct thag_dwarf *dwarf, uint64_t address, struct thag_dwarf_place *out)
{
	struct thag_dwarf_unit *unit = thag_dwarf_units_find(&dwarf->units, address);
	struct chain *chain;
	Dwarf_Die *function;

	if (!unit)
		return -ENOENT;
	chain = malloc(sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	*out = (struct thag_dwarf_place){ 0 };
	chain->address = address;
	chain->count = 0;
	function = thag_dwarf_unit_find(unit, address);
	if (function) {
		chain->dies[chain->count++] = *function;
		descend(chain, function, 0);
	}
	out->is_cplusplus = is_cplusplus(unit);
	fill_place(unit, chain, out);
	free(chain);
	return 0;
}
