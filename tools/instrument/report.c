/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "thag_text.h"

#define PROGRESS_AFTER_S 1.0

void thag_report_begin(struct thag_report *report, const struct thag_options *options,
		       size_t file_count)
{
	*report = (struct thag_report){ .options = options, .file_count = file_count };
	if (options->json)
		report->files = json_array();
	clock_gettime(CLOCK_MONOTONIC, &report->start);
}

static void clear_progress(struct thag_report *report)
{
	if (report->progress)
		fputs("\r\033[K", stderr);
	report->progress = false;
}

void thag_report_progress(struct thag_report *report)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (report->options->quiet || !isatty(STDERR_FILENO) ||
	    (double)(now.tv_sec - report->start.tv_sec) +
			    (double)(now.tv_nsec - report->start.tv_nsec) * 1e-9 <
		    PROGRESS_AFTER_S)
		return;
	fprintf(stderr, "\r\033[K%zu of %zu files", report->done, report->file_count);
	report->progress = true;
}

/** Text from a source or a file's name, as a terminal may have it. */
static void print_text(FILE *out, const char *text)
{
	struct thag_buffer safe = { 0 };

	if (thag_text_append_terminal(&safe, text, strlen(text)) == 0)
		fwrite(safe.data, 1, safe.bytes, out);
	thag_buffer_fini(&safe);
}

/** As a string of JSON, whatever bytes it has. */
static json_t *json_text(const char *text)
{
	struct thag_buffer valid = { 0 };
	json_t *json = NULL;

	if (thag_text_append_utf8(&valid, text, strlen(text), SIZE_MAX) == 0)
		json = json_stringn((const char *)valid.data, valid.bytes);
	thag_buffer_fini(&valid);
	return json;
}

void thag_report_failure(struct thag_report *report, const char *path, const char *format, ...)
{
	va_list args;
	char *why;
	int ret;

	va_start(args, format);
	ret = vasprintf(&why, format, args);
	va_end(args);
	clear_progress(report);
	report->failed++;
	report->done++;
	fprintf(stderr, "thag %s: ", report->options->command->name);
	print_text(stderr, path);
	fprintf(stderr, ": %s\n", ret < 0 ? "no memory" : why);
	if (report->files)
		json_array_append_new(report->files,
				      json_pack("{s:o, s:b, s:s}", "path", json_text(path),
						"changed", 0, "error",
						ret < 0 ? "no memory" : why));
	if (ret >= 0)
		free(why);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void print_problems(const struct thag_report *report, const struct thag_bodies *bodies)
{
	for (size_t i = 0; i < bodies->problem_count; i++) {
		fprintf(stderr, "thag %s: ", report->options->command->name);
		print_text(stderr, bodies->problems[i].text);
		fputc('\n', stderr);
	}
	if (bodies->problems_in_all)
		fprintf(stderr,
			"thag %s: %zu error%s in all; only what is certain all the same is marked "
			"(-p DIR or -- FLAG… may help)\n",
			report->options->command->name, bodies->problems_in_all,
			plural(bodies->problems_in_all));
}

static void print_unmarked(const char *path, const struct thag_body *body)
{
	print_text(stderr, path);
	fprintf(stderr, ":%u: ", body->line);
	print_text(stderr, body->name);
	fprintf(stderr, ": %s\n", body->skip);
}

static void count_unmarked(struct thag_report *report, const struct thag_report_file *file)
{
	for (size_t i = 0; i < file->bodies->count; i++) {
		const struct thag_body *body = &file->bodies->list[i];

		if (!body->skip)
			continue;
		report->unmarked += body->at != SIZE_MAX;
		if (report->options->report)
			print_unmarked(file->path, body);
	}
}

static json_t *functions_json(const struct thag_bodies *bodies)
{
	json_t *array = json_array();

	for (size_t i = 0; i < bodies->count; i++) {
		const struct thag_body *body = &bodies->list[i];
		json_t *json = json_pack("{s:o, s:i, s:i, s:b}", "name", json_text(body->name),
					 "line", (int)body->line, "lines", (int)body->lines,
					 "marked", body->skip == NULL);

		if (body->skip)
			json_object_set_new(json, "why", json_string(body->skip));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *problems_json(const struct thag_bodies *bodies)
{
	json_t *array = json_array();

	for (size_t i = 0; i < bodies->problem_count; i++)
		json_array_append_new(array, json_text(bodies->problems[i].text));
	return array;
}

static void add_json(const struct thag_report *report, const struct thag_report_file *file)
{
	json_t *json = json_pack("{s:o, s:b, s:I}", "path", json_text(file->path), "changed",
				 file->changed, "marks", (json_int_t)file->marks);

	if (report->options->remove)
		json_object_set_new(json, "kept", json_integer((json_int_t)file->kept));
	if (file->bodies) {
		json_object_set_new(json, "functions", functions_json(file->bodies));
		json_object_set_new(json, "problems", problems_json(file->bodies));
	}
	json_array_append_new(report->files, json);
}

void thag_report_file(struct thag_report *report, const struct thag_report_file *file)
{
	report->done++;
	report->changed += file->changed;
	report->marks += file->marks;
	if (file->bodies) {
		if (file->bodies->problems_in_all || report->options->report)
			clear_progress(report);
		print_problems(report, file->bodies);
		count_unmarked(report, file);
	}
	if (report->files)
		add_json(report, file);
	if (file->changed && report->options->check && !report->files) {
		print_text(stdout, file->path);
		printf(": %zu mark%s to %s\n", file->marks, plural(file->marks),
		       report->options->remove ? "take out" : "add");
	}
}

static void print_summary(const struct thag_report *report)
{
	bool would = report->options->check || report->options->diff;

	fprintf(stderr, "thag %s: %zu mark%s %s %zu of %zu file%s%s",
		report->options->command->name, report->marks, plural(report->marks),
		report->options->remove ? "taken out of" : "in", report->changed,
		report->file_count, plural(report->file_count), would ? ", if it were done" : "");
	if (report->unmarked)
		fprintf(stderr, "; %zu function%s without%s", report->unmarked,
			plural(report->unmarked),
			report->options->report ? "" : " (--report says why)");
	if (report->failed)
		fprintf(stderr, "; %zu failed", report->failed);
	fputc('\n', stderr);
}

static void print_json(struct thag_report *report)
{
	json_t *all = json_pack("{s:o, s:I, s:I, s:I}", "files", report->files, "marks",
				(json_int_t)report->marks, "changed", (json_int_t)report->changed,
				"failed", (json_int_t)report->failed);

	report->files = NULL;
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

int thag_report_end(struct thag_report *report)
{
	int status;

	clear_progress(report);
	if (report->files)
		print_json(report);
	if (!report->options->quiet)
		print_summary(report);
	status = thag_command_end_output(report->options->command);
	if (report->failed || (report->options->check && report->changed))
		status = THAG_EXIT_FAILURE;
	return status;
}
