/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How a command looks at a source: the options that all such commands have, and what they leave of
 * a profile.
 *
 * Thread: any.
 */
#ifndef THAG_LOOK_H
#define THAG_LOOK_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "source.h"

#define THAG_LOOK_PATTERNS_MAX 64

/** Values of the options, beyond characters. */
enum thag_look_option {
	THAG_LOOK_FIRST = 0x1000,
	THAG_LOOK_METRIC = THAG_LOOK_FIRST,
	THAG_LOOK_BY,
	THAG_LOOK_THREAD,
	THAG_LOOK_FROM,
	THAG_LOOK_TO,
	THAG_LOOK_RAW,
	THAG_LOOK_STRICT,
	THAG_LOOK_ONLY,
	THAG_LOOK_WITHOUT,
	THAG_LOOK_WITHOUT_OWN,
	THAG_LOOK_HIDE,
	THAG_LOOK_AT_LEAST,
	THAG_LOOK_COLLAPSE,
	THAG_LOOK_LAST = THAG_LOOK_COLLAPSE,
};

/** For the array that getopt_long takes. */
#define THAG_LOOK_OPTIONS \
	{ "metric", required_argument, NULL, THAG_LOOK_METRIC }, \
		{ "by", required_argument, NULL, THAG_LOOK_BY }, \
		{ "thread", required_argument, NULL, THAG_LOOK_THREAD }, \
		{ "from", required_argument, NULL, THAG_LOOK_FROM }, \
		{ "to", required_argument, NULL, THAG_LOOK_TO }, \
		{ "raw", no_argument, NULL, THAG_LOOK_RAW }, \
		{ "strict", no_argument, NULL, THAG_LOOK_STRICT }, \
		{ "only", required_argument, NULL, THAG_LOOK_ONLY }, \
		{ "without", required_argument, NULL, THAG_LOOK_WITHOUT }, \
		{ "without-own", required_argument, NULL, THAG_LOOK_WITHOUT_OWN }, \
		{ "hide", required_argument, NULL, THAG_LOOK_HIDE }, \
		{ "at-least", required_argument, NULL, THAG_LOOK_AT_LEAST }, \
	{ \
		"collapse", no_argument, NULL, THAG_LOOK_COLLAPSE \
	}

/** What each command's help says of them. */
#define THAG_LOOK_HELP \
	"What of it:\n" \
	"  --only F, --without F, --without-own F, --hide F, --at-least N, --collapse\n" \
	"  --metric M, --by calls|traces, --thread TID, --from S, --to S, --raw, --strict\n" \
	"  F: a function's name, or /REGEX/. See thag-filters(7).\n"

/** All zero looks at everything. */
struct thag_look {
	struct thag_source_query query;
	struct {
		const char *text;
		unsigned fate; /* enum thag_sieve_fate */
	} patterns[THAG_LOOK_PATTERNS_MAX];
	uint32_t pattern_count;
	uint64_t at_least;
	bool collapse;
	bool quiet; /* about patterns that no function matches */
};

/** Whether an option that getopt_long found is one of these. */
static inline bool thag_look_has(int option)
{
	return option >= THAG_LOOK_FIRST && option <= THAG_LOOK_LAST;
}

/**
 * Takes such an option and its value, which must stay. -1 to go on, or the status to exit with
 * after one line for `command`.
 */
int thag_look_take(const struct thag_command *command, struct thag_look *look, int option,
		   const char *value);

/** Whether all options together make sense; likewise. */
int thag_look_check(const struct thag_command *command, const struct thag_look *look);

/** Whether they leave anything out of a source. */
bool thag_look_leaves_out(const struct thag_look *look);

/**
 * Loads what `input` names, and leaves of it what the options do. As thag_source_load. A pattern
 * that no function matches is said, and no error.
 */
int thag_look_load(const struct thag_command *command, const char *input,
		   const struct thag_look *look, struct thag_source *out);

/** The patterns of `look`, to be asked about functions one by one. */
struct thag_look_judge;

/** THAG_EXIT_OK with `*out`, or the status to exit with after one line for `command`. */
int thag_look_judge_create(const struct thag_command *command, const struct thag_look *look,
			   struct thag_look_judge **out);

/** What becomes of a function, of enum thag_sieve_fate; `judge` is a thag_look_judge. */
unsigned thag_look_judge_ask(void *judge, const char *name, size_t bytes);

/** Whether stacks must hold a function. */
bool thag_look_judge_seeks(const struct thag_look_judge *judge);

/** Says which patterns no function matched. */
void thag_look_judge_tell(const struct thag_look_judge *judge);

void thag_look_judge_destroy(struct thag_look_judge *judge);

#endif
