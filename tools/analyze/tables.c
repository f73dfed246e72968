/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables of the commands, which are asked again for each order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stat.h"
#include "app.h"
#include "job.h"
#include "pager.h"

static const char stat_help[] =
	"What each function, or stack, took. thag-stat(1) explains the columns.\n"
	"\n"
	"  s t c m x n   order by self, total, calls, mean, max, name\n"
	"  9             order by the 99th percentile\n"
	"  S             functions, or stacks\n"
	"  /             rows with a name that matches an expression; empty: all\n"
	"  f             filters: leave a part of the profile out;  F  none again\n"
	"  r             read it again\n"
	"  Left, Right   the rest of long names\n"
	"  y             the command line that prints the same\n"
	"  q, Esc        back\n";

static const char diff_help[] =
	"What changed, from before to after. thag-diff(1) explains the columns.\n"
	"\n"
	"  c r b a n     order by change, relative change, before, after, name\n"
	"  S             functions, or stacks\n"
	"  N             absolute, or normalised to the same sum\n"
	"  /             rows with a name that matches an expression; empty: all\n"
	"  f             filters: leave a part of both out;  F  none again\n"
	"  Left, Right   the rest of long names\n"
	"  y             the command line that prints the same\n"
	"  q, Esc        back\n";

static const char memory_help[] =
	"What the program did with memory; sizes of all allocations, with bars for\n"
	"how many and for how many bytes; and where most was allocated and leaked.\n"
	"\n"
	"  Up, Down, Left, Right  move\n"
	"  y                      the command line that prints the same\n"
	"  q, Esc                 back\n";

struct order {
	char key;
	const char *word;
};

static const struct order stat_orders[] = {
	{ 's', "self" }, { 't', "total" }, { 'c', "calls" }, { 'm', "mean" },
	{ 'x', "max" },	 { 'n', "name" },  { '9', "p99" },   { 0 },
};

static const struct order diff_orders[] = {
	{ 'c', "change" }, { 'r', "relative" }, { 'b', "before" },
	{ 'a', "after" },  { 'n', "name" },	{ 0 },
};

static void check(char **word, const struct order *orders)
{
	while (*word && orders->word && strcmp(orders->word, *word) != 0)
		orders++;
	if (*word && !orders->word) {
		free(*word);
		*word = NULL;
	}
}

void thag_app_check_orders(struct thag_app *app)
{
	check(&app->choices.sort, stat_orders);
	check(&app->choices.diff_sort, diff_orders);
}

/** A table while it is looked at. */
struct table {
	struct thag_app *app;
	const struct thag_subject *subject;
	const char *command;
	const struct order *orders;
	char **sort; /* of the choices */
	int (*run)(int argc, char **argv);
	struct thag_pager pager;
	char *filter; /* of rows */
	bool filtered, is_difference;
};

static void add_words(const struct table *table, struct thag_twin *twin)
{
	const struct thag_choices *choices = &table->app->choices;

	thag_app_begin_twin(twin, table->command, table->subject);
	if (table->sort && *table->sort) {
		thag_twin_add(twin, "--sort");
		thag_twin_add(twin, *table->sort);
	}
	if (table->sort && choices->stacks)
		thag_twin_add(twin, "--stacks");
	if (table->is_difference && choices->normalise)
		thag_twin_add(twin, "--normalise");
	if (table->filter && table->filter[0]) {
		thag_twin_add(twin, "--filter");
		thag_twin_add(twin, table->filter);
	}
	if (table->sort)
		thag_app_add_filters(twin, table->app, table->subject, table->filtered);
}

/** Runs it; whether there is a table, which is the caller's. */
static bool fetch(struct table *table, char **twin_text, char **text)
{
	struct thag_twin twin = { 0 };
	struct thag_job_done done;
	bool good = false;

	*twin_text = NULL;
	*text = NULL;
	add_words(table, &twin);
	if (thag_job_run(&table->app->screen,
			 &(struct thag_job){ .run = table->run, .twin = &twin, .doing = "reading" },
			 &done) == 0) {
		good = thag_job_judge(&table->app->screen, &done);
		*twin_text = good ? thag_app_write_twin(&twin) : NULL;
		if (good) {
			*text = (char *)done.out.data;
			done.out = (struct thag_buffer){ 0 };
		}
		thag_job_done_fini(&done);
	}
	thag_twin_fini(&twin);
	return good && *twin_text;
}

