/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "thag/frames.h"
#include "thag/words.h"
#include "thag_chart.h"

#define START 1000
#define NS_PER_TICK 0.5

/* A chart that is made up, and its message. */
static struct thag_names *names;
static struct thag_chart_lane lanes[2];
static struct thag_view_lane asked[2];
static struct thag_note_point notes[1];
static uint8_t activity[2 * 16];
static struct thag_view_row rows[1];
static struct thag_slice slices[3];
static struct thag_view view;
static struct thag_chart chart;
static struct thag_buffer message;
static struct thag_frame_header header;
static struct thag_frame_chart facts;

static void name_site(uint32_t site, uint32_t kind, const char *name, const char *file)
{
	cr_assert_eq(thag_names_put(names, site, kind, name, strlen(name), file, strlen(file), 7),
		     0);
}

static void make_chart(void)
{
	lanes[0] = (struct thag_chart_lane){ .ring = 3,
					     .tid = 77,
					     .rows = 2,
					     .first_ticks = START,
					     .last_ticks = START + 4000,
					     .events = 6,
					     .name_site = 5 };
	lanes[1] = (struct thag_chart_lane){ .ring = 3, .kind = THAG_LANE_TASKS };
	asked[0] = (struct thag_view_lane){ 3, THAG_LANE_TASKS, 0, 4 };
	asked[1] = (struct thag_view_lane){ 3, THAG_LANE_OWN, 1, 9 };
	notes[0] = (struct thag_note_point){ .ticks = START + 100,
					     .last_ticks = START + 300,
					     .first = -4,
					     .last = 9,
					     .min = -5,
					     .max = 11,
					     .site = 4,
					     .ext = THAG_EXT_VALUE,
					     .count = 6,
					     .ring = 3 };
	for (uint32_t i = 0; i < sizeof(activity); i++)
		activity[i] = (uint8_t)i;
	slices[0] = (struct thag_slice){ START, START + 64, 64, 64, 2, 1, 0 };
	slices[1] = (struct thag_slice){ START + 64, START + 128, 64, 64, 3, 1, 0 };
	slices[2] = (struct thag_slice){ START + 128, START + 192, 64, 64, 2, 1, 0 };
	rows[0] = (struct thag_view_row){ .lane = 1, .row = 1, .count = 3 };
	view = (struct thag_view){ .rows = rows,
				   .slices = slices,
				   .row_count = 1,
				   .slice_count = 3,
				   .flags = THAG_VIEW_COARSE,
				   .from = START,
				   .to = START + 4096 };
	chart = (struct thag_chart){ .from_ticks = START,
				     .to_ticks = START + 4000,
				     .first_ticks = START,
				     .last_ticks = START + 4000,
				     .whole_ticks = START - 10,
				     .start_ticks = START,
				     .ns_per_tick = NS_PER_TICK,
				     .dropped_events = 12,
				     .flags = THAG_VIEW_HOLES,
				     .lanes = lanes,
				     .lane_count = 2,
				     .activity_columns = 16,
				     .activity = activity,
				     .asked = asked,
				     .asked_count = 2,
				     .view = &view,
				     .notes = notes,
				     .note_count = 1 };
}

static void setup(void)
{
	cr_assert_eq(thag_names_create(&names), 0);
	name_site(2, THAG_SITE_FUNCTION, "open\xff", "a.c");
	name_site(3, THAG_SITE_SECTION, "part", "a.c");
	name_site(4, THAG_SITE_VALUE, "depth", "");
	name_site(5, THAG_SITE_THREAD, "part", "");
	make_chart();
	chart.names = names;
}

static void teardown(void)
{
	thag_buffer_fini(&message);
	thag_names_destroy(names);
}

TestSuite(chart, .init = setup, .fini = teardown);

static void write_chart(void)
{
	struct thag_frame_facts told = { .session = 9, .flags = THAG_FRAME_LIVE };

	cr_assert_eq(thag_chart_write(&chart, &told, &message), 0);
	memcpy(&header, message.data, sizeof(header));
	memcpy(&facts, message.data + sizeof(header), sizeof(facts));
}

static void get(void *to, size_t bytes, size_t offset)
{
	cr_assert_leq(offset + bytes, message.bytes);
	memcpy(to, message.data + offset, bytes);
}

static void expect_string(uint32_t offset, uint32_t bytes, const char *text)
{
	cr_expect_eq(bytes, strlen(text), "%u bytes, not those of %s", bytes, text);
	cr_assert_leq(offset + bytes, header.strings_bytes);
	cr_expect_eq(memcmp(message.data + header.strings_offset + offset, text, bytes), 0, "%s",
		     text);
}

#define LANES_AT (sizeof(header) + sizeof(facts))
#define ASKED_AT (LANES_AT + 2 * sizeof(struct thag_frame_lane))
#define SITES_AT (ASKED_AT + 2 * sizeof(struct thag_frame_asked))
#define NOTES_AT (SITES_AT + 3 * sizeof(struct thag_frame_site))
#define ACTIVITY_AT (NOTES_AT + sizeof(struct thag_frame_note))

