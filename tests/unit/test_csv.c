/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag_csv.h"
#include "thag_stacks.h"

static struct thag_profile *finish(struct thag_stacks *stacks)
{
	struct thag_profile *profile;

	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	thag_stacks_destroy(stacks);
	return profile;
}

static char *write_table(struct thag_profile *profile)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_csv_write(profile, &out), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	thag_profile_destroy(profile);
	return (char *)out.data;
}

static uint32_t add(struct thag_stacks *stacks, uint32_t parent, const char *name, uint64_t value,
		    uint64_t calls)
{
	uint32_t node;

	cr_assert_eq(thag_stacks_child(stacks, parent, name, strlen(name), &node), 0);
	cr_assert_eq(thag_stacks_add(stacks, node, value, calls), 0);
	return node;
}

Test(csv, has_a_row_for_each_stack_with_calls_or_time)
{
	struct thag_stacks *stacks;

	cr_assert_eq(thag_stacks_create(&stacks, "p"), 0);
	uint32_t b = add(stacks, THAG_STACKS_ROOT, "b", 0, 0);

	add(stacks, add(stacks, b, "c", 0, 3), "d", 25, 1);
	add(stacks, THAG_STACKS_ROOT, "a", 75, 0);
	cr_assert_eq(thag_stacks_describe(stacks, b, "unused.c", 8, 1), 0);
	char *table = write_table(finish(stacks));

	cr_expect_str_eq(table,
			 "stack,function,file,line,calls,self_ns,total_ns,min_ns,max_ns,wait_ns,"
			 "self_percent,total_percent\r\n"
			 "\"a\",\"a\",\"\",0,0,75,75,0,0,0,75.0000,75.0000\r\n"
			 "\"b;c\",\"c\",\"\",0,3,0,25,0,0,0,0.0000,25.0000\r\n"
			 "\"b;c;d\",\"d\",\"\",0,1,25,25,0,0,0,25.0000,25.0000\r\n");
	free(table);
}

Test(csv, of_nothing_is_a_header)
{
	struct thag_stacks *stacks;

	cr_assert_eq(thag_stacks_create(&stacks, "p"), 0);
	char *table = write_table(finish(stacks));

	cr_expect_str_eq(strstr(table, "\r\n"), "\r\n");
	free(table);
}

Test(csv, has_no_name_that_breaks_out_or_is_a_formula)
{
	static const struct {
		const char *name, *field;
	} names[] = {
		{ "operator,(\"x\")", "\"operator,(\"\"x\"\")\"" },
		{ "=cmd()", "\"'=cmd()\"" },
		{ "+[Foo bar]", "\"'+[Foo bar]\"" },
		{ "-1", "\"'-1\"" },
		{ "@x", "\"'@x\"" },
		{ "\t=x", "\"'=x\"" },
		{ "a\r\nb", "\"a b\"" },
		{ "\"", "\"\"\"\"" },
		{ "a\xff", "\"a\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct thag_stacks *stacks;
		char row[128];

		cr_assert_eq(thag_stacks_create(&stacks, "p"), 0);
		uint32_t node = add(stacks, THAG_STACKS_ROOT, names[i].name, 1, 2);

		cr_assert_eq(thag_stacks_describe(stacks, node, "=a.c", 4, 5), 0);
		char *table = write_table(finish(stacks));

		snprintf(row, sizeof(row),
			 "\r\n%s,%s,\"'=a.c\",5,2,1,1,0,0,0,100.0000,100.0000\r\n", names[i].field,
			 names[i].field);
		cr_expect_not_null(strstr(table, row), "%s in %s", row, table);
		free(table);
	}
}

/** Each of 100,000 levels with time would be 20 GB. */
Test(csv, has_a_bound_for_what_is_deep)
{
	struct thag_stacks *stacks;
	uint32_t node = THAG_STACKS_ROOT;
	uint64_t sum = 0;

	cr_assert_eq(thag_stacks_create(&stacks, "p"), 0);
	for (int i = 0; i < 100000; i++)
		node = add(stacks, node, "\"deep\"", 1, 0);
	char *table = write_table(finish(stacks)), *deeper, *row;

	cr_expect(strlen(table) <= THAG_CSV_BYTES_MAX);
	for (row = strstr(table, "\r\n"); row[2]; row = strstr(row + 2, "\r\n")) {
		/* behind the names */
		const char *self = strstr(row, "\",0,0,");

		sum += strtoull(self + 6, NULL, 10);
	}
	cr_expect_eq(sum, 100000, "%lu", (unsigned long)sum);
	deeper = strstr(table, ","
			       "\"" THAG_FOLDED_DEEPER "\",");
	cr_assert_not_null(deeper);
	cr_expect_null(strstr(deeper + 1, ","
					  "\"" THAG_FOLDED_DEEPER "\","));
	free(table);
}
