/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "marks.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define LINES_LOOKED_AT 64 /* for what a body is indented by */
#define MARK_BYTES_MAX 96

static bool starts_with(const char *source, size_t bytes, size_t at, const char *text)
{
	size_t length = strlen(text);

	return at <= bytes && bytes - at >= length && memcmp(source + at, text, length) == 0;
}

bool thag_marks_is_thag(const char *source, const struct thag_token *token)
{
	const char *word = source + token->at;

	return token->kind == THAG_TOKEN_WORD &&
	       ((token->bytes > 5 &&
		 (memcmp(word, "THAG_", 5) == 0 || memcmp(word, "thag_", 5) == 0)) ||
		thag_token_is(source, token, "thag"));
}

bool thag_marks_is_header(const char *source, const struct thag_token *token)
{
	return token->kind == THAG_TOKEN_HEADER && (thag_token_is(source, token, "<thag.h>") ||
						    thag_token_is(source, token, "<thag.hpp>") ||
						    thag_token_is(source, token, "\"thag.h\"") ||
						    thag_token_is(source, token, "\"thag.hpp\""));
}

enum thag_marks_include thag_marks_include_at(const char *source, size_t bytes, size_t at,
					      size_t *note_at)
{
	static const char *const lines[] = { "#include <thag.h>", "#include <thag.hpp>" };
	enum thag_marks_include kind = THAG_MARKS_NO_INCLUDE;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t end = at + strlen(lines[i]);

		if (!starts_with(source, bytes, at, lines[i]))
			continue;
		*note_at = end;
		if (starts_with(source, bytes, end, THAG_MARKS_ALL_NOTE)) {
			kind = THAG_MARKS_ALL_INCLUDE;
			end += strlen(THAG_MARKS_ALL_NOTE);
		} else if (starts_with(source, bytes, end, THAG_MARKS_NOTE)) {
			kind = THAG_MARKS_INCLUDE;
			end += strlen(THAG_MARKS_NOTE);
		}
		if (end == bytes || thag_scan_line_end(source, bytes, end))
			return kind;
	}
	return THAG_MARKS_NO_INCLUDE;
}

size_t thag_marks_length(const char *source, size_t bytes, size_t at)
{
	char text[MARK_BYTES_MAX];

	if (starts_with(source, bytes, at, "THAG_PROFILED();"))
		return strlen("THAG_PROFILED();");
	for (size_t i = 0; thag_words_modes[i]; i++) {
		snprintf(text, sizeof(text), "THAG_ENABLE_PROFILING(%s);", thag_words_modes[i]);
		if (starts_with(source, bytes, at, text))
			return strlen(text);
	}
	return 0;
}

/** Whether the word at `at` is of a mark that carries the tool's label. */
static bool is_labelled(const char *source, size_t bytes, size_t at)
{
	size_t length = thag_marks_length(source, bytes, at);

	return length && starts_with(source, bytes, at + length, THAG_MARKS_NOTE);
}

void thag_marks_find(struct thag_marks *marks, const char *source, size_t bytes)
{
	struct thag_scan scan;
	struct thag_token token;
	size_t line_at = 0, note_at, ours_at = SIZE_MAX;
	bool foreign = false, marked = false;

	*marks = (struct thag_marks){ .include_at = SIZE_MAX };
	thag_scan_begin(&scan, source, bytes, 0);
	line_at = scan.at;
	for (thag_scan_next(&scan, &token); token.kind != THAG_TOKEN_END;
	     thag_scan_next(&scan, &token)) {
		if (token.kind == THAG_TOKEN_LINE)
			line_at = token.at + token.bytes;
		if (token.kind == THAG_TOKEN_HASH && token.at == line_at) {
			enum thag_marks_include kind =
				thag_marks_include_at(source, bytes, token.at, &note_at);

			marks->all = marks->all || kind == THAG_MARKS_ALL_INCLUDE;
			if (kind != THAG_MARKS_NO_INCLUDE)
				ours_at = line_at;
			if (ours_at == line_at && marks->include_at == SIZE_MAX)
				marks->include_at = line_at;
		}
		if (thag_marks_is_header(source, &token) && ours_at != line_at)
			foreign = true;
		/* a label without its mark: one that came before it would seem labelled */
		if (token.kind == THAG_TOKEN_NOTE &&
		    thag_token_is(source, &token, &THAG_MARKS_NOTE[1]))
			marked = true;
		if (thag_marks_is_thag(source, &token)) {
			marked = true;
			foreign = foreign || !is_labelled(source, bytes, token.at);
		}
	}
	/* without that include, labelled marks are a sign that there was something before them */
	marks->foreign = !marks->all && (foreign || marked || ours_at != SIZE_MAX);
}

