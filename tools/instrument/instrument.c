/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "instrument.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "handlers.h"
#include "marks.h"
#include "place.h"
#include "remove.h"
#include "scan.h"

#define FILTERED "left out by a filter"

void thag_plan_fini(struct thag_plan *plan)
{
	thag_edits_fini(&plan->edits);
	thag_bodies_fini(&plan->bodies);
	*plan = (struct thag_plan){ 0 };
}

/** GNU's labels of a block come before all else in it. */
static bool begins_with_label(const struct thag_source *source, const struct thag_scan *body)
{
	struct thag_scan ahead = *body;
	struct thag_token token;

	thag_scan_next_code(&ahead, &token);
	thag_scan_next_code(&ahead, &token);
	return thag_token_is(source->bytes, &token, "__label__");
}

/** What the tokens of a body say against a mark; NULL: nothing. */
static const char *look_into(const struct thag_source *source, const struct thag_body *body)
{
	struct thag_scan scan;
	struct thag_token token;
	size_t depth = 0;

	thag_scan_begin(&scan, source->bytes, body->end, body->at);
	if (begins_with_label(source, &scan))
		return "it begins with __label__, which nothing may precede";
	do {
		thag_scan_next(&scan, &token);
		if (token.kind == THAG_TOKEN_OPEN && !token.in_directive)
			depth++;
		if (token.kind == THAG_TOKEN_CLOSE && !token.in_directive && depth)
			depth--;
		if (token.kind != THAG_TOKEN_WORD)
			continue;
		if (depth == 1 && (thag_token_is(source->bytes, &token, "THAG_PROFILED") ||
				   thag_token_is(source->bytes, &token, "THAG_PROFILED_AS") ||
				   thag_token_is(source->bytes, &token, "THAG_ENABLE_PROFILING")))
			return "it has a mark already";
		if (source->language == THAG_LANGUAGE_CPP &&
		    (thag_token_is(source->bytes, &token, "co_await") ||
		     thag_token_is(source->bytes, &token, "co_yield") ||
		     thag_token_is(source->bytes, &token, "co_return")))
			return "a coroutine: see thag_coroutine.hpp";
	} while (token.kind != THAG_TOKEN_END);
	return NULL;
}

static bool is_filtered(const struct thag_body *body, const struct thag_instrument_wishes *wishes)
{
	size_t bytes = strlen(body->name);

	if (body->is_main)
		return wishes->skip && thag_search_finds(wishes->skip, body->name, bytes);
	return (wishes->only && !thag_search_finds(wishes->only, body->name, bytes)) ||
	       (wishes->skip && thag_search_finds(wishes->skip, body->name, bytes)) ||
	       body->lines < wishes->min_lines;
}

/** Without the namespaces and classes. */
static const char *last_name(const char *name)
{
	const char *colon;

	while ((colon = strstr(name, "::")) != NULL)
		name = colon + 2;
	return name;
}

/** Sets why bodies can't have marks, as far as names and tokens say. */
static int judge(struct thag_plan *plan, const struct thag_source *source,
		 const struct thag_instrument_wishes *wishes)
{
	struct thag_handlers handlers;
	int ret = thag_handlers_find(&handlers, source->bytes, source->count);

	if (ret)
		return ret;
	for (size_t i = 0; i < plan->bodies.count; i++) {
		struct thag_body *body = &plan->bodies.list[i];

		if (body->skip)
			continue;
		if (thag_handlers_has(&handlers, last_name(body->name)))
			body->skip = "a signal handler";
		else if (body->is_lambda && !wishes->lambdas)
			body->skip = "a lambda: --lambdas takes it";
		else if (is_filtered(body, wishes))
			body->skip = FILTERED;
		else
			body->skip = look_into(source, body);
	}
	thag_handlers_fini(&handlers);
	return 0;
}

/** Bodies whose braces are code to us, too; others are never changed. */
static void check_braces(struct thag_plan *plan, const struct thag_source *source)
{
	struct thag_scan scan;
	struct thag_token token = { .kind = THAG_TOKEN_OTHER };
	size_t i = 0;

	thag_scan_begin(&scan, source->bytes, source->count, 0);
	while (i < plan->bodies.count && plan->bodies.list[i].at != SIZE_MAX) {
		struct thag_body *body = &plan->bodies.list[i];

		while (token.kind != THAG_TOKEN_END && token.at < body->at)
			thag_scan_next(&scan, &token);
		if (!body->skip &&
		    (token.at != body->at || token.kind != THAG_TOKEN_OPEN || token.in_directive))
			body->skip = "its body is in a comment, a text or a directive";
		i++;
	}
	for (i = 1; i < plan->bodies.count; i++)
		if (plan->bodies.list[i].at == plan->bodies.list[i - 1].at &&
		    plan->bodies.list[i].at != SIZE_MAX && !plan->bodies.list[i].skip)
			plan->bodies.list[i].skip = "its body is another function's, too";
}

