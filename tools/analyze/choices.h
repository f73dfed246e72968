/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was chosen last, kept from one run to the next in $XDG_CONFIG_HOME/thag/analyze.json.
 *
 * Thread: owner. Allocates.
 */
#ifndef THAG_ANALYZE_CHOICES_H
#define THAG_ANALYZE_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAG_CHOICES_FILTERS_MAX 16

/** What a filter does: options of the commands, see thag-filters(7). */
enum thag_filter_kind {
	THAG_FILTER_ONLY,
	THAG_FILTER_WITHOUT,
	THAG_FILTER_WITHOUT_OWN,
	THAG_FILTER_HIDE,
	THAG_FILTER_AT_LEAST,
	THAG_FILTER_COLLAPSE,
	THAG_FILTER_KINDS
};

struct thag_filter {
	enum thag_filter_kind kind;
	char *value; /* "" of those without one */
};

/** Words are those of the commands' options; NULL: the default. */
struct thag_choices {
	char *directory; /* that was looked at last */
	char *palette, *theme, *type;
	char *sort, *diff_sort;
	struct thag_filter filters[THAG_CHOICES_FILTERS_MAX];
	size_t filter_count;
	uint32_t menu; /* item of the first menu */
	bool stacks, normalise;
	bool keeps_pictures; /* beside the profile, not where the next boot drops them */
};

void thag_choices_fini(struct thag_choices *choices);

/** The option of a filter, "--only". */
const char *thag_filter_option(enum thag_filter_kind kind);

/** Whether it has a value. */
bool thag_filter_has_value(enum thag_filter_kind kind);

/** Makes `*field` a copy of `word`. 0 or -ENOMEM with nothing changed. */
int thag_choices_set(char **field, const char *word);

/** 0, -ENOMEM, or -E2BIG when there are as many as can be. */
int thag_choices_add_filter(struct thag_choices *choices, enum thag_filter_kind kind,
			    const char *value);
void thag_choices_drop_filter(struct thag_choices *choices, size_t index);

/** The file's path, for the caller to free; NULL: there is no home, or no memory. */
char *thag_choices_path(void);

/**
 * Reads them into `choices`, all zero before. 0, also when there is no such file; -EBADMSG when it
 * isn't what was written, with those of its values taken that make sense; or a negative errno.
 */
int thag_choices_load(struct thag_choices *choices, const char *path);

/** Writes them, whole or not at all, with the directories above. 0 or a negative errno. */
int thag_choices_save(const struct thag_choices *choices, const char *path);

#endif
