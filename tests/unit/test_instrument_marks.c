/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "marks.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "place.h"
#include "remove.h"

#define ALL "#include <thag.h> /* thag instrument: all marks */"
#define ONE "#include <thag.h> /* thag instrument */"
#define NOTE " /* thag instrument */"

static void expect_text(const struct thag_edits *edits, const char *source, const char *expected)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_edits_apply(edits, source, strlen(source), &out), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	cr_expect_str_eq((char *)out.data, expected);
	thag_buffer_fini(&out);
}

static void expect_removed(const char *source, bool every, const char *expected)
{
	struct thag_edits edits = { 0 };
	struct thag_removed removed;

	cr_assert_eq(thag_remove_plan(&edits, source, strlen(source), every, &removed), 0);
	expect_text(&edits, source, expected);
	thag_edits_fini(&edits);
}

/** Marks the body at the first brace, then takes that back. */
static void expect_marked(const char *source, const char *expected)
{
	struct thag_edits edits = { 0 };
	struct thag_buffer out = { 0 };
	char with_include[512];
	size_t at = strcspn(source, "{<");

	cr_assert_eq(thag_marks_add(&edits, source, strlen(source), at, NULL, false), 0);
	expect_text(&edits, source, expected);
	cr_assert_eq(thag_edits_apply(&edits, source, strlen(source), &out), 0);
	snprintf(with_include, sizeof(with_include), ALL "\n%.*s", (int)out.bytes, out.data);
	expect_removed(with_include, false, source);
	thag_buffer_fini(&out);
	thag_edits_fini(&edits);
}

Test(marks, are_lines_of_their_own_indented_as_the_body)
{
	expect_marked("f()\n{\n\treturn;\n}\n", "f()\n{\n\tTHAG_PROFILED();\n\treturn;\n}\n");
	expect_marked("f() {\n  x;\n}", "f() {\n  THAG_PROFILED();\n  x;\n}");
	expect_marked("f() {\n\n#if A\n   x;\n", "f() {\n   THAG_PROFILED();\n\n#if A\n   x;\n");
	expect_marked("f() { /* why */ // so\n\tx;\n",
		      "f() { /* why */ // so\n\tTHAG_PROFILED();\n\tx;\n");
	expect_marked("f() <%\n\tx;\n%>", "f() <%\n\tTHAG_PROFILED();\n\tx;\n%>");
}

Test(marks, of_empty_bodies_are_indented_by_their_brace)
{
	expect_marked("f()\n{\n}\n", "f()\n{\n\tTHAG_PROFILED();\n}\n");
	expect_marked("  f() {\n  }\n", "  f() {\n      THAG_PROFILED();\n  }\n");
	expect_marked("\tf() {\n\t}\n", "\tf() {\n\t\tTHAG_PROFILED();\n\t}\n");
}

Test(marks, keep_the_line_end_of_their_line)
{
	expect_marked("f()\r\n{\r\n\tx;\n}", "f()\r\n{\r\n\tTHAG_PROFILED();\r\n\tx;\n}");
}

Test(marks, stand_behind_the_brace_where_its_line_goes_on)
{
	expect_marked("f() { x; }", "f() { THAG_PROFILED(); x; }");
	expect_marked("f() {}", "f() { THAG_PROFILED();}");
	expect_marked("f() <%%>", "f() <% THAG_PROFILED();%>");
	expect_marked("f() { \\\n x; }", "f() { THAG_PROFILED(); \\\n x; }");
	expect_marked("f() { /* a\n b */ x; }", "f() { THAG_PROFILED(); /* a\n b */ x; }");
	expect_marked("f() { // a \\\n b\n x; }", "f() { THAG_PROFILED(); // a \\\n b\n x; }");
	expect_marked("f() { // a ?"
		      "?/\n x; }",
		      "f() { THAG_PROFILED(); // a ?"
		      "?/\n x; }");
	expect_marked("f() {\rx; }", "f() { THAG_PROFILED();\rx; }");
}

