/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "finder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DATE_BYTES 8
#define TIME_BYTES 6
#define STAMP_BYTES (1 + DATE_BYTES + 1 + TIME_BYTES)
#define REPORT_BYTES_MAX (16 << 20)

static const struct {
	const char *suffix; /* the longest come first */
	enum thag_finding_kind kind;
} suffixes[] = {
	{ "-memory_detail_dealloc.folded", THAG_FINDING_FREED },
	{ "-memory_detail.folded", THAG_FINDING_DETAIL },
	{ "-memory.folded", THAG_FINDING_MEMORY },
	{ ".folded", THAG_FINDING_TIME },
	{ ".thag", THAG_FINDING_RECORDING },
};

static const char *const words[THAG_FINDING_KINDS] = {
	[THAG_FINDING_TIME] = "time",		[THAG_FINDING_MEMORY] = "memory",
	[THAG_FINDING_DETAIL] = "allocations",	[THAG_FINDING_FREED] = "deallocations",
	[THAG_FINDING_RECORDING] = "recording", [THAG_FINDING_SESSION] = "session",
};

const char *thag_finding_word(enum thag_finding_kind kind)
{
	return words[kind];
}

bool thag_finding_is_session(const struct thag_finding *finding)
{
	return finding->kind >= THAG_FINDING_RECORDING;
}

bool thag_finding_is_of(const struct thag_finding *finding, bool memory)
{
	return thag_finding_is_session(finding) || (finding->kind != THAG_FINDING_TIME) == memory;
}

static void finding_fini(struct thag_finding *finding)
{
	free(finding->input);
	free(finding->program);
	free(finding->state);
}

void thag_finder_fini(struct thag_finder *finder)
{
	for (size_t i = 0; i < finder->count; i++)
		finding_fini(&finder->list[i]);
	free(finder->list);
	*finder = (struct thag_finder){ 0 };
}

/** Takes it over, whole or not. 0 or -ENOMEM. */
static int add(struct thag_finder *finder, struct thag_finding *finding)
{
	if (!finding->input || !finding->program || !finding->state)
		goto no_memory;
	if (finder->count == finder->capacity) {
		size_t capacity = finder->capacity ? 2 * finder->capacity : 64;
		struct thag_finding *list = reallocarray(finder->list, capacity, sizeof(*list));

		if (!list)
			goto no_memory;
		finder->list = list;
		finder->capacity = capacity;
	}
	finder->list[finder->count++] = *finding;
	return 0;
no_memory:
	finding_fini(finding);
	return -ENOMEM;
}

static void set_when(struct thag_finding *finding, int64_t when_s)
{
	time_t seconds = (time_t)when_s;
	struct tm local;

	finding->when_s = when_s;
	if (!localtime_r(&seconds, &local) ||
	    strftime(finding->when, sizeof(finding->when), "%Y-%m-%d %H:%M:%S", &local) == 0)
		finding->when[0] = '\0';
}

/* --- stems --- */

static bool are_digits(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return true;
}

/** Whether `-yyyymmdd-HHmmss` stands there, and is a moment. */
static bool parse_stamp(const char *text, int64_t *when_s)
{
	struct tm local = { .tm_isdst = -1 };
	char digits[DATE_BYTES + TIME_BYTES + 1];
	const char *end;

	if (text[0] != '-' || !are_digits(text + 1, DATE_BYTES) || text[1 + DATE_BYTES] != '-' ||
	    !are_digits(text + 2 + DATE_BYTES, TIME_BYTES))
		return false;
	memcpy(digits, text + 1, DATE_BYTES);
	memcpy(digits + DATE_BYTES, text + 2 + DATE_BYTES, TIME_BYTES);
	digits[DATE_BYTES + TIME_BYTES] = '\0';
	end = strptime(digits, "%Y%m%d%H%M%S", &local);
	if (!end || *end)
		return false;
	*when_s = mktime(&local);
	return true;
}

/** How many bytes of a stem are the program's name; all, with `*when_s` as it was, of others. */
static size_t parse_stem(const char *stem, size_t bytes, int64_t *when_s)
{
	size_t pid = bytes;

	if (bytes > STAMP_BYTES && parse_stamp(stem + bytes - STAMP_BYTES, when_s))
		return bytes - STAMP_BYTES;
	while (pid > 0 && isdigit((unsigned char)stem[pid - 1]))
		pid--;
	if (pid < bytes && pid > STAMP_BYTES + 1 && stem[pid - 1] == '-' &&
	    parse_stamp(stem + pid - 1 - STAMP_BYTES, when_s))
		return pid - 1 - STAMP_BYTES;
	return bytes;
}

