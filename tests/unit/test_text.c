/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_text.h"

#include <criterion/criterion.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

typedef int append_fn(struct thag_buffer *out, const char *text, size_t bytes);

static int append_utf8(struct thag_buffer *out, const char *text, size_t bytes)
{
	return thag_text_append_utf8(out, text, bytes, 1000000);
}

static int append_frame(struct thag_buffer *out, const char *text, size_t bytes)
{
	return thag_text_append_frame(out, text, bytes, 1000000);
}

static void expect(append_fn *append, const char *text, size_t bytes, const char *expected)
{
	struct thag_buffer buffer = { 0 };

	cr_assert_eq(append(&buffer, text, bytes), 0);
	cr_assert_eq(thag_buffer_append(&buffer, "", 1), 0);
	cr_expect_str_eq((char *)buffer.data, expected);
	thag_buffer_fini(&buffer);
}

#define FFFD "\xef\xbf\xbd"

/** The table of "U+FFFD substitution of maximal subparts" in chapter 3.9 of Unicode. */
Test(text, invalid_utf8_becomes_replacements_of_maximal_parts)
{
	static const char *const cases[][2] = {
		{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
		  FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A" },
		{ "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
		  FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A" },
		{ "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42",
		  FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B" },
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A" },
		{ "\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac",
		  "\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac" },
		{ "cut \xf0\x9f\x98", "cut " FFFD },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(append_utf8, cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

/** Whether the C library's converter takes the bytes as UTF-8. */
static bool is_utf8(iconv_t converter, const char *text, size_t bytes)
{
	char out[256], *from = (char *)(uintptr_t)text, *to = out;
	size_t room = sizeof(out);

	iconv(converter, NULL, NULL, NULL, NULL);
	return iconv(converter, &from, &bytes, &to, &room) != (size_t)-1;
}

Test(text, any_bytes_become_utf8_and_utf8_stays_as_it_is)
{
	iconv_t converter = iconv_open("UTF-32LE", "UTF-8");
	static const uint8_t alphabet[] = { 'a',  0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0,
					    0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff, 0x90 };
	uint64_t seed = 12345;

	for (int round = 0; round < 200000; round++) {
		char text[6];
		size_t bytes = 1 + seed % 6;
		struct thag_buffer buffer = { 0 };

		for (size_t i = 0; i < bytes; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[i] = (char)alphabet[(seed >> 33) % sizeof(alphabet)];
		}
		cr_assert_eq(thag_text_append_utf8(&buffer, text, bytes, 1000), 0);
		const char *got = (char *)buffer.data;

		cr_assert(is_utf8(converter, got, buffer.bytes));
		if (is_utf8(converter, text, bytes))
			cr_assert(buffer.bytes == bytes && memcmp(got, text, bytes) == 0);
		thag_buffer_fini(&buffer);
		seed += seed >> 33;
	}
	iconv_close(converter);
}

Test(text, cuts_between_characters)
{
	static const char text[] = "ab\xc3\xa9\xc3\xa9\xc3\xa9z"; /* 9 bytes */
	static const char *const expected[] = {
		[3] = THAG_TEXT_ELLIPSIS,
		[4] = "a" THAG_TEXT_ELLIPSIS,
		[5] = "ab" THAG_TEXT_ELLIPSIS,
		[6] = "ab" THAG_TEXT_ELLIPSIS,
		[7] = "ab\xc3\xa9" THAG_TEXT_ELLIPSIS,
		[8] = "ab\xc3\xa9" THAG_TEXT_ELLIPSIS,
		[9] = text,
	};

	for (size_t max = 3; max <= 9; max++) {
		struct thag_buffer buffer = { 0 };

		thag_buffer_append(&buffer, "kept:", 5);
		cr_assert_eq(thag_text_append_utf8(&buffer, text, sizeof(text) - 1, max), 0);
		thag_buffer_append(&buffer, "", 1);
		cr_expect_str_eq((char *)buffer.data + 5, expected[max]);
		thag_buffer_fini(&buffer);
	}
}

Test(text, frames_hold_nothing_that_separates)
{
	expect(append_frame, "a\0b", 3, "ab");
	expect(append_frame, ";;", 2, "::");
	expect(append_frame, "", 0, "<unnamed>");
	expect(append_frame, " 12", 3, "12");
	expect(append_frame, "x 12", 4, "x_12");
	expect(append_frame, "x 12 ", 5, "x_12");
	expect(append_frame, "x .", 3, "x_.");
	expect(append_frame, "x 12a", 5, "x 12a");
	expect(append_frame, "x\xc2\x85y\xe2\x80\xa9z", 8, "x y z");
	expect(append_frame, "\xef\xbb\xbfx\xc2\x9b", 6, "x");
}

Test(text, terminals_get_nothing_they_would_obey)
{
	expect(thag_text_append_terminal, "a\tb\n\r", 5, "a\\tb\\n\\r");
	expect(thag_text_append_terminal, "\x1b[2J\x7f", 5, "\\x1b[2J\\x7f");
	expect(thag_text_append_terminal, "\xc2\x9b", 2, "\\u009b");
	expect(thag_text_append_terminal, "a\0", 2, "a\\x00");
	expect(thag_text_append_terminal, "\xff\xc3", 2, "\\xff\\xc3");
	expect(thag_text_append_terminal, "\xef\x41\xef\xbf", 4, "\\xefA\\xef\\xbf");
	expect(thag_text_append_terminal, "\xe2\x80\xae", 3, "\\u202e");
	expect(thag_text_append_terminal, "\xf3\xa0\x81\x81", 4, "\\U000e0041");
	expect(thag_text_append_terminal, "c:\\d", 4, "c:\\\\d");
	expect(thag_text_append_terminal, FFFD " \xc3\xa9", 6, FFFD " \xc3\xa9");
}

Test(text, holds_ignores_the_case_of_ascii_only)
{
	cr_expect(thag_text_holds("Parse Token", 11, "se to", 5));
	cr_expect(thag_text_holds("abc", 3, "ABC", 3));
	cr_expect(thag_text_holds("xaab", 4, "ab", 2));
	cr_expect_not(thag_text_holds("abc", 3, "", 0));
	cr_expect_not(thag_text_holds("ab", 2, "abc", 3));
	cr_expect_not(thag_text_holds("@[", 2, "`{", 2));
	cr_expect_not(thag_text_holds("\xc3\x89", 2, "\xc3\xa9", 2));
}
