/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be done with profiles, once they are chosen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "list.h"

static const char help[] =
	"What to do with the profile. Pictures are SVG files: zoom and search in\n"
	"them in a browser, which is opened where there is one.\n"
	"\n"
	"Flamegraphs put equal stacks together; flamecharts show them in the order\n"
	"in which they came. Filtered ones ask what is to be left out.\n"
	"\n"
	"Each action shows the command line that does the same.\n"
	"\n"
	"  Enter, 1 to 0  choose\n"
	"  q, Esc         back\n";

struct action {
	const char *text;
	void (*run)(struct thag_app *app, struct thag_subject *subject);
};

struct menu {
	const struct thag_subject *subject;
	const struct action *actions;
};

static void flamegraph(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_draw(app, subject, NULL, false);
}

static void flamegraph_filtered(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_draw(app, subject, NULL, true);
}

/** Sessions have no order of stacks in what is asked of them. */
static bool has_order(struct thag_app *app, const struct thag_subject *subject)
{
	if (!thag_finding_is_session(subject->before))
		return true;
	thag_screen_say(&app->screen, "a flamechart is of a folded file; thagd's page has that "
				      "of sessions");
	return false;
}

static void flamechart(struct thag_app *app, struct thag_subject *subject)
{
	if (has_order(app, subject))
		thag_app_draw(app, subject, "flamechart", false);
}

static void flamechart_filtered(struct thag_app *app, struct thag_subject *subject)
{
	if (has_order(app, subject))
		thag_app_draw(app, subject, "flamechart", true);
}

static void statistics(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_show_statistics(app, subject);
}

static void terminal(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_show_flame(app, subject, false);
}

static void terminal_filtered(struct thag_app *app, struct thag_subject *subject)
{
	if (thag_app_choose_filters(app, subject))
		thag_app_show_flame(app, subject, true);
}

static void difference(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_show_difference(app, subject);
}

static void memory_facts(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_show_memory(app, subject, NULL);
}

static void memory_sizes(struct thag_app *app, struct thag_subject *subject)
{
	thag_app_show_memory(app, subject, "SIZE");
}

static void options(struct thag_app *app, struct thag_subject *subject)
{
	(void)subject;
	thag_app_choose_options(app);
}

/* --- what of memory --- */

static const struct {
	const char *text, *metric, *at_least;
} patterns[] = {
	{ "all that was allocated", "allocated", NULL },
	{ "large: stacks that allocated more than 1,000,000 B", "allocated", "1000001" },
	{ "temporary: freed with no allocation in between", "temporary", NULL },
	{ "leaked: never freed", "leaked", NULL },
	{ "frequent: by how many allocations", "allocations", NULL },
	{ "live now, or at the end", "live", NULL },
	{ "live at the peak", "peak", NULL },
	{ "freed", "freed", NULL },
};

#define PATTERN_COUNT (sizeof(patterns) / sizeof(patterns[0]))

static int write_pattern(const void *context, size_t item, struct thag_buffer *out)
{
	(void)context;
	return thag_buffer_append(out, patterns[item].text, strlen(patterns[item].text));
}

/** Whether it is known what became of blocks: of sessions and recordings. */
static bool tells_lifetimes(const struct thag_subject *subject)
{
	return thag_finding_is_session(subject->before) &&
	       (!subject->after || thag_finding_is_session(subject->after));
}

/** A file of folded stacks counts one thing, of which only the large can be told. */
static void what(struct thag_app *app, struct thag_subject *subject)
{
	const struct thag_list list = { .title = " What of memory",
					.keys = "",
					.accept = "",
					.help = help,
					.count = PATTERN_COUNT,
					.write = write_pattern,
					.is_numbered = true };
	bool is_session = tells_lifetimes(subject);
	size_t chosen = 0;

	while (chosen + 1 < PATTERN_COUNT && is_session && subject->metric &&
	       (strcmp(patterns[chosen].metric, subject->metric) != 0 ||
		!patterns[chosen].at_least != !subject->at_least))
		chosen++;
	if (thag_list_choose(&app->screen, &list, &chosen) == THAG_LIST_LEFT)
		return;
	if (!is_session && chosen > 1) {
		thag_screen_say(&app->screen, "a folded file doesn't tell what became of blocks: "
					      "take a session or a recording");
		return;
	}
	subject->metric = is_session ? patterns[chosen].metric : NULL;
	subject->at_least = patterns[chosen].at_least;
}