/** The blanks that the line of `at` begins with. */
static size_t line_indent(const char *source, size_t at, size_t *line_at)
{
	size_t start = at, end;

	while (start > 0 && source[start - 1] != '\n' && source[start - 1] != '\r')
		start--;
	if (start == 0 && memcmp(source, "\xef\xbb\xbf", at < 3 ? at : 3) == 0 && at >= 3)
		start = 3;
	end = start;
	while (end < at && (source[end] == ' ' || source[end] == '\t'))
		end++;
	*line_at = start;
	return end - start;
}

/** Appends what the body whose first line begins at `at` is indented by, or would be. */
static int append_indent(struct thag_buffer *text, const char *source, size_t bytes, size_t brace,
			 size_t at)
{
	size_t line_at, outer;

	for (int lines = 0; lines < LINES_LOOKED_AT && at < bytes; lines++) {
		size_t end = at;

		while (end < bytes && (source[end] == ' ' || source[end] == '\t'))
			end++;
		if (end < bytes && end > at && !memchr("#}\r\n", source[end], 4))
			return thag_buffer_append(text, source + at, end - at);
		if (end < bytes && source[end] == '}')
			break;
		while (end < bytes && !thag_scan_line_end(source, bytes, end))
			end++;
		at = end + thag_scan_line_end(source, bytes, end);
	}
	outer = line_indent(source, brace, &line_at);
	if (outer && thag_buffer_append(text, source + line_at, outer))
		return -1;
	if (outer && source[line_at + outer - 1] == ' ')
		return thag_buffer_append(text, "    ", 4);
	return thag_buffer_append(text, "\t", 1);
}

/** Whether a comment leaves the end of its line an end of a line, to every compiler. */
static bool is_plain_note(const char *source, const struct thag_token *note)
{
	const char *text = source + note->at;

	if (memchr(text, '\n', note->bytes) || memchr(text, '\r', note->bytes))
		return false;
	/* a trigraph for a backslash */
	return note->bytes < 3 || memcmp(text + note->bytes - 3,
					 "?"
					 "?/",
					 3) != 0;
}

/** Where the line behind that of the brace begins, if that has nothing but comments; or 0. */
static size_t next_line(const char *source, size_t bytes, size_t after)
{
	struct thag_scan scan;
	struct thag_token token;

	thag_scan_begin(&scan, source, bytes, after);
	do
		thag_scan_next(&scan, &token);
	while (token.kind == THAG_TOKEN_NOTE && is_plain_note(source, &token));
	if (token.kind != THAG_TOKEN_LINE || source[token.at + token.bytes - 1] != '\n')
		return 0;
	return token.at + token.bytes;
}

int thag_marks_add(struct thag_edits *edits, const char *source, size_t bytes, size_t at,
		   const char *mode, bool labelled)
{
	size_t after = at + (source[at] == '<' ? 2 : 1);
	size_t line_at = next_line(source, bytes, after);
	struct thag_buffer text = { 0 };
	char mark[MARK_BYTES_MAX];
	int ret;

	if (mode)
		snprintf(mark, sizeof(mark), "THAG_ENABLE_PROFILING(%s);", mode);
	else
		snprintf(mark, sizeof(mark), "THAG_PROFILED();");
	ret = line_at ? append_indent(&text, source, bytes, at, line_at)
		      : thag_buffer_append(&text, " ", 1);
	if (!ret)
		ret = thag_buffer_append(&text, mark, strlen(mark));
	if (!ret && labelled)
		ret = thag_buffer_append(&text, THAG_MARKS_NOTE, strlen(THAG_MARKS_NOTE));
	if (!ret && line_at && source[line_at - 2] == '\r')
		ret = thag_buffer_append(&text, "\r", 1);
	if (!ret && line_at)
		ret = thag_buffer_append(&text, "\n", 1);
	if (!ret)
		ret = thag_edits_add(edits, line_at ? line_at : after, 0, (char *)text.data,
				     text.bytes);
	thag_buffer_fini(&text);
	return ret;
}

/** \r\n or \n, as the line before `at`, or the source's first. */
static const char *line_end_at(const char *source, size_t bytes, size_t at)
{
	const char *first;

	if (at >= 2 && source[at - 1] == '\n')
		return source[at - 2] == '\r' ? "\r\n" : "\n";
	first = bytes ? memchr(source, '\n', bytes) : NULL;
	return first && first > source && first[-1] == '\r' ? "\r\n" : "\n";
}

int thag_marks_add_include(struct thag_edits *edits, const char *source, size_t bytes, size_t at,
			   const char *header, bool labelled)
{
	char line[MARK_BYTES_MAX];

	snprintf(line, sizeof(line), "#include <%s>%s%s", header,
		 labelled ? THAG_MARKS_NOTE : THAG_MARKS_ALL_NOTE, line_end_at(source, bytes, at));
	return thag_edits_add(edits, at, 0, line, strlen(line));
}
