/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "list.h"

static const char help[] =
	"How pictures look, and where they go. All of it is kept for the next time.\n"
	"\n"
	"  Enter  the next choice\n"
	"  q, Esc back\n";

/** The first word is the default. */
static const char *const palettes[] = { "aqua",	  "blue",   "green",	    "hot",
					"mem",	  "orange", "purple",	    "red",
					"yellow", "rust",   "colour-blind", NULL };
static const char *const themes[] = { "auto", "light", "dark", NULL };
static const char *const types[] = { "flamegraph", "icicle", NULL };

enum item { PALETTE, THEME, TYPE, PLACE, NORMALISE, ITEMS };

static int write_item(const void *context, size_t item, struct thag_buffer *out)
{
	const struct thag_choices *choices = &((const struct thag_app *)context)->choices;
	const char *palette = choices->palette ? choices->palette : palettes[0];
	const char *theme = choices->theme ? choices->theme : themes[0];
	const char *type = choices->type ? choices->type : types[0];
	const char *places[] = { "for the moment: $XDG_RUNTIME_DIR, or /tmp",
				 "kept: beside the profiles" };
	char text[128];
	int bytes = 0;

	switch ((enum item)item) {
	case PALETTE:
		bytes = snprintf(text, sizeof(text), "Palette            %.40s", palette);
		break;
	case THEME:
		bytes = snprintf(text, sizeof(text), "Theme              %.40s", theme);
		break;
	case TYPE:
		bytes = snprintf(text, sizeof(text), "Flamegraphs as     %.40s", type);
		break;
	case PLACE:
		bytes = snprintf(text, sizeof(text), "Pictures are       %s",
				 places[choices->keeps_pictures]);
		break;
	case NORMALISE:
		bytes = snprintf(text, sizeof(text), "Differences are    %s",
				 choices->normalise ? "normalised: both take the same in all"
						    : "absolute");
		break;
	case ITEMS:
		break;
	}
	return thag_buffer_append(out, text, (size_t)bytes);
}

/** Makes `*field` the word after what it is; the last is followed by the first. */
static void take_next(struct thag_app *app, char **field, const char *const *words)
{
	size_t at = 0;

	while (words[at] && *field && strcmp(words[at], *field) != 0)
		at++;
	if (!words[at] || !words[at + 1])
		at = 0; /* also of what is no word any more */
	else
		at++;
	if (thag_choices_set(field, words[at]))
		thag_screen_say(&app->screen, "%s", strerror(ENOMEM));
}

static void check(char **field, const char *const *words)
{
	size_t at = 0;

	while (*field && words[at] && strcmp(words[at], *field) != 0)
		at++;
	if (*field && !words[at]) {
		free(*field);
		*field = NULL;
	}
}

void thag_app_check_options(struct thag_app *app)
{
	check(&app->choices.palette, palettes);
	check(&app->choices.theme, themes);
	check(&app->choices.type, types);
}

void thag_app_choose_options(struct thag_app *app)
{
	struct thag_choices *choices = &app->choices;
	const struct thag_list list = { .title = " Options of pictures",
					.keys = "",
					.accept = "",
					.help = help,
					.count = ITEMS,
					.write = write_item,
					.context = app,
					.is_numbered = true };
	size_t chosen = 0;

	while (thag_list_choose(&app->screen, &list, &chosen) != THAG_LIST_LEFT) {
		if (chosen == PALETTE)
			take_next(app, &choices->palette, palettes);
		else if (chosen == THEME)
			take_next(app, &choices->theme, themes);
		else if (chosen == TYPE)
			take_next(app, &choices->type, types);
		else if (chosen == PLACE)
			choices->keeps_pictures = !choices->keeps_pictures;
		else
			choices->normalise = !choices->normalise;
	}
}
