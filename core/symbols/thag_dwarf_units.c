/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_dwarf_units.h"

#include <errno.h>
#include <stdlib.h>

#include <dwarf.h>

#define FIRST 64
#define STEPS_BACK 16	 /* ranges of units may overlap a little */
#define DEPTH_MAX 128	 /* of namespaces and functions in each other */
#define RANGES_MAX 65536 /* of one entry */

/* Makes room for one more element. */
static int reserve(void **list, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*list, wanted, size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*capacity = wanted;
	return 0;
}

static int add_span(struct thag_dwarf_spans *spans, uint64_t start, uint64_t end, uint32_t index)
{
	void *list = spans->list;
	int ret = reserve(&list, spans->count, &spans->capacity, sizeof(*spans->list));

	spans->list = list;
	if (ret == 0)
		spans->list[spans->count++] = (struct thag_dwarf_span){ start, end, index };
	return ret;
}

/* Adds all ranges of an entry; with `code`, those only that a linker kept. */
static int add_ranges(struct thag_dwarf_spans *spans, Dwarf_Die *die, uint32_t index,
		      const struct thag_symbol_table *code)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	int ret = 0;

	for (int i = 0; i < RANGES_MAX && ret == 0; i++) {
		at = dwarf_ranges(die, at, &base, &start, &end);
		if (at <= 0)
			break;
		if (start < end && (!code || thag_symbol_table_is_code(code, start)))
			ret = add_span(spans, start, end, index);
	}
	return ret;
}

static int by_start(const void *a, const void *b)
{
	const struct thag_dwarf_span *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	/* the shorter one comes later, and is met first */
	return left->end > right->end ? -1 : left->end < right->end;
}

static void sort_spans(struct thag_dwarf_spans *spans)
{
	if (spans->count)
		qsort(spans->list, spans->count, sizeof(*spans->list), by_start);
}

static const struct thag_dwarf_span *find_span(const struct thag_dwarf_spans *spans,
					       uint64_t address)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (int steps = 0; low > 0 && steps < STEPS_BACK; steps++)
		if (address < spans->list[--low].end)
			return &spans->list[low];
	return NULL;
}

static int add_unit(struct thag_dwarf_units *units, Dwarf_Die *die,
		    const struct thag_symbol_table *code)
{
	size_t capacity = units->capacity;
	void *list = units->units;
	int ret = reserve(&list, units->count, &capacity, sizeof(*units->units));

	units->units = list;
	units->capacity = (uint32_t)capacity;
	if (ret != 0)
		return ret;
	units->units[units->count] = (struct thag_dwarf_unit){ .die = *die };
	return add_ranges(&units->spans, die, units->count++, code);
}

int thag_dwarf_units_read(struct thag_dwarf_units *units, Dwarf *dbg,
			  const struct thag_symbol_table *code)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t type;
	int ret = 0;

	/* types have no code, and parts are read by those who import them */
	while (ret == 0 && dwarf_get_units(dbg, unit, &unit, NULL, &type, &die, NULL) == 0)
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			ret = add_unit(units, &die, code);
	sort_spans(&units->spans);
	return ret;
}

void thag_dwarf_units_fini(struct thag_dwarf_units *units)
{
	for (uint32_t i = 0; i < units->count; i++) {
		free(units->units[i].functions);
		free(units->units[i].spans.list);
	}
	free(units->units);
	free(units->spans.list);
	*units = (struct thag_dwarf_units){ 0 };
}

struct thag_dwarf_unit *thag_dwarf_units_find(struct thag_dwarf_units *units, uint64_t address)
{
	const struct thag_dwarf_span *span = find_span(&units->spans, address);

	return span ? &units->units[span->index] : NULL;
}

static int add_function(struct thag_dwarf_unit *unit, Dwarf_Die *die)
{
	size_t capacity = unit->function_capacity;
	void *list = unit->functions;
	int ret = reserve(&list, unit->function_count, &capacity, sizeof(*unit->functions));

	unit->functions = list;
	unit->function_capacity = (uint32_t)capacity;
	if (ret != 0)
		return ret;
	unit->functions[unit->function_count] = *die;
	return add_ranges(&unit->spans, die, unit->function_count++, NULL);
}

/* Whether functions may be within it: in a first pass only scopes are entered, no types. */
static bool is_scope(int tag, bool deep)
{
	if (tag == DW_TAG_namespace || tag == DW_TAG_module)
		return true;
	return deep && (tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
			tag == DW_TAG_union_type || tag == DW_TAG_subprogram ||
			tag == DW_TAG_lexical_block);
}

static int read_functions(struct thag_dwarf_unit *unit, Dwarf_Die *parent, bool deep, int depth)
{
	Dwarf_Die die;
	int ret = 0;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return 0;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			ret = add_function(unit, &die);
		if (ret == 0 && is_scope(tag, deep))
			ret = read_functions(unit, &die, deep, depth + 1);
	} while (ret == 0 && dwarf_siblingof(&die, &die) == 0);
	return ret;
}

/* The functions of split DWARF are in a file of their own; without it there are only lines. */
static void find_tree(struct thag_dwarf_unit *unit)
{
	Dwarf_Die split = { 0 };
	uint8_t type = 0;

	dwarf_cu_info(unit->die.cu, NULL, &type, NULL, &split, NULL, NULL, NULL);
	unit->tree = type == DW_UT_skeleton && split.addr ? split : unit->die;
}

static int read_unit(struct thag_dwarf_unit *unit)
{
	int ret;

	if (unit->depth_read == 0)
		find_tree(unit);
	unit->depth_read++;
	unit->function_count = 0;
	unit->spans.count = 0;
	ret = read_functions(unit, &unit->tree, unit->depth_read == 2, 0);
	sort_spans(&unit->spans);
	return ret;
}

Dwarf_Die *thag_dwarf_unit_find(struct thag_dwarf_unit *unit, uint64_t address)
{
	const struct thag_dwarf_span *span = find_span(&unit->spans, address);

	/* functions within functions are rare, and types many: they are entered when need be */
	while (!span && unit->depth_read < 2) {
		if (read_unit(unit) != 0)
			return NULL;
		span = find_span(&unit->spans, address);
	}
	return span ? &unit->functions[span->index] : NULL;
}