Test(marks, of_main_name_what_is_switched_on)
{
	struct thag_edits edits = { 0 };

	cr_assert_eq(thag_marks_add(&edits, "main() {}", 9, 7, "both", true), 0);
	expect_text(&edits, "main() {}", "main() { THAG_ENABLE_PROFILING(both);" NOTE "}");
	thag_edits_fini(&edits);
}

static void expect_found(const char *source, bool all, bool foreign)
{
	struct thag_marks marks;

	thag_marks_find(&marks, source, strlen(source));
	cr_expect_eq(marks.all, all, "%s", source);
	cr_expect_eq(marks.foreign, foreign, "%s", source);
}

Test(marks, made_by_hand_are_told_from_the_tools)
{
	expect_found("f() { x; }", false, false);
	expect_found("/* THAG_PROFILED(); */ \"thag_x\" thagd THAGS_", false, false);
	expect_found("f() { THAG_PROFILED(); }", false, true);
	expect_found("#define A THAG_SECTION(a, \"b\")", false, true);
	expect_found("#include <thag.h>\n", false, true);
	expect_found("#include \"thag.hpp\"\n", false, true);
	expect_found(ALL "\nf() { THAG_PROFILED();}", true, false);
	expect_found(ONE "\nf() {}", false, true);
	expect_found("// \\\n" ALL "\n", false, false);
	expect_found("f() {" NOTE "}", false, true);
	expect_found(ALL " // more\n", false, true);
}

Test(removal, leaves_what_was_made_by_hand)
{
	const char *by_hand = "#include <thag.h>\nf() {\n\tTHAG_PROFILED();\n}\n"
			      "g() { THAG_PROFILED(both); }";

	expect_removed(by_hand, false, by_hand);
	expect_removed("#include <thag.h>\nf()\n{\n\tTHAG_PROFILED();" NOTE
		       "\n\tTHAG_PROFILED(time);\n}\ng() { THAG_PROFILED();" NOTE "}",
		       false, "#include <thag.h>\nf()\n{\n\tTHAG_PROFILED(time);\n}\ng() {}");
	expect_removed(ONE "\n#if A\nTHAG_X\n", false, "#if A\nTHAG_X\n");
}

Test(removal, keeps_an_include_that_is_still_needed)
{
	expect_removed(ALL "\nf()\n{\n\tTHAG_PROFILED();\n\tTHAG_SECTION(a, \"a\");\n}\n", false,
		       "#include <thag.h>\nf()\n{\n\tTHAG_SECTION(a, \"a\");\n}\n");
}

Test(removal, doesnt_read_comments_literals_and_splices_as_marks)
{
	expect_removed(
		ALL "\n/*\nTHAG_PROFILED();\n*/ \"{ THAG_PROFILED();\" // { THAG_PROFILED();",
		false, "/*\nTHAG_PROFILED();\n*/ \"{ THAG_PROFILED();\" // { THAG_PROFILED();");
	expect_removed(ALL "\n#define A { \\\nTHAG_PROFILED();\n", false,
		       "#include <thag.h>\n#define A { \\\nTHAG_PROFILED();\n");
}

Test(removal, takes_marks_that_follow_each_other)
{
	expect_removed(ALL "\nf()\n{\n\tTHAG_PROFILED();\n\tTHAG_ENABLE_PROFILING(time);\n}\n",
		       false, "f()\n{\n}\n");
}

Test(removal, of_all_takes_those_made_by_hand)
{
	expect_removed(
		"#include <a.h>\n# include \"thag.hpp\" // c\nf() {\n\tTHAG_PROFILED(both);\n"
		"}\ng() { THAG_PROFILED ( ) ; }\nmain() { x; THAG_ENABLE_PROFILING(time); }",
		true, "#include <a.h>\nf() {\n}\ng() { }\nmain() { x;  }");
	expect_removed("#define HEADER \"thag.h\"\n#include <a.h> <thag.h>\n", true,
		       "#define HEADER \"thag.h\"\n#include <a.h> <thag.h>\n");
	expect_removed("#include <thag.h>\nf() { THAG_PROFILED(a, b); THAG_PROFILED(); }", true,
		       "#include <thag.h>\nf() { THAG_PROFILED(a, b);  }");
}