/** The program that the report of a stem names, for the caller to free; NULL: it names none. */
static char *read_program(const char *directory, const char *stem, size_t stem_bytes)
{
	char *path = NULL, *program = NULL;
	struct stat st;
	json_t *report = NULL;
	const char *name, *slash;

	if (asprintf(&path, "%s%s%.*s.json", directory, directory[0] ? "/" : "", (int)stem_bytes,
		     stem) < 0)
		return NULL;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= REPORT_BYTES_MAX)
		report = json_load_file(path, 0, NULL);
	name = json_string_value(json_object_get(report, "program"));
	slash = name ? strrchr(name, '/') : NULL;
	if (name)
		program = strdup(slash && slash[1] ? slash + 1 : name);
	json_decref(report);
	free(path);
	return program;
}

static const char *base_of(const char *directory)
{
	return strcmp(directory, ".") == 0 ? "" : directory;
}

int thag_finder_add_file(struct thag_finder *finder, const char *directory, const char *name,
			 int64_t modified_s)
{
	struct thag_finding finding = { 0 };
	const char *base = base_of(directory);
	size_t bytes = strlen(name), stem = 0, i = 0, count = sizeof(suffixes) / sizeof(*suffixes);
	size_t program;

	for (; i < count; i++) {
		size_t suffix = strlen(suffixes[i].suffix);

		if (bytes > suffix && strcmp(name + bytes - suffix, suffixes[i].suffix) == 0) {
			stem = bytes - suffix;
			break;
		}
	}
	if (i == count)
		return 0;
	finding.kind = suffixes[i].kind;
	program = parse_stem(name, stem, &modified_s);
	set_when(&finding, modified_s);
	finding.program = read_program(base, name, stem);
	if (!finding.program)
		finding.program = strndup(name, program);
	finding.state = strdup("");
	if (asprintf(&finding.input, "%s%s%s", base,
		     base[0] && base[strlen(base) - 1] != '/' ? "/" : "", name) < 0)
		finding.input = NULL;
	return add(finder, &finding);
}

int thag_finder_scan(struct thag_finder *finder, const char *directory)
{
	DIR *files = opendir(directory);
	const struct dirent *file;
	int ret = files ? 0 : -errno;

	while (!ret && (file = readdir(files)) != NULL) {
		struct stat st;

		/* what isn't a file may never end */
		if (fstatat(dirfd(files), file->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			ret = thag_finder_add_file(finder, directory, file->d_name, st.st_mtime);
	}
	if (files)
		closedir(files);
	return ret;
}

/* --- sessions --- */

static const char *text_of(const json_t *session, const char *field)
{
	const char *text = json_string_value(json_object_get(session, field));

	return text ? text : "";
}

int thag_finder_add_sessions(struct thag_finder *finder, const json_t *sessions)
{
	const json_t *session;
	size_t i;
	int ret = 0;

	json_array_foreach(sessions, i, session)
	{
		struct thag_finding finding = { .kind = THAG_FINDING_SESSION };
		const char *program = text_of(session, "program");
		const char *slash = strrchr(program, '/');
		struct tm utc = { 0 };

		if (!text_of(session, "id")[0])
			continue;
		if (strptime(text_of(session, "start"), "%Y-%m-%dT%H:%M:%S", &utc))
			set_when(&finding, timegm(&utc));
		finding.input = strdup(text_of(session, "id"));
		finding.program = strdup(slash && slash[1] ? slash + 1 : program);
		finding.state = strdup(text_of(session, "state"));
		ret = add(finder, &finding);
		if (ret)
			break;
	}
	return ret;
}

/* --- order --- */

static int compare_members(const struct thag_finding *x, const struct thag_finding *y)
{
	if (x->when_s != y->when_s)
		return x->when_s > y->when_s ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->input, y->input);
}

static int compare_by_program(const void *a, const void *b)
{
	const struct thag_finding *x = a, *y = b;
	int order = strcmp(x->program, y->program);

	return order ? order : compare_members(x, y);
}

static int compare_by_group(const void *a, const void *b)
{
	const struct thag_finding *x = a, *y = b;

	if (x->group_s != y->group_s)
		return x->group_s > y->group_s ? -1 : 1;
	return compare_by_program(a, b);
}

void thag_finder_sort(struct thag_finder *finder)
{
	struct thag_finding *list = finder->list;

	if (finder->count == 0)
		return;
	qsort(list, finder->count, sizeof(*list), compare_by_program);
	for (size_t i = 0; i < finder->count; i++) {
		bool same = i > 0 && strcmp(list[i].program, list[i - 1].program) == 0;

		list[i].group_s = same ? list[i - 1].group_s : list[i].when_s;
	}
	qsort(list, finder->count, sizeof(*list), compare_by_group);
}
