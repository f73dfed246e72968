/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The length of a tick, on machines that are suspended or whose counter stops. */
#include <criterion/criterion.h>

#include "clock.h"

#define SECOND UINT64_C(1000000000)

/* Two ticks a nanosecond, watched for a minute. */
static struct thag_clock_rate begin(void)
{
	struct thag_clock_rate clock = { .first = { .ticks = 1000, .mono_ns = 77 } };

	thag_clock_measure(&clock,
			   (struct thag_clock_pair){ 1000 + 120 * SECOND, 77 + 60 * SECOND, 0 });
	cr_assert_float_eq(clock.ns_per_tick, 0.5, 1e-12);
	return clock;
}

Test(clock, keeps_its_rate_over_a_suspension)
{
	/* the counter went on for a minute, a tenth of a percent of that, or stood still */
	static const uint64_t counted[] = { 120 * SECOND, SECOND / 10, 0 };

	for (int i = 0; i < 3; i++) {
		struct thag_clock_rate clock = begin();
		struct thag_clock_pair awake = { 1000 + 120 * SECOND + counted[i],
						 77 + 60 * SECOND + 10, 60 * SECOND };

		thag_clock_measure(&clock, awake);
		cr_expect_float_eq(clock.ns_per_tick, 0.5, 1e-12);
		awake.ticks += 2 * 10 * SECOND;
		awake.mono_ns += 10 * SECOND;
		thag_clock_measure(&clock, awake);
		cr_expect_float_eq(clock.ns_per_tick, 0.5, 1e-12);
	}
}

Test(clock, begins_anew_with_a_counter_that_did)
{
	struct thag_clock_rate clock = begin();
	struct thag_clock_pair awake = { 5, 77 + 61 * SECOND, 0 };

	thag_clock_measure(&clock, awake);
	cr_expect_float_eq(clock.ns_per_tick, 0.5, 1e-12);
	cr_expect_eq(clock.first.ticks, 5);
	awake.ticks += 2 * 2 * SECOND;
	awake.mono_ns += 2 * SECOND;
	thag_clock_measure(&clock, awake);
	cr_expect_float_eq(clock.ns_per_tick, 0.5, 1e-12);
}

Test(clock, knows_a_rate_where_the_first_look_was_before_a_suspension)
{
	struct thag_clock_rate clock;

	thag_clock_init(&clock);
	clock.first.suspended_ns = 0;
	clock.first.ticks -= 1000;
	cr_expect_gt(thag_clock_ns_per_tick(&clock, 1), 0);
	thag_clock_fini(&clock);
}
