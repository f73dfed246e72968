/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_functions.h"
#include "thag_search.h"
#include "thag_sieve.h"

#define SECONDS_MAX 9e9 /* as nanoseconds they fit 63 bits */

static int take_metric(const struct thag_command *command, struct thag_look *look,
		       const char *value)
{
	for (uint32_t metric = 0; metric < THAG_METRIC_COUNT; metric++)
		if (strcmp(value, thag_metric_word(metric)) == 0) {
			look->query.metric = metric ? value : NULL;
			return -1;
		}
	return thag_command_bad_usage(command,
				      "no metric '%s': time, allocated, allocations, live, peak, "
				      "leaked, temporary and freed are there",
				      value);
}

static int take_by(const struct thag_command *command, struct thag_look *look, const char *value)
{
	if (strcmp(value, "calls") != 0 && strcmp(value, "traces") != 0)
		return thag_command_bad_usage(command, "by '%s'? 'calls' and 'traces' are there",
					      value);
	look->query.by = value;
	return -1;
}

static int take_thread(const struct thag_command *command, struct thag_look *look,
		       const char *value)
{
	char *end;
	unsigned long thread = strtoul(value, &end, 10);

	if (value[0] < '1' || value[0] > '9' || *end || thread > INT32_MAX)
		return thag_command_bad_usage(command, "'%s' is no thread id", value);
	look->query.thread = (uint32_t)thread;
	return -1;
}

static int take_seconds(const struct thag_command *command, uint64_t *ns, const char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	if (value[0] < '0' || value[0] > '9' || *end || !(seconds <= SECONDS_MAX))
		return thag_command_bad_usage(command, "'%s' are no seconds", value);
	*ns = (uint64_t)(seconds * 1e9);
	return -1;
}

static int take_at_least(const struct thag_command *command, struct thag_look *look,
			 const char *value)
{
	char *end;

	errno = 0;
	look->at_least = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno)
		return thag_command_bad_usage(command, "'%s' is no whole number", value);
	return -1;
}

static int take_pattern(const struct thag_command *command, struct thag_look *look,
			const char *value, unsigned fate)
{
	if (!value[0])
		return thag_command_bad_usage(command, "a function's name is missing");
	if (look->pattern_count == THAG_LOOK_PATTERNS_MAX)
		return thag_command_bad_usage(command, "more than %d functions; /A|B/ names many",
					      THAG_LOOK_PATTERNS_MAX);
	look->patterns[look->pattern_count].text = value;
	look->patterns[look->pattern_count++].fate = fate;
	return -1;
}

int thag_look_take(const struct thag_command *command, struct thag_look *look, int option,
		   const char *value)
{
	switch ((enum thag_look_option)option) {
	case THAG_LOOK_METRIC:
		return take_metric(command, look, value);
	case THAG_LOOK_BY:
		return take_by(command, look, value);
	case THAG_LOOK_THREAD:
		return take_thread(command, look, value);
	case THAG_LOOK_FROM:
		return take_seconds(command, &look->query.from_ns, value);
	case THAG_LOOK_TO:
		return take_seconds(command, &look->query.to_ns, value);
	case THAG_LOOK_RAW:
		look->query.raw = true;
		return -1;
	case THAG_LOOK_STRICT:
		look->query.strict = true;
		return -1;
	case THAG_LOOK_ONLY:
		return take_pattern(command, look, value, THAG_SIEVE_ONLY);
	case THAG_LOOK_WITHOUT:
		return take_pattern(command, look, value, THAG_SIEVE_WITHOUT);
	case THAG_LOOK_WITHOUT_OWN:
		return take_pattern(command, look, value, THAG_SIEVE_WITHOUT_OWN);
	case THAG_LOOK_HIDE:
		return take_pattern(command, look, value, THAG_SIEVE_HIDE);
	case THAG_LOOK_AT_LEAST:
		return take_at_least(command, look, value);
	case THAG_LOOK_COLLAPSE:
		look->collapse = true;
		return -1;
	}
	return -1;
}