/* --- menus --- */

static const struct action time_actions[] = {
	{ "Flamegraph", flamegraph },
	{ "Filtered flamegraph", flamegraph_filtered },
	{ "Flamechart", flamechart },
	{ "Filtered flamechart", flamechart_filtered },
	{ "Statistics", statistics },
	{ "Flamegraph in this terminal", terminal },
	{ "Filtered flamegraph in this terminal", terminal_filtered },
	{ "Options of pictures", options },
	{ 0 },
};

static const struct action memory_actions[] = {
	{ "Flamegraph", flamegraph },
	{ "Filtered flamegraph", flamegraph_filtered },
	{ "Flamechart", flamechart },
	{ "Filtered flamechart", flamechart_filtered },
	{ "Memory statistics: peak, leaks, sites", memory_facts },
	{ "Allocation size distribution", memory_sizes },
	{ "By function or stack", statistics },
	{ "Flamegraph in this terminal", terminal },
	{ "What of memory: all, large, temporary, leaked, frequent …", what },
	{ "Options of pictures", options },
	{ 0 },
};

static const struct action difference_actions[] = {
	{ "Flamegraph of the difference", flamegraph },
	{ "Filtered flamegraph of the difference", flamegraph_filtered },
	{ "Table of the difference", difference },
	{ "Options of pictures", options },
	{ 0 },
};

static const struct action memory_difference_actions[] = {
	{ "Flamegraph of the difference", flamegraph },
	{ "Filtered flamegraph of the difference", flamegraph_filtered },
	{ "Table of the difference", difference },
	{ "What of memory: all, large, temporary, leaked, frequent …", what },
	{ "Options of pictures", options },
	{ 0 },
};

static int write_action(const void *context, size_t item, struct thag_buffer *out)
{
	const struct menu *menu = context;
	const char *text = menu->actions[item].text;

	return thag_buffer_append(out, text, strlen(text));
}

/** What it is of, on one line. */
static char *describe(const struct thag_subject *subject, const char *kind)
{
	const struct thag_finding *before = subject->before, *after = subject->after;
	char *text = NULL, *shown;

	if (asprintf(&text, " %s: %s %s%s%s%s%s%s%s", kind, before->program, before->when,
		     after ? " \xe2\x86\x92 " : "",
		     after && strcmp(before->program, after->program) != 0 ? after->program : "",
		     after ? " " : "", after ? after->when : "", subject->metric ? ", " : "",
		     subject->metric ? subject->metric : "") < 0)
		return NULL;
	shown = thag_app_show_text(text);
	free(text);
	return shown;
}

static void act(struct thag_app *app, struct thag_subject *subject, const char *kind,
		const struct action *actions)
{
	const struct menu menu = { .subject = subject, .actions = actions };
	size_t count = 0, chosen = 0;
	bool going = true;

	while (actions[count].text)
		count++;
	while (going) {
		char *title = describe(subject, kind);
		const struct thag_list list = { .title = title ? title : "",
						.keys = "",
						.accept = "",
						.help = help,
						.count = count,
						.write = write_action,
						.context = &menu,
						.is_numbered = true };

		subject->title = title ? title : "";
		going = thag_list_choose(&app->screen, &list, &chosen) != THAG_LIST_LEFT;
		if (going)
			actions[chosen].run(app, subject);
		free(title);
	}
}

void thag_app_act_time(struct thag_app *app, const struct thag_finding *finding)
{
	act(app, &(struct thag_subject){ .before = finding }, "Time", time_actions);
}

void thag_app_act_memory(struct thag_app *app, const struct thag_finding *finding)
{
	struct thag_subject subject = { .before = finding };

	if (tells_lifetimes(&subject))
		subject.metric = patterns[0].metric;
	act(app, &subject, "Memory", memory_actions);
}

void thag_app_act_difference(struct thag_app *app, bool memory, const struct thag_finding *before,
			     const struct thag_finding *after)
{
	struct thag_subject subject = { .before = before, .after = after };

	if (memory && tells_lifetimes(&subject))
		subject.metric = patterns[0].metric;
	act(app, &subject, "Difference", memory ? memory_difference_actions : difference_actions);
}
