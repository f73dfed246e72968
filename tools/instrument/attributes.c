/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "attributes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

static const struct {
	const char *word;
	const char *why;
} against[] = {
	{ "constexpr", "constexpr" },
	{ "consteval", "consteval" },
	{ "naked", "naked" },
	{ "constructor", "a constructor: it may run before libthag's own" },
	{ "destructor", "a destructor: it may run after libthag's own" },
	{ "no_instrument_function", "no_instrument_function" },
	{ "interrupt", "an interrupt handler" },
};

/** The declaration as clang would write it, without a body. The caller disposes of it. */
static CXString declaration(CXCursor cursor)
{
	CXPrintingPolicy policy = clang_getCursorPrintingPolicy(cursor);
	CXString text;

	clang_PrintingPolicy_setProperty(policy, CXPrintingPolicy_TerseOutput, 1);
	text = clang_getCursorPrettyPrinted(cursor, policy);
	clang_PrintingPolicy_dispose(policy);
	return text;
}

static bool is_specifier(const char *text, const struct thag_token *token)
{
	return thag_token_is(text, token, "constexpr") || thag_token_is(text, token, "consteval");
}

/** Where a reader of a declaration is, in parentheses of __attribute__ or in [[…]]. */
struct nesting {
	bool attribute;
	size_t depth;
	bool brackets;
	bool bracket; /* the last token was a [ */
};

/** Whether the token is a word of an attribute, or might be. */
static bool is_in_attribute(struct nesting *nesting, const char *text,
			    const struct thag_token *token)
{
	bool bracket = thag_token_is(text, token, "[");

	if (thag_token_is(text, token, "__attribute__"))
		nesting->attribute = true;
	if (nesting->attribute && thag_token_is(text, token, "("))
		nesting->depth++;
	if (nesting->attribute && thag_token_is(text, token, ")") && --nesting->depth == 0)
		nesting->attribute = false;
	if (bracket && nesting->bracket)
		nesting->brackets = true;
	if (thag_token_is(text, token, "]"))
		nesting->brackets = false;
	nesting->bracket = bracket;
	return nesting->brackets || (nesting->attribute && nesting->depth == 2);
}

/** The word among those of attributes and specifiers that speaks against a mark. */
static const char *find_word(const char *text)
{
	struct thag_scan scan;
	struct thag_token token;
	struct nesting nesting = { 0 };

	thag_scan_begin(&scan, text, strlen(text), 0);
	for (thag_scan_next_code(&scan, &token); token.kind != THAG_TOKEN_END;
	     thag_scan_next_code(&scan, &token)) {
		if (!is_in_attribute(&nesting, text, &token) && !is_specifier(text, &token))
			continue;
		for (size_t i = 0; i < sizeof(against) / sizeof(against[0]); i++)
			if (thag_token_is(text, &token, against[i].word))
				return against[i].why;
	}
	return NULL;
}

const char *thag_attributes_of(CXCursor cursor)
{
	CXString string;
	const char *text, *why;

	if (clang_getCursorKind(cursor) == CXCursor_LambdaExpr)
		return NULL;
	string = declaration(cursor);
	text = clang_getCString(string);
	why = text ? find_word(text) : NULL;
	clang_disposeString(string);
	return why;
}

static int add_attributed(struct thag_attributes *attributes, CXCursor cursor, const char *why)
{
	if (attributes->count == attributes->capacity) {
		size_t capacity = attributes->capacity ? attributes->capacity * 2 : 16;
		struct thag_attributed *list =
			reallocarray(attributes->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		attributes->list = list;
		attributes->capacity = capacity;
	}
	attributes->list[attributes->count++] = (struct thag_attributed){
		.declared = clang_hashCursor(clang_getCanonicalCursor(cursor)), .why = why
	};
	return 0;
}

static int add_resolver(struct thag_attributes *attributes, const char *name, size_t bytes)
{
	if (attributes->resolver_count == attributes->resolver_capacity) {
		size_t capacity =
			attributes->resolver_capacity ? attributes->resolver_capacity * 2 : 16;
		char **list = reallocarray(attributes->resolvers, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		attributes->resolvers = list;
		attributes->resolver_capacity = capacity;
	}
	attributes->resolvers[attributes->resolver_count] = strndup(name, bytes);
	return attributes->resolvers[attributes->resolver_count++] ? 0 : -ENOMEM;
}

static int note_text(struct thag_attributes *attributes, CXCursor cursor, const char *text)
{
	const char *why = find_word(text), *resolver = strstr(text, "ifunc(\"");
	int ret = why ? add_attributed(attributes, cursor, why) : 0;

	if (!ret && resolver) {
		resolver += strlen("ifunc(\"");
		ret = add_resolver(attributes, resolver, strcspn(resolver, "\""));
	}
	return ret;
}

int thag_attributes_note(struct thag_attributes *attributes, CXCursor cursor)
{
	CXString string;
	const char *text;
	int ret = 0;

	if (!clang_Cursor_hasAttrs(cursor))
		return 0;
	string = declaration(cursor);
	text = clang_getCString(string);
	if (text)
		ret = note_text(attributes, cursor, text);
	clang_disposeString(string);
	return ret;
}

const char *thag_attributes_find(const struct thag_attributes *attributes, unsigned declared,
				 const char *name)
{
	for (size_t i = 0; i < attributes->count; i++)
		if (attributes->list[i].declared == declared)
			return attributes->list[i].why;
	for (size_t i = 0; i < attributes->resolver_count; i++)
		if (strcmp(attributes->resolvers[i], name) == 0)
			return "it chooses a function (ifunc) before the program can be profiled";
	return NULL;
}

void thag_attributes_fini(struct thag_attributes *attributes)
{
	for (size_t i = 0; i < attributes->resolver_count; i++)
		free(attributes->resolvers[i]);
	free(attributes->resolvers);
	free(attributes->list);
	*attributes = (struct thag_attributes){ 0 };
}
