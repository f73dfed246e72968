/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What `thag instrument` and `thag remove` say of what they did: lines on stderr, JSON on stdout,
 * and how far they are.
 *
 * Thread: main.
 */
#ifndef THAG_INSTRUMENT_REPORT_H
#define THAG_INSTRUMENT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "bodies.h"
#include "options.h"

struct thag_report {
	const struct thag_options *options;
	json_t *files; /* NULL unless they are wanted */
	struct timespec start;
	size_t file_count; /* of all */
	size_t done;
	size_t changed;
	size_t failed;
	size_t marks;
	size_t unmarked;
	bool progress; /* a line of it is on the terminal */
};

/** One source, and what became of it. */
struct thag_report_file {
	const char *path;
	bool changed;
	size_t marks;			  /* added, or taken out */
	size_t kept;			  /* by thag remove */
	const struct thag_bodies *bodies; /* NULL: not looked for */
};

void thag_report_begin(struct thag_report *report, const struct thag_options *options,
		       size_t file_count);

/** Before a file: shows how far it is, on a terminal, once a second has passed. */
void thag_report_progress(struct thag_report *report);

/** Says why a file, or what is called so, can't be done; counts it as failed. */
void thag_report_failure(struct thag_report *report, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void thag_report_file(struct thag_report *report, const struct thag_report_file *file);

/** Prints the summary and the JSON. Returns the status to exit with. */
int thag_report_end(struct thag_report *report);

#endif
