/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which boot of the machine this is: a journal is for no other.
 *
 * Thread: any. Reads a file of the kernel's.
 */
#ifndef THAG_RECORDING_BOOT_H
#define THAG_RECORDING_BOOT_H

#include "thag_recording_journal.h"

/** The kernel's random id of this boot, as text, not terminated. 0 or a negative errno. */
int thag_recording_boot(char out[static THAG_RECORDING_BOOT_BYTES]);

#endif
