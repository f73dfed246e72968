/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Running a program with libthag-cyg in it: all its functions are profiled. Thread: main. */
#ifndef THAG_HOOKS_H
#define THAG_HOOKS_H

#include "command.h"
#include "program.h"

/**
 * Has what this process runs from here on load libthag-cyg, by LD_PRELOAD; complains when that
 * can't be. 0, or -1.
 */
int thag_hooks_preload(const struct thag_command *command);

/**
 * Says on stderr why nothing of `program`, which is run as `name`, would be profiled, where that
 * can be seen.
 */
void thag_hooks_advise(const struct thag_command *command, const char *name,
		       const struct thag_program *program);

#endif
