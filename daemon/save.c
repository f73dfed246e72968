/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

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

int thag_save_find_directory(const struct thag_session *session, const char *default_dir,
			     char out[static THAG_PATH_BYTES])
{
	char named[THAG_PATH_BYTES], cwd[THAG_PATH_BYTES];
	int ret = text(session, THAG_TEXT_OUTPUT_DIR, named);
	int used;

	if (ret == -ENAMETOOLONG)
		return ret;
	if (ret == -ENOENT && default_dir[0]) {
		snprintf(out, THAG_PATH_BYTES, "%s", default_dir);
		return 0;
	}
	if (ret == 0 && named[0] == '/') {
		memcpy(out, named, sizeof(named));
		return 0;
	}
	if (text(session, THAG_TEXT_CWD, cwd) != 0 || cwd[0] != '/')
		return -ENOENT;
	used = snprintf(out, THAG_PATH_BYTES, "%s%s%s", cwd, ret == 0 ? "/" : "",
			ret == 0 ? named : "");
	return used < THAG_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static uint64_t root_total(const struct thag_profile *profile)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);

	return count ? nodes[0].total_ns : 0;
}

/* Which files there may be, in the order they are listed. */
enum {
	CALLS_FILE,
	MEMORY_FILE,
	DETAIL_FILE,
	DEALLOC_FILE,
	REPORT_FILE,
};

static const char *const suffixes[] = {
	[CALLS_FILE] = ".folded",
	[MEMORY_FILE] = "-memory.folded",
	[DETAIL_FILE] = "-memory_detail.folded",
	[DEALLOC_FILE] = "-memory_detail_dealloc.folded",
	[REPORT_FILE] = ".json",
};

/* Folded stacks of a profile on their way to a file. */
struct folding {
	struct thag_save *save;
	const struct thag_profile *profile;
	int file;
	enum thag_metric metric; /* 0: that of the profile itself */
	bool even_empty;
	size_t bytes; /* outcome: of the text */
	int error;
};

static void fold(struct folding *folding)
{
	struct thag_buffer text = { 0 };
	int ret = folding->metric ? thag_heap_folded_write(folding->profile, folding->metric, &text)
				  : thag_folded_write(folding->profile, &text);

	folding->bytes = text.bytes;
	if (ret == 0 && (text.bytes || folding->even_empty))
		ret = thag_files_put(&folding->save->files, folding->file, suffixes[folding->file],
				     text.data, text.bytes);
	thag_buffer_fini(&text);
	folding->error = ret;
}

static void *run_folding(void *arg)
{
	fold(arg);
	return NULL;
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

/* Memory by profiled call; how many bytes of text that are. */
static int save_calls(struct thag_save *save, const struct thag_memory_view *view, size_t *bytes)
{
	struct thag_metric_query by_call = { .metric = THAG_METRIC_ALLOCATED,
					     .by = THAG_HEAP_CALLS };
	struct folding folding = { .save = save, .file = MEMORY_FILE };
	struct thag_heap_query query;
	struct thag_profile *profile;
	int ret;

	thag_memory_view_query(view, &by_call, &query);
	ret = thag_memory_view_profile(view, &query, &profile);
	if (ret != 0)
		return ret;
	folding.profile = profile;
	fold(&folding);
	thag_profile_destroy(profile);
	*bytes = folding.bytes;
	return folding.error;
}

/* Stacks of allocations, on a thread of their own, while this one has those of frees and `more`. */
static int save_traces(struct thag_save *save, const struct thag_memory_view *view,
		       const struct thag_profile *profile, json_t **report)
{
	struct folding allocated = { .save = save, .profile = profile, .file = DETAIL_FILE };
	struct folding freed = {
		.save = save, .profile = profile, .file = DEALLOC_FILE, .metric = THAG_METRIC_FREED
	};
	pthread_t thread;
	bool threaded = pthread_create(&thread, NULL, run_folding, &allocated) == 0;

	if (!threaded)
		fold(&allocated);
	if (has_free_traces(view))
		fold(&freed);
	*report = thag_memory_json(view, &save->session->counts.memory, profile);
	if (threaded)
		pthread_join(thread, NULL);
	return allocated.error ? allocated.error : freed.error;
}

static int save_view(struct thag_save *save, const struct thag_memory_view *view, size_t *bytes,
		     json_t **report)
{
	struct thag_profile *profile;
	int ret = save_calls(save, view, bytes);

	if (ret == 0)
		ret = thag_memory_json_profile(view, &profile);
	if (ret != 0)
		return ret;
	if (view->copy.paths[THAG_HEAP_TRACES].tree.count > 1)
		ret = save_traces(save, view, profile, report);
	else
		*report = thag_memory_json(view, &save->session->counts.memory, profile);
	thag_profile_destroy(profile);
	return ret == 0 && !*report ? -ENOMEM : ret;
}

/* All of memory; `*report` is what the report has to say of it. */
static int save_memory(struct thag_save *save, size_t *bytes, json_t **report)
{
	struct thag_memory_view view;
	int ret;

	if (!save->session->counts.memory.recorded) {
		*report = json_null();
		return 0;
	}
	ret = thag_memory_view_lend(&view, save->session, save->clock);
	if (ret != 0)
		return ret;
	ret = save_view(save, &view, bytes, report);
	thag_memory_view_fini(&view);
	return ret;
}

static int save_time(struct thag_save *save, const struct thag_profile *profile, bool has_memory)
{
	/* who asked for memory alone and called nothing that is profiled has no use for it */
	struct folding folding = {
		.save = save, .profile = profile, .file = CALLS_FILE, .even_empty = !has_memory
	};

	fold(&folding);
	return folding.error;
}

/* Takes over `memory`. */
static int save_report(struct thag_save *save, const struct thag_profile *profile, json_t *memory)
{
	json_t *report = thag_report_file(save->session, save->clock, root_total(profile), memory);
	char *text = thag_format_dump(report, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	int ret = -ENOMEM;

	if (text)
		ret = thag_files_put(&save->files, REPORT_FILE, suffixes[REPORT_FILE], text,
				     strlen(text));
	free(text);
	json_decref(report);
	return ret;
}

static int save_all(struct thag_save *save, const struct thag_profile *profile)
{
	json_t *memory = NULL;
	size_t memory_bytes = 0;
	int ret = save_memory(save, &memory_bytes, &memory);

	if (ret == 0)
		ret = save_time(save, profile, memory_bytes != 0);
	if (ret != 0) {
		json_decref(memory);
		return ret;
	}
	return save_report(save, profile, memory);
}

static int name_files(struct thag_save *save)
{
	struct thag_session *session = save->session;
	char stamp[16], stem[STEM_BYTES];

	thag_format_stamp(stamp, session->start_real_ns);
	snprintf(stem, sizeof(stem), "%s-%s", session->program, stamp);
	return thag_files_name(&save->files, stem, (int)session->pid, save->paths);
}

void thag_save_run(struct thag_save *save)
{
	struct thag_profile *profile = NULL;

	int ret;

	save->error = thag_save_find_directory(save->session, save->default_dir, save->directory);
	ret = thag_files_begin(&save->files, save->directory);
	if (save->error == 0)
		save->error = ret;
	if (save->error == 0)
		save->error = thag_snapshot_take(&profile, save->session, save->clock, 0, 0);
	if (save->error == 0)
		save->error = save_all(save, profile);
	if (save->error == 0)
		save->error = name_files(save);
	if (profile)
		thag_profile_destroy(profile);
}

void thag_save_settle(struct thag_save *save)
{
	if (save->error == 0)
		thag_files_settle(&save->files);
	thag_files_end(&save->files);
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
