/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_text.h"

struct thag_search {
	const char *text;
	size_t bytes;
	struct thag_regex *regex; /* NULL: plain text */
	uint64_t budget;
};

static bool is_plain(const char *text)
{
	return strpbrk(text, "\\^$.[]|()?*+{}") == NULL;
}

int thag_search_create(struct thag_search **out, const char *text, struct thag_regex_error *error)
{
	struct thag_search *search = calloc(1, sizeof(*search));
	int ret = 0;

	if (!search)
		return -ENOMEM;
	*search = (struct thag_search){ .text = text,
					.bytes = strlen(text),
					.budget = THAG_SEARCH_STEPS_MAX };
	if (!is_plain(text))
		ret = thag_regex_create(&search->regex, text, search->bytes, error);
	if (ret)
		thag_search_destroy(search);
	else
		*out = search;
	return ret;
}

void thag_search_destroy(struct thag_search *search)
{
	if (!search)
		return;
	thag_regex_destroy(search->regex);
	free(search);
}

bool thag_search_finds(struct thag_search *search, const char *name, size_t bytes)
{
	if (thag_text_holds(name, bytes, search->text, search->bytes))
		return true;
	return search->regex && thag_regex_match(search->regex, name, bytes, &search->budget);
}

bool thag_search_gave_up(const struct thag_search *search)
{
	return search->budget == 0;
}
