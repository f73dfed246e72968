/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "format.h"
#include "log.h"
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

static void add_file(struct thag_files *files, const char *suffix, const void *data, size_t bytes)
{
	files->files[files->count++] = (struct thag_file){ suffix, data, bytes };
}

static int write_files(struct thag_save *save, const struct thag_buffer *folded, const char *json)
{
	struct thag_session *session = save->session;
	char stamp[16], stem[STEM_BYTES];
	struct thag_files files = { .directory = save->directory,
				    .stem = stem,
				    .pid = (int)session->pid };

	thag_format_stamp(stamp, session->start_real_ns);
	snprintf(stem, sizeof(stem), "%s-%s", session->program, stamp);
	add_file(&files, ".folded", folded->data, folded->bytes);
	add_file(&files, ".json", json, strlen(json));
	return thag_files_write(&files, save->paths);
}

static int make_files(struct thag_save *save, const struct thag_profile *profile)
{
	struct thag_buffer folded = { 0 };
	json_t *report = thag_report_file(save->session, save->clock, root_total(profile));
	char *json = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
	int ret = json ? thag_folded_write(profile, &folded) : -ENOMEM;

	if (ret == 0)
		ret = write_files(save, &folded, json);
	thag_buffer_fini(&folded);
	free(json);
	json_decref(report);
	return ret;
}

void thag_save_run(struct thag_save *save)
{
	struct thag_profile *profile = NULL;

	save->error = find_directory(save);
	if (save->error == 0)
		save->error = thag_snapshot_take(&profile, save->session, save->clock, 0, false);
	if (save->error == 0)
		save->error = make_files(save, profile);
	if (profile)
		thag_profile_destroy(profile);
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
