/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The names that a recording has for its sites with addresses.
 *
 * Thread: any, while nobody else knows the session. Allocates; blocks on the disk.
 */
#ifndef THAG_OPENED_NAMES_H
#define THAG_OPENED_NAMES_H

#include "session.h"
#include "thag_recording_reader.h"

/**
 * Names the session's sites: the latest name counts, one that was found more than none. From then
 * on none is looked for. Blocks that can't be read are left out and counted. 0 or -ENOMEM.
 */
int thag_opened_names_put(struct thag_session *session, const struct thag_recording_reader *reader,
			  uint32_t *unreadable);

#endif
