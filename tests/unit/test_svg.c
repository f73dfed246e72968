/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"
#include "svg_boxes.h"

#include <errno.h>
#include <math.h>

#include "thag_diff.h"
#include "thag_stacks.h"
#include "thag_svg.h"
#include "thag_svg_text.h"

static const struct thag_svg_options all = { .count_name = "ns", .width_px = 1200, .font_px = 12 };

static struct thag_buffer write_profile(const struct thag_profile *profile,
					const struct thag_svg_options *options)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_svg_write_profile(profile, options, &out), 0);
	return out;
}

static void add_stack(struct thag_stacks *stacks, const char *text, uint64_t value)
{
	uint32_t node = THAG_STACKS_ROOT;

	while (*text) {
		size_t bytes = strcspn(text, ";");

		cr_assert_eq(thag_stacks_child(stacks, node, text, bytes, &node), 0);
		text += bytes + (text[bytes] == ';');
	}
	cr_assert_eq(thag_stacks_add(stacks, node, value, 0), 0);
}

/** "a;b 5", … up to NULL. */
static struct thag_profile *profile_of(const char *const *lines)
{
	struct thag_stacks *stacks;
	struct thag_profile *profile;

	cr_assert_eq(thag_stacks_create(&stacks, "all"), 0);
	for (; *lines; lines++) {
		char *text = strdup(*lines), *value = strrchr(text, ' ');

		*value = '\0';
		add_stack(stacks, text, strtoull(value + 1, NULL, 10));
		free(text);
	}
	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	thag_stacks_destroy(stacks);
	return profile;
}

static struct svg_boxes boxes_of(const char *const *lines, const struct thag_svg_options *options)
{
	struct thag_profile *profile = profile_of(lines);
	struct thag_buffer out = write_profile(profile, options);
	struct svg_boxes boxes = svg_boxes_read(&out);

	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
	return boxes;
}

static bool text_holds(const struct thag_buffer *out, const char *part)
{
	return memmem(out->data, out->bytes, part, strlen(part)) != NULL;
}

/** The box of a node, checked against it; the next box of the walk. */
static const struct svg_box *check_node(const struct thag_profile *profile, uint32_t node,
					uint64_t start, const struct svg_box *box)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	double total = (double)nodes[0].total_ns;
	size_t bytes;

	if (nodes[node].total_ns == 0)
		return box;
	cr_assert_str_eq(box->name, thag_profile_name(profile, nodes[node].name, &bytes));
	cr_assert_eq(box->start, start);
	cr_assert_eq(box->width, nodes[node].total_ns);
	cr_assert_eq(box->depth, nodes[node].depth);
	cr_assert(fabs(box->x - (1 + 98 * (double)start / total)) < 6e-5);
	cr_assert(fabs(box->across - 98 * (double)box->width / total) < 6e-5);
	box++;
	for (uint32_t child = nodes[node].first_child; child; child = nodes[child].next_sibling) {
		box = check_node(profile, child, start, box);
		start += nodes[child].total_ns;
	}
	return box;
}

Test(svg, has_each_frame_where_it_belongs)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 400, &MODEL_RAW);
		struct thag_buffer out = write_profile(profile, &all);
		struct svg_boxes boxes = svg_boxes_read(&out);

		cr_assert(boxes.count > 50);
		cr_expect_eq(check_node(profile, 0, 0, boxes.list), boxes.list + boxes.count);
		svg_boxes_fini(&boxes);
		thag_buffer_fini(&out);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(svg, puts_the_root_at_the_bottom_or_the_top)
{
	static const char *const lines[] = { "a;b 5", NULL };
	struct thag_svg_options options = all;
	struct svg_boxes up = boxes_of(lines, &options);

	options.kind = THAG_SVG_ICICLE;
	struct svg_boxes down = boxes_of(lines, &options);

	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(up.list[i].y, 38 + 17 * (2 - i));
		cr_expect_eq(down.list[i].y, 38 + 17 * i);
	}
	svg_boxes_fini(&up);
	svg_boxes_fini(&down);
}