/** Whether the table is to be fetched anew; false: it is left. */
static bool obey(struct table *table, int key)
{
	struct thag_choices *choices = &table->app->choices;

	for (const struct order *order = table->orders; order && order->key; order++)
		if (key == order->key)
			return thag_choices_set(table->sort, order->word) == 0;
	switch (key) {
	case 'S':
		choices->stacks = !choices->stacks;
		return true;
	case 'N':
		choices->normalise = !choices->normalise;
		return true;
	case '/':
		thag_screen_ask(&table->app->screen, "rows that match: ", &table->filter);
		return true;
	case 'f':
		table->filtered |= thag_app_choose_filters(table->app, table->subject);
		return true;
	case 'F':
		table->filtered = false;
		return true;
	default:
		return key != 'q';
	}
}

/** What couldn't be fetched may be for what was chosen last, which is taken back. */
static bool take_back(struct table *table)
{
	if (table->filter && table->filter[0]) {
		table->filter[0] = '\0';
		return true;
	}
	if (table->filtered) {
		table->filtered = false;
		return true;
	}
	return false;
}

static void show(struct table *table)
{
	struct thag_pager_place place = { 0 };
	char *twin, *text, *complaint = NULL;
	int key = 'r';

	while (key != 'q') {
		bool good = fetch(table, &twin, &text);

		if (good) {
			table->pager.twin = twin;
			table->pager.text = text;
			if (table->sort) {
				table->pager.shows_ends = table->app->choices.stacks;
				table->pager.last_column =
					table->app->choices.stacks ? "STACK" : "FUNCTION";
			}
			if (complaint)
				thag_screen_say(&table->app->screen, "%s", complaint);
			key = thag_pager_show(&table->app->screen, &table->pager, &place);
		}
		free(twin);
		free(text);
		free(complaint);
		complaint = NULL;
		if (good) {
			thag_screen_say(&table->app->screen, "%s", "");
			if (!obey(table, key))
				break;
			continue;
		}
		if (!take_back(table))
			break;
		complaint = table->app->screen.message ? strdup(table->app->screen.message) : NULL;
	}
	free(complaint);
	free(table->filter);
}

static int run_statistics(int argc, char **argv)
{
	return thag_stat_run_for(argc, argv, thag_screen_columns());
}

void thag_app_show_statistics(struct thag_app *app, const struct thag_subject *subject)
{
	struct table table = { .app = app,
			       .subject = subject,
			       .command = "stat",
			       .orders = stat_orders,
			       .sort = &app->choices.sort,
			       .run = run_statistics,
			       .pager = { .title = subject->title,
					  .keys = "s t c m x n order  S stacks  / rows  f filters",
					  .accept = "stcmxn9S/fFr",
					  .help = stat_help } };

	show(&table);
}

void thag_app_show_difference(struct thag_app *app, const struct thag_subject *subject)
{
	struct table table = { .app = app,
			       .subject = subject,
			       .command = "diff",
			       .orders = diff_orders,
			       .sort = &app->choices.diff_sort,
			       .run = thag_app_run_command,
			       .is_difference = true,
			       .pager = { .title = subject->title,
					  .keys = "c r b a n order  S stacks  N normalise  / rows",
					  .accept = "crbanSN/fF",
					  .help = diff_help } };

	show(&table);
}

/** Lines before the one that begins with `at`, blanks left out. */
static size_t lines_before(const char *text, const char *at)
{
	size_t lines = 0;

	for (const char *line = text; line; lines++) {
		if (strncmp(line + strspn(line, " "), at, strlen(at)) == 0)
			return lines;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return 0;
}

void thag_app_show_memory(struct thag_app *app, const struct thag_subject *subject, const char *at)
{
	struct thag_pager_place place = { 0 };
	struct table table = { .app = app,
			       .subject = subject,
			       .command = "memory",
			       .run = thag_app_run_command,
			       .pager = { .title = subject->title,
					  .keys = "arrows move",
					  .accept = "",
					  .help = memory_help } };
	char *twin, *text;

	if (fetch(&table, &twin, &text)) {
		table.pager.twin = twin;
		table.pager.text = text;
		place.top = at ? lines_before(text, at) : 0;
		thag_pager_show(&app->screen, &table.pager, &place);
	}
	free(twin);
	free(text);
}