/** The place is where `|` is. Functions are f and g, at the braces behind @ and at the last. */
static void expect_place(const char *marked, bool has_thag)
{
	char source[512];
	struct thag_place place;
	size_t expected = 0, first = SIZE_MAX, last = 0, count = 0;

	for (const char *at = marked; *at; at++) {
		if (*at == '|') {
			expected = count;
			continue;
		}
		if (*at == '@') {
			first = first == SIZE_MAX ? count : first;
			last = count;
			continue;
		}
		source[count++] = *at;
	}
	source[count] = '\0';
	cr_assert_eq(thag_place_find(&place, source, count, first, last), 0, "%s", marked);
	cr_expect_eq(place.at, expected, "%s: at %zu, not %zu", marked, place.at, expected);
	cr_expect_eq(place.has_thag, has_thag, "%s", marked);
}

Test(place, is_behind_the_last_include_before_functions)
{
	expect_place("#include <a>\n#include <b> /* x\n*/ // y\n|int x;\nf() @{}\n#include <c>\n",
		     false);
	expect_place("#include <a>\n|#define F {\nint a[] = { 1 };\nf() @{}", false);
}

Test(place, is_in_no_condition_and_no_braces)
{
	expect_place("#include <a>\n#if A\n#include <b>\n#endif\n|f() @{}", false);
	expect_place("#include <a>\n#if A\n#include <b>\n#else\n#define B\n#endif\n|f() @{}",
		     false);
	expect_place("#include <a>\n|#if A\n#define X\n#endif\nf() @{}", false);
	expect_place("#include <a>\n|extern \"C\" {\n#include <b>\nf() @{}\n}", false);
	expect_place("#include <a>\n|#if A\nf() @{}\n#include <b>\n#endif\ng() @{}", false);
	expect_place("#include <a>\n|#if A\nstatic g() {}\n#include <b>\n#endif\nf() @{}", false);
}

Test(place, is_in_a_group_that_all_functions_are_in)
{
	expect_place("#ifndef A_H\n#define A_H\n#include <a>\n|f() @{}\ng() @{}\n#endif\n", false);
	expect_place("#ifdef A\n#include <a>\n|f() @{}\n#endif\n", false);
	expect_place("|#ifdef A\n#include <a>\nf() @{}\n#endif\ng() @{}\n", false);
	expect_place("|#ifdef A\n#include <a>\nf() @{}\n#else\ng() @{}\n#endif\n", false);
	expect_place("|#ifdef A\n#else\n#include <a>\nf() @{}\n#endif\n", false);
}

Test(place, without_includes_is_behind_what_a_file_begins_with)
{
	expect_place("|f() @{}", false);
	expect_place("\xef\xbb\xbf|f() @{}", false);
	expect_place("|/* of f */\nf() @{}", false);
	expect_place("/* licence */\n\n|/* of f */\nf() @{}", false);
	expect_place("// x\r\n#pragma once\r\n|f() @{}", false);
	expect_place("/* x */\n#ifndef A\n#define A\n|f() @{}\n#endif\n", false);
	expect_place("#define _GNU_SOURCE\n|#pragma pack(1)\nf() @{}", false);
	expect_place("#define _GNU_SOURCE\n|#if A\n#define B\n#endif\nf() @{}", false);
}

Test(place, knows_an_include_of_thag_that_reaches_all)
{
	expect_place("#include <thag.h>\n#include <a>\n|f() @{}", true);
	expect_place("#if A\n#include <thag.h>\n#endif\n|f() @{}", false);
}

Test(place, refuses_conditions_that_dont_match)
{
	struct thag_place place;

	cr_expect_eq(thag_place_find(&place, "#endif\nf() {}", 13, 11, 11), -EINVAL);
	cr_expect_eq(thag_place_find(&place, "#else\nf() {}", 12, 10, 10), -EINVAL);
}
