/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "scan.h"

#define NONE SIZE_MAX

/** A group of #if that is open; the first stands for the file. */
struct group {
	size_t after_include; /* the last place in it, or NONE */
	bool has_include;
	bool has_thag; /* an include of thag's, in the group itself */
	bool divided;  /* it has an #else */
};

struct search {
	const char *source;
	size_t bytes;
	size_t first, last;
	struct thag_scan scan;
	struct group *groups;
	size_t depth; /* of the innermost group */
	size_t capacity;
	size_t common;	/* how many groups from the outermost on all functions are in */
	size_t braces;	/* open */
	bool functions; /* the first function was reached */
	char before;	/* the last byte of code */
};

static int open_group(struct search *search)
{
	if (search->depth + 1 == search->capacity) {
		size_t capacity = search->capacity * 2;
		struct group *groups =
			reallocarray(search->groups, capacity, sizeof(search->groups[0]));

		if (!groups)
			return -ENOMEM;
		search->groups = groups;
		search->capacity = capacity;
	}
	search->groups[++search->depth] = (struct group){ .after_include = NONE };
	return 0;
}

/** The innermost group isn't common to all functions any more. */
static void part(struct search *search)
{
	if (search->functions && search->common >= search->depth)
		search->common = search->depth - 1;
}

static int divide_group(struct search *search)
{
	struct group *group = &search->groups[search->depth];

	if (!search->depth)
		return -EINVAL;
	part(search);
	group->divided = true;
	group->after_include = NONE;
	return 0;
}

static int close_group(struct search *search, size_t line_end)
{
	struct group *group = &search->groups[search->depth];

	if (!search->depth)
		return -EINVAL;
	part(search);
	search->depth--;
	if (!search->functions && group->has_include && !search->braces) {
		search->groups[search->depth].after_include = line_end;
		search->groups[search->depth].has_include = true;
	}
	return 0;
}

static void note_include(struct search *search, size_t line_end, bool thag)
{
	struct group *group = &search->groups[search->depth];

	if (search->functions)
		return;
	group->has_include = true;
	if (!search->braces) {
		group->after_include = line_end;
		group->has_thag = group->has_thag || thag;
	}
}

/** Reads a directive from behind its # on, and leaves the scan behind its line. */
static int take_directive(struct search *search)
{
	struct thag_token token, name;
	const char *source = search->source;
	bool thag = false;

	do
		thag_scan_next(&search->scan, &name);
	while (name.kind == THAG_TOKEN_NOTE);
	for (token = name; token.kind != THAG_TOKEN_LINE && token.kind != THAG_TOKEN_END;
	     thag_scan_next(&search->scan, &token))
		thag = thag || thag_marks_is_header(source, &token);
	if (thag_token_is(source, &name, "if") || thag_token_is(source, &name, "ifdef") ||
	    thag_token_is(source, &name, "ifndef"))
		return open_group(search);
	if (name.bytes > 2 && memcmp(source + name.at, "el", 2) == 0)
		return divide_group(search);
	if (thag_token_is(source, &name, "endif"))
		return close_group(search, search->scan.at);
	if (thag_token_is(source, &name, "include") || thag_token_is(source, &name, "include_next"))
		note_include(search, search->scan.at, thag);
	return 0;
}

/** From here on groups that close, or have an #else, part functions. */
static void reach_functions(struct search *search)
{
	search->functions = true;
	search->common = 0;
	while (search->common < search->depth && !search->groups[search->common + 1].divided)
		search->common++;
}

static void take_code(struct search *search, const struct thag_token *token)
{
	if (token->kind == THAG_TOKEN_OPEN) {
		/* a function that isn't compiled here, as far as that can be seen */
		bool function = !search->braces && search->before == ')';

		if (!search->functions && (function || token->at >= search->first))
			reach_functions(search);
		search->braces++;
	}
	if (token->kind == THAG_TOKEN_CLOSE && search->braces)
		search->braces--;
	search->before = search->source[token->at];
}

static int walk(struct search *search)
{
	struct thag_token token;
	int ret = 0;

	thag_scan_begin(&search->scan, search->source, search->bytes, 0);
	do {
		thag_scan_next(&search->scan, &token);
		if (token.kind == THAG_TOKEN_HASH)
			ret = take_directive(search);
		else if (token.kind != THAG_TOKEN_NOTE && token.kind != THAG_TOKEN_LINE)
			take_code(search, &token);
	} while (!ret && token.kind != THAG_TOKEN_END && token.at < search->last);
	return ret;
}

/** Whether the file may begin with the directive, before our include; leaves the scan behind it. */
static bool is_beginning(const struct search *search, struct thag_scan *scan, size_t *depth)
{
	static const char *const fine[] = { "define", "undef", NULL };
	const char *source = search->source;
	struct thag_token name, word, token;
	bool ok = false;

	thag_scan_next(scan, &name);
	thag_scan_next(scan, &word);
	for (token = word; token.kind != THAG_TOKEN_LINE && token.kind != THAG_TOKEN_END;)
		thag_scan_next(scan, &token);
	for (size_t i = 0; fine[i]; i++)
		ok = ok || thag_token_is(source, &name, fine[i]);
	ok = ok || (thag_token_is(source, &name, "pragma") && thag_token_is(source, &word, "once"));
	if (name.bytes >= 2 && memcmp(source + name.at, "if", 2) == 0)
		ok = ++*depth <= search->common;
	return ok && scan->at < search->first;
}

/** Behind what a file begins with. */
static size_t top(const struct search *search)
{
	struct thag_scan scan;
	struct thag_token token;
	size_t at, depth = 0;
	int lines = 0; /* ends of them since a comment: with two, it isn't the next thing's */

	thag_scan_begin(&scan, search->source, search->bytes, 0);
	at = scan.at;
	for (;;) {
		thag_scan_next(&scan, &token);
		if (token.kind == THAG_TOKEN_NOTE) {
			lines = 0;
		} else if (token.kind == THAG_TOKEN_LINE) {
			if (++lines == 2)
				at = scan.at;
		} else if (token.kind == THAG_TOKEN_HASH && is_beginning(search, &scan, &depth)) {
			at = scan.at;
			lines = 1;
		} else {
			return at;
		}
	}
}

static void choose(const struct search *search, struct thag_place *place)
{
	bool found = false;

	*place = (struct thag_place){ 0 };
	for (size_t i = 0; i <= search->common; i++) {
		const struct group *group = &search->groups[i];

		place->has_thag = place->has_thag || group->has_thag;
		if (group->after_include != NONE && group->after_include >= place->at) {
			place->at = group->after_include;
			found = true;
		}
	}
	if (!found)
		place->at = top(search);
}

int thag_place_find(struct thag_place *place, const char *source, size_t bytes, size_t first,
		    size_t last)
{
	struct search search = {
		.source = source, .bytes = bytes, .first = first, .last = last, .capacity = 16
	};
	int ret;

	search.groups = calloc(search.capacity, sizeof(search.groups[0]));
	if (!search.groups)
		return -ENOMEM;
	search.groups[0].after_include = NONE;
	ret = walk(&search);
	if (!ret && !search.functions)
		ret = -EINVAL;
	if (!ret)
		choose(&search, place);
	free(search.groups);
	return ret;
}
