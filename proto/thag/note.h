/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a program that libthag is linked into can be told from its file: an ELF note, which is found
 * without reading the rest, and stays when the program is stripped.
 */
#ifndef THAG_NOTE_H
#define THAG_NOTE_H

#include <stdint.h>

#define THAG_NOTE_SECTION ".note.thag"
#define THAG_NOTE_NAME "thag"
#define THAG_NOTE_LINKED 1 /* its type; it describes nothing further */

/** As the linker has it: the name is padded to words. */
struct thag_note {
	uint32_t name_bytes; /* with the terminator */
	uint32_t description_bytes;
	uint32_t type;
	char name[(sizeof(THAG_NOTE_NAME) + 3) / 4 * 4];
};

#endif