/** Line ends that gcc takes for blanks and clang for line ends. */
static bool has_lone_returns(const char *source, size_t bytes)
{
	const char *at = source, *end = source + bytes;

	while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL)
		if (++at == end || *at != '\n')
			return true;
	return false;
}

static size_t last_body(const struct thag_bodies *bodies)
{
	size_t last = 0;

	for (size_t i = 0; i < bodies->count && bodies->list[i].at != SIZE_MAX; i++)
		last = bodies->list[i].at;
	return last;
}

static const char *header_for(const struct thag_source *source)
{
	bool plain = source->language == THAG_LANGUAGE_C || source->is_c_header ||
		     thag_arguments_is_old(source->arguments);

	return plain ? "thag.h" : "thag.hpp";
}

/** Adds the include, unless there is one that reaches every body. */
static int add_include(struct thag_plan *plan, const struct thag_source *source,
		       const struct thag_marks *marks)
{
	struct thag_place place;
	int ret;

	if (marks->include_at != SIZE_MAX)
		return 0;
	ret = thag_place_find(&place, source->bytes, source->count, plan->bodies.list[0].at,
			      last_body(&plan->bodies));
	if (ret == -EINVAL)
		plan->why_not = "its #if and #endif don't match";
	if (ret || place.has_thag)
		return ret;
	return thag_marks_add_include(&plan->edits, source->bytes, source->count, place.at,
				      header_for(source), marks->foreign);
}

static int add_marks(struct thag_plan *plan, const struct thag_source *source,
		     const struct thag_instrument_wishes *wishes)
{
	struct thag_marks marks;
	int ret = 0;

	thag_marks_find(&marks, source->bytes, source->count);
	for (size_t i = 0; !ret && i < plan->bodies.count; i++) {
		struct thag_body *body = &plan->bodies.list[i];

		if (!body->skip && marks.include_at != SIZE_MAX && body->at < marks.include_at)
			body->skip = "it comes before the include of thag.h";
		if (body->skip)
			continue;
		ret = thag_marks_add(&plan->edits, source->bytes, source->count, body->at,
				     body->is_main ? wishes->mode : NULL, marks.foreign);
		plan->marks++;
	}
	if (!ret && plan->marks)
		ret = add_include(plan, source, &marks);
	return ret;
}

static int without_marks(const char *source, size_t bytes, struct thag_buffer *out)
{
	struct thag_edits edits = { 0 };
	struct thag_removed removed;
	int ret = thag_remove_plan(&edits, source, bytes, false, &removed);

	if (!ret)
		ret = thag_edits_apply(&edits, source, bytes, out);
	thag_edits_fini(&edits);
	return ret;
}

int thag_instrument_verify(const struct thag_edits *edits, const char *source, size_t bytes)
{
	struct thag_buffer planned = { 0 }, before = { 0 }, after = { 0 };
	int ret = thag_edits_apply(edits, source, bytes, &planned);

	if (!ret)
		ret = without_marks(source, bytes, &before);
	if (!ret)
		ret = without_marks((const char *)planned.data, planned.bytes, &after);
	if (!ret && (before.bytes != after.bytes ||
		     (before.bytes && memcmp(before.data, after.data, before.bytes) != 0)))
		ret = -EILSEQ;
	thag_buffer_fini(&planned);
	thag_buffer_fini(&before);
	thag_buffer_fini(&after);
	return ret;
}

int thag_instrument_plan(struct thag_plan *plan, const struct thag_source *source,
			 const struct thag_instrument_wishes *wishes)
{
	struct thag_bodies_job job = { .path = source->path,
				       .source = source->bytes,
				       .bytes = source->count,
				       .arguments = source->arguments,
				       .cpp = source->language == THAG_LANGUAGE_CPP };
	int ret = thag_bodies_find(&plan->bodies, &job);

	if (ret == -EINVAL)
		plan->why_not = "libclang can't read it";
	if (!ret)
		ret = judge(plan, source, wishes);
	if (ret)
		return ret;
	check_braces(plan, source);
	ret = add_marks(plan, source, wishes);
	if (!ret && plan->marks && has_lone_returns(source->bytes, source->count)) {
		plan->why_not = "it has carriage returns without line feeds, which compilers "
				"don't agree on";
		ret = -EINVAL;
	}
	thag_edits_sort(&plan->edits);
	if (!ret && plan->marks)
		ret = thag_instrument_verify(&plan->edits, source->bytes, source->count);
	return ret;
}
