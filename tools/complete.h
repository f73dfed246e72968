/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Completion of command lines. Thread: main. Prints; never complains.
 */
#ifndef THAG_COMPLETE_H
#define THAG_COMPLETE_H

#include <stddef.h>

#include "command.h"

/**
 * Prints what the last of the `argc` words behind `thag` may be; `commands` are all there are.
 * THAG_EXIT_OK.
 */
int thag_complete(int argc, char **argv, const struct thag_command *const *commands, size_t count);

#endif
