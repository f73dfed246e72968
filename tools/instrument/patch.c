/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "patch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CONTEXT 3

struct writer {
	struct thag_buffer *out;
	const char *source;
	size_t bytes;
	const struct thag_edits *edits;
	size_t edit;		 /* the next */
	struct thag_buffer hunk; /* its lines so far */
	struct thag_buffer line; /* a line as it becomes */
	size_t context[CONTEXT]; /* where the last lines that stay begin */
	size_t context_count;
	size_t old_line, new_line;   /* of the next line, from 1 */
	size_t old_first, new_first; /* of the hunk */
	size_t old_count, new_count;
	size_t kept; /* lines at the end of the hunk that stay */
};

static size_t line_end(const struct writer *writer, size_t at)
{
	const char *end = memchr(writer->source + at, '\n', writer->bytes - at);

	return end ? (size_t)(end - writer->source) + 1 : writer->bytes;
}

/** Appends lines, each behind `sign`; says so when the last has no end. */
static int add_lines(struct writer *writer, char sign, const void *lines, size_t bytes)
{
	const char *at = lines, *end = at + bytes;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline ? newline + 1 : end;

		if (thag_buffer_append(&writer->hunk, &sign, 1) ||
		    thag_buffer_append(&writer->hunk, at, (size_t)(next - at)))
			return -ENOMEM;
		writer->old_count += sign != '+';
		writer->new_count += sign != '-';
		writer->old_line += sign != '+';
		writer->new_line += sign != '-';
		at = next;
		if (!newline &&
		    thag_buffer_append(&writer->hunk, "\n\\ No newline at end of file\n",
				       strlen("\n\\ No newline at end of file\n")))
			return -ENOMEM;
	}
	return 0;
}

/** Begins a hunk with the lines before it. */
static int begin_hunk(struct writer *writer)
{
	size_t count = writer->context_count;

	writer->old_line -= count;
	writer->new_line -= count;
	writer->old_first = writer->old_line;
	writer->new_first = writer->new_line;
	writer->old_count = writer->new_count = 0;
	writer->context_count = 0;
	if (!count)
		return 0;
	size_t from = writer->context[0], to = line_end(writer, writer->context[count - 1]);

	return add_lines(writer, ' ', writer->source + from, to - from);
}

static int end_hunk(struct writer *writer)
{
	char head[128];
	int length = snprintf(head, sizeof(head), "@@ -%zu,%zu +%zu,%zu @@\n",
			      writer->old_first - (writer->old_count == 0), writer->old_count,
			      writer->new_first - (writer->new_count == 0), writer->new_count);
	int ret = thag_buffer_append(writer->out, head, (size_t)length);

	if (!ret)
		ret = thag_buffer_append(writer->out, writer->hunk.data, writer->hunk.bytes);
	writer->hunk.bytes = 0;
	return ret;
}

static bool in_hunk(const struct writer *writer)
{
	return writer->hunk.bytes != 0;
}

/** A line that stays: part of a hunk while a change is near. */
static int keep_line(struct writer *writer, size_t at, size_t end)
{
	int ret = 0;

	if (in_hunk(writer) && writer->kept < CONTEXT) {
		writer->kept++;
		return add_lines(writer, ' ', writer->source + at, end - at);
	}
	if (in_hunk(writer)) {
		ret = end_hunk(writer);
		writer->context_count = 0;
	}
	if (writer->context_count == CONTEXT) {
		memmove(writer->context, writer->context + 1, sizeof(size_t) * (CONTEXT - 1));
		writer->context_count--;
	}
	writer->context[writer->context_count++] = at;
	writer->old_line++;
	writer->new_line++;
	return ret;
}

static const struct thag_edit *edit_in(const struct writer *writer, size_t end)
{
	const struct thag_edit *edit = &writer->edits->list[writer->edit];

	if (writer->edit == writer->edits->count)
		return NULL;
	return edit->at < end || end == writer->bytes ? edit : NULL;
}

static bool is_whole_line(const struct thag_edits *edits, const struct thag_edit *edit)
{
	return !edit->removed && edit->text_bytes &&
	       edits->text.data[edit->text_at + edit->text_bytes - 1] == '\n';
}