int thag_look_check(const struct thag_command *command, const struct thag_look *look)
{
	const struct thag_source_query *query = &look->query;

	if (!query->metric && query->by)
		return thag_command_bad_usage(command, "--by needs a --metric of memory");
	if (query->metric && (query->thread || query->raw))
		return thag_command_bad_usage(command, "memory is known of all threads together, "
						       "and has no time in it");
	if (query->to_ns && query->to_ns <= query->from_ns)
		return thag_command_bad_usage(command, "the range ends before it begins");
	return -1;
}

/* --- patterns --- */

/** A pattern as it is looked for: a whole name, or an expression between slashes. */
struct matcher {
	const char *text;
	char *expression; /* NULL: a name */
	struct thag_search *search;
};

static void matcher_fini(struct matcher *matcher)
{
	thag_search_destroy(matcher->search);
	free(matcher->expression);
}

/** THAG_EXIT_OK, or the status to exit with after one line. */
static int matcher_init(struct matcher *matcher, const struct thag_command *command,
			const char *text)
{
	size_t bytes = strlen(text);
	struct thag_search_error error;
	int ret;

	*matcher = (struct matcher){ .text = text };
	if (bytes < 3 || text[0] != '/' || text[bytes - 1] != '/')
		return THAG_EXIT_OK;
	matcher->expression = strndup(text + 1, bytes - 2);
	ret = matcher->expression
		      ? thag_search_create(&matcher->search, matcher->expression, &error)
		      : -ENOMEM;
	if (!ret)
		return THAG_EXIT_OK;
	if (ret == -EINVAL)
		thag_command_complain_of(command, text, "%s, behind its byte %u", error.why,
					 error.at);
	else
		thag_command_complain(command, "%s", strerror(-ret));
	matcher_fini(matcher);
	return ret == -EINVAL ? THAG_EXIT_USAGE : THAG_EXIT_FAILURE;
}

static bool finds(struct matcher *matcher, const char *name, size_t bytes)
{
	if (matcher->search)
		return thag_search_finds(matcher->search, name, bytes);
	return strlen(matcher->text) == bytes && memcmp(matcher->text, name, bytes) == 0;
}

/** Gives what matches its fate; the root is no function, but may have the name of one. */
static int mark(const struct thag_command *command, const struct thag_profile *profile,
		const char *text, unsigned fate, unsigned char *fates, bool *found)
{
	struct matcher matcher;
	int ret = matcher_init(&matcher, command, text);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < thag_functions_count(profile); i++) {
		size_t bytes;
		const char *name = thag_profile_name(profile, i, &bytes);

		if (!finds(&matcher, name, bytes))
			continue;
		fates[i] |= (unsigned char)fate;
		*found = true;
	}
	if (matcher.search && thag_search_gave_up(matcher.search))
		thag_command_complain_of(command, text,
					 "took too long: not all functions were looked at");
	matcher_fini(&matcher);
	return THAG_EXIT_OK;
}

/** All are to be dropped where none of those is there that stacks must hold. */
static void drop_all(unsigned char *fates, uint32_t count)
{
	memset(fates, THAG_SIEVE_WITHOUT, count);
}

static int mark_all(const struct thag_command *command, const struct thag_look *look,
		    const struct thag_profile *profile, unsigned char *fates)
{
	bool seeks = false, found_one = false;
	int ret = THAG_EXIT_OK;

	for (uint32_t i = 0; i < look->pattern_count && ret == THAG_EXIT_OK; i++) {
		bool found = false;

		ret = mark(command, profile, look->patterns[i].text, look->patterns[i].fate, fates,
			   &found);
		if (ret == THAG_EXIT_OK && !found && !look->quiet)
			thag_command_complain_of(command, look->patterns[i].text,
						 "no function is called that");
		if (look->patterns[i].fate == THAG_SIEVE_ONLY) {
			seeks = true;
			found_one |= found;
		}
	}
	if (seeks && !found_one)
		drop_all(fates, thag_functions_count(profile));
	return ret;
}

