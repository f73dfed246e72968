/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * thag-instrument, and thag-remove when it is called so.
 */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "deep.h"
#include "file.h"
#include "instrument.h"
#include "options.h"
#include "patch.h"
#include "remove.h"
#include "report.h"
#include "walk.h"

#include <fnmatch.h>

struct work {
	const struct thag_options *options;
	struct thag_commands *commands; /* of the last file, or of -p */
	struct thag_paths paths;
	struct thag_report report;
};

/* --- what is read --- */

static bool matches(const struct thag_globs *globs, const char *path)
{
	const char *slash = strrchr(path, '/');

	for (unsigned i = 0; i < globs->count; i++)
		if (fnmatch(globs->list[i], path, 0) == 0 ||
		    (slash && fnmatch(globs->list[i], slash + 1, 0) == 0))
			return true;
	return false;
}

/** Leaves out what --path and --exclude do. */
static void filter_paths(struct work *work)
{
	struct thag_paths *paths = &work->paths;
	size_t kept = 0;

	for (size_t i = 0; i < paths->count; i++) {
		char *path = paths->list[i];

		if ((work->options->path.count && !matches(&work->options->path, path)) ||
		    matches(&work->options->exclude, path))
			free(path);
		else
			paths->list[kept++] = path;
	}
	paths->count = kept;
}

/** The files that are named, and the sources in folders that are; those that fail to `failed`. */
static int find_paths(struct work *work, struct thag_paths *failed)
{
	const struct thag_options *options = work->options;
	int ret = 0;

	for (int i = 0; ret != -ENOMEM && i < options->file_count; i++) {
		struct stat st;

		if (stat(options->files[i], &st) == 0 && S_ISDIR(st.st_mode))
			ret = thag_walk(&work->paths, options->files[i],
					options->headers || options->remove, failed);
		else
			ret = thag_paths_add(&work->paths, options->files[i]);
	}
	filter_paths(work);
	return ret == -ENOMEM ? ret : 0;
}

static const char *why_unread(int ret)
{
	switch (ret) {
	case -EINVAL:
		return "not a regular file";
	case -EFBIG:
		return "larger than 64 MiB, which is more than a source should be";
	default:
		return strerror(-ret);
	}
}

/* --- how it is compiled --- */

/** Opens the compile_commands.json for a file, unless it is open. */
static int open_commands(struct work *work, const char *path)
{
	char *directory;
	int ret = 0;

	if (work->options->build)
		return 0;
	directory = thag_commands_search(path);
	if (!directory || !work->commands ||
	    strcmp(thag_commands_directory(work->commands), directory) != 0) {
		thag_commands_close(work->commands);
		work->commands = NULL;
		ret = directory ? thag_commands_open(&work->commands, directory) : 0;
	}
	if (ret == -EINVAL) {
		thag_command_complain(work->options->command,
				      "%s/compile_commands.json makes no sense", directory);
		ret = 0;
	}
	free(directory);
	return ret;
}

/** `guessed` says whether the file has no command. */
static int find_arguments(struct work *work, const char *path, enum thag_language language,
			  struct thag_arguments *arguments, bool *guessed)
{
	int ret = -ENOENT;

	if (work->commands)
		ret = thag_commands_find(work->commands, path, arguments);
	*guessed = ret == -ENOENT;
	if (*guessed)
		ret = thag_arguments_add_default(arguments, language);
	for (int i = 0; !ret && i < work->options->flag_count; i++)
		ret = thag_arguments_add(arguments, work->options->flags[i]);
	return ret;
}

/* --- what is written --- */

static int put_bytes(const struct thag_options *options, const void *data, size_t bytes)
{
	if (!bytes || fwrite(data, 1, bytes, stdout) == bytes)
		return 0;
	thag_command_complain(options->command, "can't write the output: %s", strerror(errno));
	return -EIO;
}

/** The path in a patch, which is applied in this directory. */
static const char *patch_path(const char *path)
{
	char here[PATH_MAX];
	size_t length;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (path[0] != '/')
		return path;
	if (getcwd(here, sizeof(here)) && (length = strlen(here)) > 1 &&
	    strncmp(path, here, length) == 0 && path[length] == '/')
		return path + length + 1;
	return path + 1;
}

static int put_patch(const struct work *work, const char *path, const struct thag_file *file,
		     const struct thag_edits *edits)
{
	struct thag_buffer patch = { 0 };
	int ret = thag_patch_append(&patch, patch_path(path), file->data, file->bytes, edits);

	if (!ret)
		ret = put_bytes(work->options, patch.data, patch.bytes);
	thag_buffer_fini(&patch);
	return ret;
}

