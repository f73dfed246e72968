/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "finder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void add(struct thag_finder *finder, const char *name)
{
	cr_assert_eq(thag_finder_add_file(finder, "", name, 1000), 0);
}

static const struct thag_finding *only(struct thag_finder *finder, const char *name)
{
	thag_finder_fini(finder);
	add(finder, name);
	cr_assert_eq(finder->count, 1);
	return &finder->list[0];
}

Test(finder, takes_stems_apart_from_their_ends)
{
	static const struct {
		const char *name, *program, *when;
	} cases[] = {
		{ "treestat-20261128-074012.folded", "treestat", "2026-11-28 07:40:12" },
		{ "a-b-c-20261128-074012.folded", "a-b-c", "2026-11-28 07:40:12" },
		{ "x-20261128-074012-4242.folded", "x", "2026-11-28 07:40:12" },
		{ "x-20261128-074012-4242-memory.folded", "x", "2026-11-28 07:40:12" },
		{ "-20261128-074012-20261128-074013.folded", "-20261128-074012",
		  "2026-11-28 07:40:13" },
		{ "x-20250101-123456-123456.folded", "x", "2025-01-01 12:34:56" },
		{ "\xff\n -20261128-074012.folded", "\xff\n ", "2026-11-28 07:40:12" },
	};
	struct thag_finder finder = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct thag_finding *found = only(&finder, cases[i].name);

		cr_expect_str_eq(found->program, cases[i].program);
		cr_expect_str_eq(found->when, cases[i].when);
		cr_expect_str_eq(found->input, cases[i].name);
	}
	thag_finder_fini(&finder);
}

Test(finder, takes_the_files_time_where_the_name_has_none)
{
	static const char *const names[] = { "perf.folded", "x-20261328-074012.folded",
					     "x-20261128-0740.folded", "-20261128-074012.folded",
					     "x-2026112-074012-1.folded" };
	struct thag_finder finder = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct thag_finding *found = only(&finder, names[i]);

		cr_expect_eq(found->when_s, 1000, "%s", names[i]);
		cr_expect_eq(strlen(found->program), strlen(names[i]) - strlen(".folded"));
	}
	thag_finder_fini(&finder);
}

Test(finder, tells_kinds_by_suffixes)
{
	static const struct {
		const char *name;
		enum thag_finding_kind kind;
		bool time, memory;
	} cases[] = {
		{ "x.folded", THAG_FINDING_TIME, true, false },
		{ "x-memory.folded", THAG_FINDING_MEMORY, false, true },
		{ "x-memory_detail.folded", THAG_FINDING_DETAIL, false, true },
		{ "x-memory_detail_dealloc.folded", THAG_FINDING_FREED, false, true },
		{ "x.thag", THAG_FINDING_RECORDING, true, true },
	};
	struct thag_finder finder = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct thag_finding *found = only(&finder, cases[i].name);

		cr_expect_eq(found->kind, cases[i].kind);
		cr_expect_eq(thag_finding_is_of(found, false), cases[i].time);
		cr_expect_eq(thag_finding_is_of(found, true), cases[i].memory);
	}
	thag_finder_fini(&finder);
}

Test(finder, passes_over_what_is_no_profile)
{
	static const char *const names[] = { ".folded", ".thag",  "x.json", "x.folded.bak",
					     "x.svg",	"folded", "",	    "x.thagx" };
	struct thag_finder finder = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add(&finder, names[i]);
	cr_expect_eq(finder.count, 0);
	thag_finder_fini(&finder);
}

Test(finder, puts_the_newest_program_first_and_each_ones_newest)
{
	static const char *const expected[] = {
		"b-20261103-000000.folded", "b-20261101-000000.folded", "a-20261102-000000.folded",
		"a-20261102-000000-memory.folded", "a-20261001-000000.folded"
	};
	struct thag_finder finder = { 0 };

	add(&finder, "a-20261001-000000.folded");
	add(&finder, "b-20261101-000000.folded");
	add(&finder, "a-20261102-000000-memory.folded");
	add(&finder, "a-20261102-000000.folded");
	add(&finder, "b-20261103-000000.folded");
	thag_finder_sort(&finder);
	cr_assert_eq(finder.count, 5);
	for (size_t i = 0; i < 5; i++)
		cr_expect_str_eq(finder.list[i].input, expected[i]);
	thag_finder_fini(&finder);
	thag_finder_sort(&finder);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

static const struct thag_finding *find(const struct thag_finder *finder, const char *end)
{
	for (size_t i = 0; i < finder->count; i++) {
		const char *input = finder->list[i].input;

		if (strlen(input) >= strlen(end) &&
		    strcmp(input + strlen(input) - strlen(end), end) == 0)
			return &finder->list[i];
	}
	cr_assert_fail("%s isn't there", end);
	return NULL;
}

Test(finder, believes_the_report_about_the_programs_name)
{
	char directory[] = "/tmp/thag-finder.XXXXXX", path[64];
	struct thag_finder finder = { 0 };

	cr_assert(mkdtemp(directory));
	write_file(directory, "x-20260101-000000.json", "{\"program\": \"/opt/a b;c\"}");
	write_file(directory, "x-20260101-000000.folded", "a 1\n");
	write_file(directory, "x-20260101-000000-memory.folded", "a 1\n");
	write_file(directory, "y-20260101-000000.json", "{\"program\": 3}");
	write_file(directory, "y-20260101-000000.folded", "a 1\n");
	write_file(directory, "z-20260101-000000.json", "{");
	write_file(directory, "z-20260101-000000.folded", "a 1\n");
	snprintf(path, sizeof(path), "%s/dir.folded", directory);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/pipe.folded", directory);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(thag_finder_scan(&finder, directory), 0);
	cr_expect_eq(finder.count, 4, "a directory and a pipe are no profiles");
	cr_expect_str_eq(find(&finder, "/x-20260101-000000.folded")->program, "a b;c");
	cr_expect_str_eq(find(&finder, "/x-20260101-000000-memory.folded")->program, "a b;c");
	cr_expect_str_eq(find(&finder, "/y-20260101-000000.folded")->program, "y");
	cr_expect_str_eq(find(&finder, "/z-20260101-000000.folded")->program, "z");
	thag_finder_fini(&finder);
	snprintf(path, sizeof(path), "rm -r %s", directory);
	cr_assert_eq(system(path), 0);
	cr_expect_lt(thag_finder_scan(&finder, directory), 0);
}

Test(finder, lists_sessions)
{
	json_t *sessions = json_pack("[{s:s, s:s, s:s, s:s}, {s:s}, {s:i}, s]", "id", "7",
				     "program", "/usr/bin/x-y", "start", "2026-11-22T22:10:01.123Z",
				     "state", "live", "id", "8", "id", 9, "no");
	struct thag_finder finder = { 0 };

	cr_assert(sessions);
	cr_assert_eq(thag_finder_add_sessions(&finder, sessions), 0);
	cr_assert_eq(finder.count, 2, "what has no id can't be named");
	cr_expect_str_eq(finder.list[0].program, "x-y");
	cr_expect_str_eq(finder.list[0].input, "7");
	cr_expect_str_eq(finder.list[0].state, "live");
	cr_expect_eq(finder.list[0].when_s, 1795385401);
	cr_expect(thag_finding_is_session(&finder.list[0]));
	cr_expect_eq(finder.list[1].when_s, 0);
	cr_assert_eq(thag_finder_add_sessions(&finder, NULL), 0);
	thag_finder_fini(&finder);
	json_decref(sessions);
}