/** Makes `*profile` what is left of it, and `*whole` what it was. */
static int sift(const struct thag_command *command, const struct thag_look *look,
		struct thag_profile **profile, struct thag_profile **whole)
{
	unsigned char *fates = calloc(thag_functions_count(*profile), 1);
	const struct thag_sieve sieve = { .fates = fates,
					  .at_least = look->at_least,
					  .collapse = look->collapse };
	struct thag_profile *left;
	int ret = THAG_EXIT_FAILURE;

	if (fates)
		ret = mark_all(command, look, *profile, fates);
	if (ret == THAG_EXIT_OK && thag_sieve_apply(&left, *profile, &sieve) == 0) {
		*whole = *profile;
		*profile = left;
	} else if (ret == THAG_EXIT_OK || !fates) {
		thag_command_complain(command, "%s", strerror(ENOMEM));
		ret = THAG_EXIT_FAILURE;
	}
	free(fates);
	return ret;
}

bool thag_look_leaves_out(const struct thag_look *look)
{
	return look->pattern_count || look->at_least || look->collapse;
}

int thag_look_load(const struct thag_command *command, const char *input,
		   const struct thag_look *look, struct thag_source *out)
{
	int ret = thag_source_load(command, input, &look->query, out);

	if (ret != THAG_EXIT_OK || !thag_look_leaves_out(look))
		return ret;
	ret = sift(command, look, &out->profile, &out->whole);
	if (ret == THAG_EXIT_OK && out->after)
		ret = sift(command, look, &out->after, &out->whole_after);
	if (ret != THAG_EXIT_OK)
		thag_source_fini(out);
	return ret;
}

/* --- one by one --- */

struct thag_look_judge {
	const struct thag_command *command;
	const struct thag_look *look;
	uint32_t count;
	bool found[THAG_LOOK_PATTERNS_MAX];
	struct matcher matchers[THAG_LOOK_PATTERNS_MAX];
};

void thag_look_judge_destroy(struct thag_look_judge *judge)
{
	if (!judge)
		return;
	while (judge->count > 0)
		matcher_fini(&judge->matchers[--judge->count]);
	free(judge);
}

int thag_look_judge_create(const struct thag_command *command, const struct thag_look *look,
			   struct thag_look_judge **out)
{
	struct thag_look_judge *judge = calloc(1, sizeof(*judge));
	int ret = THAG_EXIT_OK;

	if (!judge) {
		thag_command_complain(command, "%s", strerror(ENOMEM));
		return THAG_EXIT_FAILURE;
	}
	judge->command = command;
	judge->look = look;
	while (judge->count < look->pattern_count && ret == THAG_EXIT_OK) {
		ret = matcher_init(&judge->matchers[judge->count], command,
				   look->patterns[judge->count].text);
		judge->count += ret == THAG_EXIT_OK;
	}
	if (ret == THAG_EXIT_OK)
		*out = judge;
	else
		thag_look_judge_destroy(judge);
	return ret;
}

unsigned thag_look_judge_ask(void *context, const char *name, size_t bytes)
{
	struct thag_look_judge *judge = context;
	unsigned fate = 0;

	for (uint32_t i = 0; i < judge->count; i++)
		if (finds(&judge->matchers[i], name, bytes)) {
			judge->found[i] = true;
			fate |= judge->look->patterns[i].fate;
		}
	return fate;
}

bool thag_look_judge_seeks(const struct thag_look_judge *judge)
{
	for (uint32_t i = 0; i < judge->count; i++)
		if (judge->look->patterns[i].fate == THAG_SIEVE_ONLY)
			return true;
	return false;
}

void thag_look_judge_tell(const struct thag_look_judge *judge)
{
	for (uint32_t i = 0; i < judge->count; i++) {
		const char *text = judge->look->patterns[i].text;
		struct thag_search *search = judge->matchers[i].search;

		if (!judge->found[i])
			thag_command_complain_of(judge->command, text,
						 "no function is called that");
		if (search && thag_search_gave_up(search))
			thag_command_complain_of(judge->command, text,
						 "took too long: not all functions were looked at");
	}
}
