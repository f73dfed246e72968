/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "format.h"
#include "gate.h"
#include "watch.h"

#define PORT 8424

Test(gate, knows_this_machine_by_three_names)
{
	cr_assert(thag_gate_host_is_ours("localhost:8424", PORT));
	cr_assert(thag_gate_host_is_ours("LocalHost:8424", PORT));
	cr_assert(thag_gate_host_is_ours("127.0.0.1:8424", PORT));
	cr_assert(thag_gate_host_is_ours("[::1]:8424", PORT));
}

Test(gate, refuses_every_other_host)
{
	static const char *const hosts[] = { "",
					     "localhost",
					     "localhost:",
					     "localhost:84240",
					     "localhost:842",
					     "localhost:8424 ",
					     " localhost:8424",
					     "localhost.:8424",
					     "a.localhost:8424",
					     "localhost:8424,localhost:8424",
					     "127.0.0.2:8424",
					     "127.1:8424",
					     "2130706433:8424",
					     "[::]:8424",
					     "::1:8424",
					     "[::ffff:127.0.0.1]:8424",
					     "evil.example:8424" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		cr_assert_not(thag_gate_host_is_ours(hosts[i], PORT), "%s", hosts[i]);
}

Test(gate, wants_http_in_an_origin)
{
	cr_assert(thag_gate_origin_is_ours("http://localhost:8424", PORT));
	cr_assert(thag_gate_origin_is_ours("http://[::1]:8424", PORT));
	cr_assert_not(thag_gate_origin_is_ours("https://localhost:8424", PORT));
	cr_assert_not(thag_gate_origin_is_ours("localhost:8424", PORT));
	cr_assert_not(thag_gate_origin_is_ours("null", PORT));
	cr_assert_not(thag_gate_origin_is_ours("http://localhost:8424/", PORT));
	cr_assert_not(thag_gate_origin_is_ours("", PORT));
}

Test(gate, makes_tokens_of_128_bits_and_knows_them)
{
	char token[THAG_GATE_TOKEN_BYTES], other[THAG_GATE_TOKEN_BYTES];

	cr_assert_eq(thag_gate_make_token(token), 0);
	cr_assert_eq(thag_gate_make_token(other), 0);
	cr_assert_eq(strspn(token, "0123456789abcdef"), 32);
	cr_assert_eq(strlen(token), 32);
	cr_assert(thag_gate_token_is_ours(token, token));
	cr_assert_not(thag_gate_token_is_ours(other, token));
	cr_assert_not(thag_gate_token_is_ours("", token));
	for (size_t i = 0; i < 32; i++) {
		strcpy(other, token);
		other[i] ^= 1;
		cr_assert_not(thag_gate_token_is_ours(other, token), "%zu", i);
		other[i] = '\0';
		cr_assert_not(thag_gate_token_is_ours(other, token), "%zu", i);
	}
}

static int parse(struct thag_watch *watch, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	struct thag_watch_fault fault = { 0 };
	int ret;

	cr_assert_not_null(json, "%s", text);
	ret = thag_watch_parse(watch, json, 42, &fault);
	cr_assert(ret == 0 || fault.why);
	json_decref(json);
	return ret;
}

/** The text at fault comes back with the place, so that the page can say it there. */
Test(watch, says_where_an_expression_makes_no_sense)
{
	json_t *json = json_loads("{\"session\":\"7\",\"search\":\"ab(c\"}", 0, NULL);
	struct thag_watch_fault fault;
	struct thag_watch watch;

	cr_assert_eq(thag_watch_parse(&watch, json, 42, &fault), -EINVAL);
	cr_expect_str_eq(fault.field, "search");
	cr_expect_str_eq(fault.text, "ab(c");
	cr_expect_eq(fault.at, 4);
	cr_expect_str_eq(fault.why, "missing closing parenthesis");
	json_decref(json);
}

Test(watch, fills_in_what_is_left_out)
{
	struct thag_watch watch;

	cr_assert_eq(parse(&watch, "{\"op\":\"watch\",\"session\":\"7\"}"), 0);
	cr_assert_eq(watch.session, 7);
	cr_assert_eq(watch.tid, 0);
	cr_assert_eq(watch.focus, 0);
	cr_assert_eq(watch.width, THAG_VIEW_WIDTH_MAX);
	cr_assert_eq(watch.sort, THAG_SORT_SELF);
	cr_assert_not(watch.raw);
	cr_assert_str_eq(watch.search, "");
}

Test(watch, reads_every_field)
{
	struct thag_watch watch;

	cr_assert_eq(parse(&watch,
			   "{\"session\":\"latest\",\"thread\":9,\"focus\":\"00000000000000ff\","
			   "\"width\":640,\"search\":\"qu\\u00e9\",\"sort\":\"p99\","
			   "\"raw\":true,\"paused\":true,"
			   "\"sandwich\":\"00000000000000fe\","
			   "\"durations\":\"00000000000000fd\",\"order\":\"heavy\","
			   "\"hide\":[\"0000000000000001\",\"00000000000000ab\"],"
			   "\"only\":\"00000000000000fc\",\"collapse\":true,"
			   "\"mine\":\"src/\"}"),
		     0);
	cr_assert_eq(watch.sieve.hidden_count, 2);
	cr_assert_eq(watch.sieve.hidden[1], 0xab);
	cr_assert_eq(watch.sieve.only, 0xfc);
	cr_assert(watch.sieve.collapse);
	cr_assert_str_eq(watch.sieve.mine, "src/");
	cr_assert_eq(watch.session, 42);
	cr_assert_eq(watch.tid, 9);
	cr_assert_eq(watch.focus, 255);
	cr_assert_eq(watch.sandwich, 254);
	cr_assert_eq(watch.durations, 253);
	cr_assert(watch.heavy);
	cr_assert_eq(watch.width, 640);
	cr_assert_eq(watch.sort, THAG_SORT_P99);
	cr_assert(watch.raw && watch.paused);
	cr_assert_str_eq(watch.search, "qu\xc3\xa9");
}

Test(watch, reads_what_is_compared_with)
{
	struct thag_watch watch, other;

	cr_assert_eq(parse(&watch, "{\"session\":\"7\",\"base\":\"latest\",\"base_from\":5,"
				   "\"base_to\":9,\"normalise\":true,\"metric\":\"live\"}"),
		     0);
	cr_expect_eq(watch.base, 42);
	cr_expect_eq(watch.base_metric.metric, THAG_METRIC_LIVE);
	cr_expect_eq(watch.base_metric.from_ns, 5);
	cr_expect_eq(watch.base_metric.to_ns, 9);
	cr_expect_eq(watch.metric.to_ns, 0);
	cr_expect(watch.normalise);
	cr_assert_eq(parse(&other, "{\"session\":\"7\",\"base\":\"latest\",\"base_from\":5,"
				   "\"base_to\":8,\"normalise\":true,\"metric\":\"live\"}"),
		     0);
	cr_expect_not(thag_watch_equal(&watch, &other), "another range of the base");
	cr_assert_eq(parse(&watch, "{\"session\":\"7\",\"base\":\"6\","
				   "\"sandwich\":\"00000000000000fe\"}"),
		     0);
	cr_expect_eq(watch.base, 0, "a sandwich is of one session");
}

Test(watch, refuses_what_makes_no_sense)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"session\":7}",
		"{\"session\":\"7\",\"base\":6}",
		"{\"session\":\"7\",\"base\":\"x\"}",
		"{\"session\":\"7\",\"base\":\"0\"}",
		"{\"session\":\"7\",\"base\":\"6\",\"base_from\":-1}",
		"{\"session\":\"7\",\"base\":\"6\",\"base_from\":9,\"base_to\":5}",
		"{\"session\":\"7\",\"base\":\"6\",\"base_to\":\"5\"}",
		"{\"session\":\"7\",\"base\":\"6\",\"normalise\":1}",
		"{\"session\":\"\"}",
		"{\"session\":\"7x\"}",
		"{\"session\":\"-7\"}",
		"{\"session\":\"99999999999999999999\"}",
		"{\"session\":\"7\",\"thread\":-1}",
		"{\"session\":\"7\",\"thread\":4294967296}",
		"{\"session\":\"7\",\"focus\":\"1\"}",
		"{\"session\":\"7\",\"focus\":\"000000000000000g\"}",
		"{\"session\":\"7\",\"sort\":\"age\"}",
		"{\"session\":\"7\",\"sandwich\":\"12\"}",
		"{\"session\":\"7\",\"order\":\"light\"}",
		"{\"session\":\"7\",\"durations\":12}",
		"{\"session\":\"7\",\"hide\":\"0000000000000001\"}",
		"{\"session\":\"7\",\"hide\":[1]}",
		"{\"session\":\"7\",\"hide\":[\"\"]}",
		"{\"session\":\"7\",\"hide\":[\"0000000000000001\",null]}",
		"{\"session\":\"7\",\"only\":\"main\"}",
		"{\"session\":\"7\",\"collapse\":1}",
		"{\"session\":\"7\",\"mine\":[]}",
		"{\"session\":\"7\",\"raw\":1}",
		"{\"session\":\"7\",\"search\":null}",
	};
	struct thag_watch watch;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_neq(parse(&watch, texts[i]), 0, "%s", texts[i]);
}

