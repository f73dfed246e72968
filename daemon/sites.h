/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names of a session's sites, copied out of the program's memory as they appear.
 *
 * Thread: any; under the session's names_lock.
 */
#ifndef THAG_SITES_H
#define THAG_SITES_H

#include "session.h"

/**
 * Copies what was registered since the last time. Entries that make no sense get a name that
 * says so. 0 or -ENOMEM, with the rest left for the next time.
 */
int thag_sites_import(struct thag_session *session);

/** The first site from `site` on that has a name; THAG_SITES_MAX: there is none. */
uint32_t thag_sites_next(const struct thag_session *session, uint32_t site);

#endif
