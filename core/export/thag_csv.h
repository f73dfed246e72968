/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile as a table for spreadsheets and data frames, RFC 4180: a header, then a row for each
 * stack that has calls or something itself, in the order of a walk by name. The root, and what it
 * has itself, is left out; shares are of what is left.
 *
 * Time:   stack,function,file,line,calls,self_ns,total_ns,min_ns,max_ns,wait_ns,self_percent,
 *         total_percent
 * Memory: stack,function,file,line,blocks,self_bytes,total_bytes,self_percent,total_percent, or
 *         self_count and total_count
 *
 * A stack is as in folded ones, `a;b;c`; its last frame is the function. Lines end in CR LF, texts
 * are valid UTF-8. A spreadsheet takes a cell for a formula that begins with one of `=+-@`, and a
 * profiled program may call its functions as it likes: such a text gets an apostrophe before it.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_CSV_H
#define THAG_CSV_H

#include "thag_buffer.h"
#include "thag_profile.h"

/** What lies deeper than there is room for is summed up as THAG_FOLDED_DEEPER. */
#define THAG_CSV_BYTES_MAX THAG_FOLDED_BYTES_MAX

/** Appends the table of a finished profile. 0, or -ENOMEM with nothing appended. */
int thag_csv_write(const struct thag_profile *profile, struct thag_buffer *out);

#endif