Test(watch, bounds_the_search)
{
	char text[THAG_VIEW_SEARCH_BYTES + 64];
	struct thag_watch watch;

	snprintf(text, sizeof(text), "{\"session\":\"7\",\"search\":\"%0*d\"}",
		 THAG_VIEW_SEARCH_BYTES - 1, 0);
	cr_assert_eq(parse(&watch, text), 0);
	snprintf(text, sizeof(text), "{\"session\":\"7\",\"search\":\"%0*d\"}",
		 THAG_VIEW_SEARCH_BYTES, 0);
	cr_assert_neq(parse(&watch, text), 0);
}

Test(watch, bounds_what_is_left_out)
{
	char text[8192], ids[4096] = "";
	struct thag_watch watch;

	snprintf(text, sizeof(text), "{\"session\":\"7\",\"mine\":\"%0*d\"}",
		 THAG_SIEVE_MINE_BYTES - 1, 0);
	cr_assert_eq(parse(&watch, text), 0);
	snprintf(text, sizeof(text), "{\"session\":\"7\",\"mine\":\"%0*d\"}", THAG_SIEVE_MINE_BYTES,
		 0);
	cr_assert_neq(parse(&watch, text), 0);
	for (int i = 1; i <= THAG_SIEVE_HIDDEN_MAX + 1; i++) {
		sprintf(ids + strlen(ids), "%s\"%016x\"", i > 1 ? "," : "", (unsigned)i);
		snprintf(text, sizeof(text), "{\"session\":\"7\",\"hide\":[%s]}", ids);
		cr_assert_eq(parse(&watch, text) == 0, i <= THAG_SIEVE_HIDDEN_MAX);
	}
}

