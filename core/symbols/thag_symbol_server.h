/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The process that reads symbols for thagd, from its first instruction to its last: requests come
 * by its standard input, answers go to its standard output, and it ends with its input.
 *
 * It reads files that broken or hostile programs name, with libraries of a hundred thousand lines.
 * Whatever these do (crash, loop, take all memory) it does here, within limits the process sets
 * itself first: memory, processor time for a request, no core files, no new privileges.
 */
#ifndef THAG_SYMBOL_SERVER_H
#define THAG_SYMBOL_SERVER_H

#include <stdint.h>

#define THAG_SYMBOL_SERVER_DATA_BYTES (UINT64_C(2) << 30)   /* memory of its own */
#define THAG_SYMBOL_SERVER_SPACE_BYTES (UINT64_C(32) << 30) /* that and mapped files */
#define THAG_SYMBOL_SERVER_CPU_S 60			    /* of one request */
#define THAG_SYMBOL_SERVER_FILES 4			    /* kept open between requests */

/** Serves until the end of the input. Returns an exit status. */
int thag_symbol_server_run(void);

#endif
