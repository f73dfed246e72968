/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "list.h"
#include "thag_text.h"

static const char help[] =
	"Profiles by program, the newest first: folded stacks (.folded), recordings\n"
	"(.thag), and sessions of thagd, running or ended. A recording is opened in\n"
	"thagd, and stays there as a session.\n"
	"\n"
	"  Enter  choose\n"
	"  /      show those whose line or program holds a text; Esc shows all again\n"
	"  D      another directory\n"
	"  r      read the directory again\n"
	"  q, Esc back\n";

struct picking {
	const struct thag_app *app;
	size_t *items; /* of the finder */
	size_t count;
	char **groups; /* by number of item; what is fit for a terminal */
};

static void picking_fini(struct picking *picking)
{
	for (size_t i = 0; picking->groups && i < picking->count; i++)
		free(picking->groups[i]);
	free(picking->groups);
	free(picking->items);
	*picking = (struct picking){ 0 };
}

/** Those of a menu; those of `program` first. */
static void list_items(struct picking *picking, bool memory, const char *program)
{
	const struct thag_finder *finder = &picking->app->finder;

	for (int others = 0; others < 2; others++)
		for (size_t i = 0; i < finder->count; i++) {
			bool other = program && strcmp(finder->list[i].program, program) != 0;

			if (thag_finding_is_of(&finder->list[i], memory) && other == (others == 1))
				picking->items[picking->count++] = i;
		}
}

/** 0 or -ENOMEM. */
static int picking_init(struct picking *picking, const struct thag_app *app, bool memory,
			const char *program)
{
	*picking = (struct picking){ .app = app };
	picking->items = calloc(app->finder.count + 1, sizeof(*picking->items));
	if (!picking->items)
		return -ENOMEM;
	list_items(picking, memory, program);
	picking->groups = calloc(picking->count + 1, sizeof(*picking->groups));
	for (size_t i = 0; picking->groups && i < picking->count; i++) {
		const char *name = app->finder.list[picking->items[i]].program;

		picking->groups[i] = thag_app_show_text(name[0] ? name : "(no name)");
		if (!picking->groups[i])
			return -ENOMEM;
	}
	return picking->groups ? 0 : -ENOMEM;
}

static int write_item(const void *context, size_t item, struct thag_buffer *out)
{
	const struct picking *picking = context;
	const struct thag_finding *finding = &picking->app->finder.list[picking->items[item]];
	const char *slash = strrchr(finding->input, '/');
	const char *name = slash ? slash + 1 : finding->input;
	bool is_session = finding->kind == THAG_FINDING_SESSION;
	char *text = NULL;
	int ret;

	if (asprintf(&text, "%-19s  %-13s  %s%s%s", finding->when, thag_finding_word(finding->kind),
		     name, is_session ? " " : "", finding->state) < 0)
		return -ENOMEM;
	ret = thag_text_append_terminal(out, text, strlen(text));
	free(text);
	return ret;
}

static const char *group_of(const void *context, size_t item)
{
	return ((const struct picking *)context)->groups[item];
}

/** All of its name, which may be cut above. */
static const char *hint_of(const void *context, size_t item)
{
	const struct picking *picking = context;

	return picking->app->finder.list[picking->items[item]].input;
}

static char *make_title(const struct thag_app *app, const char *title)
{
	char *text = NULL, *shown;

	if (asprintf(&text, " %s: profiles in %s", title, app->directory) < 0)
		return NULL;
	shown = thag_app_show_text(text);
	free(text);
	return shown;
}

/** Another directory, from the one that was looked at last. */
static void change_directory(struct thag_app *app)
{
	char *directory = strdup(app->choices.directory ? app->choices.directory : app->directory);

	if (!directory || !thag_screen_ask(&app->screen, "directory: ", &directory) ||
	    !directory[0]) {
		free(directory);
		return;
	}
	free(app->directory);
	app->directory = directory;
}

/** Where what was chosen before stands; the first, when it doesn't. */
static size_t item_of(const struct picking *picking, size_t chosen)
{
	for (size_t i = 0; i < picking->count; i++)
		if (picking->items[i] == chosen)
			return i;
	return 0;
}

/** A key of the list, or THAG_LIST_LEFT; `*chosen` is the finder's. */
static int pick(struct thag_app *app, bool memory, const char *title, const char *program,
		size_t *chosen)
{
	struct picking picking;
	char *shown = make_title(app, title);
	struct thag_list list = { .title = shown ? shown : "",
				  .keys = "D directory  r again",
				  .accept = "Dr",
				  .help = help,
				  .write = write_item,
				  .group = group_of,
				  .hint = hint_of,
				  .context = &picking };
	int key = THAG_LIST_LEFT;
	size_t item = 0;

	if (picking_init(&picking, app, memory, program)) {
		thag_screen_say(&app->screen, "%s", strerror(ENOMEM));
	} else {
		list.count = picking.count;
		item = item_of(&picking, *chosen);
		if (picking.count == 0 && !app->screen.message)
			thag_screen_say(&app->screen, "no such profiles here; D: elsewhere");
		key = thag_list_choose(&app->screen, &list, &item);
		if (item < picking.count)
			*chosen = picking.items[item];
	}
	picking_fini(&picking);
	free(shown);
	return key;
}

/** Commands take a file that is called like a session first. */
static bool is_hidden(struct thag_app *app, size_t chosen)
{
	const struct thag_finding *finding = &app->finder.list[chosen];

	if (finding->kind != THAG_FINDING_SESSION || access(finding->input, F_OK) != 0)
		return false;
	thag_screen_say(&app->screen, "session %s is hidden by a file of that name here",
			finding->input);
	return true;
}

bool thag_app_pick(struct thag_app *app, bool memory, const char *title, const char *program,
		   size_t *chosen)
{
	for (;;) {
		int key = pick(app, memory, title, program, chosen);

		if (key == THAG_LIST_LEFT)
			return false;
		if (key == THAG_KEY_ENTER && is_hidden(app, *chosen))
			continue;
		if (key == THAG_KEY_ENTER)
			return thag_choices_set(&app->choices.directory, app->directory) == 0;
		/* indices of the finder are told to nobody beyond this */
		if (program) {
			thag_screen_say(&app->screen, "the first one was chosen here");
			continue;
		}
		if (key == 'D')
			change_directory(app);
		thag_app_find(app);
	}
}
