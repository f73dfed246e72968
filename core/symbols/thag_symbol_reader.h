/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names of the addresses of one file: by its DWARF, else by its symbols.
 *
 * Thread: owner. Blocks on the disk. Allocates. Reads files that may be malformed with libraries
 * that may not survive that: see docs/symbols.md.
 */
#ifndef THAG_SYMBOL_READER_H
#define THAG_SYMBOL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "thag_object.h"
#include "thag_symbol.h"

struct thag_symbol_reader;

/** What is known about a file that was opened. Borrowed. */
struct thag_symbol_source {
	const char *path;	/* the file itself, NULL: gone */
	const char *debug_path; /* where DWARF and symbols come from, when it is another file */
	bool has_dwarf;
	bool has_symbols;	 /* a whole table of symbols, not only those for the linker */
	uint32_t function_count; /* by the symbols */
};

struct thag_symbol_reader_options {
	bool no_dwarf;	  /* symbols only */
	bool no_demangle; /* names as the linker has them */
};

/**
 * Opens the wanted file, or its debug file alone when it is gone. Returns an enum
 * thag_symbol_status: FOUND with `out` set, MISSING, CHANGED or UNREADABLE.
 */
uint32_t thag_symbol_reader_open(struct thag_symbol_reader **out,
				 const struct thag_object_query *query,
				 const struct thag_symbol_reader_options *options);

void thag_symbol_reader_close(struct thag_symbol_reader *reader);

void thag_symbol_reader_describe(const struct thag_symbol_reader *reader,
				 struct thag_symbol_source *out);

/** Whether the file's code is at this address at all. */
bool thag_symbol_reader_is_code(const struct thag_symbol_reader *reader, uint64_t address);

/**
 * Finds what `address` (as the file's symbols count) is called. Fills `out`, also when there is
 * nothing; its texts are borrowed until the next time.
 */
void thag_symbol_reader_find(struct thag_symbol_reader *reader, uint64_t address,
			     struct thag_symbol *out);

#endif
