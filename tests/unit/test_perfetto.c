/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_perfetto.h"
#include "thag_protobuf.h"

#define CALLS_MAX 100000

/** Of a field of the events: what comes of reading a file. */
struct seen {
	uint64_t begins, ends, instants, counters, last_value;
	uint64_t open[8], order_errors; /* by track */
	uint64_t time[8];
	bool incomplete;
};

static struct thag_call call_list[CALLS_MAX];

/* Threads are 0 to 3, whose tracks come in this order. */
static uint32_t lane_of(uint64_t uuid)
{
	return (uint32_t)(uuid & 7);
}

static void see_event(struct seen *seen, struct thag_cursor event, uint64_t time)
{
	struct thag_protobuf_field field;
	uint64_t type = 0, uuid = 0;

	while (thag_protobuf_next(&event, &field)) {
		if (field.number == 9)
			type = field.value;
		else if (field.number == 11)
			uuid = field.value;
		else if (field.number == 30)
			seen->last_value = field.value;
		else if (field.number == 23)
			seen->incomplete |= memmem(field.data.at, 10, "incomplete", 10) != NULL;
	}
	cr_assert(!event.bad);
	seen->begins += type == 1;
	seen->ends += type == 2;
	seen->instants += type == 3;
	seen->counters += type == 4;
	if (type != 1 && type != 2)
		return;
	uint32_t lane = lane_of(uuid);

	seen->order_errors += time < seen->time[lane] || (type == 2 && !seen->open[lane]);
	seen->time[lane] = time;
	seen->open[lane] += type == 1 ? 1 : -(uint64_t)1;
}

static struct seen look(const struct thag_buffer *out)
{
	struct thag_cursor from = { .at = out->data, .end = out->data + out->bytes };
	struct thag_protobuf_field packet, field;
	struct seen seen = { 0 };

	while (thag_protobuf_next(&from, &packet)) {
		struct thag_cursor inside = packet.data, event = { 0 };
		uint64_t time = 0;

		while (thag_protobuf_next(&inside, &field)) {
			if (field.number == 8)
				time = field.value;
			else if (field.number == 11)
				event = field.data;
		}
		cr_assert(!inside.bad);
		if (event.at)
			see_event(&seen, event, time);
	}
	cr_assert(!from.bad);
	return seen;
}

static struct seen write_calls(size_t count, uint64_t bytes_max, bool *cut)
{
	const struct thag_chrome_options options = {
		.program = "p\xff", .pid = 1, .ns_per_tick = 1, .bytes_max = bytes_max
	};
	const struct thag_calls calls = { .calls = call_list, .count = count, .to = UINT64_MAX };
	const struct thag_chrome_facts facts = { 0 };
	struct thag_perfetto perfetto;
	struct thag_names *names;
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(
		thag_names_put(names, THAG_SITE_FIRST, THAG_SITE_FUNCTION, "f\xfe", 2, "a.c", 3, 5),
		0);
	cr_assert_eq(thag_perfetto_begin(&perfetto, &out, &options), 0);
	cr_assert_eq(thag_perfetto_name(&perfetto, 1, "one", 3), 0);
	cr_assert_eq(thag_perfetto_add(&perfetto, &calls, names), 0);
	*cut = perfetto.cut;
	cr_assert_eq(thag_perfetto_end(&perfetto, &calls, &facts, 0), 0);
	if (bytes_max)
		cr_expect_leq(out.bytes, bytes_max);
	struct seen seen = look(&out);

	thag_buffer_fini(&out);
	thag_names_destroy(names);
	return seen;
}

/** Calls within calls of four threads, by their start: each a tick longer than what it calls. */
static size_t make_calls(uint32_t depth, uint32_t times)
{
	size_t count = 0;

	for (uint64_t time = 0; time < times; time++)
		for (uint32_t at = 0; at < depth; at++)
			for (uint32_t tid = 0; tid < 4; tid++)
				call_list[count++] = (struct thag_call){
					.start = time * 1000 + at,
					.end = time * 1000 + 999 - at,
					.site = THAG_SITE_FIRST,
					.tid = tid,
					.depth = at,
				};
	return count;
}

Test(perfetto, ends_each_slice_in_its_place)
{
	size_t count = make_calls(50, 20);
	bool cut;
	struct seen seen = write_calls(count, 0, &cut);

	cr_expect(!cut && !seen.incomplete);
	cr_expect_eq(seen.begins, count);
	cr_expect_eq(seen.ends, count);
	cr_expect_eq(seen.order_errors, 0);
}

Test(perfetto, has_no_end_of_what_goes_on)
{
	bool cut;

	make_calls(1, 1);
	call_list[0].flags = THAG_CALL_AFTER;
	struct seen seen = write_calls(4, 0, &cut);

	cr_expect_eq(seen.begins, 4);
	cr_expect_eq(seen.ends, 3);
}

Test(perfetto, has_marks_and_values_and_what_crosses)
{
	bool cut;

	make_calls(1, 1);
	call_list[0].kind = THAG_CALL_MARK;
	call_list[1].kind = THAG_CALL_VALUE;
	call_list[1].value = INT64_MIN;
	call_list[2].flags = THAG_CALL_CROSSES;
	struct seen seen = write_calls(4, 0, &cut);

	cr_expect(seen.instants == 1 && seen.counters == 1);
	cr_expect_eq(seen.last_value, (uint64_t)INT64_MIN);
	cr_expect(seen.begins == 2 && seen.ends == 2);
}

/* However much room there is, it is kept, and what is there is whole. */
Test(perfetto, keeps_within_its_bounds_and_says_so)
{
	size_t count = make_calls(100, 100);

	for (uint64_t bytes = 16384; bytes < 1000000; bytes = bytes * 3 / 2) {
		bool cut;
		struct seen seen = write_calls(count, bytes, &cut);

		cr_expect(cut && seen.incomplete);
		cr_expect_lt(seen.begins, count);
		cr_expect_eq(seen.ends, seen.begins);
		cr_expect_eq(seen.order_errors, 0);
	}
}

Test(perfetto, takes_back_what_it_wrote_when_it_fails)
{
	const struct thag_chrome_options options = { .program = "p" };
	const struct thag_calls none = { 0 };
	const struct thag_chrome_facts facts = { 0 };
	struct thag_perfetto perfetto;
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
	cr_assert_eq(thag_perfetto_begin(&perfetto, &out, &options), 0);
	cr_expect_eq(thag_perfetto_end(&perfetto, &none, &facts, -ENOMEM), -ENOMEM);
	cr_expect_eq(out.bytes, 6);
	thag_buffer_fini(&out);
}
