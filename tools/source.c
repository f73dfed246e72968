/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bring.h"
#include "client.h"
#include "folded_file.h"
#include "sessions.h"
#include "thag_profile_store.h"
#include "thag_text.h"
#include "waiting.h"

#define OPEN_MS 3600000 /* as long as thagd is at it */
#define URL_BYTES 256
#define RECORDING_MAGIC "thagrec" /* with its end: THAG_RECORDING_MAGIC */
#define RECORDING_SUFFIX ".thag"

void thag_source_fini(struct thag_source *source)
{
	thag_profile_destroy(source->profile);
	thag_profile_destroy(source->after);
	thag_profile_destroy(source->whole);
	thag_profile_destroy(source->whole_after);
	free(source->title);
	free(source->program);
	*source = (struct thag_source){ 0 };
}

static const char *unit_of(uint32_t metric)
{
	switch (metric) {
	case THAG_METRIC_TIME:
		return "ns";
	case THAG_METRIC_ALLOCATIONS:
	case THAG_METRIC_TEMPORARY:
		return "count";
	default:
		return "bytes";
	}
}

/* --- sessions --- */

json_t *thag_source_request(const char *id, const char *format,
			    const struct thag_source_query *query)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:s, s:s, s:I, s:I}", "op", "export", "session",
			 id, "format", format, "thread", (json_int_t)query->thread, "raw",
			 (int)query->raw, "metric", query->metric ? query->metric : "time", "by",
			 query->by ? query->by : "", "from", (json_int_t)query->from_ns, "to",
			 (json_int_t)query->to_ns);
}

static int load_data(struct thag_source *out, int fd)
{
	struct thag_stored_facts facts;
	struct stat st;
	void *data;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0)
		return -EPROTO;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	ret = thag_profile_load(&out->profile, data, (size_t)st.st_size, &facts);
	munmap(data, (size_t)st.st_size);
	if (ret)
		return ret == -EBADMSG ? -EPROTO : ret;
	out->metric = facts.metric;
	out->flags = facts.flags;
	out->unit = unit_of(facts.metric);
	out->is_session = true;
	out->has_calls = facts.metric == THAG_METRIC_TIME;
	return 0;
}

/** The root is called as the program is. */
static int name_session(const char *id, struct thag_source *out)
{
	const char *before = strcmp(id, "latest") == 0 ? "" : "session ";
	const char *after = before[0] ? "" : " session";
	uint32_t count;
	size_t bytes;
	const struct thag_profile_node *root = thag_profile_nodes(out->profile, &count);
	char *title;

	out->program = strdup(thag_profile_name(out->profile, root->name, &bytes));
	if (!out->program || asprintf(&title, "%s, %s%s%s", out->program, before, id, after) < 0)
		return -ENOMEM;
	out->title = title;
	return 0;
}

/** thagd gives an empty profile for a thread it doesn't know: better say so. */
static bool is_empty(const struct thag_profile *profile)
{
	uint32_t count;

	thag_profile_nodes(profile, &count);
	return count <= 1;
}

static int load_session(const struct thag_command *command, const char *id,
			const struct thag_source_query *query, struct thag_source *out)
{
	struct thag_source source = { 0 };
	struct thag_waiting waiting;
	struct thag_reply reply;
	int ret;

	thag_waiting_begin(&waiting, "waiting for thagd");
	ret = thag_client_command(command, thag_source_request(id, "profile", query),
				  THAG_CLIENT_EXPORT_TIMEOUT_MS, &reply);
	thag_waiting_end(&waiting);
	if (ret)
		return ret;
	ret = reply.data_fd < 0 ? -EPROTO : load_data(&source, reply.data_fd);
	thag_reply_fini(&reply);
	if (!ret)
		ret = name_session(id, &source);
	if (ret) {
		thag_source_fini(&source);
		return thag_client_complain(command, ret);
	}
	if (query->thread && is_empty(source.profile)) {
		thag_command_complain(command, "thread %u of that session has no profile",
				      query->thread);
		thag_source_fini(&source);
		return THAG_EXIT_NOT_FOUND;
	}
	*out = source;
	return THAG_EXIT_OK;
}

