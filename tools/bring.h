/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Seeing to it that a daemon runs.
 *
 * Thread: any. Blocks for some seconds at most.
 */
#ifndef THAG_BRING_H
#define THAG_BRING_H

#include <stddef.h>

#include "command.h"

/**
 * Asks for a thagd, and when none answers starts the one beside this program, else the one in
 * PATH, and waits until it answers. Writes the address of its page to `url`, "" when it has
 * none. Returns 0; or -1 after one line on stderr, for `command`, that says why not.
 */
int thag_bring_daemon(const struct thag_command *command, char *url, size_t size);

#endif
