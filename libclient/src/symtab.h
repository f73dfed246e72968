/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The functions that an ELF file names: .symtab, or .dynsym when that is stripped. Only what the
 * filters need, without the heap; names for the profile are found by thagd.
 */
#ifndef THAG_SYMTAB_H
#define THAG_SYMTAB_H

#include <stdint.h>

struct thag_symbol {
	uint64_t address; /* as the file counts */
	uint64_t size;
	const char *name; /* terminated; valid during the call */
};

/**
 * Calls `each` for each function of the file `path` that has code in it.
 *
 * @param mapped  the first 64 bytes of the file as it is mapped: another file that has come to
 *                lie at `path` is refused
 * @return 0; -ENOENT without symbols; -EINVAL for what isn't a sound ELF file, or another one;
 *         else why it can't be read. Signal-safe: no heap, no locks; reads with pread, so that a
 *         file which shrinks does no harm
 */
int thag_symtab_read(const char *path, const void *mapped,
		     void (*each)(void *context, const struct thag_symbol *symbol), void *context);

#endif
