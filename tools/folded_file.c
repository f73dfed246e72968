/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "folded_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "progress.h"
#include "thag_folded_read.h"

#define PIECE_BYTES (1 << 20)
#define TOLD_MAX 5	 /* malformed lines that are told of one by one */
#define STACK_BYTES 400u /* what a distinct stack takes, at most, while its table grows */
#define SUFFIX ".folded"

struct reading {
	const struct thag_command *command;
	const char *name; /* for people */
	const struct thag_source_query *query;
	uint64_t told;
};

static int pass_on(void *context, const char *text, size_t bytes,
		   const uint64_t values[static THAG_FOLDED_SIDES])
{
	struct reading *reading = context;

	return reading->query->stack(reading->query->stack_context, text, bytes, values);
}

static void tell(void *context, uint64_t line, const char *what)
{
	struct reading *reading = context;

	if (reading->told++ < TOLD_MAX)
		thag_command_complain_of(reading->command, reading->name, "line %" PRIu64 ": %s%s",
					 line, what, reading->query->strict ? "" : "; left out");
}

/** So many distinct stacks fit the memory that is free; 0: nobody knows. */
static uint32_t stacks_that_fit(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	uint64_t most = (uint64_t)kib * 1024 / STACK_BYTES;

	return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/** 0 or a negative errno, of the file or of the reader. */
static int feed_all(struct thag_folded_reader *reader, int fd, char *piece)
{
	struct thag_progress progress;
	struct stat st = { 0 };
	uint64_t done = 0;
	ssize_t got;
	int ret = fstat(fd, &st) ? -errno : 0;

	thag_progress_begin(&progress, "reading");
	while (!ret) {
		got = read(fd, piece, PIECE_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			ret = got < 0 ? -errno : 0;
			break;
		}
		ret = thag_folded_reader_feed(reader, piece, (size_t)got);
		done += (uint64_t)got;
		thag_progress_show(&progress, done, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0);
	}
	thag_progress_end(&progress);
	return ret;
}

static int complain(const struct reading *reading, int error,
		    const struct thag_folded_counts *counts)
{
	switch (error) {
	case -EBADMSG: /* the line has been told */
		return THAG_EXIT_FAILURE;
	case -E2BIG:
	case -ENOMEM:
		thag_command_complain_of(reading->command, reading->name,
					 "memory is full at line %" PRIu64
					 ": its distinct stacks don't fit; take a part of the file",
					 counts->lines);
		return THAG_EXIT_FAILURE;
	case -EOVERFLOW:
		thag_command_complain_of(reading->command, reading->name,
					 "line %" PRIu64
					 ": the sum of all values has no room in 64 bits",
					 counts->lines);
		return THAG_EXIT_FAILURE;
	default:
		thag_command_complain_of(reading->command, reading->name, "%s", strerror(-error));
		return THAG_EXIT_FAILURE;
	}
}

/** What isn't as it should be, though it is read; whether there is anything. */
static int judge(const struct reading *reading, const struct thag_folded_counts *counts)
{
	if (counts->malformed > TOLD_MAX)
		thag_command_complain_of(reading->command, reading->name,
					 "%" PRIu64 " more lines are malformed, and left out",
					 counts->malformed - TOLD_MAX);
	if (counts->fractions)
		thag_command_complain_of(reading->command, reading->name,
					 "%" PRIu64 " values have fractions, which are dropped",
					 counts->fractions);
	if (counts->stacks || !counts->malformed)
		return THAG_EXIT_OK;
	thag_command_complain_of(reading->command, reading->name, "has no folded stacks");
	return THAG_EXIT_FAILURE;
}

/** The report that thagd writes beside its folded files; NULL: there is none. */
static json_t *find_report(const char *path, size_t stem_bytes)
{
	json_t *report;
	char *name;

	if (asprintf(&name, "%.*s.json", (int)stem_bytes, path) < 0)
		return NULL;
	report = json_load_file(name, 0, NULL);
	free(name);
	if (json_is_string(json_object_get(report, "program")))
		return report;
	json_decref(report);
	return NULL;
}

static const struct kind {
	const char *suffix; /* of the file's name */
	const char *unit;
	uint32_t metric;
} kinds[] = {
	{ "-memory_detail_dealloc" SUFFIX, "bytes", THAG_METRIC_FREED },
	{ "-memory_detail" SUFFIX, "bytes", THAG_METRIC_ALLOCATED },
	{ "-memory" SUFFIX, "bytes", THAG_METRIC_ALLOCATED },
	{ SUFFIX, "ns", THAG_METRIC_TIME },
};

/** What kind of file it is by its name, and whose it is by the report beside it. */
static void recognise(const char *path, struct thag_source *out)
{
	size_t bytes = path ? strlen(path) : 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t suffix = strlen(kinds[i].suffix);

		if (bytes <= suffix || strcmp(path + bytes - suffix, kinds[i].suffix) != 0)
			continue;
		json_t *report = find_report(path, bytes - suffix);
		const char *program = json_string_value(json_object_get(report, "program"));

		if (report || kinds[i].metric)
			out->unit = kinds[i].unit;
		out->metric = kinds[i].metric;
		out->program = program ? strdup(program) : NULL;
		json_decref(report);
		return;
	}
}

static int fill(struct thag_folded_reader *reader, const char *path, struct thag_source *out)
{
	struct thag_profile *profiles[THAG_FOLDED_SIDES];
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *title = thag_folded_reader_title(reader);
	int ret = thag_folded_reader_finish(reader, profiles);

	if (ret)
		return ret;
	*out = (struct thag_source){ .profile = profiles[0], .after = profiles[1], .unit = "" };
	recognise(path, out);
	if (!title[0])
		title = !path ? "standard input" : slash ? slash + 1 : path;
	out->title = strdup(title);
	if (!out->program)
		out->program = strdup("");
	if (out->title && out->program)
		return 0;
	thag_source_fini(out);
	return -ENOMEM;
}

int thag_folded_file_load(const struct thag_command *command, const char *path, int fd,
			  const struct thag_source_query *query, struct thag_source *out)
{
	struct reading reading = { .command = command,
				   .name = path ? path : "standard input",
				   .query = query };
	const struct thag_folded_options options = { .root_name = "all",
						     .stacks_most = stacks_that_fit(),
						     .strict = query->strict,
						     .stack = query->stack ? pass_on : NULL,
						     .malformed = tell,
						     .context = &reading };
	struct thag_folded_counts counts = { 0 };
	struct thag_folded_reader *reader = NULL;
	char *piece = malloc(PIECE_BYTES);
	int ret = piece ? thag_folded_reader_create(&reader, &options) : -ENOMEM;

	if (!ret)
		ret = feed_all(reader, fd, piece);
	if (!ret)
		ret = fill(reader, path, out);
	if (reader)
		thag_folded_reader_count(reader, &counts);
	thag_folded_reader_destroy(reader);
	free(piece);
	if (ret)
		return complain(&reading, ret, &counts);
	ret = judge(&reading, &counts);
	if (ret)
		thag_source_fini(out);
	return ret;
}
