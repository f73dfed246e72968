/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int read_with(const char *mode, const char *environment, struct thag_config *config)
{
	if (environment)
		setenv("THAG_PROFILER", environment, 1);
	else
		unsetenv("THAG_PROFILER");
	return thag_config_read(mode, config);
}

static uint32_t modes_of(const char *mode, const char *environment)
{
	struct thag_config config;

	cr_assert_eq(read_with(mode, environment, &config), 0, "%s %s", mode, environment);
	return config.modes;
}

Test(config, takes_the_programs_own_word)
{
	cr_expect_eq(modes_of("time", NULL), THAG_MODE_TIME);
	cr_expect_eq(modes_of("both", NULL), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("yes", NULL), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("memory", NULL), THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("no", NULL), 0);
	cr_expect_eq(modes_of("runtime", NULL), 0);
	cr_expect_eq(modes_of("time", "memory"), THAG_MODE_TIME);
	cr_expect_eq(modes_of("memory", "time"), THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("no", "both"), 0);
}

Test(config, asks_the_environment_at_run_time)
{
	cr_expect_eq(modes_of("runtime", NULL), 0);
	cr_expect_eq(modes_of("runtime", "time"), THAG_MODE_TIME);
	cr_expect_eq(modes_of("runtime", "TIME,,,"), THAG_MODE_TIME);
	cr_expect_eq(modes_of("runtime", ","), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("runtime", ""), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("runtime", ",,,"), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("runtime", "Both"), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("runtime", " time , /tmp "), THAG_MODE_TIME);
	cr_expect_eq(modes_of("runtime", "none"), 0);
	cr_expect_eq(modes_of("runtime", "memory,,,true"), THAG_MODE_MEMORY);
}

Test(config, is_off_wherever_the_environment_says_none)
{
	cr_expect_eq(modes_of("time", "none"), 0);
	cr_expect_eq(modes_of("yes", "None,/tmp"), 0);
}

Test(config, bans_switching_on_where_the_environment_says_none)
{
	struct thag_config config;

	cr_assert_eq(read_with("no", "none", &config), 0);
	cr_expect(config.banned);
	cr_assert_eq(read_with("no", "NONE,,quiet", &config), 0);
	cr_expect(config.banned);
	cr_assert_eq(read_with("no", "time", &config), 0);
	cr_expect_not(config.banned);
	cr_assert_eq(read_with("runtime", NULL, &config), 0);
	cr_expect_not(config.banned, "the program may still switch itself on");
}

Test(config, starts_paused_when_told_so)
{
	static const struct {
		const char *value;
		bool paused;
	} cases[] = { { "1", true }, { "yes", true }, { "0", false }, { "", false } };
	struct thag_config config;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setenv("THAG_PAUSED", cases[i].value, 1);
		cr_assert_eq(read_with("time", NULL, &config), 0);
		cr_expect_eq(config.paused, cases[i].paused, "'%s'", cases[i].value);
		cr_expect_eq(config.modes, THAG_MODE_TIME, "what was asked for stays known");
	}
	unsetenv("THAG_PAUSED");
	cr_assert_eq(read_with("time", NULL, &config), 0);
	cr_expect_not(config.paused);
}

Test(config, takes_the_third_field_for_the_log)
{
	static const struct {
		const char *value;
		enum thag_log_mode log;
	} cases[] = { { "time", THAG_LOG_NONE },
		      { ",,", THAG_LOG_NONE },
		      { ",,none", THAG_LOG_NONE },
		      { ",,announce", THAG_LOG_ANNOUNCE },
		      { ",,Quiet", THAG_LOG_QUIET },
		      { "both,/dir,quiet,true", THAG_LOG_QUIET },
		      { "none,,announce", THAG_LOG_ANNOUNCE } };
	struct thag_config config;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(read_with("time", cases[i].value, &config), 0, "%s", cases[i].value);
		cr_expect_eq(config.log, cases[i].log, "%s", cases[i].value);
	}
}

