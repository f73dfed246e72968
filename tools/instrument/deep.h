/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Running what libclang does with deeply nested sources: it recurses, and 8 MiB of stack end at
 * some 15,000 `else if` in a row.
 *
 * Thread: main.
 */
#ifndef THAG_INSTRUMENT_DEEP_H
#define THAG_INSTRUMENT_DEEP_H

/**
 * Runs `work` on a thread with as much stack as can be had (1 GiB, of which only what is used takes
 * memory), and returns what it returns. Where even that is too little, the process exits with
 * `status`, after writing "thag NAME: ", what thag_deep_name was told, and why.
 */
int thag_deep_run(int (*work)(void *context), void *context, const char *command, int status);

/** What is being worked on from now on: borrowed; NULL: nothing. */
void thag_deep_name(const char *name);

#endif
