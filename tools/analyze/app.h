/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the screens of `thag analyze` have in common.
 *
 * Thread: main.
 */
#ifndef THAG_ANALYZE_APP_H
#define THAG_ANALYZE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "choices.h"
#include "finder.h"
#include "screen.h"
#include "thag_buffer.h"
#include "twin.h"

struct thag_app {
	struct thag_screen screen;
	struct thag_choices choices;
	struct thag_finder finder;
	char *directory; /* whose profiles are looked at */
};

/** What an action is of; the profiles are the finder's. */
struct thag_subject {
	const struct thag_finding *before; /* or the only one */
	const struct thag_finding *after;  /* NULL: one alone */
	const char *metric;		   /* of memory; NULL: what the profile is of */
	const char *at_least;		   /* beside the filters; NULL: nothing */
	const char *title;
};

/** Which command lines: those of `command` about a subject, filters and all. */
void thag_app_begin_twin(struct thag_twin *twin, const char *command,
			 const struct thag_subject *subject);
void thag_app_add_filters(struct thag_twin *twin, const struct thag_app *app,
			  const struct thag_subject *subject, bool filtered);

/** How a shell writes it, for the caller to free; NULL without memory. */
char *thag_app_write_twin(const struct thag_twin *twin);

/** A text of any bytes, fit for a terminal, for the caller to free; NULL without memory. */
char *thag_app_show_text(const char *text);

/** Runs the command of a twin's first word. For struct thag_job. */
int thag_app_run_command(int argc, char **argv);

/** Forgets choices of pictures, or of orders, that are no words of the commands. */
void thag_app_check_options(struct thag_app *app);
void thag_app_check_orders(struct thag_app *app);

/** Reads again which profiles there are. */
void thag_app_find(struct thag_app *app);

/* Screens; each comes back when it is left. */

/** Lets filters be chosen. True to go on with them; false: back. */
bool thag_app_choose_filters(struct thag_app *app, const struct thag_subject *subject);

/** Lets a function be chosen. True with `*name`, which the caller frees, replaced. */
bool thag_app_choose_function(struct thag_app *app, const struct thag_subject *subject,
			      char **name);

/** Lets looks of pictures be chosen. */
void thag_app_choose_options(struct thag_app *app);

/**
 * Lets a profile be chosen, beginning at `*chosen`, an index of the finder, SIZE_MAX: the first;
 * `program`, when not NULL, comes first. True with `*chosen`.
 */
bool thag_app_pick(struct thag_app *app, bool memory, const char *title, const char *program,
		   size_t *chosen);

/** Tables. */
void thag_app_show_statistics(struct thag_app *app, const struct thag_subject *subject);
void thag_app_show_difference(struct thag_app *app, const struct thag_subject *subject);
/** `at`: what a line begins with that it is opened at, NULL: the first. */
void thag_app_show_memory(struct thag_app *app, const struct thag_subject *subject, const char *at);

/** Draws an SVG file, of `type` or, NULL, as the options say, and opens it where that can be. */
void thag_app_draw(struct thag_app *app, const struct thag_subject *subject, const char *type,
		   bool filtered);

/** Draws it in the terminal. */
void thag_app_show_flame(struct thag_app *app, const struct thag_subject *subject, bool filtered);

/** Menus of actions, once profiles are chosen. */
void thag_app_act_time(struct thag_app *app, const struct thag_finding *finding);
void thag_app_act_memory(struct thag_app *app, const struct thag_finding *finding);
void thag_app_act_difference(struct thag_app *app, bool memory, const struct thag_finding *before,
			     const struct thag_finding *after);

#endif