Test(svg, keeps_recursion)
{
	static const char *const lines[] = { "f;f;f;f 4", "f;f 2", NULL };
	static const uint64_t widths[] = { 6, 6, 6, 4, 4 };
	struct svg_boxes boxes = boxes_of(lines, &all);

	cr_assert_eq(boxes.count, 5);
	for (size_t i = 1; i < 5; i++) {
		cr_expect_str_eq(boxes.list[i].name, "f");
		cr_expect_eq(boxes.list[i].width, widths[i]);
		cr_expect_eq(boxes.list[i].fill, boxes.list[1].fill);
	}
	svg_boxes_fini(&boxes);
}

Test(svg, tells_what_is_known_of_a_frame)
{
	static const char *const lines[] = { "a;b 250000", "a 1000000", "c 1250000", NULL };
	struct svg_boxes boxes = boxes_of(lines, &all);

	cr_expect_str_eq(boxes.list[0].facts, "2.500\u202fms (2\u202f500\u202f000\u202fns)");
	cr_expect_str_eq(boxes.list[1].facts, "1.250\u202fms (1\u202f250\u202f000\u202fns)\n"
					      "50.00\u202f% of all, 50.00\u202f% of its caller\n"
					      "itself 1.000\u202fms (1\u202f000\u202f000\u202fns)");
	cr_expect_str_eq(boxes.list[2].facts, "250.0\u202fµs (250\u202f000\u202fns)\n"
					      "10.00\u202f% of all, 20.00\u202f% of its caller\n"
					      "itself 250.0\u202fµs (250\u202f000\u202fns)");
	svg_boxes_fini(&boxes);
}

Test(svg, leaves_out_what_is_too_narrow_and_says_so)
{
	static const char *const lines[] = { "a;b 1", "a;c 99", "d 9900", NULL };
	struct thag_svg_options options = all;

	options.min_width_px = 1.0; /* of 1176: b is 0.1176 wide */
	struct thag_profile *profile = profile_of(lines);
	struct thag_buffer out = write_profile(profile, &options);
	struct svg_boxes boxes = svg_boxes_read(&out);

	cr_assert_eq(boxes.count, 4);
	cr_expect_str_eq(boxes.list[2].name, "c");
	cr_expect_eq(boxes.list[2].start, 1, "what isn't drawn takes its room");
	cr_expect(text_holds(&out, "Not drawn, as too narrow: 1 box<"));
	svg_boxes_fini(&boxes);
	thag_buffer_fini(&out);
	options.min_width_px = 0.1;
	out = write_profile(profile, &options);
	cr_expect_not(text_holds(&out, "Not drawn"));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

Test(svg, cuts_names_to_the_room_there_is)
{
	static const char *const lines[] = {
		"exactly_as_wide_as_its_box 20",
		"much_too_long_for_the_room_there_is 20",
		"x 5",
		"\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57 6",
		"zz 949",
		NULL,
	};
	struct thag_svg_options options = all;

	options.width_px = 10000;
	struct svg_boxes boxes = boxes_of(lines, &options);

	/* 20 of 1000 are (196 - 6) / 7.224 = 26 letters; 6 are 7, 5 are 5 */
	cr_assert_eq(boxes.count, 6);
	cr_expect_str_eq(boxes.list[1].label, "exactly_as_wide_as_its_box");
	cr_expect_str_eq(boxes.list[2].label, "much_too_long_for_the_ro..");
	cr_expect_str_eq(boxes.list[3].label, "x");
	cr_expect_str_eq(boxes.list[4].label, "zz");
	cr_expect_str_eq(boxes.list[5].label, "\u6f22\u5b57..");
	cr_expect_str_eq(boxes.list[5].name, "\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57");
	svg_boxes_fini(&boxes);
}

/** The same as bytes: how often `part` is in it. */
static size_t count_parts(const struct thag_buffer *out, const char *part)
{
	const uint8_t *at = out->data, *end = at + out->bytes;
	size_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), part, strlen(part)))) {
		at += strlen(part);
		count++;
	}
	return count;
}

