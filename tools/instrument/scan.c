/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "scan.h"

#include <string.h>

#define RAW_DELIMITER_MAX 16

void thag_scan_begin(struct thag_scan *scan, const char *source, size_t bytes, size_t at)
{
	*scan = (struct thag_scan){
		.source = source, .bytes = bytes, .at = at, .line_begins = at == 0
	};
	if (at == 0 && bytes >= 3 && memcmp(source, "\xef\xbb\xbf", 3) == 0)
		scan->at = 3;
}

size_t thag_scan_line_end(const char *source, size_t bytes, size_t at)
{
	if (at >= bytes)
		return 0;
	if (source[at] == '\n')
		return 1;
	if (source[at] != '\r')
		return 0;
	return at + 1 < bytes && source[at + 1] == '\n' ? 2 : 1;
}

bool thag_token_is(const char *source, const struct thag_token *token, const char *text)
{
	return token->bytes == strlen(text) && memcmp(source + token->at, text, token->bytes) == 0;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\v' || byte == '\f' || byte == '\0';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_word(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
	       byte == '$' || is_digit(byte) || (unsigned char)byte >= 0x80;
}

static char byte_at(const struct thag_scan *scan, size_t at)
{
	return at < scan->bytes ? scan->source[at] : '\0';
}

/** How long the line splice at `at` is: a backslash, blanks and a line end; 0: there is none. */
static size_t splice_at(const struct thag_scan *scan, size_t at)
{
	size_t end = at + 1, line_end;

	if (byte_at(scan, at) != '\\')
		return 0;
	while (end < scan->bytes && is_blank(scan->source[end]))
		end++;
	line_end = thag_scan_line_end(scan->source, scan->bytes, end);
	return line_end ? end + line_end - at : 0;
}

/** The first place from `at` on that no splice begins at. */
static size_t past_splices(const struct thag_scan *scan, size_t at)
{
	size_t splice;

	while ((splice = splice_at(scan, at)) != 0)
		at += splice;
	return at;
}

/** The end of a literal that `quote`, at `at`, opens. */
static size_t quoted_end(const struct thag_scan *scan, size_t at, char quote)
{
	at++;
	while (at < scan->bytes) {
		size_t splice = splice_at(scan, at);

		if (splice) {
			at += splice;
			continue;
		}
		if (thag_scan_line_end(scan->source, scan->bytes, at))
			return at;
		if (scan->source[at] == quote)
			return at + 1;
		at++;
		if (scan->source[at - 1] == '\\') {
			at = past_splices(scan, at);
			if (at < scan->bytes && !thag_scan_line_end(scan->source, scan->bytes, at))
				at++;
		}
	}
	return scan->bytes;
}

/** The end of the raw string whose quote is at `at`, the source's if need be; 0: it is none. */
static size_t raw_end(const struct thag_scan *scan, size_t at)
{
	const char *delimiter = scan->source + at + 1;
	size_t length = 0;

	while (at + 1 + length < scan->bytes && delimiter[length] != '(') {
		if (length == RAW_DELIMITER_MAX || is_blank(delimiter[length]) ||
		    memchr("\\)\"\r\n", delimiter[length], 5))
			return 0;
		length++;
	}
	for (size_t end = at + 1 + length; end + length + 1 < scan->bytes; end++)
		if (scan->source[end] == ')' && scan->source[end + 1 + length] == '"' &&
		    memcmp(scan->source + end + 1, delimiter, length) == 0)
			return end + length + 2;
	return scan->bytes;
}

static size_t block_comment_end(const struct thag_scan *scan, size_t at)
{
	while (at < scan->bytes) {
		const char *star = memchr(scan->source + at, '*', scan->bytes - at);

		if (!star)
			break;
		at = past_splices(scan, (size_t)(star - scan->source) + 1);
		if (byte_at(scan, at) == '/' && at < scan->bytes)
			return at + 1;
	}
	return scan->bytes;
}

static size_t line_comment_end(const struct thag_scan *scan, size_t at)
{
	while (at < scan->bytes) {
		size_t splice = splice_at(scan, at);

		if (!splice && thag_scan_line_end(scan->source, scan->bytes, at))
			return at;
		at += splice ? splice : 1;
	}
	return scan->bytes;
}

/** The end of the comment at `at`; 0 when there is none. */
static size_t comment_end(const struct thag_scan *scan, size_t at)
{
	size_t second = past_splices(scan, at + 1);

	if (byte_at(scan, at) != '/')
		return 0;
	if (byte_at(scan, second) == '*')
		return block_comment_end(scan, second + 1);
	return byte_at(scan, second) == '/' ? line_comment_end(scan, second + 1) : 0;
}

static size_t word_end(const struct thag_scan *scan, size_t at)
{
	size_t next = at;

	while (next < scan->bytes && is_word(scan->source[next])) {
		at = next + 1;
		next = past_splices(scan, at);
	}
	return at;
}

/** The end of a number; a quote in it parts digits. */
static size_t number_end(const struct thag_scan *scan, size_t at)
{
	size_t next = at;

	while (next < scan->bytes) {
		char byte = scan->source[next];

		if (byte == '\'' && is_word(byte_at(scan, next + 1)))
			next++;
		else if (!is_word(byte) && byte != '.')
			break;
		at = next + 1;
		if (memchr("eEpP", byte, 4) && memchr("+-", byte_at(scan, at), 2))
			at++;
		next = past_splices(scan, at);
	}
	return at;
}

