/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag/shm.h"
#include "thag_pairs.h"
#include "thag_strings.h"
#include "thag_text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are copied as they lie");

/* Where a string lies in the message's string area. */
struct place {
	uint32_t offset;
	uint32_t bytes;
};

struct writer {
	const struct thag_chart *chart;
	struct thag_buffer *out;
	size_t start; /* of the message in `out` */
	struct thag_frame_header header;
	struct thag_frame_chart facts;
	struct thag_pairs seen;	     /* sites that are in `sites`, by number */
	struct thag_buffer sites;    /* of uint32_t */
	struct thag_strings strings; /* that are in `text` … */
	struct thag_buffer places;   /* … of struct place, by number */
	struct thag_buffer text;
};

uint64_t thag_chart_ns(const struct thag_chart *chart, uint64_t ticks)
{
	double ns;

	if (ticks <= chart->start_ticks)
		return 0;
	ns = (double)(ticks - chart->start_ticks) * chart->ns_per_tick;
	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

/* --- strings --- */

static int add_place(struct writer *writer, const char *text, size_t bytes)
{
	struct place place = { .offset = (uint32_t)writer->text.bytes };
	size_t max = place.offset < THAG_CHART_STRINGS_MAX ? THAG_FRAME_NAME_MAX : THAG_CHART_SHORT;
	int ret = thag_text_append_utf8(&writer->text, text, bytes, max);

	place.bytes = (uint32_t)writer->text.bytes - place.offset;
	return ret ? ret : thag_buffer_append(&writer->places, &place, sizeof(place));
}

/* Each different string is there once. */
static int put_string(struct writer *writer, const char *text, size_t bytes, uint32_t *offset,
		      uint32_t *count)
{
	uint32_t before = writer->strings.count, number, usable;
	struct place place;
	int ret;

	*offset = *count = 0;
	if (bytes == 0)
		return 0;
	usable = bytes < THAG_SITE_NAME_MAX ? (uint32_t)bytes : THAG_SITE_NAME_MAX;
	ret = thag_strings_put(&writer->strings, text, usable, &number);
	if (ret == 0 && number == before)
		ret = add_place(writer, text, usable);
	if (ret != 0)
		return ret;
	memcpy(&place, writer->places.data + number * sizeof(place), sizeof(place));
	*offset = place.offset;
	*count = place.bytes;
	return 0;
}

/* --- sites --- */

static int see_site(struct writer *writer, uint32_t site)
{
	uint32_t *seen;

	if (thag_pairs_reserve(&writer->seen, writer->seen.count + 1) != 0)
		return -ENOMEM;
	seen = thag_pairs_at(&writer->seen, site, 0);
	if (*seen)
		return 0;
	*seen = 1;
	return thag_buffer_append(&writer->sites, &site, sizeof(site));
}

static int see_all(struct writer *writer)
{
	const struct thag_chart *chart = writer->chart;
	uint32_t last = UINT32_MAX;
	int ret = 0;

	for (uint32_t i = 0; i < chart->view->slice_count && ret == 0; i++) {
		uint32_t site = chart->view->slices[i].site;

		if (site != last)
			ret = see_site(writer, site);
		last = site;
	}
	for (uint32_t i = 0; i < chart->note_count && ret == 0; i++)
		ret = see_site(writer, chart->notes[i].site);
	writer->facts.sites = (uint32_t)(writer->sites.bytes / sizeof(uint32_t));
	return ret;
}

static uint32_t flags_of(uint32_t kind)
{
	if (kind == THAG_SITE_SECTION)
		return THAG_FRAME_NODE_SECTION;
	return kind == THAG_SITE_TASK ? THAG_FRAME_NODE_TASK : 0;
}

static int put_site(struct writer *writer, uint32_t number)
{
	struct thag_name name = thag_names_get(writer->chart->names, number);
	struct thag_frame_site site = { .site = number,
					.flags = flags_of(name.kind),
					.line = name.line,
					.function = thag_profile_function_id(name.name,
									     name.name_bytes) };
	int ret =
		put_string(writer, name.name, name.name_bytes, &site.name_offset, &site.name_bytes);

	if (ret == 0)
		ret = put_string(writer, name.file, name.file_bytes, &site.file_offset,
				 &site.file_bytes);
	return ret ? ret : thag_buffer_append(writer->out, &site, sizeof(site));
}

static int put_sites(struct writer *writer)
{
	int ret = see_all(writer);

	for (uint32_t i = 0; i < writer->facts.sites && ret == 0; i++) {
		uint32_t site;

		memcpy(&site, writer->sites.data + i * sizeof(site), sizeof(site));
		ret = put_site(writer, site);
	}
	return ret;
}

/* --- lanes --- */

static int put_lane(struct writer *writer, const struct thag_chart_lane *from)
{
	struct thag_frame_lane lane = { .ring = from->ring,
					.kind = from->kind,
					.tid = from->tid,
					.rows = from->rows,
					.first_ns = thag_chart_ns(writer->chart, from->first_ticks),
					.last_ns = thag_chart_ns(writer->chart, from->last_ticks),
					.events = from->events };
	struct thag_name name;
	int ret = 0;

	if (from->name_site) {
		name = thag_names_get(writer->chart->names, from->name_site);
		ret = put_string(writer, name.name, name.name_bytes, &lane.name_offset,
				 &lane.name_bytes);
	}
	return ret ? ret : thag_buffer_append(writer->out, &lane, sizeof(lane));
}

static int put_lanes(struct writer *writer)
{
	const struct thag_chart *chart = writer->chart;
	int ret = 0;

	for (uint32_t i = 0; i < chart->lane_count && ret == 0; i++)
		ret = put_lane(writer, &chart->lanes[i]);
	for (uint32_t i = 0; i < chart->asked_count && ret == 0; i++) {
		const struct thag_view_lane *from = &chart->asked[i];
		struct thag_frame_asked asked = { from->ring, from->kind, from->first_row,
						  from->rows };

		ret = thag_buffer_append(writer->out, &asked, sizeof(asked));
	}
	return ret;
}

/* --- the rest --- */

static int put_notes(struct writer *writer)
{
	const struct thag_chart *chart = writer->chart;
	int ret = 0;

	for (uint32_t i = 0; i < chart->note_count && ret == 0; i++) {
		const struct thag_note_point *from = &chart->notes[i];
		struct thag_frame_note note = { .first_ns = thag_chart_ns(chart, from->ticks),
						.last_ns = thag_chart_ns(chart, from->last_ticks),
						.first = from->first,
						.last = from->last,
						.min = from->min,
						.max = from->max,
						.site = from->site,
						.kind = from->ext == THAG_EXT_VALUE,
						.count = from->count,
						.ring = from->ring };

		ret = thag_buffer_append(writer->out, &note, sizeof(note));
	}
	return ret;
}

static int put_moments(struct writer *writer)
{
	const struct thag_chart *chart = writer->chart;
	int ret = 0;

	for (uint32_t i = 0; i < chart->moment_count && ret == 0; i++) {
		const struct thag_heap_moment *from = &chart->moments[i];
		struct thag_frame_moment moment = { .start_ns =
							    thag_chart_ns(chart, from->start_ticks),
						    .live_bytes = from->live_bytes,
						    .high_bytes = from->high_bytes };

		ret = thag_buffer_append(writer->out, &moment, sizeof(moment));
	}
	return ret;
}

static int put_activity(struct writer *writer)
{
	static const uint8_t zeros[8];
	const struct thag_chart *chart = writer->chart;
	size_t bytes = (size_t)chart->lane_count * chart->activity_columns;
	int ret = bytes ? thag_buffer_append(writer->out, chart->activity, bytes) : 0;

	/* what follows is aligned */
	return ret ? ret : thag_buffer_append(writer->out, zeros, -bytes & 7);
}

static int put_view(struct writer *writer)
{
	size_t begin = writer->out->bytes;
	int ret = thag_view_write(writer->chart->view, writer->out);

	writer->facts.view_offset = (uint32_t)(begin - writer->start);
	writer->facts.view_bytes = (uint32_t)(writer->out->bytes - begin);
	return ret;
}

static struct thag_frame_chart make_facts(const struct thag_chart *chart)
{
	return (struct thag_frame_chart){
		.from_ns = thag_chart_ns(chart, chart->from_ticks),
		.to_ns = thag_chart_ns(chart, chart->to_ticks),
		.first_ns = thag_chart_ns(chart, chart->first_ticks),
		.last_ns = thag_chart_ns(chart, chart->last_ticks),
		.whole_ns = thag_chart_ns(chart, chart->whole_ticks),
		.start_ticks = chart->start_ticks,
		.ns_per_tick = chart->ns_per_tick,
		.dropped_events = chart->dropped_events,
		.lanes = chart->lane_count,
		.notes = chart->note_count,
		.moments = chart->moment_count,
		.activity_columns = chart->activity_columns,
		.flags = chart->flags | chart->view->flags,
		.asked = chart->asked_count,
	};
}

static struct thag_frame_header make_header(const struct thag_chart *chart,
					    const struct thag_frame_facts *facts)
{
	return (struct thag_frame_header){ .magic = THAG_FRAME_MAGIC,
					   .version = THAG_FRAME_VERSION,
					   .type = THAG_FRAME_CHART,
					   .count = chart->lane_count,
					   .sequence = facts->sequence,
					   .flags = facts->flags,
					   .session = facts->session,
					   .metric = THAG_METRIC_TIME,
					   .time_ns = facts->time_ns,
					   .events = facts->events,
					   .lost = facts->lost,
					   .truncated = facts->truncated,
					   .duration_ns = facts->duration_ns,
					   .cost_ns_x256 = facts->cost_ns_x256 };
}

static int write_parts(struct writer *writer)
{
	int ret = thag_buffer_append(writer->out, &writer->header, sizeof(writer->header));

	if (ret == 0)
		ret = thag_buffer_append(writer->out, &writer->facts, sizeof(writer->facts));
	if (ret == 0)
		ret = put_lanes(writer);
	if (ret == 0)
		ret = put_sites(writer);
	if (ret == 0)
		ret = put_notes(writer);
	if (ret == 0)
		ret = put_moments(writer);
	if (ret == 0)
		ret = put_activity(writer);
	return ret ? ret : put_view(writer);
}

static int finish(struct writer *writer)
{
	struct thag_frame_header *header = &writer->header;
	uint8_t *at = writer->out->data + writer->start;

	header->strings_offset = (uint32_t)(writer->out->bytes - writer->start);
	header->strings_bytes = (uint32_t)writer->text.bytes;
	header->total_bytes = header->strings_offset + header->strings_bytes;
	memcpy(at, header, sizeof(*header));
	memcpy(at + sizeof(*header), &writer->facts, sizeof(writer->facts));
	return thag_buffer_append(writer->out, writer->text.data, writer->text.bytes);
}

int thag_chart_write(const struct thag_chart *chart, const struct thag_frame_facts *facts,
		     struct thag_buffer *out)
{
	struct writer writer = { .chart = chart,
				 .out = out,
				 .start = out->bytes,
				 .header = make_header(chart, facts),
				 .facts = make_facts(chart) };
	int ret = write_parts(&writer);

	if (ret == 0)
		ret = finish(&writer);
	if (ret != 0)
		out->bytes = writer.start;
	thag_pairs_fini(&writer.seen);
	thag_buffer_fini(&writer.sites);
	thag_strings_fini(&writer.strings);
	thag_buffer_fini(&writer.places);
	thag_buffer_fini(&writer.text);
	return ret;
}
