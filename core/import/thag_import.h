/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files of other tools read: what all readers take and tell.
 *
 * A reader looks at a whole file in memory, all of whose bytes are hostile, and makes a finished
 * profile of it, whose self times are the file's values, in whatever unit. Nothing recurses.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_IMPORT_H
#define THAG_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "thag_profile.h"

#define THAG_IMPORT_TEXT_BYTES 256

struct thag_import_options {
	const char *root_name;
	const char *value; /* which of several values; NULL: the one that the file means */
};

struct thag_import_report {
	char unit[32];			   /* of the values; "" when the file doesn't say it */
	char what[THAG_IMPORT_TEXT_BYTES]; /* after -EBADMSG or -EINVAL: what is wrong, and where */
	uint64_t stacks;		   /* samples or calls that are in the profile */
	uint64_t left_out;		   /* parts of the file that aren't … */
	const char *why;		   /* … for this reason; NULL: none */
};

/** Says what is wrong, and returns `ret`. */
int thag_import_fail(struct thag_import_report *report, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * A profile of pprof's, gzipped or not. Values: by the name of their type, as in "-sample_index"
 * of pprof; by default the file's own, or else the last. 0; -EBADMSG; -EINVAL: there is no such
 * value; -EFBIG: it is too large when unpacked; -EOVERFLOW: all values have no room in 64 bits; or
 * -ENOMEM.
 */
int thag_pprof_read(const void *data, size_t bytes, const struct thag_import_options *options,
		    struct thag_import_report *report, struct thag_profile **out);

/**
 * A trace in Chrome's JSON, an array of events or an object with "traceEvents": complete events
 * ("X") and pairs of begin and end ("B", "E"), nested by time for each thread, their time in
 * nanoseconds. What overlaps another without being in it is cut off at its end. Errors as above.
 */
int thag_chrome_read(const void *data, size_t bytes, const struct thag_import_options *options,
		     struct thag_import_report *report, struct thag_profile **out);

/**
 * What `perf script` prints, folded as stackcollapse-perf.pl does: the command first, then symbols
 * without their offsets, of what has no symbol its file. Values: "period" (by default) or
 * "samples". Samples of other events than the first are left out. Errors as above.
 */
int thag_perf_read(const void *data, size_t bytes, const struct thag_import_options *options,
		   struct thag_import_report *report, struct thag_profile **out);

enum thag_import_format {
	THAG_IMPORT_FOLDED,
	THAG_IMPORT_CHROME,
	THAG_IMPORT_PPROF,
	THAG_IMPORT_PERF,
	THAG_IMPORT_FORMATS
};

/** What the file seems to be by its beginning; folded stacks when it is none of the others. */
enum thag_import_format thag_import_guess(const void *data, size_t bytes);

#endif
