/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What targets of thagd's sockets share: a whole thagd in the target's own process, with a folder
 * of its own and a recording open, whose loop turns when the target says so.
 */
#ifndef FUZZ_WHOLE_H
#define FUZZ_WHOLE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon.h"

#define FUZZ_PORT 7777 /* the one that Host must name; which it really is, is left to chance */

/** To be defined by the target: tries one input, with thagd at rest before and after. */
int fuzz_try(const uint8_t *data, size_t size);

struct thag_daemon *fuzz_daemon(void);

/** Lets thagd do all that there is to do. */
void fuzz_settle(void);

/** A new connection to the web page's port, not blocking. */
int fuzz_connect_web(void);

/** A new connection to the control socket, not blocking. */
int fuzz_connect_control(void);

/** Aborts unless it holds. */
void fuzz_check(int holds);

#endif
