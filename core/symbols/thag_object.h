/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ELF files: the one that a program maps, and the one beside it that has its debug information.
 *
 * Files may be anything; what libelf makes of a malformed one is for the process that reads it to
 * survive or not, and thagd never is that process.
 *
 * Thread: owner. Blocks on the disk. Allocates.
 */
#ifndef THAG_OBJECT_H
#define THAG_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include <sys/types.h>

#include "thag_symbol.h"

#define THAG_OBJECT_PATH_BYTES 4352 /* a path of a program's, and what is put before it */
#define THAG_DEBUG_DIRS "/usr/lib/debug"

/** An open ELF file. THAG_OBJECT_EMPTY is none. */
struct thag_object {
	int fd;
	Elf *elf;
	char path[THAG_OBJECT_PATH_BYTES];
};

#define THAG_OBJECT_EMPTY \
	{ \
		.fd = -1 \
	}

/** Which file is wanted. Borrowed. */
struct thag_object_query {
	const char *path;
	const uint8_t *build_id;
	uint32_t build_id_bytes; /* 0: whatever build is there */
	pid_t pid; /* a process that maps it, whose files may be others than ours; or 0 */
	const char *debug_dirs; /* roots of debug files, separated by colons; NULL: the default */
};

/** Opens a regular ELF file. 0, a negative errno, -ENOEXEC when it isn't ELF. */
int thag_object_open(struct thag_object *object, const char *path);

void thag_object_close(struct thag_object *object);

/** Whether the file was linked: only then are its symbols' values addresses. */
bool thag_object_is_linked(const struct thag_object *object);

/** Whether it is of the wanted build; true when none is wanted. */
bool thag_object_is_build(const struct thag_object *object, const uint8_t *build_id,
			  uint32_t build_id_bytes);

/** Whether it has a section of this type with contents. */
bool thag_object_has_type(const struct thag_object *object, uint32_t type);

/** Whether it has DWARF, compressed or not. */
bool thag_object_has_dwarf(const struct thag_object *object);

/**
 * Finds the wanted file: where its path says, as its process sees it, or as the program that the
 * process is. Returns an enum thag_symbol_status: FOUND, MISSING, CHANGED or UNREADABLE.
 */
uint32_t thag_object_find(struct thag_object *object, const struct thag_object_query *query);

/**
 * Finds the debug file of the wanted build, or of `object` (NULL: the file itself is gone): by
 * build id below .build-id in the debug directories, by .gnu_debuglink beside the file, in .debug
 * beside it, and below the debug directories. 0 or -ENOENT.
 */
int thag_object_find_debug(struct thag_object *debug, const struct thag_object *object,
			   const struct thag_object_query *query);

#endif
