/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whether what a program sent is a session's shared memory that can't hurt us: a memfd whose
 * size can't change any more (so no access faults), with a header that makes sense.
 *
 * Everything here reads copies or is bounded by the file's size. Each refusal says why in one
 * line.
 *
 * Thread: any. Doesn't allocate.
 */
#ifndef THAG_HANDSHAKE_H
#define THAG_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "thagd_limits.h"
#include "thag/shm.h"

/** Checks type, seals and size of a program's memfd. 0, or -EPROTO with `why` filled. */
int thag_handshake_check_fd(int fd, uint64_t *bytes, char why[static THAG_WHY_BYTES]);

/**
 * Checks each field of `header`, a private copy of the head of a memfd of `bytes`. 0, -EPROTO,
 * or -EPROTONOSUPPORT when the program's libthag speaks another version; `why` is filled then.
 */
int thag_handshake_check_header(const struct thag_shm_header *header, uint64_t bytes,
				char why[static THAG_WHY_BYTES]);

/** Checks type, seals, size and head of a memfd that a thagd made for `slots` rings. */
int thag_handshake_check_consumer_fd(int fd, uint32_t slots, char why[static THAG_WHY_BYTES]);

/**
 * Copies the entry `index` of a mapped site table and checks it. `shm` is the mapping of a
 * memfd that passed the checks above. Returns 1 with `out` filled, its strings inside the
 * string area; 0 when it isn't ready yet; -EPROTO when it makes no sense.
 */
int thag_handshake_read_site(const void *shm, uint32_t index, struct thag_shm_site *out);

/** The same for the table of modules; the path is at most THAG_TEXT_BYTES long. */
int thag_handshake_read_module(const void *shm, uint32_t index, struct thag_shm_module *out);

/**
 * The same for the table of traces: the parent's index is lower than `index`, the site one of the
 * table's, registered or not.
 */
int thag_handshake_read_trace(const void *shm, uint32_t index, struct thag_shm_trace *out);

#endif
