/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON without memory: what lacks a part is never given out, and nothing else pays for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failing_memory.h"
#include "format.h"

#define TEXT "{\"a\":[1,\"two\"],\"b\":{\"c\":3.5}}"

/* Only the `at`th allocation from now on fails; 0: none does. */
static void fail_at(uint64_t at)
{
	allocation_count = 0;
	fails_at = at;
	fails_every = at ? UINT64_MAX : 0;
}

/* As thagd's lists are made: what can't be made is left out, and that isn't looked at. */
static json_t *make(void)
{
	json_t *list = json_array();

	json_array_append_new(list, json_integer(1));
	json_array_append_new(list, json_string("two"));
	return json_pack("{s:o, s:{s:f}}", "a", list, "b", "c", 3.5);
}

Test(format, has_all_parts_or_nothing_is_dumped)
{
	uint64_t tried = 0;
	char *text;

	thag_format_begin();
	do {
		json_t *json;

		fail_at(++tried);
		json = make();
		text = thag_format_dump(json, JSON_COMPACT);
		json_decref(json);
		if (allocation_count < tried)
			break;
		cr_assert_null(text, "without allocation %lu: %s", (unsigned long)tried, text);
		/* what comes next is whole again */
		json = make();
		text = thag_format_dump(json, JSON_COMPACT);
		json_decref(json);
		cr_assert_str_eq(text, TEXT);
		free(text);
	} while (true);
	cr_assert_gt(tried, 10);
	cr_assert_str_eq(text, TEXT);
	free(text);
}

Test(format, tells_once_that_a_part_is_missing)
{
	json_t *json;

	thag_format_begin();
	fail_at(1);
	json = json_array();
	cr_assert_null(json);
	cr_assert(!thag_format_is_whole());
	cr_assert(thag_format_is_whole());
	fail_at(1);
	cr_assert_null(json_array());
	cr_assert_null(thag_format_dump(NULL, 0));
	cr_assert(thag_format_is_whole());
}

Test(format, loads_all_or_says_why)
{
	uint64_t tried = 0;
	json_t *json;
	int ret;

	thag_format_begin();
	do {
		fail_at(++tried);
		ret = thag_format_load(&json, TEXT, strlen(TEXT), 0);
		if (allocation_count < tried)
			break;
		cr_assert_eq(ret, -ENOMEM);
		cr_assert_null(json);
		cr_assert(thag_format_is_whole());
	} while (true);
	cr_assert_gt(tried, 5);
	cr_assert_eq(ret, 0);
	cr_assert_eq(json_integer_value(json_array_get(json_object_get(json, "a"), 0)), 1);
	json_decref(json);
	fail_at(0);
	cr_assert_eq(thag_format_load(&json, "{\"a\":", 5, 0), -EBADMSG);
	cr_assert_null(json);
}
