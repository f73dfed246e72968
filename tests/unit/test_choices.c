/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "choices.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/thag-choices.XXXXXX";
static char path[128];

static void begin(void)
{
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/made/thag/analyze.json", directory);
}

static void end(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

static void write_file(const char *text)
{
	char made[128];
	FILE *file;

	snprintf(made, sizeof(made), "%s/made", directory);
	mkdir(made, 0700);
	snprintf(made, sizeof(made), "%s/made/thag", directory);
	mkdir(made, 0700);
	file = fopen(path, "w");
	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

Test(choices, come_back_as_they_were, .init = begin, .fini = end)
{
	struct thag_choices saved = { .menu = 3, .stacks = true, .keeps_pictures = true };
	struct thag_choices choices = { 0 };
	struct stat st;

	cr_assert_eq(thag_choices_set(&saved.directory, "/tmp/a \"b\"\n\xc3\xa9"), 0);
	cr_assert_eq(thag_choices_set(&saved.palette, "rust"), 0);
	cr_assert_eq(thag_choices_set(&saved.sort, "p99"), 0);
	cr_assert_eq(thag_choices_add_filter(&saved, THAG_FILTER_WITHOUT, "/a|b/"), 0);
	cr_assert_eq(thag_choices_add_filter(&saved, THAG_FILTER_COLLAPSE, ""), 0);
	cr_assert_eq(thag_choices_add_filter(&saved, THAG_FILTER_AT_LEAST, "1000"), 0);
	cr_assert_eq(thag_choices_save(&saved, path), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);

	cr_assert_eq(thag_choices_load(&choices, path), 0);
	cr_expect_str_eq(choices.directory, saved.directory);
	cr_expect_str_eq(choices.palette, "rust");
	cr_expect_str_eq(choices.sort, "p99");
	cr_expect_null(choices.theme);
	cr_expect_eq(choices.menu, 3);
	cr_expect(choices.stacks && choices.keeps_pictures && !choices.normalise);
	cr_assert_eq(choices.filter_count, 3);
	cr_expect_eq(choices.filters[0].kind, THAG_FILTER_WITHOUT);
	cr_expect_str_eq(choices.filters[0].value, "/a|b/");
	cr_expect_eq(choices.filters[1].kind, THAG_FILTER_COLLAPSE);
	cr_expect_str_eq(choices.filters[2].value, "1000");
	thag_choices_fini(&choices);
	thag_choices_fini(&saved);
}

Test(choices, begin_as_none_without_a_file, .init = begin, .fini = end)
{
	struct thag_choices choices = { 0 };

	cr_expect_eq(thag_choices_load(&choices, path), 0);
	cr_expect_null(choices.palette);
	cr_expect_eq(choices.filter_count, 0);
}

Test(choices, survive_any_file, .init = begin, .fini = end)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"3",
		"{\"palette\": 3}",
		"{\"stacks\": \"yes\"}",
		"{\"filters\": [[\"--only\"]]}",
		"{\"filters\": [[\"--only\", \"\"]]}",
		"{\"filters\": [[\"--collapse\", \"x\"]]}",
		"{\"filters\": [[\"--rm\", \"x\"]]}",
		"{\"filters\": [3, null, {}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct thag_choices choices = { 0 };

		write_file(texts[i]);
		cr_expect_eq(thag_choices_load(&choices, path), -EBADMSG, "%s", texts[i]);
		thag_choices_fini(&choices);
	}
}

Test(choices, keep_what_makes_sense_beside_what_does_not, .init = begin, .fini = end)
{
	struct thag_choices choices = { 0 };

	write_file("{\"palette\": \"red\", \"sort\": [], \"menu\": -4,"
		   " \"filters\": [[\"--x\", \"y\"], [\"--only\", \"main\"]]}");
	cr_expect_eq(thag_choices_load(&choices, path), -EBADMSG);
	cr_expect_str_eq(choices.palette, "red");
	cr_expect_null(choices.sort);
	cr_expect_eq(choices.menu, 0);
	cr_assert_eq(choices.filter_count, 1);
	cr_expect_str_eq(choices.filters[0].value, "main");
	thag_choices_fini(&choices);
}

Test(choices, have_a_limit_of_filters, .init = begin, .fini = end)
{
	struct thag_choices choices = { 0 };

	for (int i = 0; i < THAG_CHOICES_FILTERS_MAX; i++)
		cr_assert_eq(thag_choices_add_filter(&choices, THAG_FILTER_HIDE, "x"), 0);
	cr_expect_eq(thag_choices_add_filter(&choices, THAG_FILTER_HIDE, "x"), -E2BIG);
	thag_choices_drop_filter(&choices, 0);
	cr_expect_eq(thag_choices_add_filter(&choices, THAG_FILTER_ONLY, "y"), 0);
	cr_expect_str_eq(choices.filters[THAG_CHOICES_FILTERS_MAX - 1].value, "y");
	thag_choices_fini(&choices);
}

Test(choices, leave_out_what_json_cannot_hold, .init = begin, .fini = end)
{
	struct thag_choices choices = { 0 };

	cr_assert_eq(thag_choices_set(&choices.directory, "/tmp/\xff"), 0);
	cr_assert_eq(thag_choices_add_filter(&choices, THAG_FILTER_HIDE, "\xff"), 0);
	cr_assert_eq(thag_choices_add_filter(&choices, THAG_FILTER_HIDE, "x"), 0);
	cr_assert_eq(thag_choices_save(&choices, path), 0);
	thag_choices_fini(&choices);
	cr_assert_eq(thag_choices_load(&choices, path), 0);
	cr_expect_null(choices.directory);
	cr_assert_eq(choices.filter_count, 1);
	thag_choices_fini(&choices);
}

Test(choices, say_when_they_cannot_be_written, .init = begin, .fini = end)
{
	struct thag_choices choices = { 0 };

	cr_expect_eq(thag_choices_save(&choices, "/proc/none/thag/analyze.json"), -ENOENT);
	cr_expect_eq(thag_choices_save(&choices, "/dev/null/thag/analyze.json"), -ENOTDIR);
}

Test(choices, stand_where_the_user_keeps_such_files)
{
	char *found;

	setenv("HOME", "/home/x", 1);
	setenv("XDG_CONFIG_HOME", "/etc/y", 1);
	found = thag_choices_path();
	cr_expect_str_eq(found, "/etc/y/thag/analyze.json");
	free(found);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	found = thag_choices_path();
	cr_expect_str_eq(found, "/home/x/.config/thag/analyze.json");
	free(found);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	cr_expect_null(thag_choices_path());
}
