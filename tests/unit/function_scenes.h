/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions that the compiler instruments, for test_functions.c. */
#ifndef FUNCTION_SCENES_H
#define FUNCTION_SCENES_H

#include <stdint.h>

/** The name of the function at `address`; NULL for what isn't instrumented. */
const char *scene_name(uintptr_t address);

void scene_flat(int calls);
int scene_fib(int n);
int scene_deep(int n);
void scene_nest(int depth);
void scene_handler(int number);
void scene_leave(int number);
void scene_jump(int depth);

/** What a walk should leave in the profile: how often each stack was entered while recording. */
struct scene_model {
	uint32_t count;
	struct {
		char path[256];
		uint64_t calls;
	} stacks[8192];
};

/**
 * Functions, sections, marks and long jumps in random order, nested up to four deep, while
 * recording is switched on and off.
 */
void scene_walk(uint32_t seed, struct scene_model *model);

#endif
