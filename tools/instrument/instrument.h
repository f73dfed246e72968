/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a source is to be changed to, by its functions or by its marks, and a report of it.
 *
 * Nothing is planned that thag_remove_plan wouldn't take back to the byte: that is tried each time.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_INSTRUMENT_INSTRUMENT_H
#define THAG_INSTRUMENT_INSTRUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "arguments.h"
#include "bodies.h"
#include "edits.h"
#include "thag_search.h"

#define THAG_INSTRUMENT_BYTES_MAX ((size_t)64 << 20) /* of a source */

struct thag_instrument_wishes {
	const char *mode;	  /* of main's mark */
	struct thag_search *only; /* names; NULL: all */
	struct thag_search *skip; /* NULL: none */
	unsigned min_lines;	  /* of a body; 0: any */
	bool lambdas;
};

struct thag_source {
	const char *path; /* a real path, or what stands for one */
	const char *bytes;
	size_t count;
	const struct thag_arguments *arguments;
	enum thag_language language;
	bool is_c_header; /* which may be included in C, too */
};

/** What became of a source, and of each of its functions; all zero is valid and empty. */
struct thag_plan {
	struct thag_edits edits;   /* in order; none: the source stays as it is */
	struct thag_bodies bodies; /* skip: why there is no new mark; NULL: there is one */
	size_t marks;
	const char *why_not; /* why the source as a whole can't be changed, or NULL */
};

void thag_plan_fini(struct thag_plan *plan);

/**
 * Plans marks for the source's functions. 0; -ENOMEM; -EINVAL with `why_not` set when nothing can
 * be done; or -EILSEQ when what was planned could not be taken back.
 */
int thag_instrument_plan(struct thag_plan *plan, const struct thag_source *source,
			 const struct thag_instrument_wishes *wishes);

/** Whether taking marks out of the source as planned gives what taking them out of it now does. */
int thag_instrument_verify(const struct thag_edits *edits, const char *source, size_t bytes);

#endif
