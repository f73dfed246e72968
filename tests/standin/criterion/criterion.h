/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * As much of Criterion as the unit tests use. Criterion hands its tests memory that
 * ThreadSanitizer keeps for itself, and starts Valgrind anew for each; so for these two, and only
 * there, this header stands in front of Criterion's. Each test is a process of its own here, too,
 * and fails if it leaves a descriptor open or a child behind.
 */
#ifndef THAG_STANDIN_CRITERION_H
#define THAG_STANDIN_CRITERION_H

#pragma GCC system_header /* fields a test leaves out are no fault of its own */

#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct standin_test {
	void (*run)(void);
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	const char *suite;
	const char *name;
	struct standin_test *next;
};

struct standin_suite {
	const char *name;
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	struct standin_suite *next;
};

static struct standin_test *standin_tests;
static struct standin_suite *standin_suites;

static int standin_said = -1, standin_stderr; /* while stderr goes to a file: that, and itself */

static inline void cr_redirect_stderr(void)
{
	standin_said = memfd_create("said", 0);
	standin_stderr = dup(STDERR_FILENO);
	if (standin_said < 0 || standin_stderr < 0 || dup2(standin_said, STDERR_FILENO) < 0)
		abort();
}

static inline void standin_restore_stderr(void)
{
	if (standin_said < 0)
		return;
	dup2(standin_stderr, STDERR_FILENO);
	close(standin_stderr);
	close(standin_said);
	standin_said = -1;
}

static inline bool standin_has_said(const char *text)
{
	char said[4096];
	ssize_t got = pread(standin_said, said, sizeof(said), 0);

	return got == (ssize_t)strlen(text) && memcmp(said, text, (size_t)got) == 0;
}

static inline int standin_fail(const char *file, int line, const char *what)
{
	standin_restore_stderr();
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	exit(1);
}

