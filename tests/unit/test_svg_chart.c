/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "svg_boxes.h"

#include <errno.h>

#include "thag_sieve.h"
#include "thag_svg_chart.h"

static const struct thag_svg_options all = {
	.kind = THAG_SVG_FLAMECHART, .count_name = "ns", .width_px = 1200, .font_px = 12
};

static struct thag_svg_chart *make_chart(const struct thag_svg_options *options)
{
	struct thag_svg_chart *chart;

	cr_assert_eq(thag_svg_chart_create(&chart, options, "all"), 0);
	return chart;
}

static struct svg_boxes end_chart(struct thag_svg_chart *chart)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_svg_chart_write(chart, &all, &out), 0);
	struct svg_boxes boxes = svg_boxes_read(&out);

	thag_buffer_fini(&out);
	thag_svg_chart_destroy(chart);
	return boxes;
}

static void add(struct thag_svg_chart *chart, const char *stack, uint64_t width)
{
	cr_assert_eq(thag_svg_chart_add_stack(chart, stack, strlen(stack), width), 0);
}

struct expected {
	const char *name;
	unsigned depth;
	uint64_t start, width;
};

static void expect_boxes(struct svg_boxes *boxes, const struct expected *expected, size_t count)
{
	cr_assert_eq(boxes->count, count, "%zu boxes", boxes->count);
	for (size_t i = 0; i < count; i++) {
		cr_expect_str_eq(boxes->list[i].name, expected[i].name);
		cr_expect_eq(boxes->list[i].depth, expected[i].depth);
		cr_expect_eq(boxes->list[i].start, expected[i].start, "%zu", i);
		cr_expect_eq(boxes->list[i].width, expected[i].width, "%zu", i);
	}
	svg_boxes_fini(boxes);
}

Test(svg_chart, joins_what_goes_on_and_nothing_else)
{
	struct thag_svg_chart *chart = make_chart(&all);

	add(chart, "m;a", 5);
	add(chart, "m;a;b", 6);
	add(chart, "m;a", 7);
	add(chart, "m;ab", 1);
	add(chart, "m;a", 2);
	add(chart, "n", 3);
	struct svg_boxes boxes = end_chart(chart);

	expect_boxes(&boxes,
		     (struct expected[]){ { "all", 0, 0, 24 },
					  { "m", 1, 0, 21 },
					  { "a", 2, 0, 18 },
					  { "b", 3, 5, 6 },
					  { "ab", 2, 18, 1 },
					  { "a", 2, 19, 2 },
					  { "n", 1, 21, 3 } },
		     7);
}

Test(svg_chart, keeps_calls_apart)
{
	struct thag_svg_chart *chart = make_chart(&all);

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(thag_svg_chart_enter(chart, "f", 1), 0);
		cr_assert_eq(thag_svg_chart_pass(chart, 2), 0);
		cr_assert_eq(thag_svg_chart_enter(chart, "f", 1), 0);
		cr_assert_eq(thag_svg_chart_pass(chart, 3), 0);
		thag_svg_chart_leave(chart);
		thag_svg_chart_leave(chart);
	}
	cr_assert_eq(thag_svg_chart_pass(chart, 1), 0);
	struct svg_boxes boxes = end_chart(chart);

	cr_expect_not_null(strstr(boxes.list[1].facts, "itself 2"));
	expect_boxes(&boxes,
		     (struct expected[]){ { "all", 0, 0, 11 },
					  { "f", 1, 0, 5 },
					  { "f", 2, 2, 3 },
					  { "f", 1, 5, 5 },
					  { "f", 2, 7, 3 } },
		     5);
}

Test(svg_chart, takes_frames_without_a_name_and_recursion)
{
	struct thag_svg_chart *chart = make_chart(&all);

	add(chart, "", 1);
	add(chart, ";;a", 2);
	add(chart, "a;a;a", 3);
	add(chart, "a;a", 4);
	struct svg_boxes boxes = end_chart(chart);

	expect_boxes(&boxes,
		     (struct expected[]){ { "all", 0, 0, 10 },
					  { "", 1, 0, 3 },
					  { "", 2, 1, 2 },
					  { "a", 3, 1, 2 },
					  { "a", 1, 3, 7 },
					  { "a", 2, 3, 7 },
					  { "a", 3, 3, 3 } },
		     7);
}

Test(svg_chart, leaves_out_what_no_time_passed_in)
{
	struct thag_svg_chart *chart = make_chart(&all);

	add(chart, "a;b", 0);
	add(chart, "c", 1);
	struct svg_boxes boxes = end_chart(chart);

	expect_boxes(&boxes, (struct expected[]){ { "all", 0, 0, 1 }, { "c", 1, 0, 1 } }, 2);
	chart = make_chart(&all);
	boxes = end_chart(chart);
	expect_boxes(&boxes, (struct expected[]){ { "all", 0, 0, 0 } }, 1);
}

