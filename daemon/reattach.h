/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sessions of an earlier thagd that was killed: programs that still run are found again by their
 * records, and gone on with where the earlier one stopped reading.
 *
 * Thread: main loop, before it serves.
 */
#ifndef THAG_REATTACH_H
#define THAG_REATTACH_H

struct thag_daemon;

/** Takes over what can be; the rest is listed as lost. Removes records it is done with. */
void thag_reattach_all(struct thag_daemon *daemon);

#endif
