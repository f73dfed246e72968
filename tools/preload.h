/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Libraries that `thag run` has the loader put into programs, by LD_PRELOAD. Thread: main. */
#ifndef THAG_PRELOAD_H
#define THAG_PRELOAD_H

#include "command.h"

/**
 * Has what this process runs from here on, and what that runs, load `library` (a file's name, of
 * this build or installation) before all others; complains when that can't be. 0, or -1.
 */
int thag_preload(const struct thag_command *command, const char *library);

#endif
