/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "list.h"
#include "thag_text.h"

static const char help[] =
	"Filters leave a part of a profile out, of what is drawn and counted. Each\n"
	"is an option of the commands, see thag-filters(7).\n"
	"\n"
	"A function is its name, whole and as it is written, or an expression\n"
	"between slashes: /^json_/. Without either, Enter shows a list of them all.\n"
	"Several may be given, one after the other.\n"
	"\n"
	"  Enter  on the first line: go on with these filters\n"
	"         on a kind of filter: add one\n"
	"         on one that is there, or d: take it away\n"
	"  q, Esc back, without\n";

/** What adds a filter of each kind. */
static const struct {
	const char *text;
	const char *question;
} kinds[THAG_FILTER_KINDS] = {
	[THAG_FILTER_ONLY] = { "Only stacks with a function",
			       "only stacks with (Enter: a list): " },
	[THAG_FILTER_WITHOUT] = { "Without a function and what it calls",
				  "without (Enter: a list): " },
	[THAG_FILTER_WITHOUT_OWN] = { "Without what is a function's own",
				      "without own (Enter: a list): " },
	[THAG_FILTER_HIDE] = { "Hide a function's frames", "hide (Enter: a list): " },
	[THAG_FILTER_AT_LEAST] = { "Stacks of their own value, at least",
				   "at least (ns, bytes or number): " },
	[THAG_FILTER_COLLAPSE] = { "Recursion as one call", "" },
};

enum { GO_ON, FIRST_KIND, FIRST_FILTER = FIRST_KIND + THAG_FILTER_KINDS };

static int write_filter(const struct thag_filter *filter, struct thag_buffer *out)
{
	const char *option = thag_filter_option(filter->kind);
	int ret = thag_buffer_append(out, "  remove: ", 10);

	if (!ret)
		ret = thag_buffer_append(out, option, strlen(option));
	if (!ret)
		ret = thag_buffer_append(out, " ", 1);
	return ret ? ret : thag_text_append_terminal(out, filter->value, strlen(filter->value));
}

static int write_item(const void *context, size_t item, struct thag_buffer *out)
{
	const struct thag_app *app = context;
	const char *text;

	if (item >= FIRST_FILTER)
		return write_filter(&app->choices.filters[item - FIRST_FILTER], out);
	text = item >= FIRST_KIND	   ? kinds[item - FIRST_KIND].text
	       : app->choices.filter_count ? "Go on with the filters below"
					   : "Go on without filters";
	return thag_buffer_append(out, text, strlen(text));
}

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

/** What is typed; nothing: what is chosen from a list. False: neither. */
static bool ask(struct thag_app *app, const struct thag_subject *subject,
		enum thag_filter_kind kind, char **value)
{
	if (!thag_screen_ask(&app->screen, kinds[kind].question, value))
		return false;
	if ((*value)[0])
		return true;
	return kind != THAG_FILTER_AT_LEAST && thag_app_choose_function(app, subject, value);
}

static void add(struct thag_app *app, const struct thag_subject *subject,
		enum thag_filter_kind kind)
{
	char *value = NULL;
	int ret;

	if (!thag_filter_has_value(kind)) {
		ret = thag_choices_add_filter(&app->choices, kind, "");
	} else {
		if (!ask(app, subject, kind, &value)) {
			free(value);
			return;
		}
		ret = kind == THAG_FILTER_AT_LEAST && !is_number(value)
			      ? -EINVAL
			      : thag_choices_add_filter(&app->choices, kind, value);
		if (ret == -EINVAL)
			thag_screen_say(&app->screen, "'%s' is no whole number", value);
	}
	if (ret && ret != -EINVAL)
		thag_screen_say(&app->screen, "%s",
				ret == -E2BIG ? "there are as many filters as can be"
					      : strerror(-ret));
	free(value);
}

bool thag_app_choose_filters(struct thag_app *app, const struct thag_subject *subject)
{
	const char *title = " Filters";
	size_t chosen = 0;

	for (;;) {
		const struct thag_list list = { .title = title,
						.keys = "d remove",
						.accept = "d",
						.help = help,
						.count = FIRST_FILTER + app->choices.filter_count,
						.write = write_item,
						.context = app };
		int key = thag_list_choose(&app->screen, &list, &chosen);

		if (key == THAG_LIST_LEFT)
			return false;
		if (chosen >= FIRST_FILTER)
			thag_choices_drop_filter(&app->choices, chosen - FIRST_FILTER);
		else if (key == 'd')
			continue;
		else if (chosen == GO_ON)
			return true;
		else
			add(app, subject, (enum thag_filter_kind)(chosen - FIRST_KIND));
	}
}
