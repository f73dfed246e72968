/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The smaller parts of thag instrument: arguments, handlers, patches. */
#include <criterion/criterion.h>
#include <string.h>

#include "arguments.h"
#include "handlers.h"
#include "patch.h"
#include "words.h"

static void expect_words(const struct thag_arguments *arguments, const char *expected)
{
	char all[512] = "";

	for (size_t i = 0; i < arguments->count; i++) {
		strcat(all, arguments->list[i]);
		strcat(all, i + 1 < arguments->count ? " " : "");
	}
	cr_expect_str_eq(all, expected);
}

static void expect_command(const char *const *words, size_t count, const char *expected)
{
	struct thag_arguments arguments = { 0 };

	cr_assert_eq(thag_arguments_add_command(&arguments, "/d", "/d/a.c", words, count), 0);
	expect_words(&arguments, expected);
	thag_arguments_fini(&arguments);
}

Test(arguments, of_a_command_are_those_that_say_what_the_source_means)
{
	const char *const words[] = { "ccache",	 "/usr/bin/gcc", "-c",	  "-DA=1", "-o",
				      "a.o",	 "-MMD",	 "-MF",	  "a.d",   "-Iinc",
				      "-Werror", "--",		 "/d/a.c" };
	const char *const odd[] = { "cc", "-o" };

	expect_command(words, sizeof(words) / sizeof(words[0]),
		       "/usr/bin/gcc -DA=1 -Iinc -working-directory /d");
	expect_command(odd, 2, "cc -working-directory /d");
	expect_command(odd, 0, "-working-directory /d");
}

static void expect_language(const char *const *words, size_t count, enum thag_language language,
			    bool old)
{
	struct thag_arguments arguments = { 0 };

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(thag_arguments_add(&arguments, words[i]), 0);
	cr_expect_eq(thag_arguments_language(&arguments, THAG_LANGUAGE_C), language, "%s",
		     words[count - 1]);
	cr_expect_eq(thag_arguments_is_old(&arguments), old, "%s", words[count - 1]);
	thag_arguments_fini(&arguments);
}

Test(arguments, say_the_language_and_its_age)
{
	expect_language((const char *const[]){ "cc" }, 1, THAG_LANGUAGE_C, false);
	expect_language((const char *const[]){ "g++", "-std=c++11" }, 2, THAG_LANGUAGE_CPP, true);
	expect_language((const char *const[]){ "cc", "-x", "c++-header" }, 3, THAG_LANGUAGE_CPP,
			false);
	expect_language((const char *const[]){ "c++", "-xc", "-std=c11" }, 3, THAG_LANGUAGE_C,
			false);
	expect_language((const char *const[]){ "c++", "-std=c++98", "-std=gnu++20" }, 3,
			THAG_LANGUAGE_CPP, false);
}

Test(words, know_sources_by_their_names)
{
	bool header;

	cr_expect_eq(thag_words_language("a.b/c.c", &header), THAG_LANGUAGE_C);
	cr_expect_not(header);
	cr_expect_eq(thag_words_language("a.h", &header), THAG_LANGUAGE_C);
	cr_expect(header);
	cr_expect_eq(thag_words_language("a.C", &header), THAG_LANGUAGE_CPP);
	cr_expect_eq(thag_words_language("a.c/makefile", &header), THAG_LANGUAGE_UNKNOWN);
	cr_expect_eq(thag_words_language(".c.orig", &header), THAG_LANGUAGE_UNKNOWN);
	cr_expect(thag_words_is_mode("both"));
	cr_expect_not(thag_words_is_mode(""));
}

Test(handlers, are_those_that_are_passed_or_assigned)
{
	static const char source[] =
		"signal(SIGINT, on_int); sigset(g(a, b), (void (*)(int)) &on_set);\n"
		"act.sa_handler = on_act; act.sa_sigaction=cond ? on_yes : on_no;\n"
		"struct sigaction s = { .sa_handler = on_init, .sa_flags = flag };\n"
		"if (s.sa_handler == other) // signal(1, comment);\n"
		"my_signal(1, mine); \"signal(1, text)\"; old = signal(1, signal(2, nested));\n";
	static const char *const yes[] = { "on_int", "on_set",	"on_act", "on_yes",
					   "on_no",  "on_init", "nested" };
	static const char *const no[] = { "SIGINT",  "a",    "b",    "flag", "other",
					  "comment", "mine", "text", "on",   "on_int_" };
	struct thag_handlers handlers;

	cr_assert_eq(thag_handlers_find(&handlers, source, strlen(source)), 0);
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_expect(thag_handlers_has(&handlers, yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_expect_not(thag_handlers_has(&handlers, no[i]), "%s", no[i]);
	thag_handlers_fini(&handlers);
}

Test(handlers, end_with_the_source)
{
	static const char *const sources[] = {
		"", "signal", "signal(", "signal(1,", "sa_handler", "sa_handler =", "signal(1, a"
	};
	struct thag_handlers handlers;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		cr_assert_eq(thag_handlers_find(&handlers, sources[i], strlen(sources[i])), 0);
		thag_handlers_fini(&handlers);
	}
}

static void expect_patch(const char *path, const char *source, const struct thag_edits *edits,
			 const char *expected)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_patch_append(&out, path, source, strlen(source), edits), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	cr_expect_str_eq((char *)out.data, expected);
	thag_buffer_fini(&out);
}

Test(patch, of_lines_that_come_has_three_lines_around_them)
{
	struct thag_edits edits = { 0 };

	cr_assert_eq(thag_edits_add(&edits, 8, 0, "+\n", 2), 0);
	expect_patch("a b", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", &edits,
		     "--- a/a b\t\n+++ b/a b\t\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n++\n 5\n 6\n 7\n");
	thag_edits_fini(&edits);
}

Test(patch, of_lines_that_change_and_go)
{
	struct thag_edits edits = { 0 };

	cr_assert_eq(thag_edits_add(&edits, 0, 2, NULL, 0), 0);
	cr_assert_eq(thag_edits_add(&edits, 3, 0, " x", 2), 0);
	expect_patch("a\"\n", "1\n2\n3", &edits,
		     "--- \"a/a\\042\\012\"\n+++ \"b/a\\042\\012\"\n@@ -1,3 +1,2 @@\n"
		     "-1\n-2\n+2 x\n 3\n\\ No newline at end of file\n");
	thag_edits_fini(&edits);
}

Test(patch, of_nothing_is_nothing)
{
	struct thag_edits edits = { 0 };

	expect_patch("a", "1\n", &edits, "");
}
