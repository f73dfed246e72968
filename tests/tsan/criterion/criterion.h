/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * As much of Criterion as the unit tests use. Criterion hands its tests memory that
 * ThreadSanitizer keeps for itself; so for TSan, and only there, this header stands in front of
 * Criterion's. Each test is a process of its own here, too.
 */
#ifndef THAG_TSAN_CRITERION_H
#define THAG_TSAN_CRITERION_H

#pragma GCC system_header /* fields a test leaves out are no fault of its own */

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct tsan_test {
	void (*run)(void);
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	const char *suite;
	const char *name;
	struct tsan_test *next;
};

struct tsan_suite {
	const char *name;
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	struct tsan_suite *next;
};

static struct tsan_test *tsan_tests;
static struct tsan_suite *tsan_suites;

static inline int tsan_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
	exit(1);
}

#define Test(suite_name, test, ...) \
	static void suite_name##_##test##_impl(void); \
	__attribute__((constructor)) static void suite_name##_##test##_add(void) \
	{ \
		static struct tsan_test self = { suite_name##_##test##_impl, __VA_ARGS__ }; \
		self.suite = #suite_name; \
		self.name = #test; \
		self.next = tsan_tests; \
		tsan_tests = &self; \
	} \
	static void suite_name##_##test##_impl(void)

#define TestSuite(suite_name, ...) \
	__attribute__((constructor)) static void suite_name##_add_suite(void) \
	{ \
		static struct tsan_suite self = { #suite_name, __VA_ARGS__ }; \
		self.next = tsan_suites; \
		tsan_suites = &self; \
	} \
	struct tsan_test

static inline void tsan_call(void (*function)(void))
{
	if (function)
		function();
}

static inline void tsan_run(const struct tsan_test *test)
{
	static const struct tsan_suite none;
	const struct tsan_suite *suite = tsan_suites;

	while (suite && strcmp(suite->name, test->suite) != 0)
		suite = suite->next;
	suite = suite ? suite : &none;
	tsan_call(suite->init);
	tsan_call(test->init);
	test->run();
	tsan_call(test->fini);
	tsan_call(suite->fini);
	exit(0);
}

static inline int tsan_fails(const struct tsan_test *test)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0)
		tsan_run(test);
	if (child > 0)
		waitpid(child, &status, 0);
	fprintf(stderr, "%s %s::%s\n", status ? "not ok" : "ok", test->suite, test->name);
	return status != 0;
}

int main(void)
{
	int failures = 0;

	for (const struct tsan_test *test = tsan_tests; test; test = test->next)
		failures += tsan_fails(test);
	return failures != 0;
}

/* the text that may follow is left out: the line says where to look */
#define TSAN_CHECK(condition, what, ...) ((condition) ? 0 : tsan_fail(__FILE__, __LINE__, what))

#define cr_assert(...) TSAN_CHECK(TSAN_FIRST(__VA_ARGS__, 0), #__VA_ARGS__)
#define TSAN_FIRST(first, ...) (first)
#define cr_assert_fail(...) tsan_fail(__FILE__, __LINE__, "cr_assert_fail")
#define cr_assert_not(...) TSAN_CHECK(!TSAN_FIRST(__VA_ARGS__, 0), "not " #__VA_ARGS__)
#define cr_assert_eq(a, b, ...) TSAN_CHECK((a) == (b), #a " == " #b)
#define cr_assert_neq(a, b, ...) TSAN_CHECK((a) != (b), #a " != " #b)
#define cr_assert_lt(a, b, ...) TSAN_CHECK((a) < (b), #a " < " #b)
#define cr_assert_leq(a, b, ...) TSAN_CHECK((a) <= (b), #a " <= " #b)
#define cr_assert_gt(a, b, ...) TSAN_CHECK((a) > (b), #a " > " #b)
#define cr_assert_geq(a, b, ...) TSAN_CHECK((a) >= (b), #a " >= " #b)
#define cr_assert_null(a, ...) TSAN_CHECK((a) == NULL, #a " is NULL")
#define cr_assert_not_null(a, ...) TSAN_CHECK((a) != NULL, #a " is not NULL")
#define cr_assert_str_eq(a, b, ...) TSAN_CHECK(strcmp(a, b) == 0, #a " == " #b)
#define cr_assert_str_neq(a, b, ...) TSAN_CHECK(strcmp(a, b) != 0, #a " != " #b)
#define cr_assert_arr_eq(a, b, bytes, ...) TSAN_CHECK(memcmp(a, b, bytes) == 0, #a " == " #b)
#define cr_assert_float_eq(a, b, near, ...) TSAN_CHECK(fabs((a) - (b)) <= (near), #a " == " #b)

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
