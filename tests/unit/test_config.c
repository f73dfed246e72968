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
	cr_expect_eq(modes_of("time", "memory"), THAG_MODE_TIME);
}

Test(config, asks_the_environment_at_run_time)
{
	cr_expect_eq(modes_of("runtime", NULL), 0);
	cr_expect_eq(modes_of("runtime", "time"), THAG_MODE_TIME);
	cr_expect_eq(modes_of("runtime", "TIME,,,"), THAG_MODE_TIME);
	cr_expect_eq(modes_of("runtime", ","), THAG_MODE_TIME | THAG_MODE_MEMORY);
	cr_expect_eq(modes_of("runtime", "none"), 0);
	cr_expect_eq(modes_of("runtime", "memory,,,true"), THAG_MODE_MEMORY);
}

Test(config, is_off_wherever_the_environment_says_none)
{
	cr_expect_eq(modes_of("time", "none"), 0);
	cr_expect_eq(modes_of("yes", "None,/tmp"), 0);
}

Test(config, takes_the_second_field_for_the_output_directory)
{
	struct thag_config config;

	cr_assert_eq(read_with("time", ",/some/dir,quiet,false", &config), 0);
	cr_expect_str_eq(config.output_dir, "/some/dir");
	cr_assert_eq(read_with("time", "both", &config), 0);
	cr_expect_str_eq(config.output_dir, "");
}

static void expect_refused(const char *mode, const char *environment, const char *line)
{
	struct thag_config config;

	cr_redirect_stderr();
	cr_expect_eq(read_with(mode, environment, &config), -EINVAL);
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
