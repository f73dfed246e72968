/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Functions that a source makes signal handlers: those named in the last argument of signal() and
 * its like, or assigned to sa_handler or sa_sigaction. By their names alone, wherever in the file
 * that is, so what isn't compiled here counts, too.
 *
 * Thread: any. Allocates.
 */
#ifndef THAG_INSTRUMENT_HANDLERS_H
#define THAG_INSTRUMENT_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>

#include "scan.h"

/** All zero is valid and empty. */
struct thag_handlers {
	const char *source;
	struct thag_token *names; /* in the order of their bytes */
	size_t count;
	size_t capacity;
};

/** Reads a source, which must outlive it. 0 or -ENOMEM. */
int thag_handlers_find(struct thag_handlers *handlers, const char *source, size_t bytes);

void thag_handlers_fini(struct thag_handlers *handlers);

bool thag_handlers_has(const struct thag_handlers *handlers, const char *name);

#endif
