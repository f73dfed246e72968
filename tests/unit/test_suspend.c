/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a counter has counted while the machine was suspended: no machine here can be. */
#include <criterion/criterion.h>

#include "internal.h"

#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define GHZ_2 (UINT64_C(2) << 20) /* two ticks a nanosecond */

/* So long awake, so long suspended before, and since; what the counter did meanwhile. */
static uint64_t excess(uint64_t awake_ns, uint64_t before_ns, uint64_t suspended_ns,
		       uint64_t ticks_ns, uint64_t rate)
{
	struct thag_moment before = { .ticks = 10 * HOUR,
				      .mono_ns = 5 * HOUR,
				      .suspended_ns = before_ns };
	struct thag_moment now = { .ticks = before.ticks + 2 * ticks_ns,
				   .mono_ns = before.mono_ns + awake_ns,
				   .suspended_ns = before_ns + suspended_ns };

	return thag_suspend_ticks(&before, &now, rate);
}

static bool is_near(uint64_t ticks, uint64_t ns)
{
	return ticks >= 2 * ns - 2 && ticks <= 2 * ns + 2;
}

Test(suspend, of_a_counter_that_went_on_is_what_it_counted)
{
	cr_expect(is_near(excess(SECOND, 0, 8 * HOUR, 8 * HOUR + SECOND, GHZ_2), 8 * HOUR));
	cr_expect(is_near(excess(3 * HOUR, HOUR, SECOND, 3 * HOUR + SECOND, GHZ_2), SECOND));
	/* and before the rate is known */
	cr_expect(is_near(excess(SECOND, 0, 8 * HOUR, 8 * HOUR + SECOND, 0), 8 * HOUR));
}

Test(suspend, of_a_counter_that_stood_still_is_nothing)
{
	cr_expect_eq(excess(SECOND, 0, 8 * HOUR, SECOND, GHZ_2), 0);
	cr_expect_eq(excess(3 * HOUR, 0, SECOND, 3 * HOUR, GHZ_2), 0);
}

Test(suspend, that_was_not_is_nothing)
{
	cr_expect_eq(excess(8 * HOUR, HOUR, 0, 8 * HOUR, GHZ_2), 0);
	/* a look at one clock, and then at the other */
	cr_expect_eq(excess(8 * HOUR, HOUR, 5000000, 8 * HOUR, GHZ_2), 0);
	cr_expect_eq(excess(8 * HOUR, HOUR, 0, 8 * HOUR, 0), 0);
}

Test(suspend, of_a_counter_that_began_anew_is_nothing)
{
	struct thag_moment before = { 10 * HOUR, 5 * HOUR, 0 };
	struct thag_moment now = { 3 * SECOND, 5 * HOUR + SECOND, HOUR };

	cr_expect_eq(thag_suspend_ticks(&before, &now, GHZ_2), 0);
}

Test(suspend, never_takes_more_than_there_was)
{
	for (uint64_t awake = 1; awake < 100 * HOUR; awake *= 7)
		for (uint64_t suspended = 1; suspended < 10000 * HOUR; suspended *= 11)
			for (uint64_t ticks = 1; ticks < 10000 * HOUR; ticks *= 5)
				cr_expect_leq(excess(awake, 0, suspended, ticks, GHZ_2), 2 * ticks);
}
