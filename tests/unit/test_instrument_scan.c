/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "scan.h"

#include <criterion/criterion.h>
#include <string.h>

/** The kinds of the tokens, a letter each; in directives small ones. */
static void expect(const char *source, size_t bytes, const char *expected)
{
	static const char letters[] = ".LCWNTH{}#o";
	struct thag_scan scan;
	struct thag_token token;
	char kinds[128];
	size_t count = 0, end = 0;

	thag_scan_begin(&scan, source, bytes, 0);
	for (thag_scan_next(&scan, &token); token.kind != THAG_TOKEN_END;
	     thag_scan_next(&scan, &token)) {
		cr_assert_geq(token.at, end, "tokens overlap");
		cr_assert_gt(token.bytes, 0);
		cr_assert_lt(count, sizeof(kinds) - 1);
		kinds[count++] = letters[token.kind];
		if (token.in_directive && kinds[count - 1] >= 'A' && kinds[count - 1] <= 'Z')
			kinds[count - 1] = (char)(kinds[count - 1] | 0x20);
		end = token.at + token.bytes;
	}
	kinds[count] = '\0';
	cr_assert_leq(end, bytes);
	cr_expect_str_eq(kinds, expected, "%s: %s, not %s", source, kinds, expected);
}

#define EXPECT(source, expected) expect(source, sizeof(source) - 1, expected)

Test(scan, tells_code_from_comments_and_literals)
{
	EXPECT("int f(void) { return 1; }", "WWoWo{WNo}");
	EXPECT("/* { \" */ a // } '\nb", "CWCLW");
	EXPECT("\"{\\\"}\" '}' L'{' u8\"}\" x\"{\"", "TTTTWT");
	EXPECT("/* open {", "C");
	EXPECT("/*/ { */}", "C}");
	EXPECT("a /b* {", "WoWo{");
}

Test(scan, ends_a_quoted_literal_with_its_line)
{
	EXPECT("\"open {\n}", "TL}");
	EXPECT("#error don't {\n}", "#wwtl}");
	EXPECT("\"a\\\n{\" }", "T}");
	EXPECT("\"a\\", "T");
}

Test(scan, knows_raw_strings)
{
	EXPECT("R\"({\"})\" }", "T}");
	EXPECT("u8R\"x(\n)\" {\n)x\" }", "T}");
	EXPECT("R\"a b\" }", "WT}");
	EXPECT("R\"(never closed }", "T");
	EXPECT("R\"12345678901234567(\"}", "WT}");
}

Test(scan, takes_quotes_in_numbers_for_separators)
{
	EXPECT("1'000'000 {", "N{");
	EXPECT("0x1'f+'{'", "NoT");
	EXPECT("1e+5 .5e-3f 0x1p-2", "NNN");
}

Test(scan, reads_over_line_splices)
{
	EXPECT("a\\\nb c", "WW");
	EXPECT("a\\ \t\r\nb", "W");
	EXPECT("// comment \\\n { \n}", "CL}");
	EXPECT("/\\\n* { */ }", "C}");
	EXPECT("/* { *\\\n/ }", "C}");
	EXPECT("#define A \\\n {\n}", "#ww{l}");
	EXPECT("\\", "o");
}

Test(scan, knows_directives_and_their_headers)
{
	EXPECT("#include <it's.h>\n{", "#whl{");
	EXPECT("  # include <a\"b.h> /* x\n */ a\n{", "#whcwl{");
	EXPECT("#include \"a\\\"b\n", "#whwl");
	EXPECT("#include <a\n{", "#wowl{");
	EXPECT("#include_next <a>\n", "#whl");
	EXPECT("a # include <x>\n", "WoWoWoL");
	EXPECT("/* x */ #if 1\n{", "C#wnl{");
	EXPECT("%:include <x>\n", "#whl");
	EXPECT("#if a < b\n", "#wwowl");
}

Test(scan, knows_digraphs_and_every_line_end)
{
	EXPECT("<% %> < %", "{}oo");
	EXPECT("a\r\nb\rc\n", "WLWLWL");
	EXPECT("#if\r\n{", "#wl{");
}

Test(scan, passes_over_marks_zeros_and_odd_bytes)
{
	EXPECT("\xef\xbb\xbf#if\n", "#wl");
	EXPECT("a\0b", "WW");
	EXPECT("caf\xe9 \xff{", "WW{");
	EXPECT("", "");
}

Test(scan, goes_on_from_a_copy)
{
	static const char source[] = "f ( ) { x }";
	struct thag_scan scan, copy;
	struct thag_token token;

	thag_scan_begin(&scan, source, strlen(source), 0);
	thag_scan_next_code(&scan, &token);
	copy = scan;
	for (int i = 0; i < 3; i++)
		thag_scan_next_code(&copy, &token);
	cr_expect_eq(token.kind, THAG_TOKEN_OPEN);
	thag_scan_next_code(&scan, &token);
	cr_expect(thag_token_is(source, &token, "("));
	cr_expect_not(thag_token_is(source, &token, "(("));
}