Test(config, takes_the_fourth_field_for_detail)
{
	static const struct {
		const char *value;
		bool detail;
	} cases[] = { { "memory,,,true", true }, { "both,,,True", true },
		      { ",,,true", true },	 { "memory,,,false", false },
		      { "time,,,false", false }, { "memory,,,", false },
		      { "none,,,false", false }, { "memory", false } };
	struct thag_config config;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_assert_eq(read_with("yes", cases[i].value, &config), 0, "%s", cases[i].value);
		cr_expect_eq(config.detail, cases[i].detail, "%s", cases[i].value);
	}
}

Test(config, takes_the_second_field_for_the_output_directory)
{
	struct thag_config config;

	cr_assert_eq(read_with("time", ",/some/dir,quiet,false", &config), 0);
	cr_expect_str_eq(config.output_dir, "/some/dir");
	cr_assert_eq(read_with("time", ",dir", &config), 0);
	cr_expect_str_eq(config.output_dir, "dir");
	cr_assert_eq(read_with("time", ", /with space ,", &config), 0);
	cr_expect_str_eq(config.output_dir, "/with space");
	cr_assert_eq(read_with("time", "both", &config), 0);
	cr_expect_str_eq(config.output_dir, "");
	cr_assert_eq(read_with("time", "", &config), 0);
	cr_expect_str_eq(config.output_dir, "");
}

static void expect_refused(const char *mode, const char *environment, const char *line)
{
	struct thag_config config;

	cr_redirect_stderr();
	cr_expect_eq(read_with(mode, environment, &config), -EINVAL);
	cr_expect_eq(config.modes, 0);
	cr_expect(config.banned);
	cr_expect_eq(config.log, THAG_LOG_NONE);
	fflush(stderr);
	cr_expect_stderr_eq_str(line);
}

Test(config, refuses_an_unknown_type_in_one_line)
{
	expect_refused(
		"time", "tiem,,,",
		"thag: THAG_PROFILER: Invalid profile type 'tiem'. Expected 'time', 'memory', "
		"'both', or 'none'; running unprofiled\n");
}

Test(config, refuses_a_bad_boolean_in_one_line)
{
	expect_refused(
		"time", "time,,,maybe",
		"thag: THAG_PROFILER: Failed to parse 'maybe' as boolean; running unprofiled\n");
}

Test(config, refuses_detail_without_memory_in_one_line)
{
	static const char line[] =
		"thag: THAG_PROFILER: Detailed memory profiling can only be enabled with "
		"profile_type=memory or profile_type=both; running unprofiled\n";

	expect_refused("yes", "time,,,true", line);
}

Test(config, refuses_detail_without_anything_in_one_line)
{
	static const char line[] =
		"thag: THAG_PROFILER: Detailed memory profiling can only be enabled with "
		"profile_type=memory or profile_type=both; running unprofiled\n";

	expect_refused("time", "none,/tmp,quiet,true", line);
}

Test(config, refuses_a_bad_log_in_one_line)
{
	expect_refused(
		"time", "time,,loud",
		"thag: THAG_PROFILER: Invalid debug log 'loud'. Expected 'none', 'announce' or "
		"'quiet'; running unprofiled\n");
}

Test(config, refuses_a_fifth_field_in_one_line)
{
	expect_refused(
		"time", "time,,,true,x",
		"thag: THAG_PROFILER: Unexpected 'x' after the fourth field; running unprofiled\n");
}

Test(config, shows_no_control_characters)
{
	expect_refused(
		"time", "a\033[31m",
		"thag: THAG_PROFILER: Invalid profile type 'a?[31m'. Expected 'time', 'memory', "
		"'both', or 'none'; running unprofiled\n");
}

Test(config, refuses_an_unknown_mode)
{
	expect_refused(
		"sometimes", NULL,
		"thag: THAG_ENABLE_PROFILING(sometimes): expected time, memory, both, yes, no or "
		"runtime; running unprofiled\n");
}

Test(config, cuts_endless_values)
{
	static char value[8000];
	struct thag_config config;

	memset(value, 'x', sizeof(value) - 1);
	cr_redirect_stderr();
	cr_expect_eq(read_with("time", value, &config), -EINVAL);
	value[0] = ',';
	cr_expect_eq(read_with("time", value, &config), -EINVAL);
}
