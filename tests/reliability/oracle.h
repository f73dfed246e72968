/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a program that may die any moment has done so far, in a file that outlives it. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdint.h>

#define ORACLE_THREADS 8

struct oracle_thread {
	uint64_t returned; /* calls whose exit has been recorded for certain */
	uint8_t unused[56];
};

struct oracle {
	uint64_t started;
	uint8_t unused[56];
	struct oracle_thread threads[ORACLE_THREADS];
};

#endif
