/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pictures: as files for a browser, and in the terminal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "browser.h"
#include "flame_load.h"
#include "flame_view.h"
#include "job.h"
#include "pager.h"

static const char *type_of(const struct thag_app *app, const char *type)
{
	if (type)
		return type;
	return app->choices.type ? app->choices.type : "flamegraph";
}

static void add_option(struct thag_twin *twin, const char *option, const char *value)
{
	if (!value)
		return;
	thag_twin_add(twin, option);
	thag_twin_add(twin, value);
}

/** Beside the profiles, with a name of its own for each of them and each type. */
static int name_kept(const struct thag_app *app, const struct thag_subject *subject,
		     const char *type, char **path)
{
	const char *slash = strrchr(subject->before->input, '/');
	const char *name = slash ? slash + 1 : subject->before->input;
	bool is_session = subject->before->kind == THAG_FINDING_SESSION;
	char *stem = NULL;
	int ret;

	ret = is_session ? asprintf(&stem, "%s-session-%s", subject->before->program, name)
			 : asprintf(&stem, "%.*s", (int)(strrchr(name, '.') - name), name);
	if (ret < 0)
		return -ENOMEM;
	ret = asprintf(path, "%s/%s-%s%s%s.svg", app->directory, stem,
		       subject->metric ? subject->metric : "", subject->metric ? "-" : "",
		       subject->after ? "diff" : type) < 0
		      ? -ENOMEM
		      : 0;
	free(stem);
	return ret;
}

static int name_file(const struct thag_app *app, const struct thag_subject *subject,
		     const char *type, char **path)
{
	if (app->choices.keeps_pictures)
		return name_kept(app, subject, type, path);
	return thag_browser_make_file(subject->after ? "diff" : type, path);
}

static void write_words(const struct thag_app *app, const struct thag_subject *subject,
			const char *type, bool filtered, const char *path, struct thag_twin *twin)
{
	thag_app_begin_twin(twin, "svg", subject);
	add_option(twin, "-o", path);
	add_option(twin, "--type", type);
	add_option(twin, "--palette", app->choices.palette);
	add_option(twin, "--theme", app->choices.theme);
	if (subject->after && app->choices.normalise)
		thag_twin_add(twin, "--normalise");
	thag_app_add_filters(twin, app, subject, filtered);
}

/** Says where the picture is, below the command that draws it; then waits for a key. */
static void tell(struct thag_app *app, const struct thag_subject *subject,
		 const struct thag_twin *twin, const char *path)
{
	int ret = thag_browser_open(path), key;
	char *text = thag_app_write_twin(twin), *shown = thag_app_show_text(path);

	thag_screen_say(&app->screen, ret == 0 ? "opened: %s" : "written: %s", path);
	do {
		const struct thag_surround around = { .title = subject->title,
						      .keys = "any key back  y command",
						      .twin = text };

		if (thag_screen_surround(&app->screen, &around)) {
			thag_screen_put_wrapped(&app->screen, 1, 2, THAG_STYLE_PLAIN,
						ret == 0 ? "The picture is in your browser:"
							 : "No browser was found here. It is:");
			thag_screen_put_wrapped(&app->screen, 3, 2, THAG_STYLE_HEAD,
						shown ? shown : "");
			thag_screen_show();
		}
		key = thag_screen_key(&app->screen, -1, -1);
		if (key == 'y' && text)
			thag_pager_wrap(&app->screen, THAG_PAGER_TWIN, text);
	} while (key == THAG_KEY_RESIZE || key == 'y');
	free(text);
	free(shown);
}

static void draw(struct thag_app *app, const struct thag_subject *subject, const char *type,
		 bool filtered, const char *path)
{
	struct thag_twin twin = { 0 };
	struct thag_job_done done;

	write_words(app, subject, type, filtered, path, &twin);
	if (thag_job_run(&app->screen,
			 &(struct thag_job){
				 .run = thag_app_run_command, .twin = &twin, .doing = "drawing" },
			 &done) == 0) {
		if (thag_job_judge(&app->screen, &done))
			tell(app, subject, &twin, path);
		else if (!app->choices.keeps_pictures)
			unlink(path);
		thag_job_done_fini(&done);
	}
	thag_twin_fini(&twin);
}

void thag_app_draw(struct thag_app *app, const struct thag_subject *subject, const char *type,
		   bool filtered)
{
	char *path = NULL;
	int ret;

	if (filtered && !thag_app_choose_filters(app, subject))
		return;
	type = type_of(app, type);
	ret = name_file(app, subject, type, &path);
	if (ret)
		thag_screen_say(&app->screen, "no file for the picture: %s", strerror(-ret));
	else
		draw(app, subject, type, filtered, path);
	free(path);
}

/* --- in the terminal --- */

static bool load(struct thag_app *app, const struct thag_subject *subject, bool filtered,
		 struct thag_flame_source *source, char **twin_text)
{
	struct thag_twin twin = { 0 };
	struct thag_job_done done;
	int ret = -1;

	write_words(app, subject, "icicle", filtered, NULL, &twin);
	*twin_text = thag_app_write_twin(&twin);
	if (thag_job_run(
		    &app->screen,
		    &(struct thag_job){ .run = thag_flame_send, .twin = &twin, .doing = "reading" },
		    &done) == 0) {
		if (thag_job_judge(&app->screen, &done)) {
			ret = thag_flame_receive(source, &done.out);
			if (ret)
				thag_screen_say(&app->screen, "%s", strerror(-ret));
		}
		thag_job_done_fini(&done);
	}
	thag_twin_fini(&twin);
	return ret == 0;
}

void thag_app_show_flame(struct thag_app *app, const struct thag_subject *subject, bool filtered)
{
	int key = 'r';

	while (key != 'q') {
		struct thag_flame_source source = { 0 };
		char *twin = NULL;

		key = 'q';
		if (load(app, subject, filtered, &source, &twin) && twin)
			key = thag_flame_show(&app->screen, &source, subject->title, twin);
		thag_flame_source_fini(&source);
		free(twin);
		if (key == 'f')
			filtered |= thag_app_choose_filters(app, subject);
	}
}