Test(chart, has_its_parts_where_it_says)
{
	write_chart();
	cr_expect_eq(header.magic, THAG_FRAME_MAGIC);
	cr_expect_eq(header.type, THAG_FRAME_CHART);
	cr_expect_eq(header.total_bytes, message.bytes);
	cr_expect_eq(header.strings_offset + header.strings_bytes, message.bytes);
	cr_expect_eq(header.count, 2);
	cr_expect_eq(header.session, 9);
	cr_expect_eq(header.flags, THAG_FRAME_LIVE);
	cr_expect_eq(facts.lanes, 2);
	cr_expect_eq(facts.asked, 2);
	cr_expect_eq(facts.sites, 3, "each site once: %u", facts.sites);
	cr_expect_eq(facts.notes, 1);
	cr_expect_eq(facts.activity_columns, 16);
	cr_expect_eq(facts.view_offset, ACTIVITY_AT + sizeof(activity));
	cr_expect_eq(facts.view_offset % 8, 0);
	cr_expect_eq(facts.view_offset + facts.view_bytes, header.strings_offset);
	cr_expect_eq(memcmp(message.data + ACTIVITY_AT, activity, sizeof(activity)), 0);
}

Test(chart, counts_time_from_the_sessions_begin)
{
	write_chart();
	cr_expect_eq(facts.from_ns, 0);
	cr_expect_eq(facts.to_ns, 2000);
	cr_expect_eq(facts.last_ns, 2000);
	cr_expect_eq(facts.whole_ns, 0, "before the session there is nothing");
	cr_expect_eq(facts.start_ticks, START);
	cr_expect_eq(facts.ns_per_tick, NS_PER_TICK);
	cr_expect_eq(facts.dropped_events, 12);
	cr_expect_eq(facts.flags, THAG_VIEW_COARSE | THAG_VIEW_HOLES);
}

Test(chart, names_lanes_and_sites)
{
	struct thag_frame_lane lane;
	struct thag_frame_asked wanted;
	struct thag_frame_site sites[3];

	write_chart();
	get(&lane, sizeof(lane), LANES_AT);
	cr_expect_eq(lane.tid, 77);
	cr_expect_eq(lane.last_ns, 2000);
	expect_string(lane.name_offset, lane.name_bytes, "part");
	get(&wanted, sizeof(wanted), ASKED_AT + sizeof(wanted));
	cr_expect(wanted.ring == 3 && wanted.kind == 0 && wanted.first_row == 1 &&
		  wanted.rows == 9);
	get(sites, sizeof(sites), SITES_AT);
	cr_expect(sites[0].site == 2 && sites[1].site == 3 && sites[2].site == 4);
	expect_string(sites[0].name_offset, sites[0].name_bytes, "open\xef\xbf\xbd");
	expect_string(sites[0].file_offset, sites[0].file_bytes, "a.c");
	cr_expect_eq(sites[0].function, thag_profile_function_id("open\xff", 5));
	cr_expect_eq(sites[0].line, 7);
	cr_expect_eq(sites[1].flags, THAG_FRAME_NODE_SECTION);
	cr_expect_eq(sites[1].name_offset, lane.name_offset, "a string is there once");
	cr_expect_eq(sites[1].file_offset, sites[0].file_offset);
}

Test(chart, tells_of_values)
{
	struct thag_frame_note note;

	write_chart();
	get(&note, sizeof(note), NOTES_AT);
	cr_expect(note.first_ns == 50 && note.last_ns == 150);
	cr_expect(note.first == -4 && note.last == 9 && note.min == -5 && note.max == 11);
	cr_expect(note.site == 4 && note.kind == 1 && note.count == 6 && note.ring == 3);
}

Test(chart, cuts_names_when_there_are_too_many_bytes_of_them)
{
	static struct thag_slice many[600];
	static char text[THAG_FRAME_NAME_MAX];

	memset(text, 'x', sizeof(text) - 1);
	for (uint32_t i = 0; i < 600; i++) {
		snprintf(text, 8, "%07u", i);
		text[7] = 'x';
		name_site(100 + i, THAG_SITE_FUNCTION, text, "");
		many[i] = slices[0];
		many[i].site = 100 + i;
	}
	view.slices = many;
	rows[0].count = view.slice_count = 600;
	write_chart();
	cr_expect_eq(facts.sites, 601);
	cr_expect_gt(header.strings_bytes, THAG_CHART_STRINGS_MAX);
	cr_expect_lt(header.strings_bytes,
		     THAG_CHART_STRINGS_MAX + THAG_FRAME_NAME_MAX + 600 * THAG_CHART_SHORT);
}

Test(chart, of_nothing_is_a_message_too)
{
	memset(&view, 0, sizeof(view));
	chart.lane_count = chart.asked_count = chart.note_count = chart.activity_columns = 0;
	write_chart();
	cr_expect_eq(header.total_bytes, message.bytes);
	cr_expect_eq(facts.view_offset, LANES_AT);
	cr_expect_eq(header.strings_bytes, 0);
}
