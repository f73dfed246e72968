/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files of code that are mapped into this process: the program, libraries, plugins. */
#ifndef THAG_MODULES_H
#define THAG_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where a file of code is mapped now. */
struct thag_module_image {
	uintptr_t start;
	uintptr_t end;
	uintptr_t bias;	    /* what the loader added to the file's addresses */
	const char *name;   /* the loader's; "" for the program; valid while it is loaded */
	const void *unwind; /* its .eh_frame_hdr; NULL: it has none */
};

/** The file that `address` is in. False when there is none. Signal-safe with glibc ≥ 2.35. */
bool thag_module_find(uintptr_t address, struct thag_module_image *image);

/** The segment of the file that `address` lies in, as far as the file fills it. False: in none. */
bool thag_module_segment(const struct thag_module_image *image, uintptr_t address, uintptr_t *start,
			 uintptr_t *end);

/**
 * The index of the module at `image` in the shared memory, where it is entered when it is new:
 * another file at the same addresses is another module. THAG_MODULE_NONE when there are too many.
 * The process is attached. Lock-free; two threads may enter the same one twice.
 */
uint32_t thag_module_index(const struct thag_module_image *image);

/** Whether a module that was entered before lies, or lay, where the one with that index does. */
bool thag_module_replaces(uint32_t index);

/** Whether `image` is what the module with that index is of. */
bool thag_module_is_at(uint32_t index, const struct thag_module_image *image);

/**
 * The path of a module, absolute, as the kernel names it. Terminated. 0; -ENOENT when it has none;
 * -ENAMETOOLONG when it doesn't fit; else why it can't be read.
 */
int thag_module_path(const struct thag_module_image *image, char *path, size_t bytes);

struct thag_process;

/** Copies all modules of the parent's memory into that of a forked child. */
void thag_modules_inherit(struct thag_process *child, const struct thag_process *parent);

#endif
