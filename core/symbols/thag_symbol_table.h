/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The functions of an ELF file by its symbol table, sorted by address.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_SYMBOL_TABLE_H
#define THAG_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_object.h"

struct thag_table_symbol {
	uint64_t start;
	uint64_t end;
	const char *name; /* in the mapped file, or what libelf made of it */
	uint32_t rank;	  /* of several at an address the lowest is taken */
};

struct thag_address_range {
	uint64_t start;
	uint64_t end;
};

/** All zero is empty. */
struct thag_symbol_table {
	struct thag_table_symbol *symbols;
	size_t count;
	size_t capacity;
	struct thag_address_range *code; /* the sections that hold code */
	size_t code_count;
};

/** Reads which addresses hold code. 0 or -ENOMEM. */
int thag_symbol_table_read_code(struct thag_symbol_table *table, const struct thag_object *object);

/** Adds the functions of the object's sections of `type`, SHT_SYMTAB or SHT_DYNSYM. */
int thag_symbol_table_add(struct thag_symbol_table *table, const struct thag_object *object,
			  uint32_t type);

/** Sorts what was added; before that nothing is found. */
void thag_symbol_table_sort(struct thag_symbol_table *table);

void thag_symbol_table_fini(struct thag_symbol_table *table);

bool thag_symbol_table_is_code(const struct thag_symbol_table *table, uint64_t address);

/** The symbol whose code is at `address`, borrowed; NULL when there is none. */
const struct thag_table_symbol *thag_symbol_table_find(const struct thag_symbol_table *table,
						       uint64_t address);

#endif
