/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pretty_private.h"

#include <string.h>

bool thag_pretty_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

bool thag_pretty_starts(struct pretty_text text, size_t at, const char *with)
{
	size_t bytes = strlen(with);

	return at <= text.bytes && text.bytes - at >= bytes &&
	       memcmp(text.at + at, with, bytes) == 0;
}

size_t thag_pretty_word(struct pretty_text text, size_t at)
{
	size_t end = at;

	while (end < text.bytes && thag_pretty_is_word(text.at[end]))
		end++;
	return end - at;
}

/* A literal such as '<' or "a[b"; a quote alone is no literal. */
static size_t quote_end(struct pretty_text text, size_t at)
{
	for (size_t i = at + 1; i < text.bytes; i++) {
		if (text.at[i] == '\\')
			i++;
		else if (text.at[i] == text.at[at])
			return i + 1;
	}
	return 0;
}

static char closing_of(char open)
{
	switch (open) {
	case '(':
		return ')';
	case '[':
		return ']';
	case '{':
		return '}';
	case '<':
		return '>';
	default:
		return 0;
	}
}

static bool is_closing(char c)
{
	return c == ')' || c == ']' || c == '}' || c == '>';
}

/* Takes `c` off the brackets that are to be closed; less-than signs that were none go with it. */
static bool close_bracket(const char *waiting, size_t *depth, char c)
{
	if (c == '>')
		return waiting[*depth - 1] != '>' || (*depth)-- > 0;
	while (*depth && waiting[*depth - 1] == '>' && c != '>')
		--*depth;
	return *depth && waiting[--*depth] == c;
}

