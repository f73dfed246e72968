/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_perf_line.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static size_t skip_spaces(const char *line, size_t bytes, size_t at)
{
	while (at < bytes && is_space(line[at]))
		at++;
	return at;
}

static size_t skip_word(const char *line, size_t bytes, size_t at)
{
	while (at < bytes && !is_space(line[at]))
		at++;
	return at;
}

static size_t trim(const char *line, size_t bytes)
{
	while (bytes && is_space(line[bytes - 1]))
		bytes--;
	return bytes;
}

/** Whether `pid`, or `pid/tid`. */
static bool is_ids(const char *word, size_t bytes)
{
	size_t slashes = 0;

	for (size_t i = 0; i < bytes; i++) {
		slashes += word[i] == '/';
		if (!is_digit(word[i]) && (word[i] != '/' || i == 0 || i + 1 == bytes))
			return false;
	}
	return bytes && slashes <= 1;
}

/** The last two words, `period event:` or `event:`. */
static void find_event(const char *line, size_t bytes, size_t from, struct thag_perf_head *head)
{
	size_t end = trim(line, bytes), start = end;

	if (end <= from || line[end - 1] != ':')
		return;
	while (start > from && !is_space(line[start - 1]))
		start--;
	if (start == from || is_digit(line[start])) /* that is the time */
		return;
	head->event = (struct thag_perf_text){ line + start, end - 1 - start };
	end = from + trim(line + from, start - from);
	for (start = end; start > from && is_digit(line[start - 1]);)
		start--;
	if (start < end && start > from && is_space(line[start - 1]))
		head->digits = (struct thag_perf_text){ line + start, end - start };
}

/* The command may have spaces, and even numbers, in it: the first ids behind it count, as they do
 * for stackcollapse-perf.pl; and behind them something more, with a colon. */
bool thag_perf_head_parse(const char *line, size_t bytes, struct thag_perf_head *head)
{
	size_t at = 0;

	bytes = trim(line, bytes);
	if (!bytes || is_space(line[0]) || line[0] == '#')
		return false;
	*head = (struct thag_perf_head){ 0 };
	while ((at = skip_word(line, bytes, at)) < bytes) {
		size_t comm = at, ids = skip_spaces(line, bytes, at);

		at = skip_word(line, bytes, ids);
		if (is_ids(line + ids, at - ids)) {
			head->comm = (struct thag_perf_text){ line, comm };
			find_event(line, bytes, at, head);
			return at < bytes && memchr(line + at, ':', bytes - at);
		}
		at = ids;
	}
	return false;
}

/** The bracket that the last one, at the end, closes; SIZE_MAX: none. Those within a file's name,
 * as of one that was deleted, are in pairs. */
static size_t find_file(const char *line, size_t bytes, size_t from)
{
	size_t open = 0;

	for (size_t at = bytes; at-- > from + 1;) {
		open += line[at] == ')';
		open -= line[at] == '(' && open;
		if (line[at] == '(' && open == 0 && is_space(line[at - 1]))
			return at;
	}
	return SIZE_MAX;
}

static size_t strip_offset(const char *text, size_t bytes)
{
	size_t at = bytes;

	while (at && is_hex(text[at - 1]))
		at--;
	return at >= 3 && at < bytes && memcmp(text + at - 3, "+0x", 3) == 0 ? at - 3 : bytes;
}

bool thag_perf_frame_parse(const char *line, size_t bytes, struct thag_perf_frame *frame)
{
	size_t at = skip_spaces(line, bytes, 0), address = at;

	bytes = trim(line, bytes);
	if (at == 0 || at >= bytes || line[bytes - 1] != ')')
		return false;
	while (at < bytes && is_hex(line[at]))
		at++;
	size_t symbol = skip_spaces(line, bytes, at);

	if (at == address || symbol == at)
		return false;
	size_t file = find_file(line, bytes, symbol);

	if (file == SIZE_MAX)
		return false;
	size_t length = trim(line + symbol, file - symbol);

	if (!length)
		return false;
	frame->symbol =
		(struct thag_perf_text){ line + symbol, strip_offset(line + symbol, length) };
	frame->file = (struct thag_perf_text){ line + file + 1, bytes - file - 2 };
	return true;
}
