/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "files.h"
#include "format.h"
#include "log.h"
#include "proc.h"
#include "recorder.h"

#define NEXT_NAME "next"
#define DRAFT_PREFIX ".thag-" /* of thag_files_replace */
#define NAME_BYTES 32
#define NONCE_HEX 33

static void record_name(char out[static NAME_BYTES], uint64_t id)
{
	snprintf(out, NAME_BYTES, "%llu", (unsigned long long)id);
}

static void nonce_to_hex(char out[static NONCE_HEX], const uint8_t nonce[static 16])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", nonce[i]);
}

static int nonce_from_hex(uint8_t out[static 16], const char *hex)
{
	unsigned byte;

	if (strlen(hex) != NONCE_HEX - 1 || strspn(hex, "0123456789abcdef") != NONCE_HEX - 1)
		return -EPROTO;
	for (int i = 0; i < 16; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EPROTO;
		out[i] = (uint8_t)byte;
	}
	return 0;
}

int thag_records_put(int dir_fd, const struct thag_session *session, bool left)
{
	char name[NAME_BYTES], nonce[NONCE_HEX];
	bool recorded = !left && thag_recorder_is_on(session);
	const char *path = recorded ? thag_recorder_path(session) : "";
	uint64_t start_time = 0;
	char *text = NULL;
	json_t *json;
	int ret = thag_proc_start_time(session->pid, &start_time);

	if (ret != 0)
		return ret;
	nonce_to_hex(nonce, session->header.nonce);
	json = json_pack("{s:I, s:i, s:I, s:I, s:s, s:s, s:b, s:s%}", "id", (json_int_t)session->id,
			 "pid", (int)session->pid, "start_time", (json_int_t)start_time,
			 "start_unix_ns", (json_int_t)session->start_real_ns, "nonce", nonce,
			 "program", session->program, "left", (int)left, "recording", path,
			 strlen(path));
	text = thag_format_dump(json, JSON_COMPACT);
	record_name(name, session->id);
	ret = text ? thag_files_replace(dir_fd, name, text, strlen(text)) : -ENOMEM;
	free(text);
	json_decref(json);
	return ret;
}

void thag_records_remove(int dir_fd, uint64_t id)
{
	char name[NAME_BYTES];

	record_name(name, id);
	unlinkat(dir_fd, name, 0);
}

bool thag_records_has(int dir_fd, uint64_t id)
{
	char name[NAME_BYTES];

	record_name(name, id);
	return faccessat(dir_fd, name, F_OK, 0) == 0;
}

static ssize_t read_small(int dir_fd, const char *name, char *out, size_t size)
{
	int fd = (int)TEMP_FAILURE_RETRY(
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = TEMP_FAILURE_RETRY(read(fd, out, size - 1));
	if (got < 0)
		got = -errno;
	else
		out[got] = '\0';
	close(fd);
	return got;
}

static int parse(const char *text, struct thag_record *out)
{
	json_t *json;
	json_int_t id, start_time, start_real_ns;
	const char *nonce, *program, *recording = "";
	int pid, left, ret = thag_format_load(&json, text, strlen(text), 0);

	if (ret == -ENOMEM)
		return ret;
	ret = -EPROTO;
	if (json &&
	    json_unpack(json, "{s:I, s:i, s:I, s:I, s:s, s:s, s:b, s?s}", "id", &id, "pid", &pid,
			"start_time", &start_time, "start_unix_ns", &start_real_ns, "nonce", &nonce,
			"program", &program, "left", &left, "recording", &recording) == 0 &&
	    id > 0 && pid > 0 && strlen(recording) < sizeof(out->recording) &&
	    nonce_from_hex(out->nonce, nonce) == 0) {
		out->id = (uint64_t)id;
		out->pid = pid;
		out->left = left != 0;
		strcpy(out->recording, recording);
		out->start_time = (uint64_t)start_time;
		out->start_real_ns = (uint64_t)start_real_ns;
		thag_format_file_name(out->program, sizeof(out->program), program, strlen(program));
		ret = 0;
	}
	json_decref(json);
	return thag_format_is_whole() ? ret : -ENOMEM;
}

/* What can't be read now may be another time: that is left. */
static int load_one(int dir_fd, const char *name, struct thag_record *out)
{
	char text[THAG_RECORD_BYTES];
	ssize_t got = read_small(dir_fd, name, text, sizeof(text));

	if (got < 0 && got != -ELOOP) {
		thag_log_write(THAG_LOG_ERROR,
			       "can't read what an earlier thagd noted of session %s (%s): "
			       "it is not gone on with",
			       name, strerror((int)-got));
		return (int)got;
	}
	if (got > 0 && parse(text, out) == 0)
		return 0;
	unlinkat(dir_fd, name, 0);
	return -EPROTO;
}

static int by_id(const void *a, const void *b)
{
	uint64_t left = ((const struct thag_record *)a)->id;
	uint64_t right = ((const struct thag_record *)b)->id;

	return left < right ? -1 : left > right;
}

int thag_records_load(int dir_fd, struct thag_record **out, uint32_t *count)
{
	struct thag_record *records = calloc(THAG_RECORDS_MAX, sizeof(*records));
	DIR *dir = records ? thag_files_list(dir_fd, ".") : NULL;
	struct dirent *entry;
	uint32_t found = 0;
	int ret = -errno;

	if (!dir) {
		free(records);
		return ret;
	}
	while (found < THAG_RECORDS_MAX && (errno = 0, entry = readdir(dir))) {
		if (strncmp(entry->d_name, DRAFT_PREFIX, strlen(DRAFT_PREFIX)) == 0)
			unlinkat(dir_fd, entry->d_name, 0); /* of one that was killed */
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    load_one(dir_fd, entry->d_name, &records[found]) == 0)
			found++;
	}
	ret = found < THAG_RECORDS_MAX ? -errno : 0;
	closedir(dir);
	qsort(records, found, sizeof(*records), by_id);
	*out = records;
	*count = found;
	return ret;
}

uint64_t thag_records_next_id(int dir_fd)
{
	char text[NAME_BYTES];
	unsigned long long id = 0;

	if (read_small(dir_fd, NEXT_NAME, text, sizeof(text)) > 0)
		id = strtoull(text, NULL, 10);
	return id && id < INT64_MAX ? id : 1;
}

int thag_records_set_next_id(int dir_fd, uint64_t id)
{
	int fd = (int)TEMP_FAILURE_RETRY(
		openat(dir_fd, NEXT_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	char text[NAME_BYTES];
	int bytes, ret;

	if (fd < 0)
		return -errno;
	/* in place, and at once: the text is always as long, and shorter than what a kill can cut
	 */
	bytes = snprintf(text, sizeof(text), "%-20llu\n", (unsigned long long)id);
	ret = thag_write_all(fd, text, (size_t)bytes);
	close(fd);
	return ret;
}
