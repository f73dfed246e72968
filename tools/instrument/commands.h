/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * compile_commands.json, as libclang reads it: a file without an entry (a header) gets the command
 * of the one that is most like it.
 *
 * Thread: owner. Allocates; reads files.
 */
#ifndef THAG_INSTRUMENT_COMMANDS_H
#define THAG_INSTRUMENT_COMMANDS_H

#include "arguments.h"

struct thag_commands;

/** Opens that of `directory`. 0; -ENOENT when there is none; -EINVAL when it makes no sense. */
int thag_commands_open(struct thag_commands **out, const char *directory);

/** NULL is ignored. */
void thag_commands_close(struct thag_commands *commands);

/** The folder it is of. */
const char *thag_commands_directory(const struct thag_commands *commands);

/** Adds the first command of `path`, a real path. 0, -ENOENT when there is none, or -ENOMEM. */
int thag_commands_find(const struct thag_commands *commands, const char *path,
		       struct thag_arguments *arguments);

/**
 * The folder with the compile_commands.json for `path`, a real path: the nearest above the file
 * that has one itself or in its `build`. The caller frees it; NULL when there is none.
 */
char *thag_commands_search(const char *path);

#endif