static int replace_file(const struct work *work, const char *path, const struct thag_file *file,
			const struct thag_edits *edits)
{
	struct thag_buffer changed = { 0 };
	int ret = thag_edits_apply(edits, file->data, file->bytes, &changed);

	if (!ret && work->options->backup)
		ret = thag_file_back_up(file, path, work->options->backup);
	if (!ret)
		ret = thag_file_replace(file, path, changed.data, changed.bytes);
	thag_buffer_fini(&changed);
	return ret;
}

static int put_source(const struct work *work, const struct thag_file *file,
		      const struct thag_edits *edits)
{
	struct thag_buffer changed = { 0 };
	int ret = thag_edits_apply(edits, file->data, file->bytes, &changed);

	if (!ret)
		ret = put_bytes(work->options, changed.data, changed.bytes);
	thag_buffer_fini(&changed);
	return ret;
}

static int put(const struct work *work, const char *path, const struct thag_file *file,
	       const struct thag_edits *edits)
{
	if (work->options->check)
		return 0;
	if (work->options->diff)
		return put_patch(work, path, file, edits);
	if (work->options->in_place)
		return edits->count ? replace_file(work, path, file, edits) : 0;
	return put_source(work, file, edits);
}

/* --- a source --- */

static void fail_to_write(struct work *work, const char *path, int ret)
{
	thag_report_failure(&work->report, path, "can't be written: %s",
			    ret == -ESTALE ? "it was changed meanwhile" : strerror(-ret));
}

static void remove_from(struct work *work, const char *path, const struct thag_file *file)
{
	struct thag_edits edits = { 0 };
	struct thag_removed removed = { 0 };
	int ret = thag_remove_plan(&edits, file->data, file->bytes, work->options->every, &removed);

	if (!ret)
		ret = put(work, path, file, &edits);
	if (ret)
		fail_to_write(work, path, ret);
	else
		thag_report_file(&work->report,
				 &(struct thag_report_file){ .path = path,
							     .changed = edits.count != 0,
							     .marks = removed.marks,
							     .kept = removed.kept });
	thag_edits_fini(&edits);
}

static const char *why_unplanned(const struct thag_plan *plan, int ret)
{
	if (ret == -EILSEQ)
		return "left as it is: its marks could not be taken back to the byte";
	return plan->why_not ? plan->why_not : strerror(-ret);
}

static void put_planned(struct work *work, const char *path, const struct thag_file *file,
			const struct thag_plan *plan)
{
	int ret = put(work, path, file, &plan->edits);

	if (ret)
		fail_to_write(work, path, ret);
	else
		thag_report_file(&work->report,
				 &(struct thag_report_file){ .path = path,
							     .changed = plan->edits.count != 0,
							     .marks = plan->marks,
							     .bodies = &plan->bodies });
}

/** Plans by what is known of how it is compiled. */
static int plan_as(struct work *work, struct thag_plan *plan, const char *real,
		   const struct thag_file *file, enum thag_language language, bool *guessed)
{
	struct thag_arguments arguments = { 0 };
	bool header = false;
	int ret = find_arguments(work, real, language, &arguments, guessed);

	if (!ret) {
		bool c_name = thag_words_language(real, &header) == THAG_LANGUAGE_C;
		struct thag_source source = {
			.path = real,
			.bytes = file->data,
			.count = file->bytes,
			.arguments = &arguments,
			.language = thag_arguments_language(&arguments, language),
			.is_c_header = header && c_name,
		};

		thag_deep_name(real);
		ret = thag_instrument_plan(plan, &source, &work->options->wishes);
		thag_deep_name(NULL);
	}
	thag_arguments_fini(&arguments);
	return ret;
}

/** A .h that is no C may be C++: the language with fewer errors is the right one. */
static int plan_as_other(struct work *work, struct thag_plan *plan, const char *real,
			 const struct thag_file *file)
{
	struct thag_plan other = { 0 };
	bool guessed;
	int ret = plan_as(work, &other, real, file, THAG_LANGUAGE_CPP, &guessed);

	if (!ret && other.bodies.problems_in_all < plan->bodies.problems_in_all) {
		struct thag_plan worse = *plan;

		*plan = other;
		other = worse;
	}
	thag_plan_fini(&other);
	return ret == -ENOMEM ? ret : 0;
}

/** `path` as the user calls it, `real` as the file system does. */
static void instrument(struct work *work, const char *path, const char *real,
		       const struct thag_file *file)
{
	struct thag_plan plan = { 0 };
	bool header = false, guessed = false;
	enum thag_language language = thag_words_language(real, &header);
	int ret;

	if (work->options->language)
		language = work->options->language;
	if (!language) {
		thag_report_failure(&work->report, path,
				    "its name doesn't say whether it is C or C++; -x does");
		return;
	}
	ret = plan_as(work, &plan, real, file, language, &guessed);
	if (!ret && guessed && header && !work->options->language && language == THAG_LANGUAGE_C &&
	    plan.bodies.problems_in_all)
		ret = plan_as_other(work, &plan, real, file);
	if (ret)
		thag_report_failure(&work->report, path, "%s", why_unplanned(&plan, ret));
	else
		put_planned(work, path, file, &plan);
	thag_plan_fini(&plan);
}

