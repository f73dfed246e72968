/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "format.h"
#include "log.h"
#include "memory_json.h"
#include "memory_view.h"
#include "report.h"
#include "snapshot.h"

#define STEM_BYTES (THAG_PROGRAM_BYTES + 32)

/* A text of the header, terminated; -ENOENT when there is none. */
static int text(const struct thag_session *session, enum thag_text which,
		char out[static THAG_PATH_BYTES])
{
	size_t bytes = session->header.text_bytes[which];

	bytes = strnlen((const char *)session->header.text[which], bytes);
	if (bytes == 0)
		return -ENOENT;
	if (bytes >= THAG_PATH_BYTES)
		return -ENAMETOOLONG;
	memcpy(out, session->header.text[which], bytes);
	out[bytes] = '\0';
	return 0;
}

/* What the program's environment named comes first, then our option, then where it ran. */
static int find_directory(struct thag_save *save)
{
	char named[THAG_PATH_BYTES], cwd[THAG_PATH_BYTES];
	int ret = text(save->session, THAG_TEXT_OUTPUT_DIR, named);
	int used;

	if (ret == -ENAMETOOLONG)
		return ret;
	if (ret == -ENOENT && save->default_dir[0]) {
		snprintf(save->directory, sizeof(save->directory), "%s", save->default_dir);
		return 0;
	}
	if (ret == 0 && named[0] == '/') {
		memcpy(save->directory, named, sizeof(named));
		return 0;
	}
	if (text(save->session, THAG_TEXT_CWD, cwd) != 0 || cwd[0] != '/')
		return -ENOENT;
	used = snprintf(save->directory, sizeof(save->directory), "%s%s%s", cwd,
			ret == 0 ? "/" : "", ret == 0 ? named : "");
	return used < THAG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static uint64_t root_total(const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	return count ? nodes[0].total_ns : 0;
}

/* What the files hold, while they are made. */
struct content {
	struct thag_buffer folded;
	struct thag_buffer memory, detail, dealloc; /* nothing: no such file */
	json_t *memory_report;
	char *json;
};

static void content_fini(struct content *content)
{
	thag_buffer_fini(&content->folded);
	thag_buffer_fini(&content->memory);
	thag_buffer_fini(&content->detail);
	thag_buffer_fini(&content->dealloc);
	json_decref(content->memory_report);
	free(content->json);
}

static int fold_memory(const struct thag_memory_view *view, enum thag_metric metric,
		       enum thag_heap_kind by, struct thag_buffer *out)
{
	struct thag_metric_query wanted = { .metric = metric, .by = by };
	struct thag_profile *profile;
	struct thag_heap_query query;
	int ret;

	thag_memory_view_query(view, &wanted, &query);
	ret = thag_memory_view_profile(view, &query, &profile);
	if (ret != 0)
		return ret;
	ret = thag_folded_write(profile, out);
	thag_profile_destroy(profile);
	return ret;
}

/* Whether any free told its stack. */
static bool has_free_traces(const struct thag_memory_view *view)
{
	const struct thag_heap_paths *traces = &view->copy.paths[THAG_HEAP_TRACES];

	for (uint32_t i = 1; i < traces->tree.count; i++)
		if (traces->accounts[i].released)
			return true;
	return false;
}

static int make_memory(const struct thag_memory_view *view, const struct thag_save *save,
		       struct content *content)
{
	bool traces = view->copy.paths[THAG_HEAP_TRACES].tree.count > 1;
	int ret = fold_memory(view, THAG_METRIC_ALLOCATED, THAG_HEAP_CALLS, &content->memory);

	if (ret == 0 && traces)
		ret = fold_memory(view, THAG_METRIC_ALLOCATED, THAG_HEAP_TRACES, &content->detail);
	if (ret == 0 && traces && has_free_traces(view))
		ret = fold_memory(view, THAG_METRIC_FREED, THAG_HEAP_TRACES, &content->dealloc);
	content->memory_report = thag_memory_json(view, &save->session->counts.memory);
	return ret == 0 && !content->memory_report ? -ENOMEM : ret;
}

static int add_memory(const struct thag_save *save, struct content *content)
{
	static const struct thag_metric_query always;
	struct thag_memory_view view;
	int ret;

	content->memory_report = NULL;
	if (!save->session->counts.memory.recorded) {
		content->memory_report = json_null();
		return 0;
	}
	ret = thag_memory_view_take(&view, save->session, save->clock, &always);
	if (ret != 0)
		return ret;
	ret = make_memory(&view, save, content);
	thag_memory_view_fini(&view);
	return ret;
}

static int make_content(struct thag_save *save, const struct thag_profile *profile,
			struct content *content)
{
	json_t *report;
	int ret = thag_folded_write(profile, &content->folded);

	if (ret == 0)
		ret = add_memory(save, content);
	if (ret != 0)
		return ret;
	report = thag_report_file(save->session, save->clock, root_total(profile),
				  json_incref(content->memory_report));
	content->json = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(report);
	return content->json ? 0 : -ENOMEM;
}

static void add_file(struct thag_files *files, const char *suffix, const void *data, size_t bytes)
{
	files->files[files->count++] = (struct thag_file){ suffix, data, bytes };
}

static void add_folded(struct thag_files *files, const char *suffix,
		       const struct thag_buffer *folded)
{
	if (folded->bytes)
		add_file(files, suffix, folded->data, folded->bytes);
}

static int write_files(struct thag_save *save, const struct content *content)
{
	struct thag_session *session = save->session;
	char stamp[16], stem[STEM_BYTES];
	struct thag_files files = { .directory = save->directory,
				    .stem = stem,
				    .pid = (int)session->pid };

	thag_format_stamp(stamp, session->start_real_ns);
	snprintf(stem, sizeof(stem), "%s-%s", session->program, stamp);
	/* who asked for memory alone and called nothing that is profiled has no use for it */
	if (content->folded.bytes || !content->memory.bytes)
		add_file(&files, ".folded", content->folded.data, content->folded.bytes);
	add_folded(&files, "-memory.folded", &content->memory);
	add_folded(&files, "-memory_detail.folded", &content->detail);
	add_folded(&files, "-memory_detail_dealloc.folded", &content->dealloc);
	add_file(&files, ".json", content->json, strlen(content->json));
	return thag_files_write(&files, save->paths);
}

void thag_save_run(struct thag_save *save)
{
	struct content content = { 0 };
	struct thag_profile *profile = NULL;

	save->error = find_directory(save);
	if (save->error == 0)
		save->error = thag_snapshot_take(&profile, save->session, save->clock, 0, false);
	if (save->error == 0)
		save->error = make_content(save, profile, &content);
	if (profile)
		thag_profile_destroy(profile);
	if (save->error == 0)
		save->error = write_files(save, &content);
	content_fini(&content);
}

void thag_save_done(struct thag_save *save)
{
	struct thag_session *session = save->session;

	session->saved = true;
	if (save->error == 0) {
		memcpy(session->files, save->paths, sizeof(session->files));
		thag_log_write(THAG_LOG_INFO, "session %llu: wrote %s and .json",
			       (unsigned long long)session->id, save->paths[0]);
		return;
	}
	thag_session_say(session, "can't save the profile in %.160s: %s",
			 save->directory[0] ? save->directory : "an unknown directory",
			 strerror(-save->error));
	thag_log_write(THAG_LOG_ERROR, "session %llu (%s): %s", (unsigned long long)session->id,
		       session->program, session->message);
}