#define Test(suite_name, test, ...) \
	static void suite_name##_##test##_impl(void); \
	__attribute__((constructor)) static void suite_name##_##test##_add(void) \
	{ \
		static struct standin_test self = { suite_name##_##test##_impl, __VA_ARGS__ }; \
		self.suite = #suite_name; \
		self.name = #test; \
		self.next = standin_tests; \
		standin_tests = &self; \
	} \
	static void suite_name##_##test##_impl(void)

#define TestSuite(suite_name, ...) \
	__attribute__((constructor)) static void suite_name##_add_suite(void) \
	{ \
		static struct standin_suite self = { #suite_name, __VA_ARGS__ }; \
		self.next = standin_suites; \
		standin_suites = &self; \
	} \
	struct standin_test

static inline void standin_call(void (*function)(void))
{
	if (function)
		function();
}

#define STANDIN_FDS 1024

static inline void standin_list_fds(bool open[STANDIN_FDS])
{
	for (int fd = 0; fd < STANDIN_FDS; fd++)
		open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* What was not open before and is now; and children, ended or not. */
static inline void standin_check_left(const bool before[STANDIN_FDS])
{
	char path[32], target[256] = "";
	bool now[STANDIN_FDS];

	standin_restore_stderr();
	standin_list_fds(now);
	for (int fd = 0; fd < STANDIN_FDS; fd++) {
		if (!now[fd] || before[fd])
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		fprintf(stderr, "leaves descriptor %d open: %s\n", fd, target);
		exit(1);
	}
	if (waitpid(-1, NULL, WNOHANG) >= 0) {
		fprintf(stderr, "leaves a child\n");
		exit(1);
	}
}

static inline void standin_run(const struct standin_test *test)
{
	static const struct standin_suite none;
	const struct standin_suite *suite = standin_suites;
	bool before[STANDIN_FDS];

	while (suite && strcmp(suite->name, test->suite) != 0)
		suite = suite->next;
	suite = suite ? suite : &none;
	standin_list_fds(before);
	standin_call(suite->init);
	standin_call(test->init);
	test->run();
	standin_call(test->fini);
	standin_call(suite->fini);
	standin_check_left(before);
	exit(0);
}

static inline int standin_fails(const struct standin_test *test)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0)
		standin_run(test);
	if (child > 0)
		waitpid(child, &status, 0);
	fprintf(stderr, "%s %s::%s\n", status ? "not ok" : "ok", test->suite, test->name);
	return status != 0;
}

/*
 * SKIP_TESTS names those to leave out, as suite::test, each between spaces; `--filter PATTERN`
 * those to run, as suite/test.
 */
static inline bool standin_is_left_out(const struct standin_test *test, const char *filter)
{
	const char *names = getenv("SKIP_TESTS");
	char name[256];

	snprintf(name, sizeof(name), "%s/%s", test->suite, test->name);
	if (filter && fnmatch(filter, name, 0) != 0)
		return true;
	snprintf(name, sizeof(name), " %s::%s ", test->suite, test->name);
	return names && strstr(names, name);
}

int main(int argc, char **argv)
{
	const char *filter = argc == 3 && strcmp(argv[1], "--filter") == 0 ? argv[2] : NULL;
	int failures = 0;

	for (const struct standin_test *test = standin_tests; test; test = test->next)
		if (!standin_is_left_out(test, filter))
			failures += standin_fails(test);
	return failures != 0;
}

/* the text that may follow is left out: the line says where to look */
#define STANDIN_CHECK(condition, what, ...) \
	((condition) ? 0 : standin_fail(__FILE__, __LINE__, what))

#define cr_assert(...) STANDIN_CHECK(STANDIN_FIRST(__VA_ARGS__, 0), #__VA_ARGS__)
#define STANDIN_FIRST(first, ...) (first)
#define cr_assert_fail(...) standin_fail(__FILE__, __LINE__, "cr_assert_fail")
#define cr_assert_not(...) STANDIN_CHECK(!STANDIN_FIRST(__VA_ARGS__, 0), "not " #__VA_ARGS__)
#define cr_assert_eq(a, b, ...) STANDIN_CHECK((a) == (b), #a " == " #b)
#define cr_assert_neq(a, b, ...) STANDIN_CHECK((a) != (b), #a " != " #b)
#define cr_assert_lt(a, b, ...) STANDIN_CHECK((a) < (b), #a " < " #b)
#define cr_assert_leq(a, b, ...) STANDIN_CHECK((a) <= (b), #a " <= " #b)
#define cr_assert_gt(a, b, ...) STANDIN_CHECK((a) > (b), #a " > " #b)
#define cr_assert_geq(a, b, ...) STANDIN_CHECK((a) >= (b), #a " >= " #b)
#define cr_assert_null(a, ...) STANDIN_CHECK((a) == NULL, #a " is NULL")
#define cr_assert_not_null(a, ...) STANDIN_CHECK((a) != NULL, #a " is not NULL")
#define cr_assert_str_eq(a, b, ...) STANDIN_CHECK(strcmp(a, b) == 0, #a " == " #b)
#define cr_assert_str_neq(a, b, ...) STANDIN_CHECK(strcmp(a, b) != 0, #a " != " #b)
#define cr_assert_arr_eq(a, b, bytes, ...) STANDIN_CHECK(memcmp(a, b, bytes) == 0, #a " == " #b)
#define cr_assert_float_eq(a, b, near, ...) STANDIN_CHECK(fabs((a) - (b)) <= (near), #a " == " #b)

#define cr_expect_stderr_eq_str(text) STANDIN_CHECK(standin_has_said(text), "stderr has " #text)

#define cr_skip_test(...) exit(0)
#define cr_log_info(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

#define cr_expect cr_assert
#define cr_expect_not cr_assert_not
#define cr_expect_eq cr_assert_eq
#define cr_expect_neq cr_assert_neq
#define cr_expect_lt cr_assert_lt
#define cr_expect_leq cr_assert_leq
#define cr_expect_gt cr_assert_gt
#define cr_expect_geq cr_assert_geq
#define cr_expect_null cr_assert_null
#define cr_expect_not_null cr_assert_not_null
#define cr_expect_str_eq cr_assert_str_eq
#define cr_expect_str_neq cr_assert_str_neq
#define cr_expect_arr_eq cr_assert_arr_eq
#define cr_expect_float_eq cr_assert_float_eq

#endif
