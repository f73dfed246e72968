/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The process that reads symbols, as thagd sees it: started when it is needed, asked over a pipe,
 * ended when it takes too long or talks nonsense. What it answers is as little trusted as the
 * files it read.
 *
 * Thread: owner. Blocks.
 */
#ifndef THAG_SYMBOL_HELPER_H
#define THAG_SYMBOL_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "thag_symbol.h"
#include "thag_symbol_request.h"

/** THAG_SYMBOL_HELPER_NONE is none. */
struct thag_symbol_helper {
	pid_t pid; /* 0: it doesn't run */
	int to;
	int from;
};

#define THAG_SYMBOL_HELPER_NONE \
	{ \
		.to = -1, .from = -1 \
	}

/** Called for each answer, in the order of the addresses. Texts are borrowed. */
typedef void thag_symbol_answer_fn(void *context, uint32_t index, const struct thag_symbol *symbol);

/**
 * Asks for the addresses of a request, starting the process when there is none. `answered` is how
 * many answers were given to `answer`. 0; -ETIMEDOUT, -EPIPE when it died, -EPROTO when it talked
 * nonsense: it was ended then; or another errno when it can't be had.
 */
int thag_symbol_helper_ask(struct thag_symbol_helper *helper,
			   const struct thag_symbol_request_head *head, const char *path,
			   const char *dirs, const uint64_t *addresses, uint64_t timeout_ns,
			   thag_symbol_answer_fn *answer, void *context, uint32_t *answered);

/** Ends it, if it runs. */
void thag_symbol_helper_stop(struct thag_symbol_helper *helper);

#endif
