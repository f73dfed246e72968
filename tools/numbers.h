/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbers as people read them, in at most seven characters where that can be.
 *
 * Thread: any.
 */
#ifndef THAG_NUMBERS_H
#define THAG_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#define THAG_NUMBER_BYTES 32

/** 0, 17ns, 1.23us, 45.6ms, 789ms, 12.3s, 12345s. */
void thag_number_ns(char out[static THAG_NUMBER_BYTES], double ns);

/** 0, 17B, 1.23K, 45.6M, 789G: powers of 1024. */
void thag_number_bytes(char out[static THAG_NUMBER_BYTES], double bytes);

/** 0, 17, 12345, 1.23M, 45.6G: powers of 1000, from a million on. */
void thag_number_count(char out[static THAG_NUMBER_BYTES], double count);

/** By a unit, as thag_source says it: "ns", "bytes", else a count. */
void thag_number_of_unit(char out[static THAG_NUMBER_BYTES], const char *unit, double value);

/** 12.3%; "<0.1%" of what is more than nothing; "-" of nothing at all. */
void thag_number_share(char out[static THAG_NUMBER_BYTES], double part, double all);

#endif
