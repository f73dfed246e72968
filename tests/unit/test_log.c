/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* Each test runs in a process of its own, so each has its own log. */
static char tmp[] = "/tmp/thag-test-log.XXXXXX";
static char name[NAME_MAX + 1];

static void make_tmp(void)
{
	cr_assert_not_null(mkdtemp(tmp));
	setenv("TMPDIR", tmp, 1);
}

static const char *below(const char *path)
{
	static char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", tmp, path);
	return whole;
}

/* How many logs the directory has; the last one's name is kept. */
static int count_logs(const char *directory)
{
	DIR *dir = opendir(below(directory));
	const struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s", entry->d_name);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* The path of the one log that is there. */
static const char *log_in(const char *directory)
{
	static char path[2 * PATH_MAX];

	cr_assert_eq(count_logs(directory), 1);
	snprintf(path, sizeof(path), "%s/%s", below(directory), name);
	return path;
}

static off_t size_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_size;
}

static char *read_log(const char *directory)
{
	static char text[2 << 20];
	FILE *file = fopen(log_in(directory), "r");
	size_t got;

	cr_assert_not_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	text[got] = '\0';
	fclose(file);
	return text;
}

static bool matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool found;

	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
	found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static const char *own_directory(void)
{
	static char directory[64];

	snprintf(directory, sizeof(directory), "thag_profiler-%u", (unsigned)geteuid());
	return directory;
}

