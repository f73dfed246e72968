/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "app.h"

#include <errno.h>
#include <string.h>

#include "../client.h"
#include "thag_text.h"

#define SESSIONS_MS 2000 /* a thagd that doesn't answer by then isn't waited for */

void thag_app_begin_twin(struct thag_twin *twin, const char *command,
			 const struct thag_subject *subject)
{
	thag_twin_add(twin, command);
	thag_twin_add_input(twin, subject->before->input);
	if (subject->after)
		thag_twin_add_input(twin, subject->after->input);
}

static void add_option(struct thag_twin *twin, const char *option, const char *value)
{
	thag_twin_add(twin, option);
	thag_twin_add(twin, value);
}

void thag_app_add_filters(struct thag_twin *twin, const struct thag_app *app,
			  const struct thag_subject *subject, bool filtered)
{
	const struct thag_choices *choices = &app->choices;

	if (subject->metric)
		add_option(twin, "--metric", subject->metric);
	for (size_t i = 0; filtered && i < choices->filter_count; i++) {
		enum thag_filter_kind kind = choices->filters[i].kind;

		thag_twin_add(twin, thag_filter_option(kind));
		if (thag_filter_has_value(kind))
			thag_twin_add(twin, choices->filters[i].value);
	}
	if (subject->at_least)
		add_option(twin, thag_filter_option(THAG_FILTER_AT_LEAST), subject->at_least);
}

char *thag_app_write_twin(const struct thag_twin *twin)
{
	struct thag_buffer text = { 0 };

	if (thag_twin_write(twin, &text) == 0 && thag_buffer_append(&text, "", 1) == 0)
		return (char *)text.data;
	thag_buffer_fini(&text);
	return NULL;
}

char *thag_app_show_text(const char *text)
{
	struct thag_buffer shown = { 0 };

	if (thag_text_append_terminal(&shown, text, strlen(text)) == 0 &&
	    thag_buffer_append(&shown, "", 1) == 0)
		return (char *)shown.data;
	thag_buffer_fini(&shown);
	return NULL;
}

int thag_app_run_command(int argc, char **argv)
{
	const struct thag_command *command = thag_command_find(argv[0]);

	if (command)
		return command->run(argc, argv);
	return thag_command_bad_usage(NULL, "no command '%s'", argv[0]);
}

/** Sessions of a thagd that runs; none is no error. */
static void find_sessions(struct thag_app *app)
{
	struct thag_reply reply;
	json_t *list;

	if (thag_client_ask(json_pack("{s:s}", "op", "list"), SESSIONS_MS, &reply))
		return;
	list = thag_reply_take_list(&reply);
	thag_finder_add_sessions(&app->finder, json_object_get(list, "sessions"));
	json_decref(list);
	thag_reply_fini(&reply);
}

void thag_app_find(struct thag_app *app)
{
	int ret;

	thag_finder_fini(&app->finder);
	ret = thag_finder_scan(&app->finder, app->directory);
	if (ret)
		thag_screen_say(&app->screen, "%s: %s", app->directory, strerror(-ret));
	find_sessions(app);
	thag_finder_sort(&app->finder);
}
