/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that is there before it is written to. Thread: any.
 */
#ifndef THAG_PAGES_H
#define THAG_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Makes the pages of a big array at once, `bytes` from `at` on, which may hold something: a fault
 * for each of them takes several times as long. False when it did nothing, because there are too
 * few of them, or the kernel can't.
 */
bool thag_pages_make(void *at, size_t bytes);

#endif
