/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "thag_hist.h"

Test(hist, puts_each_value_between_its_buckets_bounds)
{
	uint64_t value = 1;

	for (int i = 0; i < 100000; i++) {
		value = value * 6364136223846793005u + 1442695040888963407u;
		uint64_t shown = value >> (i % 64);
		uint32_t bucket = thag_hist_bucket(shown);

		cr_assert_lt(bucket, THAG_HIST_BUCKETS);
		cr_assert_leq(thag_hist_bucket_low(bucket), shown);
		if (bucket < thag_hist_bucket(UINT64_MAX))
			cr_assert_gt(thag_hist_bucket_low(bucket + 1), shown);
	}
}

Test(hist, has_buckets_within_an_eighth)
{
	for (uint32_t bucket = 8; bucket < thag_hist_bucket(UINT64_MAX); bucket++) {
		uint64_t low = thag_hist_bucket_low(bucket);

		cr_assert_leq(thag_hist_bucket_low(bucket + 1) - low, low / 8);
	}
}

Test(hist, sums_what_was_added_whatever_the_order)
{
	struct thag_hist_pool pool = { 0 };
	uint32_t hists[3] = { 0 };
	uint64_t expected[3][THAG_HIST_BUCKETS] = { 0 }, counts[THAG_HIST_BUCKETS];
	unsigned seed = 7;

	for (int i = 0; i < 20000; i++) {
		uint32_t which = (uint32_t)rand_r(&seed) % 3,
			 bucket = (uint32_t)rand_r(&seed) % 496;

		cr_assert_eq(thag_hist_add(&pool, &hists[which], bucket, 1), 0);
		expected[which][bucket]++;
	}
	for (int which = 0; which < 3; which++) {
		memset(counts, 0, sizeof(counts));
		thag_hist_sum(&pool, hists[which], counts);
		cr_expect_arr_eq(counts, expected[which], sizeof(counts));
	}
	thag_hist_pool_fini(&pool);
}

Test(hist, carries_beyond_32_bits)
{
	struct thag_hist_pool pool = { 0 };
	uint32_t hist = THAG_HIST_NONE;
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	thag_hist_add(&pool, &hist, 100, UINT32_MAX);
	thag_hist_add(&pool, &hist, 100, 2);
	thag_hist_add(&pool, &hist, 100, UINT64_C(3) << 32);
	thag_hist_sum(&pool, hist, counts);
	cr_expect_eq(counts[100], (UINT64_C(4) << 32) + 1);
	thag_hist_pool_fini(&pool);
}

static int compare_values(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

Test(hist, finds_quantiles_within_a_bucket)
{
	static uint64_t values[9999];
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };
	unsigned seed = 3;

	for (int i = 0; i < 9999; i++) {
		values[i] = (uint64_t)rand_r(&seed) >> (rand_r(&seed) % 20);
		counts[thag_hist_bucket(values[i])]++;
	}
	qsort(values, 9999, sizeof(*values), compare_values);
	for (uint32_t permille = 1; permille <= 1000; permille++) {
		uint64_t exact = values[(9999 * permille + 999) / 1000 - 1];

		cr_assert_eq(thag_hist_bucket(thag_hist_quantile(counts, permille)),
			     thag_hist_bucket(exact), "permille %u", permille);
	}
}

Test(hist, has_no_quantile_without_values)
{
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	cr_expect_eq(thag_hist_quantile(counts, 500), 0);
}
