/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "thag_text.h"

/*
 * A callout before each item of the expression counts what is tried: PCRE2's own limit is of one
 * place of one name, and doesn't say how much of it was used. What is between two callouts takes
 * time by the length of the name at most, and so does what a step costs.
 */
#define OPTIONS \
	(PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_CASELESS | PCRE2_DOTALL | \
	 PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C | \
	 PCRE2_AUTO_CALLOUT)
#define BYTES_OF_A_STEP 64

struct thag_search {
	const char *text;
	size_t bytes;
	pcre2_code *code; /* NULL: plain text */
	pcre2_match_data *match;
	pcre2_match_context *context;
	uint32_t budget;    /* steps left */
	uint32_t step_cost; /* of the name that is searched */
	bool gave_up;
};

static bool is_plain(const char *text)
{
	return strpbrk(text, "\\^$.[]|()?*+{}") == NULL;
}

static int count_step(pcre2_callout_block *block, void *data)
{
	struct thag_search *search = data;

	(void)block;
	if (search->budget < search->step_cost) {
		search->budget = 0;
		return PCRE2_ERROR_CALLOUT;
	}
	search->budget -= search->step_cost;
	return 0;
}

static int compile(struct thag_search *search, struct thag_search_error *error)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_SIZE at = 0;
	int code = 0;

	if (!context)
		return -ENOMEM;
	pcre2_set_parens_nest_limit(context, THAG_SEARCH_NESTED_MAX);
	search->code = pcre2_compile((PCRE2_SPTR)search->text, search->bytes, OPTIONS, &code, &at,
				     context);
	pcre2_compile_context_free(context);
	if (search->code)
		return 0;
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	pcre2_get_error_message(code, (PCRE2_UCHAR *)error->why, sizeof(error->why));
	error->at = (uint32_t)(at < search->bytes ? at : search->bytes);
	return -EINVAL;
}

static int prepare(struct thag_search *search)
{
	search->match = pcre2_match_data_create(1, NULL);
	search->context = pcre2_match_context_create(NULL);
	if (!search->match || !search->context)
		return -ENOMEM;
	pcre2_set_heap_limit(search->context, THAG_SEARCH_HEAP_KB_MAX);
	pcre2_set_match_limit(search->context, THAG_SEARCH_STEPS_MAX);
	pcre2_set_callout(search->context, count_step, search);
	return 0;
}

int thag_search_create(struct thag_search **out, const char *text, struct thag_search_error *error)
{
	struct thag_search *search = calloc(1, sizeof(*search));
	int ret = 0;

	if (!search)
		return -ENOMEM;
	*search = (struct thag_search){ .text = text,
					.bytes = strlen(text),
					.budget = THAG_SEARCH_STEPS_MAX };
	if (!is_plain(text)) {
		ret = compile(search, error);
		if (!ret)
			ret = prepare(search);
	}
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
	pcre2_match_context_free(search->context);
	pcre2_match_data_free(search->match);
	pcre2_code_free(search->code);
	free(search);
}

static bool matches(struct thag_search *search, const char *name, size_t bytes)
{
	bool cut = bytes > THAG_SEARCH_NAME_BYTES;
	size_t length = cut ? THAG_SEARCH_NAME_BYTES : bytes;
	int found;

	if (search->budget == 0)
		return false;
	search->step_cost = 1 + (uint32_t)length / BYTES_OF_A_STEP;
	found = pcre2_match(search->code, (PCRE2_SPTR)name, length, 0, cut ? PCRE2_NOTEOL : 0,
			    search->match, search->context);
	/* what isn't a match nor none is a limit, or want of memory */
	search->gave_up |= found < 0 && found != PCRE2_ERROR_NOMATCH;
	return found >= 0;
}

bool thag_search_finds(struct thag_search *search, const char *name, size_t bytes)
{
	if (thag_text_holds(name, bytes, search->text, search->bytes))
		return true;
	return search->code && matches(search, name, bytes);
}

bool thag_search_gave_up(const struct thag_search *search)
{
	return search->gave_up;
}