/** Whether this would write over what it reads; says so. */
static bool is_output(struct work *work, const char *path, const struct stat *st)
{
	if (work->options->in_place || work->options->check ||
	    !thag_file_is_output(st, STDOUT_FILENO))
		return false;
	thag_report_failure(&work->report, path, "the output is the same file: -i changes a file%s",
			    st->st_size ? "" : " (this one is empty already: the shell did that)");
	return true;
}

static void take_file(struct work *work, const char *path)
{
	struct thag_file file = { 0 };
	struct stat st;
	char real[PATH_MAX];
	int ret = 0;

	if (stat(path, &st) || !realpath(path, real))
		ret = -errno;
	else if (is_output(work, path, &st))
		return;
	if (!ret)
		ret = thag_file_read(&file, real, THAG_INSTRUMENT_BYTES_MAX);
	if (ret) {
		thag_report_failure(&work->report, path, "%s", why_unread(ret));
		return;
	}
	if (work->options->remove) {
		remove_from(work, path, &file);
	} else {
		ret = open_commands(work, real);
		if (ret)
			thag_report_failure(&work->report, path, "%s", strerror(-ret));
		else
			instrument(work, path, real, &file);
	}
	thag_file_fini(&file);
}

static void take_stdin(struct work *work)
{
	bool cpp = work->options->language == THAG_LANGUAGE_CPP;
	struct thag_file file = { 0 };
	struct stat st;
	char real[PATH_MAX + 16];
	int ret = fstat(STDIN_FILENO, &st) ? -errno : 0;

	if (!ret && is_output(work, "stdin", &st))
		return;
	if (!ret)
		ret = getcwd(real, PATH_MAX) ? 0 : -errno;
	if (!ret)
		ret = thag_file_take(&file, STDIN_FILENO, THAG_INSTRUMENT_BYTES_MAX);
	if (ret) {
		thag_report_failure(&work->report, "stdin", "%s", why_unread(ret));
		return;
	}
	strcat(real, cpp ? "/stdin.cpp" : "/stdin.c");
	if (work->options->remove)
		remove_from(work, "stdin", &file);
	else
		instrument(work, "stdin", real, &file);
	thag_file_fini(&file);
}

/* --- all of them --- */

static int open_build(struct work *work)
{
	const char *build = work->options->build;
	int ret = build ? thag_commands_open(&work->commands, build) : 0;

	if (!ret)
		return 0;
	thag_command_complain(work->options->command, "%s/compile_commands.json %s", build,
			      ret == -ENOENT ? "isn't there" : "makes no sense");
	return ret;
}

/** Says which searches for names took too long, which leaves names out. */
static void check_searches(struct work *work)
{
	const struct thag_instrument_wishes *wishes = &work->options->wishes;

	if ((wishes->only && thag_search_gave_up(wishes->only)) ||
	    (wishes->skip && thag_search_gave_up(wishes->skip)))
		thag_report_failure(&work->report, "--only or --skip",
				    "the expression takes too long; names are missing");
}

static int take_all(void *context)
{
	struct work *work = context;
	struct thag_paths failed = { 0 };
	int ret = find_paths(work, &failed);

	thag_report_begin(&work->report, work->options,
			  work->options->file_count ? work->paths.count : 1);
	for (size_t i = 0; i < failed.count; i++)
		thag_report_failure(&work->report, failed.list[i], "can't be read");
	if (ret)
		thag_report_failure(&work->report, "files", "no memory");
	if (!work->options->file_count)
		take_stdin(work);
	for (size_t i = 0; !ret && i < work->paths.count; i++) {
		thag_report_progress(&work->report);
		take_file(work, work->paths.list[i]);
	}
	check_searches(work);
	thag_paths_fini(&failed);
	return thag_report_end(&work->report);
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;
	const char *name = argc ? (slash ? slash + 1 : argv[0]) : "";
	struct thag_options options = { .remove = strcmp(name, "thag-remove") == 0 };
	struct work work = { .options = &options };
	int status;

	setlocale(LC_CTYPE, "");
	options.command = options.remove ? &thag_remove_command : &thag_instrument_command;
	status = thag_options_parse(&options, argc, argv);
	if (status < 0)
		status = open_build(&work) ? THAG_EXIT_FAILURE
					   : thag_deep_run(take_all, &work, options.command->name,
							   THAG_EXIT_FAILURE);
	thag_commands_close(work.commands);
	thag_paths_fini(&work.paths);
	thag_options_fini(&options);
	return status;
}