/** Five million calls, of which a few are wide: those are there, whatever came before and after. */
Test(svg_chart, keeps_what_is_wide_of_any_number_of_calls)
{
	struct thag_svg_options options = all;

	options.min_width_px = 0.1;
	struct thag_svg_chart *chart = make_chart(&options);

	for (int i = 0; i < 5000000; i++) {
		add(chart, i % 2 ? "m;narrow" : "m;other", 1);
		if (i % 1000000 == 0)
			add(chart, "m;wide", 100000);
	}
	struct svg_boxes boxes = end_chart(chart);

	cr_assert_eq(boxes.count, 7);
	for (size_t i = 0; i < 5; i++) {
		cr_expect_str_eq(boxes.list[i + 2].name, "wide");
		cr_expect_eq(boxes.list[i + 2].start, i * 1100000 + 1);
		cr_expect_eq(boxes.list[i + 2].width, 100000);
	}
	svg_boxes_fini(&boxes);
}

static unsigned fate_of(void *context, const char *name, size_t bytes)
{
	static const struct {
		const char *name;
		unsigned fate;
	} fates[] = { { "hide", THAG_SIEVE_HIDE },
		      { "without", THAG_SIEVE_WITHOUT },
		      { "own", THAG_SIEVE_WITHOUT_OWN },
		      { "only", THAG_SIEVE_ONLY } };

	++*(int *)context;
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++)
		if (strlen(fates[i].name) == bytes && memcmp(fates[i].name, name, bytes) == 0)
			return fates[i].fate;
	return 0;
}

Test(svg_chart, leaves_out_functions)
{
	struct thag_svg_chart *chart = make_chart(&all);
	int asked = 0;

	thag_svg_chart_sift(chart, fate_of, &asked, false);
	add(chart, "m;hide;a", 1);
	add(chart, "m;hide", 2);
	add(chart, "m;a", 4);
	add(chart, "m;without", 8);
	add(chart, "m;without;a;hide", 16);
	add(chart, "own;a", 32);
	add(chart, "own", 64);
	add(chart, "own;hide", 128);
	add(chart, "m;without;a", 256);
	add(chart, "own;a", 512);
	struct svg_boxes boxes = end_chart(chart);

	cr_expect_eq(asked, 6, "once for each name: the root's, too");
	expect_boxes(&boxes,
		     (struct expected[]){ { "all", 0, 0, 551 },
					  { "m", 1, 0, 7 },
					  { "a", 2, 0, 1 },
					  { "a", 2, 3, 4 },
					  { "own", 1, 7, 32 },
					  { "a", 2, 7, 32 },
					  { "own", 1, 39, 512 },
					  { "a", 2, 39, 512 } },
		     8);
}

Test(svg_chart, keeps_the_stacks_that_hold_a_function)
{
	struct thag_svg_chart *chart = make_chart(&all);
	int asked = 0;

	thag_svg_chart_sift(chart, fate_of, &asked, true);
	add(chart, "m", 1);
	add(chart, "m;only", 2);
	add(chart, "m;only;b", 4);
	add(chart, "m;b", 8);
	add(chart, "m;b;only;only", 16);
	add(chart, "n", 32);
	struct svg_boxes boxes = end_chart(chart);

	expect_boxes(&boxes,
		     (struct expected[]){ { "all", 0, 0, 22 },
					  { "m", 1, 0, 22 },
					  { "only", 2, 0, 6 },
					  { "b", 3, 2, 4 },
					  { "b", 2, 6, 16 },
					  { "only", 3, 6, 16 },
					  { "only", 4, 6, 16 } },
		     7);
}

Test(svg_chart, has_a_bound_for_boxes)
{
	struct thag_svg_chart *chart = make_chart(&all);

	for (int i = 0; i < 1000000; i++)
		add(chart, i % 2 ? "narrow" : "wide", i % 2 ? 1 : 10);
	struct svg_boxes boxes = end_chart(chart);

	cr_expect(boxes.count <= THAG_SVG_BOXES_MAX);
	cr_expect_eq(boxes.list[0].width, 5500000);
	svg_boxes_fini(&boxes);
}

Test(svg_chart, has_a_bound_for_what_is_deep)
{
	struct thag_svg_chart *chart = make_chart(&all);

	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 100000; i++)
			cr_assert_eq(thag_svg_chart_enter(chart, "f", 1), 0);
		cr_assert_eq(thag_svg_chart_pass(chart, 5), 0);
		for (int i = 0; i < 100000; i++)
			thag_svg_chart_leave(chart);
	}
	struct svg_boxes boxes = end_chart(chart);

	cr_expect_eq(boxes.count, 2 * THAG_SVG_DEPTH_MAX + 1);
	cr_expect_eq(boxes.list[1].width, 5);
	svg_boxes_fini(&boxes);
}

Test(svg_chart, says_when_there_is_no_room_for_the_sum)
{
	struct thag_svg_chart *chart = make_chart(&all);

	cr_expect_eq(thag_svg_chart_pass(chart, UINT64_MAX), 0);
	cr_expect_eq(thag_svg_chart_pass(chart, 1), -EOVERFLOW);
	thag_svg_chart_destroy(chart);
}
