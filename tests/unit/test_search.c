/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_search.h"

static bool matches(const char *text, const char *name)
{
	struct thag_search_error error = { .why = "" };
	struct thag_search *search = NULL;
	int ret = thag_search_create(&search, text, &error);

	cr_assert_eq(ret, 0, "%s: %s at %u", text, error.why, error.at);
	bool found = thag_search_finds(search, name, strlen(name));

	cr_assert_not(thag_search_gave_up(search), "%s in %s", text, name);
	thag_search_destroy(search);
	return found;
}

static void expect(const char *pattern, const char *yes, const char *no)
{
	cr_expect(matches(pattern, yes), "%s in %s", pattern, yes);
	cr_expect(!matches(pattern, no), "%s in %s", pattern, no);
}

Test(regex, finds_what_it_describes)
{
	expect("a.c", "xabcx", "ac");
	expect("^main$", "main", "domain");
	expect("read|write", "do_write", "writ");
	expect("^(read|write)_(one|all)$", "write_all", "write_alls");
	expect("x*y+z?$", "yyz", "x");
	expect("^[a-c_][^0-9]$", "_x", "_7");
	expect("^[]x]+$", "x]x", "x[x");
	expect("^[a-]$", "-", "b");
	expect("a{2,3}b", "aab", "ab");
	expect("^a{3}$", "aaa", "aaaa");
	expect("^a{2,}$", "aaaaa", "a");
	expect("^(ab|c){2}$", "abc", "abcc");
	expect("^(a?b){0,2}$", "bab", "babb");
	expect("{x}", "a{x}b", "x");
	expect("\\bend\\b", "the end.", "bend");
	expect("\\Bend", "bend", "end");
	expect("^\\w+\\s\\d$", "ab_1 2", "ab-1 2");
	expect("^[\\w.]+$", "a.b", "a b");
	expect("^\\W\\D\\S$", "-aa", "-1a");
	expect("operator\\(\\)", "f::operator()", "operator");
	expect("^(?:a|b)+?$", "abab", "abc");
	cr_expect(matches("a||b", ""));
	cr_expect(matches("()", ""));
	expect("^(?!std::).*sort", "my::sort", "std::sort");
	expect("^.$", "\n", "\n\n");
}

Test(regex, takes_letters_in_either_case)
{
	expect("^PARSE$", "parse", "purse");
	expect("^[A-C]+$", "abC", "d");
	expect("^[^a]$", "b", "A");
	expect("^\xc3\x89$", "\xc3\xa9", "e");
	cr_expect(!matches("\xc3\x89", "\xc3\xa9"), "in plain text, beyond ASCII case counts");
}

Test(regex, takes_characters_not_bytes)
{
	expect("^.t.t$", "\xc3\xa9t\xc3\xa9t", "\xc3\xa9tt");
	expect("^[\xce\xb1-\xcf\x89]$", "\xce\xb2", "b");
	expect("a.c",
	       "\xff"
	       "abc",
	       "a\xff"
	       "c");
	expect("z$", "a\x80z", "z\x80");
}

static int refuse(const char *pattern, struct thag_search_error *error)
{
	struct thag_search *search = NULL;
	int ret = thag_search_create(&search, pattern, error);

	thag_search_destroy(search);
	return ret;
}

/** Each mistake, and the bytes before it shows. */
Test(regex, says_what_is_wrong_and_where)
{
	static const struct {
		const char *pattern;
		uint32_t at;
	} bad[] = {
		{ "a(b", 3 },	{ "a)b", 1 },	 { "x[a-", 4 },	    { "*a", 0 },   { "ab|+", 3 },
		{ "[z-a]", 3 }, { "a{3,2}", 5 }, { "a{99999}", 7 }, { "ab\\", 3 }, { "(a)\\1", 4 },
		{ "a\\q", 2 },	{ "[", 1 },	 { "(?<=a*)b", 0 }, { "\\C", 2 },  { "a\xff.", 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct thag_search_error error = { .why = "" };

		cr_expect_eq(refuse(bad[i].pattern, &error), -EINVAL, "%s", bad[i].pattern);
		cr_expect(error.why[0], "%s", bad[i].pattern);
		cr_expect_eq(error.at, bad[i].at, "%s: %s at %u", bad[i].pattern, error.why,
			     error.at);
	}
}

Test(regex, refuses_what_grows_too_large)
{
	struct thag_search_error error;
	char nested[400] = "";

	memset(nested, '(', 200);
	memset(nested + 200, ')', 199);
	cr_expect_eq(refuse(nested, &error), -EINVAL);
	cr_expect_eq(refuse("((a{99}){99}){99}", &error), -EINVAL);
	cr_expect_eq(refuse("[a-zA-Z]{1000}", &error), 0);
}

/** What goes back and tries again for ages is cut short, and so is what needs much memory for it.
 */
Test(search, bounds_what_a_name_may_take)
{
	static const char *const hostile[] = {
		"^(a|a|aa)*(a*)*[bc]$", "(.*)*[xy]$", "((a?)*)*[bc]", "(?:.*.*.*.*.*)[bc]",
		"(?=(a*))(a*)*[bc]",	"(?R)?[bc]",  "(a+a+)+[bc]$",
	};
	char name[THAG_SEARCH_NAME_BYTES];

	memset(name, 'a', sizeof(name));
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct thag_search_error error = { .why = "" };
		struct thag_search *search;

		cr_assert_eq(thag_search_create(&search, hostile[i], &error), 0, "%s: %s",
			     hostile[i], error.why);
		cr_expect_not(thag_search_finds(search, name, 30 + i));
		cr_expect_not(thag_search_finds(search, name, sizeof(name)));
		cr_expect(thag_search_gave_up(search), "%s", hostile[i]);
		thag_search_destroy(search);
	}
}

