/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>

#include "thag_events.h"

static struct thag_events events;
static struct thag_thread threads[2];

static void begin(void)
{
	cr_assert_eq(thag_events_init(&events), 0);
	for (uint32_t i = 0; i < 2; i++)
		threads[i] = (struct thag_thread){ .tid = i + 1 };
}

static void note(uint32_t thread, uint32_t ext, uint32_t site, int64_t value, uint64_t ticks)
{
	struct thag_note one = { .ext = ext, .site = site, .value = value, .ticks = ticks };

	thag_events_note(&events, &threads[thread], &one);
}

Test(events, intervals_are_of_one_thread)
{
	begin();
	note(0, THAG_EXT_MARK, 7, 0, 100);
	note(1, THAG_EXT_MARK, 7, 0, 105);
	note(0, THAG_EXT_MARK, 7, 0, 130);
	note(0, THAG_EXT_MARK, 8, 0, 131);
	note(1, THAG_EXT_MARK, 7, 0, 205);
	cr_assert_eq(events.mark_count, 2);
	cr_expect_eq(events.marks[0].count, 4);
	cr_expect_eq(events.marks[0].intervals, 2);
	cr_expect_eq(events.marks[0].min, 30);
	cr_expect_eq(events.marks[0].max, 100);
	cr_expect_eq(events.marks[0].sum, 130);
	cr_expect_eq(events.marks[1].intervals, 0);
	thag_events_fini(&events);
}

Test(events, the_newest_instants_stay)
{
	const struct thag_mark_name *mark;

	begin();
	for (uint64_t i = 0; i < 2 * THAG_EVENT_INSTANTS_MAX + 5; i++)
		note(0, THAG_EXT_MARK, 7, 0, 10 * i + 10);
	thag_events_sort(&events);
	note(0, THAG_EXT_MARK, 7, 0, 1000000);
	thag_events_sort(&events);
	mark = &events.marks[0];
	cr_assert_eq(thag_events_instants(mark), THAG_EVENT_INSTANTS_MAX);
	cr_expect_eq(mark->instants[0].ticks, 10 * (THAG_EVENT_INSTANTS_MAX + 7));
	cr_expect_eq(mark->instants[THAG_EVENT_INSTANTS_MAX - 1].ticks, 1000000);
	thag_events_fini(&events);
}

Test(events, a_series_covers_the_whole_run)
{
	const struct thag_value_name *value;
	uint32_t count = 5 * THAG_EVENT_SERIES_MAX;

	begin();
	for (uint32_t i = 0; i < count; i++)
		note(0, THAG_EXT_VALUE, 9, (int64_t)i - 100, i + 1);
	value = &events.values[0];
	cr_expect_eq(value->count, count);
	cr_expect_eq(value->min, -100);
	cr_expect_eq(value->max, (int64_t)count - 101);
	cr_expect_eq(value->last, value->max);
	cr_expect_eq(value->stride, 8);
	cr_assert_leq(value->points, THAG_EVENT_SERIES_MAX);
	cr_expect_gt(value->points, THAG_EVENT_SERIES_MAX / 2);
	for (uint32_t i = 0; i < value->points; i++) {
		cr_assert_eq(value->series[i].ticks, 8 * i + 1);
		cr_assert_eq(value->series[i].value, (int64_t)(8 * i) - 100);
	}
	thag_events_fini(&events);
}

Test(events, the_last_value_is_the_latest_whatever_is_read_first)
{
	begin();
	note(0, THAG_EXT_VALUE, 9, 1, 200);
	note(1, THAG_EXT_VALUE, 9, 2, 100);
	cr_expect_eq(events.values[0].last, 1);
	thag_events_sort(&events);
	cr_expect_eq(events.values[0].series[0].value, 2);
	thag_events_fini(&events);
}

Test(events, names_without_room_are_counted)
{
	begin();
	for (uint32_t i = 0; i < THAG_EVENT_NAMES_MAX + 3; i++) {
		note(0, THAG_EXT_MARK, 10 + i, 0, 5);
		note(0, THAG_EXT_VALUE, 10 + i, 0, 5);
	}
	cr_expect_eq(events.mark_count, THAG_EVENT_NAMES_MAX);
	cr_expect_eq(events.value_count, THAG_EVENT_NAMES_MAX);
	cr_expect_eq(events.dropped, 6);
	thag_events_fini(&events);
}

/* As words: a value has 64 bits, a name is a site that makes sense. */
static struct thag_note noted[8];
static uint32_t noted_count;

static void on_note(void *context, struct thag_thread *thread, const struct thag_note *one)
{
	(void)context;
	(void)thread;
	noted[noted_count++] = *one;
}

Test(events, are_told_by_the_words_of_a_ring)
{
	static const int64_t values[] = { 0, -1, INT64_MIN, INT64_MAX };
	struct thag_stream stream = { .thread = &threads[0], .note = on_note };

	cr_assert_eq(thag_thread_init(&threads[0], 1, 100), 0);
	for (uint32_t i = 0; i < 4; i++) {
		uint64_t bits = (uint64_t)values[i];
		uint64_t words[] = { THAG_WORD_EXT(THAG_EXT_VALUE) | bits >> 62,
				     thag_payload_pack(9), thag_payload_pack(bits) };

		cr_expect_eq(thag_stream_feed(&stream, words, 3), 3);
		cr_expect_eq(noted[i].value, values[i]);
		cr_expect_eq(noted[i].site, 9);
	}
	uint64_t more[] = {
		THAG_WORD_EXT(THAG_EXT_MARK),	     thag_payload_pack(7),
		THAG_WORD_EXT(THAG_EXT_THREAD_NAME), thag_payload_pack(8),
		THAG_WORD_EXT(THAG_EXT_MARK),	     thag_payload_pack(UINT64_C(1) << 20)
	};

	cr_expect_eq(thag_stream_feed(&stream, more, 6), 6);
	cr_expect_eq(noted_count, 5);
	cr_expect_eq(noted[4].site, 7);
	cr_expect_eq(threads[0].name_site, 8);
	cr_expect_eq(stream.invalid, 1);
	thag_thread_fini(&threads[0]);
}