size_t thag_pretty_group(struct pretty_text text, size_t at)
{
	char waiting[PRETTY_NESTING_MAX];
	size_t depth = 0;

	for (size_t i = at; i < text.bytes; i++) {
		char c = text.at[i];

		if (c == '\'' || c == '"') {
			size_t end = quote_end(text, i);

			if (end == 0)
				return 0;
			i = end - 1;
		} else if (closing_of(c)) {
			if (depth == PRETTY_NESTING_MAX)
				return 0;
			waiting[depth++] = closing_of(c);
		} else if (c == '-' && thag_pretty_starts(text, i, "->")) {
			i++;
		} else if (is_closing(c) && (depth == 0 || !close_bracket(waiting, &depth, c))) {
			return 0;
		}
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

void thag_pretty_put(struct pretty *pretty, const char *bytes, size_t count)
{
	if (pretty->failed || count > pretty->size - pretty->used) {
		pretty->failed = true;
		return;
	}
	memcpy(pretty->out + pretty->used, bytes, count);
	pretty->used += count;
}

void thag_pretty_say(struct pretty *pretty, const char *text)
{
	thag_pretty_put(pretty, text, strlen(text));
}

static bool ends_with(const struct pretty *pretty, size_t start, const char *text)
{
	size_t bytes = strlen(text);

	return pretty->used - start >= bytes &&
	       memcmp(pretty->out + pretty->used - bytes, text, bytes) == 0;
}

static void drop_spaces(struct pretty *pretty, size_t start)
{
	while (pretty->used > start && pretty->out[pretty->used - 1] == ' ')
		pretty->used--;
}

static bool word_is(struct pretty_text word, const char *text)
{
	return word.bytes == strlen(text) && memcmp(word.at, text, word.bytes) == 0;
}

/* The words of the arithmetic types, which the compilers put in different orders. */
struct arithmetic {
	unsigned longs, shorts, ints, unsigneds, others;
};

static bool count_word(struct arithmetic *words, struct pretty_text word)
{
	if (word_is(word, "long"))
		words->longs++;
	else if (word_is(word, "short"))
		words->shorts++;
	else if (word_is(word, "int"))
		words->ints++;
	else if (word_is(word, "unsigned"))
		words->unsigneds++;
	else if (word_is(word, "double") || word_is(word, "signed") || word_is(word, "char"))
		words->others++;
	else
		return false;
	return true;
}

/* "long unsigned int" is written as "unsigned long"; returns how many bytes that took, or 0. */
static size_t put_arithmetic(struct pretty *pretty, struct pretty_text type, size_t at)
{
	struct arithmetic words = { 0 };
	size_t end = at, next = at, bytes;

	while ((bytes = thag_pretty_word(type, next)) &&
	       count_word(&words, (struct pretty_text){ type.at + next, bytes })) {
		end = next + bytes;
		next = end + (end < type.bytes && type.at[end] == ' ');
	}
	if (words.others || words.longs > 2 || !(words.longs || words.shorts))
		return 0;
	thag_pretty_say(pretty, words.unsigneds ? "unsigned " : "");
	thag_pretty_say(pretty, words.shorts ? "short" : words.longs == 2 ? "long long" : "long");
	return end - at;
}

static bool put_binding(struct pretty *pretty, struct pretty_text word)
{
	for (size_t i = 0; pretty->substitutes && i < pretty->binding_count; i++) {
		struct pretty_binding *binding = &pretty->bindings[i];

		if (binding->name.bytes == word.bytes &&
		    memcmp(binding->name.at, word.at, word.bytes) == 0) {
			binding->used = true;
			thag_pretty_put(pretty, binding->value.at, binding->value.bytes);
			return true;
		}
	}
	return false;
}

/* The inline namespaces of the standard libraries. */
static size_t internal_namespace(struct pretty_text type, size_t at)
{
	if (thag_pretty_starts(type, at, "__cxx11::"))
		return sizeof("__cxx11::") - 1;
	return thag_pretty_starts(type, at, "__1::") ? sizeof("__1::") - 1 : 0;
}

static size_t put_word(struct pretty *pretty, struct pretty_text type, size_t at, size_t start)
{
	size_t bytes = thag_pretty_word(type, at), taken = internal_namespace(type, at);
	struct pretty_text word = { type.at + at, bytes };
	bool qualified = ends_with(pretty, start, "::");

	if (taken)
		return taken;
	if (!qualified && (taken = put_arithmetic(pretty, type, at)))
		return taken;
	if (qualified || !put_binding(pretty, word))
		thag_pretty_put(pretty, word.at, word.bytes);
	return bytes;
}

/* What has no name, in the compilers' words; the scope it is in goes. */
static const char *unnamed_at(struct pretty_text type, size_t at)
{
	if (thag_pretty_starts(type, at, "<lambda") || thag_pretty_starts(type, at, "{lambda") ||
	    thag_pretty_starts(type, at, "(lambda") ||
	    thag_pretty_starts(type, at, "(anonymous class"))
		return "{lambda}";
	if (thag_pretty_starts(type, at, "<unnamed ") ||
	    thag_pretty_starts(type, at, "(unnamed ") ||
	    (thag_pretty_starts(type, at, "(anonymous ") &&
	     !thag_pretty_starts(type, at, "(anonymous namespace)")))
		return "{unnamed}";
	return NULL;
}

/* "(*)", "(X::*)": of a pointer to a function, set off by a space; parameters are not. */
static bool is_declarator(struct pretty_text group)
{
	size_t end = group.bytes - 1; /* of the closing one */

	return end > 1 && (group.at[end - 1] == '*' || group.at[end - 1] == '&');
}

static void shorten_strings(struct pretty *pretty, size_t start)
{
	static const char *const shorter[][2] = {
		{ "std::basic_string<char>", "std::string" },
		{ "std::basic_string_view<char>", "std::string_view" },
	};

	for (size_t i = 0; i < sizeof(shorter) / sizeof(*shorter); i++)
		if (ends_with(pretty, start, shorter[i][0])) {
			pretty->used -= strlen(shorter[i][0]);
			thag_pretty_say(pretty, shorter[i][1]);
			return;
		}
}

static size_t put_group(struct pretty *pretty, struct pretty_text type, size_t at, size_t start)
{
	size_t end = thag_pretty_group(type, at);
	struct pretty_text group = { type.at + at, end - at };
	struct pretty_text inside = { group.at + 1, group.bytes - 2 };
	const char *unnamed = unnamed_at(type, at);

	if (end == 0) {
		pretty->failed = true;
		return 1;
	}
	if (unnamed) {
		pretty->used = start;
		thag_pretty_say(pretty, unnamed);
	} else if (thag_pretty_starts(group, 0, "(anonymous namespace)")) {
		thag_pretty_say(pretty, "{anonymous}");
	} else if (*group.at == '<' || *group.at == '(') {
		if (*group.at == '(' && !is_declarator(group))
			drop_spaces(pretty, start);
		thag_pretty_put(pretty, group.at, 1);
		thag_pretty_types(pretty, inside);
		thag_pretty_put(pretty, group.at + group.bytes - 1, 1);
		shorten_strings(pretty, start);
	} else {
		if (*group.at == '[')
			drop_spaces(pretty, start);
		thag_pretty_put(pretty, group.at, group.bytes);
	}
	return end - at;
}

/* "char *const *" and "char* const*" are one type: the second is written. */
static void put_pointer(struct pretty *pretty, struct pretty_text type, size_t at, size_t start)
{
	bool of_type;

	if (pretty->used > start + 1 && pretty->out[pretty->used - 2] != ',')
		drop_spaces(pretty, start);
	of_type = pretty->used > start && pretty->out[pretty->used - 1] != '(';
	thag_pretty_put(pretty, type.at + at, 1);
	if (of_type && at + 1 < type.bytes && thag_pretty_is_word(type.at[at + 1]))
		thag_pretty_say(pretty, " ");
}

static void put_type(struct pretty *pretty, struct pretty_text type)
{
	size_t start = pretty->used, at = 0;

	while (at < type.bytes && !pretty->failed) {
		char c = type.at[at];

		if (thag_pretty_is_word(c)) {
			at += put_word(pretty, type, at, start);
		} else if (closing_of(c) || c == '\'' || c == '"') {
			at += put_group(pretty, type, at, start);
		} else if (c == '*' || c == '&') {
			put_pointer(pretty, type, at++, start);
		} else {
			thag_pretty_put(pretty, &c, (unsigned char)c >= ' ');
			pretty->failed |= (unsigned char)c < ' ' || c == ';';
			at++;
		}
	}
}

/* The end of the list's item that begins at `at`. */
static size_t item_end(struct pretty_text list, size_t at)
{
	while (at < list.bytes && list.at[at] != ',') {
		size_t end = closing_of(list.at[at]) || list.at[at] == '\'' || list.at[at] == '"'
				     ? thag_pretty_group(list, at)
				     : at + 1;

		at = end ? end : list.bytes;
	}
	return at;
}

void thag_pretty_types(struct pretty *pretty, struct pretty_text list)
{
	static const char allocator[] = "std::allocator<";
	size_t end, separator = pretty->used, start = separator;

	if (++pretty->nesting > PRETTY_NESTING_MAX)
		pretty->failed = true;
	for (size_t at = 0; at < list.bytes && !pretty->failed; at = end + 1) {
		end = item_end(list, at);
		while (at < end && list.at[at] == ' ')
			at++;
		separator = pretty->used;
		if (start != separator)
			thag_pretty_say(pretty, ", ");
		put_type(pretty, (struct pretty_text){ list.at + at, end - at });
		drop_spaces(pretty, separator);
	}
	if (separator != start &&
	    thag_pretty_starts((struct pretty_text){ pretty->out, pretty->used }, separator + 2,
			       allocator))
		pretty->used = separator;
	pretty->nesting--;
}
