/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tokens of a C or C++ source, as bytes: what is code, and what is a comment, a literal or a
 * directive. Nothing is expanded and no condition is evaluated, so every byte of the file is seen,
 * whatever it is compiled with.
 *
 * Any bytes are a source. Between the tokens that are yielded there are only blanks, NUL bytes and
 * line splices. Raw strings, digit separators and digraphs are known in both languages; trigraphs
 * aren't. A quoted literal ends at the end of its line at the latest.
 *
 * Thread: any. Allocates nothing.
 */
#ifndef THAG_INSTRUMENT_SCAN_H
#define THAG_INSTRUMENT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum thag_token_kind {
	THAG_TOKEN_END,	   /* of the source; no bytes */
	THAG_TOKEN_LINE,   /* the end of a logical line: \n, \r\n or \r */
	THAG_TOKEN_NOTE,   /* a comment, without the line end behind `//` */
	THAG_TOKEN_WORD,   /* an identifier or keyword; bytes above 127 belong to it */
	THAG_TOKEN_NUMBER, /* a preprocessing number */
	THAG_TOKEN_TEXT,   /* a string or character literal, with its prefix */
	THAG_TOKEN_HEADER, /* <…> or "…" behind #include */
	THAG_TOKEN_OPEN,   /* { or <% */
	THAG_TOKEN_CLOSE,  /* } or %> */
	THAG_TOKEN_HASH,   /* the # or %: that begins a directive */
	THAG_TOKEN_OTHER,  /* any other byte */
};

struct thag_token {
	enum thag_token_kind kind;
	size_t at;
	size_t bytes;
	bool in_directive; /* from its # to the end of its line, that included */
};

/** Where a scan is. A copy of it goes on from there by itself. */
struct thag_scan {
	const char *source;
	size_t bytes;
	size_t at;
	bool line_begins; /* nothing but blanks and comments since the line began */
	bool in_directive;
	bool header_next; /* behind #include */
	bool name_next;	  /* behind # */
};

/** Begins at `at`: the start, or where a token of the same source ends, in no directive. */
void thag_scan_begin(struct thag_scan *scan, const char *source, size_t bytes, size_t at);

/** Writes the next token; at the end THAG_TOKEN_END, each time. */
void thag_scan_next(struct thag_scan *scan, struct thag_token *token);

/** Writes the next token of the code itself: no comment, no line end, no directive. */
void thag_scan_next_code(struct thag_scan *scan, struct thag_token *token);

/** Whether a token is spelled as `text`. */
bool thag_token_is(const char *source, const struct thag_token *token, const char *text);

/** How long the line end at `at` is: 0 when there is none, or 1, or 2 for \r\n. */
size_t thag_scan_line_end(const char *source, size_t bytes, size_t at);

#endif
