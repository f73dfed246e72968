/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A text to search for and a name, parted by a line feed: nothing is read or written out of bounds,
 * what is wrong is said with a place in the text, and a name that isn't found in time is told.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "thag_search.h"

/** As a C text of its own size, so that a byte beyond it is noticed. */
static char *take_text(const uint8_t *data, size_t bytes)
{
	char *text = take(bytes + 1);

	if (bytes)
		memcpy(text, data, bytes);
	text[bytes] = '\0';
	return text;
}

static void search(const char *text, const char *name, size_t bytes)
{
	struct thag_search_error error = { .why = "" };
	struct thag_search *search = NULL;

	if (thag_search_create(&search, text, &error) != 0) {
		if (search || !error.why[0] || error.at > strlen(text))
			abort();
		return;
	}
	bool found = thag_search_finds(search, name, bytes);

	if (found && !thag_search_gave_up(search) && !thag_search_finds(search, name, bytes) &&
	    !thag_search_gave_up(search))
		abort();
	thag_search_destroy(search);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *end = bytes ? memchr(data, '\n', bytes) : NULL;
	size_t length = end ? (size_t)(end - data) : bytes;
	size_t rest = end ? bytes - length - 1 : 0;
	char *text = take_text(data, length);
	char *name = take(rest);

	if (rest)
		memcpy(name, end + 1, rest);
	search(text, name, rest);
	free(name);
	free(text);
	return 0;
}
