/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile.h"

#include <errno.h>
#include <stdlib.h>

#include "thag_framing.h"
#include "thag_profile_private.h"

/** Sums up a function's places; of calls in each other the outermost have the time. */
static int sum_places(const struct thag_profile *profile, uint32_t name,
		      struct thag_frame_durations *sum)
{
	bool *inside = calloc(profile->count, sizeof(*inside));

	if (!inside)
		return -ENOMEM;
	for (uint32_t i = 1; i < profile->count; i++) {
		const struct thag_profile_node *node = &profile->nodes[i];
		bool inner = inside[node->parent];

		inside[i] = inner || node->name == name;
		if (node->name != name)
			continue;
		sum->total_ns += inner ? 0 : node->total_ns;
		sum->open_ns += inner ? 0 : node->open_ns;
		if (node->calls && (sum->calls == 0 || node->min_ns < sum->min_ns))
			sum->min_ns = node->min_ns;
		if (node->max_ns > sum->max_ns)
			sum->max_ns = node->max_ns;
		sum->calls += node->calls;
	}
	free(inside);
	return 0;
}

/** A quantile; buckets are coarse, and it is none but within what was really measured. */
static uint64_t quantile(const struct thag_profile *profile, const uint64_t *counts,
			 uint32_t permille, const struct thag_frame_durations *sum)
{
	uint64_t ns = thag_profile_ns(profile, thag_hist_quantile(counts, permille));

	if (ns < sum->min_ns)
		return sum->min_ns;
	return ns < sum->max_ns ? ns : sum->max_ns;
}

static int put_buckets(struct thag_framing *framing, const uint64_t *counts, uint32_t *count)
{
	const struct thag_profile *profile = framing->profile;
	int ret = 0;

	for (uint32_t i = 0; i < THAG_HIST_BUCKETS && !ret; i++) {
		bool last = i >= thag_hist_bucket(UINT64_MAX);
		uint64_t next = last ? UINT64_MAX : thag_hist_bucket_low(i + 1);
		struct thag_frame_bucket bucket = {
			.low_ns = thag_profile_ns(profile, thag_hist_bucket_low(i)),
			.high_ns = thag_profile_ns(profile, next),
			.calls = counts[i],
		};

		if (counts[i] == 0)
			continue;
		++*count;
		ret = thag_buffer_append(framing->out, &bucket, sizeof(bucket));
	}
	return ret;
}

static int write_function(struct thag_framing *framing, uint32_t name, uint32_t *count)
{
	const struct thag_profile *profile = framing->profile;
	const struct thag_function *function = &profile->functions[name];
	struct thag_frame_durations sum = { .function = function->hash };
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };
	int ret = sum_places(profile, name, &sum);

	thag_hist_sum(&profile->hists, function->hist, counts);
	sum.p50_ns = quantile(profile, counts, 500, &sum);
	sum.p90_ns = quantile(profile, counts, 900, &sum);
	sum.p99_ns = quantile(profile, counts, 990, &sum);
	if (!ret)
		ret = thag_framing_put_name(framing, name, &sum.name_offset, &sum.name_bytes);
	if (!ret)
		ret = thag_buffer_append(framing->out, &sum, sizeof(sum));
	return ret ? ret : put_buckets(framing, counts, count);
}

int thag_durations_write(const struct thag_profile *profile, uint64_t function,
			 const struct thag_frame_facts *facts, struct thag_buffer *out)
{
	const struct thag_frame_durations none = { 0 };
	struct thag_framing framing;
	uint32_t count = 0, node = 1;
	int ret = thag_framing_begin(&framing, profile, THAG_FRAME_DURATIONS, NULL, facts, out);

	while (node < profile->count &&
	       profile->functions[profile->nodes[node].name].hash != function)
		node++;
	if (!ret && node < profile->count)
		ret = write_function(&framing, profile->nodes[node].name, &count);
	else if (!ret)
		ret = thag_buffer_append(out, &none, sizeof(none));
	return thag_framing_end(&framing, count, ret);
}