Test(svg, is_no_less_xml_for_hostile_names)
{
	static const char *const hostile[] = {
		"</title><script>alert(1)</script>",
		"]]>",
		"&lt;&#0;&",
		"\"><g class=\"",
		"a\nb\tc",
		"\x01\x1b[31m\x7f",
		"\xff\xfe\xc0",
		"\xef\xbf\xbf\xed\xa0\x80",
		"\u202eabc",
		"<!--",
		"<![CDATA[",
	};
	struct thag_stacks *stacks;
	struct thag_profile *profile;
	struct thag_svg_options options = all;

	cr_assert_eq(thag_stacks_create(&stacks, "</svg>"), 0);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		uint32_t node;

		cr_assert_eq(thag_stacks_child(stacks, THAG_STACKS_ROOT, hostile[i],
					       strlen(hostile[i]), &node),
			     0);
		cr_assert_eq(thag_stacks_add(stacks, node, 10, 0), 0);
	}
	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	options.title = options.subtitle = options.search = options.count_name =
		"\"'<>&]]>\x02\xff</title>";
	struct thag_buffer out = write_profile(profile, &options);
	struct svg_boxes boxes = svg_boxes_read(&out);

	cr_expect_eq(boxes.count, 1 + sizeof(hostile) / sizeof(*hostile));
	cr_expect_eq(count_parts(&out, "]]>"), 1);
	cr_expect_eq(count_parts(&out, "<script"), 1);
	cr_expect_eq(count_parts(&out, "<!"), 1);
	for (size_t i = 0; i < out.bytes; i++)
		cr_assert(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] != 0x7f));
	for (size_t i = 0; i < boxes.count; i++)
		cr_expect_null(strpbrk(boxes.list[i].name, "<>\""), "%s", boxes.list[i].name);
	svg_boxes_fini(&boxes);
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
	thag_stacks_destroy(stacks);
}

Test(svg, is_the_same_whatever_the_order_of_the_stacks)
{
	static const char *const lines[] = { "a;b 5", "a;c 6", "d 7", "d;a 1", NULL };
	static const char *const other[] = { "d;a 1", "d 7", "a;c 6", "a;b 5", NULL };
	struct thag_profile *profiles[2] = { profile_of(lines), profile_of(other) };
	struct thag_buffer one = write_profile(profiles[0], &all);
	struct thag_buffer two = write_profile(profiles[1], &all);

	cr_assert_eq(one.bytes, two.bytes);
	cr_expect_arr_eq(one.data, two.data, one.bytes);
	thag_buffer_fini(&one);
	thag_buffer_fini(&two);
	thag_profile_destroy(profiles[0]);
	thag_profile_destroy(profiles[1]);
}

Test(svg, has_a_bound_for_boxes)
{
	struct thag_stacks *stacks;
	struct thag_profile *profile;
	char name[32];

	cr_assert_eq(thag_stacks_create(&stacks, "all"), 0);
	for (int i = 0; i < THAG_SVG_BOXES_MAX + 10; i++) {
		sprintf(name, "f%d", i);
		add_stack(stacks, name, i % 4 ? 1 : 1000);
	}
	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	struct thag_buffer out = write_profile(profile, &all);

	cr_expect_eq(count_parts(&out, "<rect "), 2 + (THAG_SVG_BOXES_MAX + 10 + 3) / 4);
	cr_expect(text_holds(&out, "Not drawn, as too narrow: 150\u202f007 boxes"));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
	thag_stacks_destroy(stacks);
}

