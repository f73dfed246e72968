/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * An expression and a text, parted by a line feed: nothing is read or written out of bounds, and
 * no more steps are made than text and program allow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "thag_regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *end = bytes ? memchr(data, '\n', bytes) : NULL;
	size_t length = end ? (size_t)(end - data) : bytes;
	size_t rest = end ? bytes - length - 1 : 0;
	/* a copy each, so that a byte beyond either is noticed */
	char *pattern = malloc(length + 1), *text = malloc(rest + 1);
	struct thag_regex_error error;
	struct thag_regex *regex = NULL;
	uint64_t most =
		(uint64_t)(rest + 1) * THAG_REGEX_INSTRUCTIONS_MAX * (THAG_REGEX_RANGES_MAX + 2);
	uint64_t budget = most;

	if (length)
		memcpy(pattern, data, length);
	if (rest)
		memcpy(text, end + 1, rest);
	pattern = realloc(pattern, length ? length : 1);
	text = realloc(text, rest ? rest : 1);
	if (thag_regex_create(&regex, pattern, length, &error) == 0) {
		thag_regex_match(regex, text, rest, &budget);
		if (budget == 0 || budget > most)
			abort();
		thag_regex_destroy(regex);
	} else if (!error.why || error.at > length) {
		abort();
	}
	free(pattern);
	free(text);
	return 0;
}
