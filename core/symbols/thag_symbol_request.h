/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What thagd asks the process that reads symbols for it: addresses of one file. The answer is
 * a struct thag_symbol for each address, in their order.
 *
 *   0 magic 4, flags 4 | 8 pid 4, path_bytes 4 | 16 dirs_bytes 4, build_id_bytes 4
 *  24 address_count 4, 0 | 32 build_id 32 | 64 path | dirs | addresses, 8 bytes each
 *
 * Thread: any.
 */
#ifndef THAG_SYMBOL_REQUEST_H
#define THAG_SYMBOL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"
#include "thag_symbol.h"

#define THAG_SYMBOL_REQUEST_MAGIC UINT32_C(0x59534754) /* "TGSY" */
#define THAG_SYMBOL_PATH_MAX 4096
#define THAG_SYMBOL_DIRS_MAX 4096
#define THAG_SYMBOL_ADDRESSES_MAX 4096 /* of one request: it fits a pipe */

enum thag_symbol_request_flags {
	THAG_SYMBOL_NO_DWARF = 1, /* reading it failed before */
};

struct thag_symbol_request_head {
	uint32_t magic;
	uint32_t flags;
	int32_t pid;
	uint32_t path_bytes;
	uint32_t dirs_bytes; /* 0: the default ones */
	uint32_t build_id_bytes;
	uint32_t address_count;
	uint32_t reserved;
	uint8_t build_id[THAG_SYMBOL_BUILD_ID_MAX];
};

/** Whether the lengths in it are within their limits. */
int thag_symbol_request_is_sensible(const struct thag_symbol_request_head *head);

/** Bytes that follow a sensible head. */
size_t thag_symbol_request_rest(const struct thag_symbol_request_head *head);

/**
 * Appends a request; `head` has what is fixed, its lengths are those of the rest. 0, -EINVAL, or
 * -ENOMEM.
 */
int thag_symbol_request_append(struct thag_buffer *out, const struct thag_symbol_request_head *head,
			       const char *path, const char *dirs, const uint64_t *addresses);

#endif