/** The budget is of all names: none that needs little can't be had by asking often. */
Test(search, counts_what_all_names_take)
{
	struct thag_search_error error;
	struct thag_search *search;
	char name[1001] = "";
	uint32_t names = 0;

	memset(name, 'a', 1000);
	cr_assert_eq(thag_search_create(&search, "[^b]*+[bc]", &error), 0);
	while (!thag_search_gave_up(search) && names++ < THAG_SEARCH_STEPS_MAX)
		thag_search_finds(search, name, 1000);
	cr_expect(names > 100 && names < THAG_SEARCH_STEPS_MAX / 1000, "%u", names);
	cr_expect_not(thag_search_finds(search, "b", 1), "an expression isn't tried any more");
	thag_search_destroy(search);
}

/** An expression sees the beginning of a long name, and no end of it. */
Test(search, sees_the_beginning_of_a_long_name)
{
	size_t bytes = 2 * THAG_SEARCH_NAME_BYTES;
	char *name = calloc(1, bytes + 1);

	memset(name, 'a', bytes);
	memcpy(name + bytes - 3, "end", 3);
	cr_expect(matches("^a.a", name));
	cr_expect_not(matches("e.d", name));
	cr_expect_not(matches("^a*$", name));
	cr_expect(matches("end", name), "text is found anywhere");
	free(name);
}

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/** A random expression that POSIX and this agree upon; returns what follows it. */
static char *put_random(char *out, int depth)
{
	static const char *const atoms[] = { "a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "B" };
	static const char *const repeats[] = { "", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}" };
	uint32_t count = 1 + random_below(3);

	for (uint32_t i = 0; i < count; i++) {
		if (depth > 0 && random_below(3) == 0) {
			*out++ = '(';
			out = put_random(out, depth - 1);
			if (random_below(2) == 0) {
				*out++ = '|';
				out = put_random(out, depth - 1);
			}
			*out++ = ')';
		} else {
			out += sprintf(out, "%s", atoms[random_below(8)]);
		}
		out += sprintf(out, "%s", repeats[random_below(9)]);
	}
	*out = '\0';
	return out;
}

/** Random texts; how many of them took too long, as some of nested repetitions do. */
static uint32_t check_against_libc(const char *pattern)
{
	struct thag_search_error error;
	uint32_t unknown = 0;
	regex_t theirs;

	cr_assert_eq(regcomp(&theirs, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB), 0);
	for (int i = 0; i < 30; i++) {
		struct thag_search *search;
		char text[12];
		uint32_t length = random_below(sizeof(text));

		for (uint32_t k = 0; k < length; k++)
			text[k] = "abcC"[random_below(4)];
		text[length] = '\0';
		cr_assert_eq(thag_search_create(&search, pattern, &error), 0, "%s", pattern);
		bool found = thag_search_finds(search, text, length);

		unknown += thag_search_gave_up(search);
		cr_assert(thag_search_gave_up(search) ||
				  found == (regexec(&theirs, text, 0, NULL, 0) == 0),
			  "%s in %s", pattern, text);
		thag_search_destroy(search);
	}
	regfree(&theirs);
	return unknown;
}

Test(regex, agrees_with_the_c_library)
{
	uint32_t unknown = 0;
	char pattern[2000];

	for (int i = 0; i < 1000; i++) {
		char *out = pattern;
		uint32_t anchors = random_below(4);

		if (anchors & 1)
			*out++ = '^';
		out = put_random(out, 2);
		if (anchors & 2)
			strcpy(out, "$");
		unknown += check_against_libc(pattern);
	}
	cr_expect(unknown < 30, "%u of 30,000", unknown);
}

Test(search, finds_text_and_expressions)
{
	cr_expect(matches("PARSE", "do_parse_one"));
	cr_expect(!matches("PARSE", "do_purse"));
	cr_expect(matches("^do.*one$", "do_parse_one"));
	cr_expect(!matches("", "anything"));
	cr_expect(matches("f(int)", "void f(int)"), "a name as it is");
	cr_expect(matches("a+b", "operator a+b"));
}
