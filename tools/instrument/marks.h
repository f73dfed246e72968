/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What `thag instrument` writes into a source, so that `thag remove` knows it again.
 *
 * The include says which marks are the tool's. Where the source had nothing of thag in it, all are:
 *
 *     #include <thag.h> / * thag instrument: all marks * /
 *     …
 *             THAG_PROFILED();
 *
 * Where it had (a mark made by hand, a section, the include), each of the tool's is labelled, and
 * what was there stays:
 *
 *             THAG_PROFILED(); / * thag instrument * /
 *
 * A mark is a line of its own behind the line of the opening brace; where more than a comment
 * follows the brace on its line, it stands right behind the brace, after one space.
 *
 * Thread: any. The adding functions allocate: 0 or -ENOMEM.
 */
#ifndef THAG_INSTRUMENT_MARKS_H
#define THAG_INSTRUMENT_MARKS_H

#include <stdbool.h>
#include <stddef.h>

#include "edits.h"
#include "scan.h"

#define THAG_MARKS_ALL_NOTE " /* thag instrument: all marks */"
#define THAG_MARKS_NOTE " /* thag instrument */"

/** What of thag a source has in it. */
struct thag_marks {
	bool all;     /* the tool's include, which says that all marks are its */
	bool foreign; /* words and includes that the tool didn't write, as far as can be seen */
	size_t include_at; /* of the first include of the tool's; SIZE_MAX: there is none */
};

/** What kind of include of the tool's a line is. */
enum thag_marks_include { THAG_MARKS_NO_INCLUDE, THAG_MARKS_INCLUDE, THAG_MARKS_ALL_INCLUDE };

/** Looks a source through. */
void thag_marks_find(struct thag_marks *marks, const char *source, size_t bytes);

/** Whether the line at `at` is an include of the tool's, to its end; sets where its note is. */
enum thag_marks_include thag_marks_include_at(const char *source, size_t bytes, size_t at,
					      size_t *note_at);

/** Whether `token` is a word that only a source with something of thag in it has. */
bool thag_marks_is_thag(const char *source, const struct thag_token *token);

/** Whether `token` is the name, in <> or "", of a header of thag's that defines the marks. */
bool thag_marks_is_header(const char *source, const struct thag_token *token);

/** How long the mark at `at` is, without a label; 0: none, or not as the tool writes it. */
size_t thag_marks_length(const char *source, size_t bytes, size_t at);

/** Adds the mark of the body that opens at `at`; `mode`: the kind of main's, or NULL. */
int thag_marks_add(struct thag_edits *edits, const char *source, size_t bytes, size_t at,
		   const char *mode, bool labelled);

/** Adds the include of `header` at `at`, where a line begins. */
int thag_marks_add_include(struct thag_edits *edits, const char *source, size_t bytes, size_t at,
			   const char *header, bool labelled);

#endif