static bool is_prefix(const char *word, size_t bytes, bool *raw)
{
	static const char *const prefixes[] = { "L", "u", "U", "u8", "R", "LR", "uR", "UR", "u8R" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strlen(prefixes[i]) == bytes && memcmp(prefixes[i], word, bytes) == 0) {
			*raw = word[bytes - 1] == 'R';
			return true;
		}
	}
	return false;
}

/** A word, or the literal that it is the prefix of. */
static size_t scan_word(const struct thag_scan *scan, struct thag_token *token)
{
	size_t end = word_end(scan, token->at), raw_at = 0;
	char quote = byte_at(scan, end);
	bool raw = false;

	token->kind = THAG_TOKEN_WORD;
	if ((quote != '"' && quote != '\'') ||
	    !is_prefix(scan->source + token->at, end - token->at, &raw))
		return end;
	if (raw && quote == '"')
		raw_at = raw_end(scan, end);
	if (raw && !raw_at)
		return end;
	token->kind = THAG_TOKEN_TEXT;
	return raw_at ? raw_at : quoted_end(scan, end, quote);
}

/** The end of the header's name at `at`; 0 when it has none on its line. */
static size_t header_end(const struct thag_scan *scan, size_t at, char close)
{
	while (++at < scan->bytes && !thag_scan_line_end(scan->source, scan->bytes, at))
		if (scan->source[at] == close)
			return at + 1;
	return 0;
}

static bool is_pair(const struct thag_scan *scan, size_t at, const char *pair)
{
	return byte_at(scan, at) == pair[0] && byte_at(scan, at + 1) == pair[1];
}

/** Any of those that are no words, numbers or literals. */
static size_t scan_other(struct thag_scan *scan, struct thag_token *token)
{
	size_t at = token->at;

	token->kind = THAG_TOKEN_OTHER;
	if (scan->line_begins && !scan->in_directive &&
	    (scan->source[at] == '#' || is_pair(scan, at, "%:"))) {
		token->kind = THAG_TOKEN_HASH;
		scan->in_directive = true;
		return at + (scan->source[at] == '#' ? 1 : 2);
	}
	if (scan->source[at] == '{' || is_pair(scan, at, "<%"))
		token->kind = THAG_TOKEN_OPEN;
	else if (scan->source[at] == '}' || is_pair(scan, at, "%>"))
		token->kind = THAG_TOKEN_CLOSE;
	return at + (scan->source[at] == '<' || scan->source[at] == '%'
			     ? (token->kind == THAG_TOKEN_OTHER ? 1 : 2)
			     : 1);
}

/** Where the token at `token->at` ends; sets what it is. */
static size_t scan_token(struct thag_scan *scan, struct thag_token *token)
{
	size_t at = token->at, end = thag_scan_line_end(scan->source, scan->bytes, at);
	char byte = scan->source[at];

	if (end) {
		token->kind = THAG_TOKEN_LINE;
		return at + end;
	}
	end = comment_end(scan, at);
	if (end) {
		token->kind = THAG_TOKEN_NOTE;
		return end;
	}
	if (scan->header_next && (byte == '<' || byte == '"')) {
		end = header_end(scan, at, byte == '<' ? '>' : '"');
		token->kind = THAG_TOKEN_HEADER;
		if (end)
			return end;
	}
	if (is_digit(byte) || (byte == '.' && is_digit(byte_at(scan, at + 1)))) {
		token->kind = THAG_TOKEN_NUMBER;
		return number_end(scan, at);
	}
	if (is_word(byte))
		return scan_word(scan, token);
	if (byte == '"' || byte == '\'') {
		token->kind = THAG_TOKEN_TEXT;
		return quoted_end(scan, at, byte);
	}
	return scan_other(scan, token);
}

/** What the next token has to know of this one. */
static void note_token(struct thag_scan *scan, const struct thag_token *token)
{
	if (token->kind == THAG_TOKEN_NOTE)
		return;
	scan->header_next = scan->name_next && (thag_token_is(scan->source, token, "include") ||
						thag_token_is(scan->source, token, "include_next"));
	scan->name_next = token->kind == THAG_TOKEN_HASH;
	scan->line_begins = token->kind == THAG_TOKEN_LINE;
	if (token->kind == THAG_TOKEN_LINE)
		scan->in_directive = false;
}

void thag_scan_next(struct thag_scan *scan, struct thag_token *token)
{
	size_t at = past_splices(scan, scan->at);

	while (at < scan->bytes && is_blank(scan->source[at]))
		at = past_splices(scan, at + 1);
	*token = (struct thag_token){ .kind = THAG_TOKEN_END, .at = at };
	if (at < scan->bytes) {
		token->bytes = scan_token(scan, token) - at;
		token->in_directive = scan->in_directive;
		note_token(scan, token);
	}
	scan->at = at + token->bytes;
}

void thag_scan_next_code(struct thag_scan *scan, struct thag_token *token)
{
	do
		thag_scan_next(scan, token);
	while (token->kind == THAG_TOKEN_LINE || token->kind == THAG_TOKEN_NOTE ||
	       (token->in_directive && token->kind != THAG_TOKEN_END));
}
