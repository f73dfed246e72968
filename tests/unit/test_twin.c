/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "twin.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void write_twin(const struct thag_twin *twin, char *out, size_t size)
{
	struct thag_buffer text = { 0 };

	cr_assert_eq(thag_twin_write(twin, &text), 0);
	cr_assert_lt(text.bytes, size);
	memcpy(out, text.data, text.bytes);
	out[text.bytes] = '\0';
	thag_buffer_fini(&text);
}

Test(twin, quotes_what_a_shell_would_take_otherwise)
{
	static const struct {
		const char *word, *text;
	} cases[] = {
		{ "main", "thag main" },
		{ "a b", "thag 'a b'" },
		{ "", "thag ''" },
		{ "it's", "thag 'it'\\''s'" },
		{ "$(x)`y`\"*", "thag '$(x)`y`\"*'" },
		{ "a\\b", "thag 'a\\b'" },
		{ "~", "thag '~'" },
		{ "a\nb", "thag $'a\\012b'" },
		{ "\x1b[31m'\\", "thag $'\\033[31m\\047\\134'" },
		{ "\xff"
		  "1",
		  "thag $'\\3771'" },
		{ "\xc3\xa9", "thag '\xc3\xa9'" },
		{ "\xe2\x80\xae", "thag $'\\342\\200\\256'" }, /* turns the direction around */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct thag_twin twin = { 0 };
		char text[64];

		thag_twin_add(&twin, cases[i].word);
		write_twin(&twin, text, sizeof(text));
		cr_expect_str_eq(text, cases[i].text);
		thag_twin_fini(&twin);
	}
}

/** bash gets every word back, whatever it is made of. */
Test(twin, comes_back_from_a_shell_byte_for_byte)
{
	struct thag_twin twin = { 0 };
	char text[4096], command[4200], word[256], got[256 + 1] = "";
	FILE *shell;

	for (int i = 1; i < 256; i++)
		word[i - 1] = (char)i;
	word[255] = '\0';
	thag_twin_add(&twin, word);
	write_twin(&twin, text, sizeof(text));
	snprintf(command, sizeof(command),
		 "bash -c \"$(cat <<'END_OF_SCRIPT'\nprintf %%s %s\nEND_OF_SCRIPT\n)\"",
		 text + strlen("thag "));
	shell = popen(command, "r");
	cr_assert(shell);
	cr_expect_eq(fread(got, 1, 256, shell), 255);
	cr_expect_eq(pclose(shell), 0);
	cr_expect_str_eq(got, word);
	thag_twin_fini(&twin);
}

Test(twin, ends_its_words_as_main_gets_them)
{
	struct thag_twin twin = { 0 };

	for (int i = 0; i < 100; i++) {
		thag_twin_add(&twin, "x");
		cr_assert_null(twin.words[twin.count]);
	}
	cr_expect_eq(twin.count, 100);
	cr_expect_not(twin.failed);
	thag_twin_fini(&twin);
}

Test(twin, names_a_file_that_looks_like_an_option)
{
	struct thag_twin twin = { 0 };
	char text[64];

	thag_twin_add(&twin, "stat");
	thag_twin_add_input(&twin, "-x.folded");
	thag_twin_add_input(&twin, "y");
	write_twin(&twin, text, sizeof(text));
	cr_expect_str_eq(text, "thag stat ./-x.folded y");
	thag_twin_fini(&twin);
}
