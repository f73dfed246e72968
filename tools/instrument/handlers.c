/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *source, const struct thag_token *token, const char *const *words)
{
	for (; *words; words++)
		if (token->kind == THAG_TOKEN_WORD && thag_token_is(source, token, *words))
			return true;
	return false;
}

static int add(struct thag_handlers *handlers, const struct thag_token *name)
{
	if (handlers->count == handlers->capacity) {
		size_t capacity = handlers->capacity ? handlers->capacity * 2 : 16;
		struct thag_token *names = reallocarray(handlers->names, capacity, sizeof(*names));

		if (!names)
			return -ENOMEM;
		handlers->names = names;
		handlers->capacity = capacity;
	}
	handlers->names[handlers->count++] = *name;
	return 0;
}

static char byte_of(const struct thag_scan *scan, const struct thag_token *token)
{
	return token->bytes == 1 ? scan->source[token->at] : '\0';
}

/** The words of a call's last argument, from behind its name on. */
static int add_last_argument(struct thag_handlers *handlers, struct thag_scan *scan)
{
	struct thag_token token;
	size_t depth = 0, before = handlers->count;
	int ret = 0;

	do {
		thag_scan_next_code(scan, &token);
		char byte = byte_of(scan, &token);

		if (byte == '(')
			depth++;
		else if (byte == ')' && depth)
			depth--;
		else if (depth == 1 && byte == ',')
			handlers->count = before;
		else if (depth && token.kind == THAG_TOKEN_WORD)
			ret = add(handlers, &token);
	} while (!ret && depth && token.kind != THAG_TOKEN_END && byte_of(scan, &token) != ';');
	return ret;
}

/** The words of what is assigned, if anything is. */
static int add_assigned(struct thag_handlers *handlers, struct thag_scan *scan)
{
	struct thag_token token;
	size_t depth = 0;
	char byte;
	int ret = 0;

	thag_scan_next_code(scan, &token);
	if (byte_of(scan, &token) != '=' ||
	    (scan->at < scan->bytes && scan->source[scan->at] == '='))
		return 0;
	do {
		thag_scan_next_code(scan, &token);
		byte = byte_of(scan, &token);
		if (byte == '(')
			depth++;
		else if (byte == ')' && depth)
			depth--;
		else if (token.kind == THAG_TOKEN_WORD)
			ret = add(handlers, &token);
	} while (!ret && token.kind != THAG_TOKEN_END && token.kind != THAG_TOKEN_CLOSE &&
		 byte != ';' && (depth || byte != ','));
	return ret;
}

/* qsort(3) has no context, and the names are not terminated. */
static int compare(const void *a, const void *b, void *source)
{
	const struct thag_token *left = a, *right = b;
	size_t shorter = left->bytes < right->bytes ? left->bytes : right->bytes;
	int ret =
		memcmp((const char *)source + left->at, (const char *)source + right->at, shorter);

	return ret ? ret : (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

int thag_handlers_find(struct thag_handlers *handlers, const char *source, size_t bytes)
{
	static const char *const calls[] = { "signal",	"bsd_signal", "sysv_signal",
					     "ssignal", "sigset",     NULL };
	static const char *const members[] = { "sa_handler", "sa_sigaction", NULL };
	struct thag_scan scan;
	struct thag_token token;
	int ret = 0;

	*handlers = (struct thag_handlers){ .source = source };
	thag_scan_begin(&scan, source, bytes, 0);
	do {
		/* a copy reads ahead: what it reads may hold more of them */
		struct thag_scan ahead;

		thag_scan_next_code(&scan, &token);
		ahead = scan;
		if (is_one_of(source, &token, calls))
			ret = add_last_argument(handlers, &ahead);
		else if (is_one_of(source, &token, members))
			ret = add_assigned(handlers, &ahead);
	} while (!ret && token.kind != THAG_TOKEN_END);
	if (ret)
		thag_handlers_fini(handlers);
	else if (handlers->count)
		qsort_r(handlers->names, handlers->count, sizeof(handlers->names[0]), compare,
			(void *)(size_t)source);
	return ret;
}

void thag_handlers_fini(struct thag_handlers *handlers)
{
	free(handlers->names);
	*handlers = (struct thag_handlers){ 0 };
}

bool thag_handlers_has(const struct thag_handlers *handlers, const char *name)
{
	size_t low = 0, high = handlers->count, bytes = strlen(name);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct thag_token *at = &handlers->names[middle];
		size_t shorter = at->bytes < bytes ? at->bytes : bytes;
		int order = memcmp(name, handlers->source + at->at, shorter);

		if (order == 0 && at->bytes == bytes)
			return true;
		if (order < 0 || (order == 0 && bytes < at->bytes))
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