Test(watch, is_another_when_another_part_is_seen)
{
	struct thag_watch one, other;

	cr_assert_eq(parse(&one, "{\"session\":\"7\",\"hide\":[\"0000000000000001\"]}"), 0);
	cr_assert_eq(parse(&other, "{\"session\":\"7\",\"hide\":[\"0000000000000002\"]}"), 0);
	cr_expect_not(thag_watch_equal(&one, &other));
	cr_assert_eq(parse(&other, "{\"session\":\"7\",\"hide\":[\"0000000000000001\"]}"), 0);
	cr_expect(thag_watch_equal(&one, &other));
}

static void expect_file_name(const char *text, const char *wanted)
{
	char name[16];

	thag_format_file_name(name, sizeof(name), text, strlen(text));
	cr_assert_str_eq(name, wanted);
}

Test(format, makes_safe_file_names)
{
	expect_file_name("treestat", "treestat");
	expect_file_name("", "program");
	expect_file_name("..", "_.");
	expect_file_name("-rf", "_rf");
	expect_file_name("a/b\nc\"d;e", "a_b_c_d_e");
	expect_file_name("\xff\xfe", "__");
	expect_file_name("0123456789abcdefgh", "0123456789abcde");
}

Test(format, prints_any_time)
{
	char text[32], stamp[16];

	thag_format_iso(text, UINT64_C(1795389366620180132));
	cr_assert_str_eq(text, "2026-11-22T23:16:06.620Z");
	thag_format_iso(text, UINT64_MAX);
	thag_format_stamp(stamp, UINT64_MAX);
	cr_assert_eq(strlen(stamp), 15);
}
