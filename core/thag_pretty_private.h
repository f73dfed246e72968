/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the two halves of thag_pretty share: declarators (thag_pretty.c), types (…_type.c). */
#ifndef THAG_PRETTY_PRIVATE_H
#define THAG_PRETTY_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#define PRETTY_NESTING_MAX 48
#define PRETTY_BINDINGS_MAX 32

/** Bytes of the name, borrowed. */
struct pretty_text {
	const char *at;
	size_t bytes;
};

/** What a template parameter stands for: `[with T = int]` of gcc, `[T = int]` of clang. */
struct pretty_binding {
	struct pretty_text name;
	struct pretty_text value; /* readable already */
	bool used;		  /* said elsewhere in the name */
};

struct pretty {
	char *out;
	size_t used, size;
	bool failed;	  /* makes no sense, or found no room: what was written is worth nothing */
	bool substitutes; /* names of template parameters in types are replaced: gcc's */
	unsigned nesting;
	size_t binding_count;
	struct pretty_binding bindings[PRETTY_BINDINGS_MAX];
};

/** Letters, digits, _, $ and what isn't ASCII. */
bool thag_pretty_is_word(char c);

/** Whether `text` begins with `with` at `at`. */
bool thag_pretty_starts(struct pretty_text text, size_t at, const char *with);

/** Bytes of the identifier at `at`, maybe 0. */
size_t thag_pretty_word(struct pretty_text text, size_t at);

/**
 * The end of the group that the bracket or quote at `at` begins, past its last byte. Brackets
 * nest; `<` and `>` between parentheses may be signs of comparison. 0 when it has no end.
 */
size_t thag_pretty_group(struct pretty_text text, size_t at);

void thag_pretty_put(struct pretty *pretty, const char *bytes, size_t count);
void thag_pretty_say(struct pretty *pretty, const char *text);

/** Writes a list of types or values, separated by commas, each in the form both compilers share. */
void thag_pretty_types(struct pretty *pretty, struct pretty_text list);

#endif
