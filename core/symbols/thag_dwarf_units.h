/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which unit, and which function of it, has the code at an address. Part of thag_dwarf.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_DWARF_UNITS_H
#define THAG_DWARF_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "thag_symbol_table.h"

/** Addresses, and the number of the unit or the function that has them. */
struct thag_dwarf_span {
	uint64_t start;
	uint64_t end;
	uint32_t index;
};

/** A growing list of them; all zero is empty. */
struct thag_dwarf_spans {
	struct thag_dwarf_span *list;
	size_t count;
	size_t capacity;
};

/** A unit: `die` has the lines, `tree` the functions (another file's, where DWARF is split). */
struct thag_dwarf_unit {
	Dwarf_Die die;
	Dwarf_Die tree;
	int depth_read; /* 0: no functions yet, 1: those at the top, 2: also those within others */
	Dwarf_Die *functions;
	uint32_t function_count;
	uint32_t function_capacity;
	struct thag_dwarf_spans spans;
};

/** All zero is empty. */
struct thag_dwarf_units {
	struct thag_dwarf_unit *units;
	uint32_t count;
	uint32_t capacity;
	struct thag_dwarf_spans spans;
};

/** Reads where the units are; `code` says which addresses can be meant. 0 or -ENOMEM. */
int thag_dwarf_units_read(struct thag_dwarf_units *units, Dwarf *dbg,
			  const struct thag_symbol_table *code);

void thag_dwarf_units_fini(struct thag_dwarf_units *units);

/** The unit that covers `address`, or NULL. */
struct thag_dwarf_unit *thag_dwarf_units_find(struct thag_dwarf_units *units, uint64_t address);

/** The function of the unit that covers `address`, or NULL; -ENOMEM is NULL, too. */
Dwarf_Die *thag_dwarf_unit_find(struct thag_dwarf_unit *unit, uint64_t address);

#endif