Test(svg, has_a_bound_for_what_is_deep)
{
	struct thag_stacks *stacks;
	struct thag_profile *profile;
	uint32_t node = THAG_STACKS_ROOT;

	cr_assert_eq(thag_stacks_create(&stacks, "all"), 0);
	for (int i = 0; i < 300000; i++)
		cr_assert_eq(thag_stacks_child(stacks, node, "deep", 4, &node), 0);
	cr_assert_eq(thag_stacks_add(stacks, node, 1, 0), 0);
	cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
	struct thag_buffer out = write_profile(profile, &all);

	cr_expect_eq(count_parts(&out, "<rect "), 2 + THAG_SVG_DEPTH_MAX);
	cr_expect(text_holds(&out, "too deep or too narrow: 295\u202f904 boxes"));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
	thag_stacks_destroy(stacks);
}

Test(svg, of_nothing_says_that)
{
	static const char *const lines[] = { NULL };
	struct thag_profile *profile = profile_of(lines);
	struct thag_buffer out = write_profile(profile, &all);

	cr_expect(text_holds(&out, "nothing was counted"));
	cr_expect(text_holds(&out, "width=\"98.0000%\""));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

Test(svg, of_a_difference_tells_both_sides)
{
	static const char *const before[] = { "a 4000", "b 4000", "gone 2000", "same 10000", NULL };
	static const char *const after[] = { "a 8000", "b 3000", "new 9000", "same 10000", NULL };
	struct thag_profile *sides[2] = { profile_of(before), profile_of(after) }, *diff;

	cr_assert_eq(thag_diff_make(&diff, sides[0], sides[1], false), 0);
	struct thag_buffer out = write_profile(diff, &all);
	struct svg_boxes boxes = svg_boxes_read(&out);

	cr_assert_eq(boxes.count, 6);
	cr_expect_str_eq(boxes.list[1].facts,
			 "before 4.000\u202fµs (4\u202f000\u202fns), 20.00\u202f% of all\n"
			 "after 8.000\u202fµs (8\u202f000\u202fns), 26.67\u202f% of all\n"
			 "+4.000\u202fµs (4\u202f000\u202fns), +100\u202f%");
	cr_expect_not_null(
		strstr(boxes.list[2].facts,
		       "\n\u22121.000\u202fµs (1\u202f000\u202fns), \u221225.00\u202f%"));
	cr_expect_not_null(strstr(boxes.list[3].facts, "(2\u202f000\u202fns), gone"));
	cr_expect_not_null(strstr(boxes.list[4].facts, "(9\u202f000\u202fns), new"));
	cr_expect_not_null(strstr(boxes.list[5].facts, "\nunchanged"));
	/* of 30,000 a fifth has the full colour: 4,000 are two thirds of that */
	cr_expect_eq(boxes.list[1].fill, 10 + 7);
	cr_expect_eq(boxes.list[2].fill, 10 - 2);
	cr_expect_eq(boxes.list[4].fill, 20);
	cr_expect_eq(boxes.list[5].fill, 10);
	cr_expect(text_holds(&out, "Differential flame graph"));
	svg_boxes_fini(&boxes);
	thag_buffer_fini(&out);
	thag_profile_destroy(diff);
	thag_profile_destroy(sides[0]);
	thag_profile_destroy(sides[1]);
}

Test(svg, of_a_normalised_difference_has_the_colours_of_equal_totals)
{
	static const char *const before[] = { "a 400", "b 600", NULL };
	static const char *const after[] = { "a 800", "b 1200", NULL };
	struct thag_profile *sides[2] = { profile_of(before), profile_of(after) }, *diff;
	struct thag_svg_options options = all;

	options.normalise = true;
	cr_assert_eq(thag_diff_make(&diff, sides[0], sides[1], true), 0);
	struct thag_buffer out = write_profile(diff, &options);
	struct svg_boxes boxes = svg_boxes_read(&out);

	cr_assert_eq(boxes.count, 3);
	for (size_t i = 0; i < boxes.count; i++)
		cr_expect_eq(boxes.list[i].fill, THAG_SVG_DIFF_STEPS);
	cr_expect_not_null(strstr(boxes.list[1].facts, "after 800\u202fns"));
	svg_boxes_fini(&boxes);
	thag_buffer_fini(&out);
	thag_profile_destroy(diff);
	thag_profile_destroy(sides[0]);
	thag_profile_destroy(sides[1]);
}

Test(svg, takes_nothing_from_outside)
{
	static const char *const lines[] = { "a 1", NULL };
	struct thag_profile *profile = profile_of(lines);
	struct thag_buffer out = write_profile(profile, &all);

	/* but the names of namespaces, which nobody fetches */
	cr_expect_eq(count_parts(&out, "://"),
		     count_parts(&out, "http://www.w3.org/2000/svg") +
			     count_parts(&out, "http://www.w3.org/1999/xhtml"));
	cr_expect_eq(count_parts(&out, "url("), 0);
	cr_expect_eq(count_parts(&out, "@import"), 0);
	cr_expect_eq(count_parts(&out, "href"), 0);
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

Test(svg, has_the_theme_that_is_asked_for)
{
	static const char *const lines[] = { "a 1", NULL };
	static const char *const media[] = {
		[THAG_SVG_AUTO] = "@media screen and (prefers-color-scheme:dark){",
		[THAG_SVG_DARK] = "@media screen{",
	};
	struct thag_profile *profile = profile_of(lines);
	struct thag_svg_options options = all;

	for (unsigned theme = 0; theme <= THAG_SVG_DARK; theme++) {
		options.theme = (enum thag_svg_theme)theme;
		struct thag_buffer out = write_profile(profile, &options);

		for (unsigned other = 0; other <= THAG_SVG_DARK; other++)
			if (media[other])
				cr_expect_eq(count_parts(&out, media[other]), other == theme);
		thag_buffer_fini(&out);
	}
	thag_profile_destroy(profile);
}

/* --- colours --- */

static double luminance(uint32_t rgb)
{
	static const double weights[] = { 0.0722, 0.7152, 0.2126 };
	double sum = 0;

	for (int i = 0; i < 3; i++, rgb >>= 8) {
		double part = (rgb & 0xff) / 255.0;

		sum += weights[i] *
		       (part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
	}
	return sum;
}

/** As WCAG 2 has it. */
static double contrast(uint32_t a, uint32_t b)
{
	double x = luminance(a) + 0.05, y = luminance(b) + 0.05;

	return x > y ? x / y : y / x;
}

Test(svg_colors, names_are_legible_on_every_fill)
{
	for (unsigned palette = 0; palette < THAG_SVG_PALETTES; palette++)
		for (int dark = 0; dark < 2; dark++) {
			enum thag_svg_palette id = (enum thag_svg_palette)palette;
			uint32_t text = dark ? 0xf1f2f5 : 0x1b1d22;

			for (unsigned i = 0; i < THAG_SVG_FILLS; i++)
				cr_expect(contrast(thag_svg_fill(id, dark, i), text) >= 4.5,
					  "%s %d %u: %06x", thag_svg_palette_name(id), dark, i,
					  thag_svg_fill(id, dark, i));
			for (unsigned i = 0; i < THAG_SVG_DIFF_FILLS; i++)
				cr_expect(contrast(thag_svg_diff_fill(id, dark, i), text) >= 4.5,
					  "%s %d %u: %06x", thag_svg_palette_name(id), dark, i,
					  thag_svg_diff_fill(id, dark, i));
		}
}

Test(svg_colors, boxes_are_seen_on_the_paper)
{
	for (unsigned palette = 0; palette < THAG_SVG_PALETTES; palette++)
		for (unsigned i = 0; i < THAG_SVG_FILLS; i++) {
			enum thag_svg_palette id = (enum thag_svg_palette)palette;

			cr_expect(contrast(thag_svg_fill(id, false, i), 0xffffff) >= 1.15, "%s %u",
				  thag_svg_palette_name(id), i);
			cr_expect(contrast(thag_svg_fill(id, true, i), 0x16181d) >= 1.5, "%s %u",
				  thag_svg_palette_name(id), i);
		}
}

Test(svg_colors, are_those_of_their_name)
{
	for (int dark = 0; dark < 2; dark++)
		for (unsigned i = 0; i < THAG_SVG_FILLS; i++) {
			uint32_t red = thag_svg_fill(THAG_SVG_RED, dark, i);
			uint32_t green = thag_svg_fill(THAG_SVG_GREEN, dark, i);
			uint32_t blue = thag_svg_fill(THAG_SVG_BLUE, dark, i);

			cr_expect(red >> 16 > (red & 0xff) && red >> 16 > (red >> 8 & 0xff));
			cr_expect((green >> 8 & 0xff) > green >> 16 &&
				  (green >> 8 & 0xff) > (green & 0xff));
			cr_expect((blue & 0xff) > blue >> 16 && (blue & 0xff) > (blue >> 8 & 0xff));
		}
	uint32_t more = thag_svg_diff_fill(THAG_SVG_AQUA, false, THAG_SVG_DIFF_FILLS - 1);
	uint32_t less = thag_svg_diff_fill(THAG_SVG_AQUA, false, 0);

	cr_expect(more >> 16 > (more & 0xff) && less >> 16 < (less & 0xff));
}

Test(svg_colors, palettes_are_found_by_name)
{
	enum thag_svg_palette found;

	for (unsigned i = 0; i < THAG_SVG_PALETTES; i++) {
		cr_assert_eq(thag_svg_palette_find(thag_svg_palette_name((enum thag_svg_palette)i),
						   &found),
			     0);
		cr_expect_eq(found, i);
	}
	cr_expect_eq(thag_svg_palette_find("Color-Blind", &found), 0);
	cr_expect_eq(found, THAG_SVG_COLOUR_BLIND);
	cr_expect_eq(thag_svg_palette_find("plaid", &found), -EINVAL);
	cr_expect_null(thag_svg_palette_name(THAG_SVG_PALETTES));
}

/* --- words --- */

static void expect_amount(uint64_t value, const char *count_name, const char *expected)
{
	struct thag_buffer out = { 0 };
	struct thag_svg_sink sink = { .out = &out };

	thag_svg_put_amount(&sink, value, count_name);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	cr_expect_str_eq((const char *)out.data, expected);
	thag_buffer_fini(&out);
}

Test(svg_text, amounts_have_units)
{
	expect_amount(0, "ns", "0\u202fns");
	expect_amount(999, "ns", "999\u202fns");
	expect_amount(1000, "ns", "1.000\u202fµs (1\u202f000\u202fns)");
	expect_amount(1234567, "ns", "1.235\u202fms (1\u202f234\u202f567\u202fns)");
	expect_amount(98765432100, "ns", "98.77\u202fs (98\u202f765\u202f432\u202f100\u202fns)");
	expect_amount(UINT64_MAX, "ns",
		      "18446744074\u202fs (18\u202f446\u202f744\u202f073\u202f709\u202f551\u202f615"
		      "\u202fns)");
	expect_amount(1536, "bytes", "1.500\u202fKiB (1\u202f536\u202fbytes)");
	expect_amount(UINT64_C(3) << 30, "bytes",
		      "3.000\u202fGiB (3\u202f221\u202f225\u202f472\u202fbytes)");
	expect_amount(12345, "samples", "12\u202f345\u202fsamples");
}

static void expect_share(uint64_t part, uint64_t whole, const char *expected)
{
	struct thag_buffer out = { 0 };
	struct thag_svg_sink sink = { .out = &out };

	thag_svg_put_share(&sink, part, whole);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	cr_expect_str_eq((const char *)out.data, expected);
	thag_buffer_fini(&out);
}

Test(svg_text, shares_are_percent)
{
	expect_share(1, 3, "33.33\u202f%");
	expect_share(1, 1000000, "&lt;\u202f0.01\u202f%");
	expect_share(0, 5, "0\u202f%");
	expect_share(0, 0, "0\u202f%");
	expect_share(5, 5, "100\u202f%");
	expect_share(UINT64_MAX / 2, UINT64_MAX, "50.00\u202f%");
}
