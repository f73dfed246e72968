/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Comes before every file of a build that counts branches, see coverage.sh: a child that ends by
 * _exit writes what it counted, as one that ends by exit does.
 */
#ifndef COVERAGE_H
#define COVERAGE_H

#include <unistd.h>

#ifdef __cplusplus
extern "C"
#endif
	void
	__gcov_dump(void);

#define _exit(status) (__gcov_dump(), (_exit)(status))

#endif
