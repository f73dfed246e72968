/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Writing files: whole or not at all.
 */
#ifndef THAG_OUTPUT_H
#define THAG_OUTPUT_H

#include <stddef.h>

/** Copies all of the file `from`, from its start, to `to`. 0 or a negative errno. */
int thag_output_copy(int to, int from);

/**
 * Makes `path` a copy of the file `from`. What was at `path` stays until the copy is whole, then
 * is replaced; where that can't be (a device, a pipe) it is written to. Signals that end the
 * process wait meanwhile, so that nothing half-written stays. A link is followed, but none that
 * another user left in a directory for all. 0 or a negative errno.
 */
int thag_output_write_file(const char *path, int from);

/** The same with data for its content; `path` NULL: writes it to stdout. 0 or a negative errno. */
int thag_output_write_data(const char *path, const void *data, size_t bytes);

#endif
