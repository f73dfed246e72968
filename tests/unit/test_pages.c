/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_pages.h"

#include <string.h>

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 64

static char *map_pages(void)
{
	char *at = mmap(NULL, PAGES * (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(at, MAP_FAILED);
	return at;
}

static int count_there(char *at)
{
	unsigned char there[PAGES];
	int count = 0;

	cr_assert_eq(mincore(at, PAGES * (size_t)sysconf(_SC_PAGESIZE), there), 0);
	for (int i = 0; i < PAGES; i++)
		count += there[i] & 1;
	return count;
}

Test(pages, are_there_and_hold_what_they_held)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = map_pages();

	memcpy(at + 3 * page, "held", 5);
	cr_expect_eq(count_there(at), 1);
	if (!thag_pages_make(at, PAGES * page))
		cr_skip_test("the kernel can't");
	cr_expect_eq(count_there(at), PAGES);
	cr_expect_str_eq(at + 3 * page, "held");
	cr_expect_eq(at[4 * page], 0);
}

/* What lies beside the array in its first and its last page is not ours. */
Test(pages, are_made_within_the_array_only)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = map_pages();

	if (!thag_pages_make(at + 1, (PAGES - 1) * page))
		cr_skip_test("the kernel can't");
	cr_expect_eq(count_there(at), PAGES - 2);
}

Test(pages, few_are_not_worth_it)
{
	char *at = map_pages();

	cr_expect_not(thag_pages_make(at, 3 * (size_t)sysconf(_SC_PAGESIZE)));
	cr_expect_not(thag_pages_make(at, 0));
	cr_expect_eq(count_there(at), 0);
}
