/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag/frames.h"

struct message {
	struct thag_buffer buffer;
	struct thag_frame_header header;
	struct thag_frame_durations durations;
};

static uint64_t hash(const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return value;
}

static struct message write_message(const struct thag_profile *profile, const char *function)
{
	struct thag_frame_facts facts = { .session = 7 };
	struct message message = { 0 };

	cr_assert_eq(thag_durations_write(profile, hash(function), &facts, &message.buffer), 0);
	memcpy(&message.header, message.buffer.data, sizeof(message.header));
	memcpy(&message.durations, message.buffer.data + sizeof(message.header),
	       sizeof(message.durations));
	cr_expect_eq(message.header.type, THAG_FRAME_DURATIONS);
	cr_expect_eq(message.header.total_bytes, message.buffer.bytes);
	cr_expect_eq(message.header.strings_offset,
		     sizeof(message.header) + sizeof(message.durations) +
			     message.header.count * sizeof(struct thag_frame_bucket));
	return message;
}

static struct thag_frame_bucket bucket_of(const struct message *message, uint32_t index)
{
	struct thag_frame_bucket bucket;

	memcpy(&bucket,
	       message->buffer.data + sizeof(message->header) + sizeof(message->durations) +
		       index * sizeof(bucket),
	       sizeof(bucket));
	return bucket;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** The exact quantile, and what is within an eighth of it. */
static void expect_quantile(const struct model_function *function, uint32_t permille, uint64_t ns)
{
	uint64_t rank = (function->calls * permille + 999) / 1000;
	uint64_t exact = function->durations[rank - 1];

	cr_expect(ns >= exact - exact / 8 && ns <= exact + exact / 8 + 1, "p%u: %lu is not %lu",
		  permille, (unsigned long)ns, (unsigned long)exact);
}

static void expect_buckets(const struct message *message, const struct model_function *function)
{
	uint64_t at = 0, before = 0;

	for (uint32_t i = 0; i < message->header.count; i++) {
		struct thag_frame_bucket bucket = bucket_of(message, i);
		uint64_t calls = 0;

		cr_expect(bucket.low_ns >= before && bucket.high_ns > bucket.low_ns);
		before = bucket.high_ns;
		for (; at < function->calls && function->durations[at] < bucket.high_ns; at++)
			calls += function->durations[at] >= bucket.low_ns;
		cr_expect_eq(bucket.calls, calls);
	}
	cr_expect_eq(at, function->calls, "every call is in a bucket");
}

Test(durations, are_those_of_all_calls)
{
	for (uint64_t seed = 1; seed < 4; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 3, 900, &MODEL_RAW);

		for (int i = 0; i < MODEL_NAMES; i++) {
			struct model_function *function = &model.functions[i];
			struct message message = write_message(profile, model_names[i]);
			const struct thag_frame_durations *got = &message.durations;

			qsort(function->durations, function->calls, sizeof(uint64_t), compare);
			cr_expect_eq(got->function, hash(model_names[i]));
			cr_expect_eq(got->calls, function->calls);
			cr_expect_eq(got->total_ns, function->total);
			cr_expect_eq(got->open_ns, 0);
			cr_expect_eq(got->min_ns, function->min);
			cr_expect_eq(got->max_ns, function->max);
			expect_quantile(function, 500, got->p50_ns);
			expect_quantile(function, 900, got->p90_ns);
			expect_quantile(function, 990, got->p99_ns);
			expect_buckets(&message, function);
			thag_buffer_fini(&message.buffer);
		}
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(durations, of_no_function_are_none)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 1, 1, 100, &MODEL_RAW);
	struct message message = write_message(profile, "nobody");

	cr_expect_eq(message.header.count, 0);
	cr_expect_eq(message.durations.function, 0);
	cr_expect_eq(message.durations.calls, 0);
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	model_fini(&model);
}
