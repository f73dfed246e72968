/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions, inlined calls and lines of a file with DWARF.
 *
 * Only what is asked for is read: at first which unit covers which addresses, then of a unit that
 * is asked about where its functions are, and of a function that is asked about what is inlined in
 * it. Lists of addresses by unit (.debug_aranges) are not needed, as clang doesn't write them.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_DWARF_H
#define THAG_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "thag_symbol.h"
#include "thag_symbol_table.h"

struct thag_dwarf;

/** A frame as DWARF has it: texts are borrowed until thag_dwarf_close. */
struct thag_dwarf_frame {
	const char *linkage; /* mangled; NULL: none */
	const char *name;    /* NULL: none */
	const char *file;    /* NULL: not known */
	uint32_t line;
};

/** What is at an address: frames as in struct thag_symbol. */
struct thag_dwarf_place {
	uint32_t frame_count;
	struct thag_dwarf_frame function; /* at its declaration */
	struct thag_dwarf_frame frames[THAG_SYMBOL_FRAMES_MAX];
	bool is_cplusplus; /* names without linkage lack the scope they are in */
};

/** `code` is borrowed for as long as the outcome is used. 0, -ENOMEM, or -ENOEXEC without DWARF. */
int thag_dwarf_open(struct thag_dwarf **out, Elf *elf, const struct thag_symbol_table *code);

void thag_dwarf_close(struct thag_dwarf *dwarf);

/**
 * Finds what is at `address`. 0; -ENOENT when no unit covers it, or -ENOMEM. Without a function
 * there, there is one frame with a line but no names.
 */
int thag_dwarf_find(struct thag_dwarf *dwarf, uint64_t address, struct thag_dwarf_place *out);

#endif
