/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_regex.h"
#include "thag_search.h"

static struct thag_regex *compile(const char *pattern)
{
	struct thag_regex_error error;
	struct thag_regex *regex = NULL;
	int ret = thag_regex_create(&regex, pattern, strlen(pattern), &error);

	cr_assert_eq(ret, 0, "%s: %s at %u", pattern, error.why, error.at);
	return regex;
}

static bool matches(const char *pattern, const char *text)
{
	struct thag_regex *regex = compile(pattern);
	uint64_t budget = 1000000;
	bool matched = thag_regex_match(regex, text, strlen(text), &budget);

	cr_assert(budget > 0);
	thag_regex_destroy(regex);
	return matched;
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
	expect("^a{,2}$", "", "aaa");
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
	cr_expect(matches("", "anything"));
	cr_expect(matches("()", ""));
}

Test(regex, takes_letters_in_either_case)
{
	expect("^PARSE$", "parse", "purse");
	expect("^[A-C]+$", "abC", "d");
	expect("^[^a]$", "b", "A");
	expect("^[X-c]$", "Z", "d");
	cr_expect(!matches("^\xc3\x89$", "\xc3\xa9"), "beyond ASCII case counts");
}

Test(regex, takes_characters_not_bytes)
{
	expect("^.t.t$", "\xc3\xa9t\xc3\xa9t", "\xc3\xa9tt");
	expect("^[\xce\xb1-\xcf\x89]$", "\xce\xb2", "b");
	expect("^.$", "\xff", "\xff\xfe");
	cr_expect(matches("\xef\xbf\xbd", "a\x80z"));
}

/** Each mistake, and the byte at which it is. */
Test(regex, says_what_is_wrong_and_where)
{
	static const struct {
		const char *pattern;
		uint32_t at;
	} bad[] = {
		{ "a(b", 1 },	{ "a)b", 1 },	 { "x[a-", 1 },	 { "*a", 0 },	   { "ab|+", 3 },
		{ "[z-a]", 1 }, { "a{3,2}", 1 }, { "a{2", 1 },	 { "a{9999}", 2 }, { "ab\\", 2 },
		{ "a\\1", 1 },	{ "a\\q", 1 },	 { "(?=a)", 0 }, { "[a-\\d]", 1 }, { "[", 0 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct thag_regex_error error;
		struct thag_regex *regex = NULL;
		const char *pattern = bad[i].pattern;

		cr_expect_eq(thag_regex_create(&regex, pattern, strlen(pattern), &error), -EINVAL,
			     "%s", pattern);
		cr_expect(error.why && error.why[0], "%s", pattern);
		cr_expect_eq(error.at, bad[i].at, "%s: %s at %u", pattern, error.why, error.at);
		cr_expect_null(regex);
	}
}

static bool is_accepted(const char *pattern)
{
	struct thag_regex_error error;
	struct thag_regex *regex = NULL;
	int ret = thag_regex_create(&regex, pattern, strlen(pattern), &error);

	thag_regex_destroy(regex);
	return ret == 0;
}

Test(regex, refuses_what_grows_too_large)
{
	char nested[400] = "";

	memset(nested, '(', 200);
	memset(nested + 200, ')', 199);
	cr_expect(!is_accepted(nested));
	cr_expect(!is_accepted("((a{99}){99}){99}"));
	cr_expect(is_accepted("[a-zA-Z]{1000}"));
}

/** What makes others that go back and try again run for ages takes steps by length × size only. */
Test(regex, needs_no_more_steps_than_text_by_program)
{
	struct thag_regex *regex = compile("^(a|a|aa)*(a*)*b$");
	char text[10001];
	uint64_t budget = UINT64_C(1) << 30, before = budget;

	memset(text, 'a', 10000);
	text[10000] = '\0';
	cr_expect(!thag_regex_match(regex, text, 10000, &budget));
	cr_expect(before - budget < 10000 * 64, "%lu", (unsigned long)(before - budget));
	thag_regex_destroy(regex);
}

Test(regex, stops_when_its_budget_is_spent)
{
	struct thag_regex *regex = compile("(a*)*b");
	uint64_t budget = 50;

	cr_expect(!thag_regex_match(regex, "aaaaaaaaaaaaaaaaaaaaaaaaab", 26, &budget));
	cr_expect_eq(budget, 0);
	thag_regex_destroy(regex);
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

static void check_against_libc(const char *pattern)
{
	struct thag_regex *regex = compile(pattern);
	regex_t theirs;

	cr_assert_eq(regcomp(&theirs, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB), 0);
	for (int i = 0; i < 30; i++) {
		char text[12];
		uint32_t length = random_below(sizeof(text));
		uint64_t budget = UINT64_MAX;

		for (uint32_t k = 0; k < length; k++)
			text[k] = "abcC"[random_below(4)];
		text[length] = '\0';
		cr_assert_eq(thag_regex_match(regex, text, length, &budget),
			     regexec(&theirs, text, 0, NULL, 0) == 0, "%s in %s", pattern, text);
	}
	regfree(&theirs);
	thag_regex_destroy(regex);
}

Test(regex, agrees_with_the_c_library)
{
	char pattern[2000];

	for (int i = 0; i < 3000; i++) {
		char *out = pattern;
		uint32_t anchors = random_below(4);

		if (anchors & 1)
			*out++ = '^';
		out = put_random(out, 2);
		if (anchors & 2)
			strcpy(out, "$");
		check_against_libc(pattern);
	}
}

static bool finds(const char *text, const char *name)
{
	struct thag_regex_error error;
	struct thag_search *search;

	cr_assert_eq(thag_search_create(&search, text, &error), 0, "%s", text);
	bool found = thag_search_finds(search, name, strlen(name));

	cr_expect(!thag_search_gave_up(search));
	thag_search_destroy(search);
	return found;
}

Test(search, finds_text_and_expressions)
{
	cr_expect(finds("PARSE", "do_parse_one"));
	cr_expect(!finds("PARSE", "do_purse"));
	cr_expect(finds("^do.*one$", "do_parse_one"));
	cr_expect(!finds("", "anything"));
	cr_expect(finds("f(int)", "void f(int)"), "a name as it is");
	cr_expect(finds("a+b", "operator a+b"));
}

Test(search, gives_up_in_bounded_time)
{
	struct thag_regex_error error;
	struct thag_search *search;
	char *name = malloc(1 << 20);

	memset(name, 'a', 1 << 20);
	cr_assert_eq(thag_search_create(&search, "(a|b|c|d|e)*(a*)*x{90}y", &error), 0);
	for (int i = 0; i < 64; i++)
		cr_expect(!thag_search_finds(search, name, 1 << 20));
	cr_expect(thag_search_gave_up(search));
	thag_search_destroy(search);
	free(name);
}

Test(search, refuses_an_expression_that_makes_no_sense)
{
	struct thag_regex_error error;
	struct thag_search *search = NULL;

	cr_expect_eq(thag_search_create(&search, "f(", &error), -EINVAL);
	cr_expect_eq(error.at, 1);
	cr_expect_null(search);
}