/** The line or, where what goes is longer, lines from `at` on as the edits in them make them. */
static int change_lines(struct writer *writer, size_t at, size_t *end)
{
	const struct thag_edit *edit;
	size_t done = at;
	int ret = 0;

	writer->line.bytes = 0;
	while (!ret && (edit = edit_in(writer, *end)) != NULL) {
		ret = thag_buffer_append(&writer->line, writer->source + done, edit->at - done);
		if (!ret && edit->text_bytes)
			ret = thag_buffer_append(&writer->line,
						 writer->edits->text.data + edit->text_at,
						 edit->text_bytes);
		done = edit->at + edit->removed;
		while (*end < done)
			*end = line_end(writer, *end);
		writer->edit++;
	}
	if (!ret)
		ret = thag_buffer_append(&writer->line, writer->source + done, *end - done);
	if (!ret)
		ret = add_lines(writer, '-', writer->source + at, *end - at);
	return ret ? ret : add_lines(writer, '+', writer->line.data, writer->line.bytes);
}

static int take_line(struct writer *writer, size_t at, size_t *end)
{
	const struct thag_edit *edit = edit_in(writer, *end);
	int ret = 0;

	if (!edit)
		return keep_line(writer, at, *end);
	if (!in_hunk(writer))
		ret = begin_hunk(writer);
	writer->kept = 0;
	for (; !ret && edit && edit->at == at && is_whole_line(writer->edits, edit);
	     edit = edit_in(writer, *end)) {
		ret = add_lines(writer, '+', writer->edits->text.data + edit->text_at,
				edit->text_bytes);
		writer->edit++;
	}
	if (ret)
		return ret;
	return edit ? change_lines(writer, at, end) : keep_line(writer, at, *end);
}

static bool needs_quotes(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == '"' || *path == '\\' || *path == 0x7f)
			return true;
	return false;
}

/** The name as git writes it: quoted if need be, with a tab behind one that has blanks. */
static int append_name(struct thag_buffer *out, const char *mark, const char *path)
{
	bool quoted = needs_quotes(path);
	char escape[8];
	int ret = thag_buffer_append(out, mark, 4);

	if (!ret && quoted)
		ret = thag_buffer_append(out, "\"", 1);
	if (!ret)
		ret = thag_buffer_append(out, mark[0] == '-' ? "a/" : "b/", 2);
	for (const char *at = path; !ret && *at; at++) {
		unsigned char byte = (unsigned char)*at;
		bool escaped =
			quoted && (byte < ' ' || byte == '"' || byte == '\\' || byte == 0x7f);

		snprintf(escape, sizeof(escape), "\\%03o", byte);
		ret = escaped ? thag_buffer_append(out, escape, 4) : thag_buffer_append(out, at, 1);
	}
	if (!ret && quoted)
		ret = thag_buffer_append(out, "\"", 1);
	else if (!ret && strchr(path, ' '))
		ret = thag_buffer_append(out, "\t", 1);
	return ret ? ret : thag_buffer_append(out, "\n", 1);
}

static int write_hunks(struct writer *writer)
{
	size_t end;
	int ret = 0;

	for (size_t at = 0; !ret && at < writer->bytes; at = end) {
		end = line_end(writer, at);
		ret = take_line(writer, at, &end);
	}
	return !ret && in_hunk(writer) ? end_hunk(writer) : ret;
}

int thag_patch_append(struct thag_buffer *out, const char *path, const char *source, size_t bytes,
		      const struct thag_edits *edits)
{
	struct writer writer = { .out = out,
				 .source = source,
				 .bytes = bytes,
				 .edits = edits,
				 .old_line = 1,
				 .new_line = 1 };
	int ret = 0;

	if (!edits->count)
		return 0;
	ret = append_name(out, "--- ", path);
	if (!ret)
		ret = append_name(out, "+++ ", path);
	if (!ret)
		ret = write_hunks(&writer);
	thag_buffer_fini(&writer.hunk);
	thag_buffer_fini(&writer.line);
	return ret;
}
