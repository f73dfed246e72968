/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Choosing a function of a profile by its name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../stat_rows.h"
#include "app.h"
#include "flame_load.h"
#include "job.h"
#include "list.h"
#include "thag_text.h"

static const char help[] =
	"The functions of the profile, those first in which and below which most is.\n"
	"\n"
	"  Enter  choose\n"
	"  /      show those whose name holds a text\n"
	"  q, Esc back, without one\n";

struct names {
	char **list; /* into what the child wrote */
	size_t count;
};

/** For struct thag_job: writes names, each ended by a zero byte. */
static int send_names(int argc, char **argv)
{
	struct thag_source source = { 0 };
	struct thag_stat_rows rows = { 0 };
	int ret = thag_flame_open(argc, argv, &source);

	if (ret == THAG_EXIT_OK) {
		const struct thag_stat_query query = { .profile = source.profile,
						       .sort = THAG_STAT_TOTAL };

		ret = thag_stat_rows_make(&rows, &query) ? THAG_EXIT_FAILURE : THAG_EXIT_OK;
	}
	for (uint32_t i = 0; i < rows.count; i++) {
		size_t bytes;
		const char *name =
			thag_profile_name(rows.list[i].profile, rows.list[i].name, &bytes);

		fwrite(name, 1, bytes + 1, stdout);
	}
	thag_stat_rows_fini(&rows);
	thag_source_fini(&source);
	return ret;
}

/** 0 or -ENOMEM. The names are those in `text`. */
static int split(struct names *names, const struct thag_buffer *text)
{
	size_t count = 0, at = 0;

	for (size_t i = 0; i < text->bytes; i++)
		count += text->data[i] == '\0';
	*names = (struct names){ .list = calloc(count + 1, sizeof(*names->list)) };
	if (!names->list)
		return -ENOMEM;
	for (; names->count < count; at += strlen((char *)text->data + at) + 1)
		names->list[names->count++] = (char *)text->data + at;
	return 0;
}

static int write_item(const void *context, size_t item, struct thag_buffer *out)
{
	const struct names *names = context;

	return thag_text_append_terminal(out, names->list[item], strlen(names->list[item]));
}

static bool choose(struct thag_app *app, const struct thag_buffer *text, char **name)
{
	struct names names;
	struct thag_list list = { .title = " Functions",
				  .keys = "",
				  .accept = "",
				  .help = help,
				  .write = write_item,
				  .context = &names };
	size_t chosen = 0;
	bool good = false;

	if (split(&names, text)) {
		thag_screen_say(&app->screen, "%s", strerror(ENOMEM));
		return false;
	}
	list.count = names.count;
	if (thag_list_choose(&app->screen, &list, &chosen) != THAG_LIST_LEFT)
		good = thag_choices_set(name, names.list[chosen]) == 0;
	free(names.list);
	return good;
}

bool thag_app_choose_function(struct thag_app *app, const struct thag_subject *subject, char **name)
{
	/* of two, what came after has the names of today */
	const struct thag_subject one = { .before =
						  subject->after ? subject->after : subject->before,
					  .metric = subject->metric };
	struct thag_twin twin = { 0 };
	struct thag_job_done done;
	bool good = false;

	thag_app_begin_twin(&twin, "svg", &one);
	thag_app_add_filters(&twin, app, &one, false);
	if (thag_job_run(&app->screen,
			 &(struct thag_job){ .run = send_names, .twin = &twin, .doing = "reading" },
			 &done) == 0) {
		good = thag_job_judge(&app->screen, &done) && choose(app, &done.out, name);
		thag_job_done_fini(&done);
	}
	thag_twin_fini(&twin);
	return good;
}
