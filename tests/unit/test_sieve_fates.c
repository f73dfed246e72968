/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "thag_folded_read.h"
#include "thag_functions.h"
#include "thag_sieve.h"

static const char stacks[] = "m 1\nm;a 2\nm;a;b 4\nm;c 8\nm;c;a;d 16\nn;b;a 32\n";

static struct thag_profile *read_stacks(const char *text)
{
	static const struct thag_folded_options options = { .root_name = "all", .strict = true };
	struct thag_profile *profiles[THAG_FOLDED_SIDES];
	struct thag_folded_reader *reader;

	cr_assert_eq(thag_folded_reader_create(&reader, &options), 0);
	cr_assert_eq(thag_folded_reader_feed(reader, text, strlen(text)), 0);
	cr_assert_eq(thag_folded_reader_finish(reader, profiles), 0);
	thag_folded_reader_destroy(reader);
	return profiles[0];
}

/** A fate for each function whose name is a letter of `names`. */
static unsigned char *decide(const struct thag_profile *profile, const char *names, unsigned fate)
{
	unsigned char *fates = calloc(thag_functions_count(profile), 1);
	size_t bytes;

	for (uint32_t i = 0; i < thag_functions_count(profile); i++) {
		const char *name = thag_profile_name(profile, i, &bytes);

		if (bytes == 1 && strchr(names, name[0]))
			fates[i] = (unsigned char)fate;
	}
	return fates;
}

static void expect_left(const char *names, unsigned fate, uint64_t at_least, const char *expected)
{
	struct thag_profile *profile = read_stacks(stacks), *left;
	unsigned char *fates = decide(profile, names, fate);
	const struct thag_sieve sieve = { .fates = fates, .at_least = at_least };
	struct thag_buffer out = { 0 };
	uint32_t count;
	uint64_t sum = 0;

	cr_assert_eq(thag_sieve_apply(&left, profile, &sieve), 0);
	cr_assert_eq(thag_folded_write(left, &out), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	cr_expect_str_eq((const char *)out.data, expected);
	const struct thag_profile_node *nodes = thag_profile_nodes(left, &count);

	for (uint32_t i = 0; i < count; i++)
		sum += nodes[i].self_ns;
	cr_expect_eq(nodes[0].total_ns, sum);
	thag_buffer_fini(&out);
	thag_profile_destroy(left);
	thag_profile_destroy(profile);
	free(fates);
}

Test(sieve_fates, without_a_function_what_it_calls_is_gone_too)
{
	expect_left("a", THAG_SIEVE_WITHOUT, 0, "m 1\nm;c 8\n");
	expect_left("ac", THAG_SIEVE_WITHOUT, 0, "m 1\n");
	expect_left("mn", THAG_SIEVE_WITHOUT, 0, "");
}

Test(sieve_fates, without_its_own_what_it_calls_stays)
{
	expect_left("a", THAG_SIEVE_WITHOUT_OWN, 0, "m 1\nm;a;b 4\nm;c 8\nm;c;a;d 16\n");
}

Test(sieve_fates, hidden_what_was_its_own_is_its_callers)
{
	expect_left("a", THAG_SIEVE_HIDE, 0, "m 3\nm;b 4\nm;c 8\nm;c;d 16\nn;b 32\n");
}

Test(sieve_fates, only_the_stacks_that_hold_one_of_them)
{
	expect_left("a", THAG_SIEVE_ONLY, 0, "m;a 2\nm;a;b 4\nm;c;a;d 16\nn;b;a 32\n");
	expect_left("bd", THAG_SIEVE_ONLY, 0, "m;a;b 4\nm;c;a;d 16\nn;b;a 32\n");
	expect_left("x", THAG_SIEVE_ONLY, 0, "m 1\nm;a 2\nm;a;b 4\nm;c 8\nm;c;a;d 16\nn;b;a 32\n");
}

Test(sieve_fates, at_least_so_much_of_its_own)
{
	expect_left("", 0, 8, "m;c 8\nm;c;a;d 16\nn;b;a 32\n");
	expect_left("c", THAG_SIEVE_WITHOUT, 4, "m;a;b 4\nn;b;a 32\n");
}
