/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_names.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"

static struct thag_names *create(void)
{
	struct thag_names *names = NULL;

	cr_assert_eq(thag_names_create(&names), 0);
	return names;
}

static int put(struct thag_names *names, uint32_t site, const char *name)
{
	return thag_names_put(names, site, THAG_SITE_FUNCTION, name, strlen(name), "f.c", 3, site);
}

Test(names, gives_back_what_was_put)
{
	struct thag_names *names = create();

	cr_assert_eq(thag_names_put(names, 70000, THAG_SITE_SECTION, "load", 4, "io.c", 4, 12), 0);
	struct thag_name got = thag_names_get(names, 70000);

	cr_expect_str_eq(got.name, "load");
	cr_expect_eq(got.name_bytes, 4);
	cr_expect_str_eq(got.file, "io.c");
	cr_expect_eq(got.file_bytes, 4);
	cr_expect_eq(got.line, 12);
	cr_expect_eq(got.kind, THAG_SITE_SECTION);
	thag_names_destroy(names);
}

Test(names, equal_names_share_an_id)
{
	struct thag_names *names = create();
	uint32_t before = thag_names_count(names);

	put(names, 2, "same");
	put(names, 3, "other");
	put(names, 4, "same");
	cr_expect_eq(thag_names_get(names, 2).name_id, thag_names_get(names, 4).name_id);
	cr_expect_neq(thag_names_get(names, 2).name_id, thag_names_get(names, 3).name_id);
	cr_expect_eq(thag_names_count(names), before + 2);
	thag_names_destroy(names);
}

Test(names, the_first_naming_wins)
{
	struct thag_names *names = create();

	cr_expect_eq(put(names, 2, "first"), 0);
	cr_expect_eq(put(names, 2, "second"), 0);
	cr_expect_str_eq(thag_names_get(names, 2).name, "first");
	thag_names_destroy(names);
}

Test(names, special_sites_have_names)
{
	struct thag_names *names = create();

	cr_expect_str_eq(thag_names_get(names, THAG_SITE_OVERFLOW).name, "<overflow>");
	cr_expect_str_eq(thag_names_get(names, 0).name, "site 0");
	cr_expect_str_eq(thag_names_get(names, 1048575).name, "site 1048575");
	cr_expect_str_eq(thag_names_get(names, UINT32_MAX).name, "site 4294967295");
	cr_expect_eq(thag_names_get(names, 9).name_id, UINT32_MAX);
	cr_expect_str_eq(thag_names_get(names, 9).file, "");
	thag_names_destroy(names);
}

Test(names, keeps_any_bytes_up_to_a_nul)
{
	static const char name[] = "\xff;\n\x1b<script>\0hidden";
	struct thag_names *names = create();

	cr_assert_eq(thag_names_put(names, 2, 1, name, sizeof(name) - 1, "a\0b", 3, 0), 0);
	cr_expect_str_eq(thag_names_get(names, 2).name, "\xff;\n\x1b<script>");
	cr_expect_str_eq(thag_names_get(names, 2).file, "a");
	cr_assert_eq(thag_names_put(names, 3, 1, "\0x", 2, NULL, 0, 0), 0);
	cr_expect_str_eq(thag_names_get(names, 3).name, "<unnamed>");
	cr_assert_eq(thag_names_put(names, 4, 1, NULL, 0, NULL, 0, 0), 0);
	cr_expect_str_eq(thag_names_get(names, 4).name, "<unnamed>");
	thag_names_destroy(names);
}

Test(names, refuses_sites_that_can_not_be)
{
	struct thag_names *names = create();

	cr_expect_eq(put(names, THAG_SITES_MAX - 1, "last"), 0);
	cr_expect_eq(put(names, THAG_SITES_MAX, "beyond"), -EINVAL);
	cr_expect_eq(put(names, UINT32_MAX, "beyond"), -EINVAL);
	thag_names_destroy(names);
}

Test(names, memory_has_a_limit)
{
	size_t bytes = 1 << 20;
	char *name = malloc(bytes + 1);
	struct thag_names *names = create();
	int ret = 0;
	uint32_t site = 2;

	memset(name, 'n', bytes + 1);
	for (; !ret && site < 100; site++) {
		snprintf(name, 12, "%011u", site);
		name[11] = 'n';
		ret = thag_names_put(names, site, 1, name, bytes + 1, "f", 1, 0);
	}
	cr_expect_eq(ret, -E2BIG);
	cr_expect_str_eq(thag_names_get(names, site - 1).name, "<overflow>");
	cr_expect_eq(thag_names_get(names, site - 2).name_bytes, bytes, "longer names are cut");
	cr_expect(site > 60 && site < 68);
	snprintf(name, 12, "%011u", 2);
	name[11] = 'n';
	cr_expect_eq(thag_names_put(names, site, 1, name, bytes, "f", 1, 0), 0,
		     "what is there already needs no more memory");
	thag_names_destroy(names);
	free(name);
}

Test(names, a_copy_lives_by_itself)
{
	struct thag_names *names = create(), *copy;

	for (uint32_t i = 2; i < 5000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i / 2);
		put(names, i, name);
	}
	cr_assert_eq(thag_names_copy(&copy, names), 0);
	thag_names_destroy(names);
	put(copy, 9000, "f77");
	put(copy, 9001, "new");
	cr_expect_eq(thag_names_get(copy, 9000).name_id, thag_names_get(copy, 154).name_id);
	cr_expect_str_eq(thag_names_get(copy, 9001).name, "new");
	for (uint32_t i = 2; i < 5000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i / 2);
		cr_expect_str_eq(thag_names_get(copy, i).name, name);
		cr_expect_eq(thag_names_get(copy, i).line, i);
	}
	thag_names_destroy(copy);
}

