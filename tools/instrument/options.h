/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the command line of `thag instrument` and `thag remove` asks for.
 *
 * Thread: main.
 */
#ifndef THAG_INSTRUMENT_OPTIONS_H
#define THAG_INSTRUMENT_OPTIONS_H

#include <stdbool.h>

#include "../command.h"
#include "instrument.h"
#include "words.h"

extern const struct thag_command thag_instrument_command;
extern const struct thag_command thag_remove_command;

struct thag_globs {
	char **list; /* of argv */
	unsigned count;
};

struct thag_options {
	const struct thag_command *command; /* the one of the two */
	bool remove;
	bool every; /* marks made by hand, too */
	bool in_place;
	bool diff;
	bool check;
	bool headers;
	bool report;
	bool json;
	bool quiet;
	const char *backup; /* what is put behind a name; NULL: none is kept */
	const char *build;
	enum thag_language language;
	struct thag_instrument_wishes wishes;
	struct thag_globs path, exclude;
	char **files;
	int file_count;
	char **flags; /* of the compiler */
	int flag_count;
};

/** Reads the words: -1 to go on, or the status to exit with. */
int thag_options_parse(struct thag_options *options, int argc, char **argv);

void thag_options_fini(struct thag_options *options);

#endif
