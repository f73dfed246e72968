/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "remove.h"

#include <string.h>

#include "marks.h"
#include "scan.h"

struct removal {
	const char *source;
	size_t bytes;
	struct thag_scan scan;
	struct thag_edits *edits;
	struct thag_removed removed;
	size_t line_at; /* where the line of the scan begins; after a splice it is still that line
			 */
	bool all;	/* unlabelled marks are the tool's, too */
	bool every;
};

/** How long a mark made by hand is, up to its semicolon; 0: it is no such statement. */
static size_t statement_length(const struct removal *removal, size_t at)
{
	struct thag_scan scan;
	struct thag_token token;

	thag_scan_begin(&scan, removal->source, removal->bytes, at);
	thag_scan_next_code(&scan, &token);
	thag_scan_next_code(&scan, &token);
	if (!thag_token_is(removal->source, &token, "("))
		return 0;
	thag_scan_next_code(&scan, &token);
	if (token.kind == THAG_TOKEN_WORD)
		thag_scan_next_code(&scan, &token);
	if (!thag_token_is(removal->source, &token, ")"))
		return 0;
	thag_scan_next_code(&scan, &token);
	return thag_token_is(removal->source, &token, ";") ? scan.at - at : 0;
}

/** How many bytes of a mark at `at` are to go; 0: it stays. */
static size_t length_to_go(const struct removal *removal, size_t at)
{
	size_t length = thag_marks_length(removal->source, removal->bytes, at);
	size_t note = strlen(THAG_MARKS_NOTE);

	if (length && removal->bytes - at - length >= note &&
	    memcmp(removal->source + at + length, THAG_MARKS_NOTE, note) == 0)
		return length + note;
	if (removal->every)
		return statement_length(removal, at);
	return removal->all ? length : 0;
}

static bool is_blank_between(const char *source, size_t from, size_t to)
{
	while (from < to && (source[from] == ' ' || source[from] == '\t'))
		from++;
	return from == to;
}

static bool is_behind_brace(const char *source, size_t at)
{
	return at >= 2 && source[at - 1] == ' ' &&
	       (source[at - 2] == '{' ||
		(at >= 3 && source[at - 2] == '%' && source[at - 3] == '<'));
}

static int take_mark(struct removal *removal, const struct thag_token *word)
{
	const char *source = removal->source;
	size_t length = length_to_go(removal, word->at), from = word->at, to = from + length;
	size_t line_end = thag_scan_line_end(source, removal->bytes, to);
	bool alone = length && line_end && is_blank_between(source, removal->line_at, from);

	if (alone) {
		from = removal->line_at;
		to += line_end;
	} else if (length && is_behind_brace(source, from)) {
		from--;
	} else if (!length || !removal->every) {
		removal->removed.kept++;
		return 0;
	}
	removal->removed.marks++;
	/* the mark's own words are read no more */
	thag_scan_begin(&removal->scan, source, removal->bytes, to);
	removal->scan.line_begins = alone;
	if (alone)
		removal->line_at = to;
	return thag_edits_add(removal->edits, from, to - from, NULL, 0);
}

static bool is_mark(const char *source, const struct thag_token *token)
{
	return token->kind == THAG_TOKEN_WORD && !token->in_directive &&
	       (thag_token_is(source, token, "THAG_PROFILED") ||
		thag_token_is(source, token, "THAG_ENABLE_PROFILING"));
}

static int take_marks(struct removal *removal)
{
	struct thag_token token;
	int ret = 0;

	thag_scan_begin(&removal->scan, removal->source, removal->bytes, 0);
	removal->line_at = removal->scan.at;
	thag_scan_next(&removal->scan, &token);
	while (!ret && token.kind != THAG_TOKEN_END) {
		if (token.kind == THAG_TOKEN_LINE)
			removal->line_at = token.at + token.bytes;
		if (is_mark(removal->source, &token))
			ret = take_mark(removal, &token);
		else if (thag_marks_is_thag(removal->source, &token))
			removal->removed.kept++;
		thag_scan_next(&removal->scan, &token);
	}
	return ret;
}

/** The include on the line at `at`, the tool's or, as far as that is wanted, any. */
static int take_include(struct removal *removal, size_t at, bool is_hash_first)
{
	size_t note_at = 0, end = at;
	enum thag_marks_include kind = THAG_MARKS_NO_INCLUDE;

	if (is_hash_first)
		kind = thag_marks_include_at(removal->source, removal->bytes, at, &note_at);
	if (kind == THAG_MARKS_ALL_INCLUDE && removal->removed.kept)
		return thag_edits_add(removal->edits, note_at, strlen(THAG_MARKS_ALL_NOTE), NULL,
				      0);
	if (kind == THAG_MARKS_NO_INCLUDE && (!removal->every || removal->removed.kept))
		return 0;
	while (end < removal->bytes && !thag_scan_line_end(removal->source, removal->bytes, end))
		end++;
	end += thag_scan_line_end(removal->source, removal->bytes, end);
	return thag_edits_add(removal->edits, at, end - at, NULL, 0);
}

/** After the marks: what stays decides on the includes. */
static int take_includes(struct removal *removal)
{
	struct thag_token token;
	struct thag_scan *scan = &removal->scan;
	size_t line_at, hash_at = 0;
	int ret = 0;

	thag_scan_begin(scan, removal->source, removal->bytes, 0);
	line_at = scan->at;
	thag_scan_next(scan, &token);
	while (!ret && token.kind != THAG_TOKEN_END) {
		if (token.kind == THAG_TOKEN_LINE)
			line_at = token.at + token.bytes;
		if (token.kind == THAG_TOKEN_HASH)
			hash_at = token.at;
		if (thag_marks_is_header(removal->source, &token))
			ret = take_include(removal, line_at, hash_at == line_at);
		thag_scan_next(scan, &token);
	}
	return ret;
}

int thag_remove_plan(struct thag_edits *edits, const char *source, size_t bytes, bool every,
		     struct thag_removed *removed)
{
	struct removal removal = {
		.source = source, .bytes = bytes, .edits = edits, .every = every
	};
	struct thag_marks marks;
	int ret;

	thag_marks_find(&marks, source, bytes);
	removal.all = marks.all;
	ret = take_marks(&removal);
	if (!ret)
		ret = take_includes(&removal);
	if (ret)
		return ret;
	thag_edits_sort(edits);
	*removed = removal.removed;
	return 0;
}