Test(names, an_address_stands_in_until_there_is_a_name)
{
	struct thag_names *names = create();
	uint32_t before = thag_names_count(names);

	cr_assert_eq(thag_names_put_address(names, 9, THAG_SITE_FUNCTION, "libm.so", 7, 0x1a2b), 0);
	cr_expect_str_eq(thag_names_get(names, 9).name, "libm.so+0x1a2b");
	cr_expect_eq(thag_names_count(names), before, "it takes no room");
	cr_expect_eq(put(names, 9, "sin"), 0);
	cr_expect_str_eq(thag_names_get(names, 9).name, "sin");
	cr_expect_eq(thag_names_put_address(names, 9, THAG_SITE_FUNCTION, "libm.so", 7, 1), 0);
	cr_expect_str_eq(thag_names_get(names, 9).name, "sin", "a name stays");
	thag_names_destroy(names);
}

Test(names, an_address_may_be_in_no_module)
{
	struct thag_names *names = create(), *copy;

	cr_assert_eq(thag_names_put_address(names, 9, THAG_SITE_FUNCTION, "", 0, UINT64_MAX), 0);
	cr_expect_str_eq(thag_names_get(names, 9).name, "0xffffffffffffffff");
	cr_assert_eq(thag_names_copy(&copy, names), 0);
	cr_expect_str_eq(thag_names_get(copy, 9).name, "0xffffffffffffffff");
	cr_expect_eq(thag_names_put_address(names, THAG_SITES_MAX, THAG_SITE_FUNCTION, "", 0, 1),
		     -EINVAL);
	thag_names_destroy(copy);
	thag_names_destroy(names);
}

Test(names, a_long_name_of_a_module_is_cut)
{
	struct thag_names *names = create();
	char module[1000];

	memset(module, 'm', sizeof(module));
	cr_assert_eq(thag_names_put_address(names, 9, THAG_SITE_FUNCTION, module, sizeof(module),
					    UINT64_MAX),
		     0);
	cr_expect_eq(thag_names_get(names, 9).name_bytes, 255 + strlen("+0xffffffffffffffff"));
	thag_names_destroy(names);
}

static const struct thag_names_frame inlined[] = {
	{ .name = "reserve", .name_bytes = 7, .file = "vector.h", .file_bytes = 8, .line = 70 },
	{ .name = "push_back", .name_bytes = 9, .file = "vector.h", .file_bytes = 8, .line = 99 },
	{ .name = "load\0x", .name_bytes = 6, .file = NULL, .file_bytes = 0, .line = 12 },
};

static void check_inlined(const struct thag_names *names, uint32_t site)
{
	static const char *const called[] = { "reserve", "push_back", "load" };
	static const char *const files[] = { "vector.h", "vector.h", "" };

	cr_assert_eq(thag_names_frames(names, site), 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct thag_name name = thag_names_get_frame(names, site, i);

		cr_expect_str_eq(name.name, called[i]);
		cr_expect_str_eq(name.file, files[i]);
		cr_expect_eq(name.line, inlined[i].line);
		cr_expect_eq(name.kind, THAG_SITE_FUNCTION);
	}
	cr_expect_str_eq(thag_names_get(names, site).name, "reserve", "the innermost names it");
}

Test(names, a_call_stands_for_what_is_inlined_there)
{
	struct thag_names *names = create(), *copy;

	cr_assert_eq(thag_names_put_address(names, 7, THAG_SITE_FUNCTION, "a.out", 5, 0x40), 0);
	cr_expect_eq(thag_names_frames(names, 7), 1);
	cr_expect_str_eq(thag_names_get_frame(names, 7, 0).name, "a.out+0x40");
	cr_assert_eq(thag_names_put_frames(names, 7, THAG_SITE_FUNCTION, inlined, 3), 0);
	cr_assert_eq(thag_names_put_frames(names, 8, THAG_SITE_FUNCTION, inlined + 1, 1), 0);
	cr_assert_eq(thag_names_put_frames(names, 9, THAG_SITE_FUNCTION, inlined, 3), 0);
	cr_assert_eq(thag_names_put_frames(names, 7, THAG_SITE_FUNCTION, inlined, 1), 0);
	check_inlined(names, 7);
	check_inlined(names, 9);
	cr_expect_eq(thag_names_frames(names, 8), 1);
	cr_expect_eq(thag_names_frames(names, 10), 1);
	cr_expect_eq(thag_names_frames(names, UINT32_MAX), 1);
	cr_expect_str_eq(thag_names_get_frame(names, 7, 3).name, "reserve");
	cr_assert_eq(thag_names_copy(&copy, names), 0);
	thag_names_destroy(names);
	check_inlined(copy, 7);
	check_inlined(copy, 9);
	thag_names_destroy(copy);
}

Test(names, frames_have_a_limit)
{
	struct thag_names *names = create();
	struct thag_names_frame *frames = calloc(8192, sizeof(*frames));
	uint32_t site = 2, whole = 0;
	int ret = 0;

	for (uint32_t i = 0; i < 8192; i++)
		frames[i] = inlined[i % 2];
	for (; !ret; site++, whole += !ret)
		ret = thag_names_put_frames(names, site, THAG_SITE_FUNCTION, frames, 8192);
	cr_expect_eq(ret, -E2BIG);
	cr_expect_eq(whole, THAG_NAMES_FRAMES_MAX / 8191);
	cr_expect_eq(thag_names_frames(names, site - 2), 8192);
	cr_expect_eq(thag_names_frames(names, site - 1), 1);
	cr_expect_str_eq(thag_names_get(names, site - 1).name, "reserve");
	free(frames);
	thag_names_destroy(names);
}