static void remove_tmp(void)
{
	char command[sizeof(tmp) + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", tmp);
	cr_expect_eq(system(command), 0);
	/* the log has no end but the program's; it lies where programs have nothing */
	for (int fd = 200; fd < 400; fd++)
		close(fd);
}

TestSuite(log, .init = make_tmp, .fini = remove_tmp);

Test(log, has_the_programs_name_and_the_time_and_is_its_users_alone)
{
	struct stat directory, file;

	umask(0);
	thag_log_open(THAG_LOG_QUIET);
	cr_assert_eq(stat(log_in("thag_profiler"), &file), 0);
	cr_expect(matches(name, "^test_log-[0-9]{8}-[0-9]{6}-debug\\.log$"), "%s", name);
	cr_assert_eq(stat(below("thag_profiler"), &directory), 0);
	cr_expect_eq(directory.st_mode & 07777, 0700);
	cr_expect_eq(file.st_mode & 07777, 0600);
}

Test(log, is_not_there_unless_asked_for)
{
	thag_log_open(THAG_LOG_NONE);
	thag_log("nothing of this is anywhere");
	cr_expect_not(thag_log_is_on());
	cr_expect_neq(access(below("thag_profiler"), F_OK), 0);
}

Test(log, says_version_and_environment_first)
{
	setenv("THAG_CLOCK", "mono\033[1m\ntonic", 1);
	thag_log_open(THAG_LOG_QUIET);
	cr_expect(matches(read_log("thag_profiler"),
			  "^[0-9]+\\.[0-9]{6} \\[[0-9]+\\] thag " THAG_VERSION ", pid [0-9]+$"));
	cr_expect(matches(read_log("thag_profiler"),
			  "\\] environment: THAG_CLOCK=mono\\?\\[1m\\?tonic$"));
}

Test(log, formats_what_it_is_given)
{
	thag_log_open(THAG_LOG_QUIET);
	thag_log("a %s, a %d, a %u, a %llu, a 5%%", "text", INT_MIN, UINT_MAX, ULLONG_MAX);
	cr_expect(matches(read_log("thag_profiler"),
			  "\\] a text, a -2147483648, a 4294967295, a 18446744073709551615, a 5"));
}

Test(log, has_nothing_of_a_text_that_a_terminal_obeys)
{
	thag_log_open(THAG_LOG_QUIET);
	thag_log("<%s>", "a\x1b[2J\n\x7f \x9b"
			 "1m \xc2\x9b \xff \xc3 \xed\xa0\x80 \xe2\x80\xae \xe2\x80\xa8 \xf0\x9f");
	thag_log("<%s>", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
	cr_expect(matches(read_log("thag_profiler"),
			  "<a\\?\\[2J\\?\\? \\?1m \\?\\? \\? \\? \\?\\?\\? \\?\\?\\? "
			  "\\?\\?\\? \\?\\?>"));
	cr_expect(matches(read_log("thag_profiler"), "<\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80>"));
}

Test(log, cuts_long_lines)
{
	static char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	thag_log_open(THAG_LOG_QUIET);
	thag_log("%s", big);
	thag_log("after");
	cr_expect(matches(read_log("thag_profiler"), "\\] x{400,500}$"));
	cr_expect(matches(read_log("thag_profiler"), "\\] after$"));
}

Test(log, of_the_same_second_has_the_pid_in_its_name)
{
	/* whichever second it is, its name is taken */
	cr_assert_eq(mkdir(below("thag_profiler"), 0700), 0);
	for (int later = 0; later < 3; later++) {
		time_t at = time(NULL) + later;
		struct tm local;
		char file[64];

		localtime_r(&at, &local);
		strftime(file, sizeof(file), "thag_profiler/test_log-%Y%m%d-%H%M%S-debug.log",
			 &local);
		cr_assert_eq(close(open(below(file), O_CREAT | O_WRONLY, 0600)), 0);
	}
	thag_log_open(THAG_LOG_QUIET);
	cr_expect(thag_log_is_on());
	cr_expect_eq(count_logs("thag_profiler"), 4);
}

Test(log, leaves_a_link_alone)
{
	cr_assert_eq(mkdir(below("elsewhere"), 0700), 0);
	cr_assert_eq(symlink("elsewhere", below("thag_profiler")), 0);
	thag_log_open(THAG_LOG_QUIET);
	cr_expect_eq(count_logs("elsewhere"), 0);
	cr_expect(matches(read_log(own_directory()), "pid"));
}

Test(log, leaves_a_directory_alone_that_others_may_write_to)
{
	cr_assert_eq(mkdir(below("thag_profiler"), 0700), 0);
	cr_assert_eq(chmod(below("thag_profiler"), 01777), 0);
	thag_log_open(THAG_LOG_QUIET);
	cr_expect_eq(count_logs("thag_profiler"), 0);
	cr_expect(matches(read_log(own_directory()), "pid"));
}

Test(log, leaves_another_users_directory_alone)
{
	if (geteuid() != 0)
		cr_skip_test("only root can make one");
	cr_assert_eq(mkdir(below("thag_profiler"), 0700), 0);
	cr_assert_eq(chown(below("thag_profiler"), 1, 1), 0);
	thag_log_open(THAG_LOG_QUIET);
	cr_expect_eq(count_logs("thag_profiler"), 0);
	cr_expect(matches(read_log("thag_profiler-0"), "pid"));
}

Test(log, that_cannot_be_is_one_line)
{
	cr_redirect_stderr();
	setenv("TMPDIR", "/nowhere at all", 1);
	thag_log_open(THAG_LOG_ANNOUNCE);
	cr_expect_not(thag_log_is_on());
	thag_log("lost");
	fflush(stderr);
	snprintf(name, sizeof(name),
		 "thag: can't write a debug log in /nowhere at all/thag_profiler-%u: No such file "
		 "or directory\n",
		 (unsigned)geteuid());
	cr_expect_stderr_eq_str(name);
}

Test(log, announces_where_it_is)
{
	char line[PATH_MAX], expected[PATH_MAX + 64];
	int ends[2];
	ssize_t got;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	thag_log_open(THAG_LOG_ANNOUNCE);
	got = read(ends[0], line, sizeof(line) - 1);
	cr_assert_gt(got, 0);
	line[got] = '\0';
	cr_assert_eq(count_logs("thag_profiler"), 1);
	snprintf(expected, sizeof(expected), "thag: debug log: %s/thag_profiler/%s\n", tmp, name);
	cr_expect_str_eq(line, expected);
	close(ends[0]);
	close(ends[1]);
}

Test(log, writes_to_no_file_of_the_programs)
{
	int fd;

	thag_log_open(THAG_LOG_QUIET);
	fd = open(below("other"), O_CREAT | O_RDWR, 0600);
	/* as a program does that closes all it doesn't know */
	for (int at = 200; at < 400; at++)
		if (at != fd && fcntl(at, F_GETFD) >= 0)
			dup2(fd, at);
	errno = EDOM;
	thag_log("not into there");
	cr_expect_eq(errno, EDOM);
	cr_expect_not(thag_log_is_on(), "it has given up");
	cr_expect_eq(size_of(below("other")), 0);
	close(fd);
}

Test(log, does_not_die_of_a_limit_on_files)
{
	struct rlimit limit = { 4096, RLIM_INFINITY };

	thag_log_open(THAG_LOG_QUIET);
	signal(SIGXFSZ, SIG_DFL);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 1000; i++)
		thag_log("line %d", i);
	cr_expect_leq(size_of(log_in("thag_profiler")), 4096);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
}

Test(log, has_an_end)
{
	off_t size;

	thag_log_open(THAG_LOG_QUIET);
	for (int i = 0; i < 100000; i++)
		thag_log("line %d", i);
	size = size_of(log_in("thag_profiler"));
	cr_expect_geq(size, 1 << 20);
	cr_expect_lt(size, (1 << 20) + 512);
}

Test(log, notes_some_things_a_few_times_only)
{
	uint32_t said = 0;
	int times = 0;

	cr_expect_not(thag_log_once_more(&said, 3), "there is no log");
	thag_log_open(THAG_LOG_QUIET);
	for (int i = 0; i < 10; i++)
		times += thag_log_once_more(&said, 3);
	cr_expect_eq(times, 3);
}