/* --- recordings --- */

/** Opens it in thagd, whole; `*id`, for the caller to free. */
static int open_recording(const struct thag_command *command, const char *path, char **id)
{
	char url[URL_BYTES], real[PATH_MAX];
	struct thag_waiting waiting;
	struct thag_reply reply;
	int ret;

	if (!realpath(path, real)) {
		thag_command_complain_of(command, path, "%s", strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	if (thag_bring_daemon(command, url, sizeof(url)))
		return THAG_EXIT_FAILURE;
	thag_waiting_begin(&waiting, "opening the recording");
	ret = thag_client_ask(json_pack("{s:s, s:s}", "op", "open", "file", real), OPEN_MS, &reply);
	thag_waiting_end(&waiting);
	if (ret)
		return thag_client_complain(command, ret);
	if (reply.status) {
		thag_command_complain_of(command, path, "%s", thag_reply_error(&reply));
		ret = THAG_EXIT_FAILURE;
	} else {
		const char *message = thag_session_text(reply.body, "message");

		if (message[0])
			thag_command_complain_of(command, path, "%s", message);
		*id = strdup(thag_session_text(reply.body, "id"));
		ret = *id ? THAG_EXIT_OK : thag_client_complain(command, -ENOMEM);
	}
	thag_reply_fini(&reply);
	return ret;
}

/* --- files --- */

static bool is_recording(const char *path)
{
	char magic[sizeof(RECORDING_MAGIC)] = "";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : pread(fd, magic, sizeof(magic), 0);

	if (fd >= 0)
		close(fd);
	return got == (ssize_t)sizeof(magic) && memcmp(magic, RECORDING_MAGIC, sizeof(magic)) == 0;
}

/** A file has stacks of one kind, and no moments. */
static int refuse_query(const struct thag_command *command, const struct thag_source_query *query)
{
	if (!query->metric && !query->by && !query->thread && !query->to_ns && !query->from_ns &&
	    !query->raw)
		return THAG_EXIT_OK;
	return thag_command_bad_usage(command, "a metric, a thread, a range and raw times are of "
					       "sessions and recordings, not of folded stacks");
}

static int load_file(const struct thag_command *command, const char *path,
		     const struct thag_source_query *query, struct thag_source *out)
{
	int ret = refuse_query(command, query), fd;

	if (ret != THAG_EXIT_OK)
		return ret;
	if (strcmp(path, "-") == 0)
		return thag_folded_file_load(command, NULL, STDIN_FILENO, query, out);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		thag_command_complain_of(command, path, "%s", strerror(errno));
		return THAG_EXIT_FAILURE;
	}
	if (thag_text_ends_with(path, RECORDING_SUFFIX)) {
		thag_command_complain_of(command, path,
					 "not a recording of thag, whatever its name "
					 "says; rename it if it is of folded stacks");
		ret = THAG_EXIT_FAILURE;
	} else {
		ret = thag_folded_file_load(command, path, fd, query, out);
	}
	close(fd);
	return ret;
}

static bool is_id(const char *input)
{
	return strcmp(input, "latest") == 0 ||
	       (input[0] && strspn(input, "0123456789") == strlen(input));
}

bool thag_source_is_folded(const char *input)
{
	bool session = is_id(input) && access(input, F_OK) != 0;

	return !session && !is_recording(input);
}

int thag_source_session(const struct thag_command *command, const char *input, char **id)
{
	*id = NULL;
	if (is_id(input) && access(input, F_OK) != 0) {
		*id = strdup(input);
		return *id ? THAG_EXIT_OK : thag_client_complain(command, -ENOMEM);
	}
	return is_recording(input) ? open_recording(command, input, id) : THAG_EXIT_OK;
}

int thag_source_load(const struct thag_command *command, const char *input,
		     const struct thag_source_query *query, struct thag_source *out)
{
	char *id;
	int ret = thag_source_session(command, input, &id);

	if (ret != THAG_EXIT_OK)
		return ret;
	ret = id ? load_session(command, id, query, out) : load_file(command, input, query, out);
	free(id);
	return ret;
}
