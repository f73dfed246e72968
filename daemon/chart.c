/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "chart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "clock.h"
#include "daemon.h"
#include "history.h"
#include "memory.h"
#include "open_chunks.h"
#include "sites.h"
#include "snapshot.h"
#include "thag/frames.h"
#include "thag_chart.h"

#define ACTIVITY_COLUMNS_MAX 256
#define ACTIVITY_COLUMNS_MIN 16 /* … unless there are so many that each has only these */

/* What a chart is made of. */
struct making {
	struct thag_chart_job *job;
	struct thag_timeline *timeline; /* locked */
	struct thag_open_chunks open;
	struct thag_chart chart;
	struct thag_chart_lane *lanes;
	struct thag_view_lane *asked; /* in the order of the request */
	struct thag_view_lane *sorted;
	uint32_t *places; /* of those that are sorted, among those that are asked for */
	struct thag_view view;
	struct thag_buffer notes, moments;
	uint8_t *activity;
};

/* --- lanes --- */

/* What a chunk that is being filled adds to what is known of its ring. */
static void add_open(struct making *making, struct thag_timeline_ring *ring,
		     const struct thag_chunk_raw *raw)
{
	struct thag_slices slices;
	bool is_new = ring->events == 0;

	if (is_new)
		ring->first_ticks = raw->head.base_ticks;
	ring->last_ticks = raw->head.last_ticks;
	ring->events += raw->head.events;
	/* how deep it goes takes a look at its words */
	if ((!is_new && raw->head.words > THAG_CHART_LOOK_WORDS) ||
	    thag_slices_init(&slices, raw->head.base_ticks, raw->head.last_ticks) != 0)
		return;
	if (thag_slices_add(&slices, raw) == 0)
		for (uint32_t i = 0; i < THAG_LANE_KINDS; i++)
			if (slices.row_count[i] > ring->rows[i])
				ring->rows[i] = slices.row_count[i];
	thag_slices_fini(&slices);
	if (ring->last_ticks > making->chart.last_ticks)
		making->chart.last_ticks = ring->last_ticks;
}

static int compare_rings(const void *a, const void *b)
{
	const struct thag_timeline_ring *x = a, *y = b;

	return x->ring < y->ring ? -1 : x->ring > y->ring;
}

static struct thag_timeline_ring *find_ring(struct thag_timeline_ring *rings, size_t count,
					    uint32_t number)
{
	struct thag_timeline_ring wanted = { .ring = number };

	return bsearch(&wanted, rings, count, sizeof(*rings), compare_rings);
}

/* All rings, those of which there are only chunks being filled included. NULL without memory. */
static struct thag_timeline_ring *list_rings(struct making *making, size_t *count)
{
	size_t known = thag_timeline_rings(making->timeline, NULL, 0), all = known;
	struct thag_timeline_ring *rings = calloc(known + making->open.count + 1, sizeof(*rings));

	if (!rings)
		return NULL;
	thag_timeline_rings(making->timeline, rings, known);
	for (uint32_t i = 0; i < making->open.count; i++) {
		const struct thag_chunk_raw *raw = &making->open.list[i];
		struct thag_timeline_ring *ring = find_ring(rings, known, raw->head.ring);

		if (!ring) {
			ring = &rings[all++];
			ring->ring = raw->head.ring;
		}
		add_open(making, ring, raw);
	}
	qsort(rings, all, sizeof(*rings), compare_rings);
	*count = all;
	return rings;
}

/* Names of threads, as far as they are known. */
static void name_lanes(struct making *making)
{
	struct thag_session *session = making->job->session;

	pthread_rwlock_wrlock(&session->lock);
	for (uint32_t i = 0; i < session->member_count; i++) {
		const struct thag_thread *thread = &session->members[i]->thread;

		for (uint32_t j = 0; thread->name_site && j < making->chart.lane_count; j++)
			if (making->lanes[j].tid == thread->tid)
				making->lanes[j].name_site = thread->name_site;
	}
	pthread_rwlock_unlock(&session->lock);
}

static void add_lane(struct making *making, const struct thag_timeline_ring *ring, uint32_t kind)
{
	const struct thag_session *session = making->job->session;

	making->lanes[making->chart.lane_count++] = (struct thag_chart_lane){
		.ring = ring->ring,
		.kind = kind,
		.tid = ring->ring < session->header.slots
			       ? atomic_load_explicit(&session->ring_tids[ring->ring],
						      memory_order_relaxed)
			       : 0,
		.rows = ring->rows[kind],
		.first_ticks = ring->first_ticks,
		.last_ticks = ring->last_ticks,
		.events = ring->events,
	};
}

static int make_lanes(struct making *making)
{
	struct thag_timeline_ring *rings;
	size_t count;

	rings = list_rings(making, &count);
	making->lanes = rings ? calloc(count * THAG_LANE_KINDS + 1, sizeof(*making->lanes)) : NULL;
	for (size_t i = 0; making->lanes && i < count; i++)
		for (uint32_t kind = 0; kind < THAG_LANE_KINDS; kind++)
			if (kind == THAG_LANE_OWN || rings[i].rows[kind])
				add_lane(making, &rings[i], kind);
	free(rings);
	if (!making->lanes)
		return -ENOMEM;
	making->chart.lanes = making->lanes;
	name_lanes(making);
	return 0;
}

/* --- what was asked for --- */

static void ask_by_default(struct making *making)
{
	uint32_t *count = &making->chart.asked_count;

	for (uint32_t i = 0; i < making->chart.lane_count && *count < THAG_CHART_LANES; i++) {
		const struct thag_chart_lane *lane = &making->lanes[i];

		making->asked[(*count)++] =
			(struct thag_view_lane){ lane->ring, lane->kind, 0,
						 lane->rows < THAG_CHART_ROWS ? lane->rows
									      : THAG_CHART_ROWS };
	}
}

static uint64_t order_of(const struct thag_view_lane *lane)
{
	return (uint64_t)lane->ring * THAG_LANE_KINDS + lane->kind;
}

/* A timeline wants its lanes by ring; those of a request mostly are. */
static void sort_asked(struct making *making)
{
	for (uint32_t i = 0; i < making->chart.asked_count; i++) {
		uint32_t at = i;

		for (; at && order_of(&making->sorted[at - 1]) > order_of(&making->asked[i]);
		     at--) {
			making->sorted[at] = making->sorted[at - 1];
			making->places[at] = making->places[at - 1];
		}
		making->sorted[at] = making->asked[i];
		making->places[at] = i;
	}
}

static int make_asked(struct making *making)
{
	const struct thag_chart_request *request = &making->job->request;
	uint32_t room = request->by_default ? THAG_CHART_LANES : request->lane_count;

	making->asked = calloc(room + 1, sizeof(*making->asked));
	making->sorted = calloc(room + 1, sizeof(*making->sorted));
	making->places = calloc(room + 1, sizeof(*making->places));
	if (!making->asked || !making->sorted || !making->places)
		return -ENOMEM;
	if (request->by_default) {
		ask_by_default(making);
	} else {
		making->chart.asked_count = request->lane_count;
		memcpy(making->asked, request->lanes, room * sizeof(*making->asked));
	}
	sort_asked(making);
	making->chart.asked = making->asked;
	return 0;
}

/* --- the window --- */

static void find_extent(struct making *making)
{
	struct thag_chart *chart = &making->chart;
	struct thag_timeline_facts facts;

	thag_timeline_facts(making->timeline, &facts);
	chart->whole_ticks = facts.whole_ticks;
	chart->first_ticks = facts.chunks ? facts.first_ticks : UINT64_MAX;
	chart->last_ticks = facts.last_ticks;
	for (uint32_t i = 0; i < making->open.count; i++) {
		const struct thag_chunk_head *head = &making->open.list[i].head;

		if (head->base_ticks < chart->first_ticks && facts.chunks == 0)
			chart->first_ticks = head->base_ticks;
		if (head->last_ticks > chart->last_ticks)
			chart->last_ticks = head->last_ticks;
	}
	if (chart->first_ticks > chart->last_ticks)
		chart->first_ticks = chart->last_ticks = chart->start_ticks;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value < high ? value : high;
}

/* At least one tick of what is known, or of its edge. */
static void find_window(struct making *making)
{
	const struct thag_chart_request *request = &making->job->request;
	const struct thag_session *session = making->job->session;
	struct thag_chart *chart = &making->chart;
	uint64_t first = chart->first_ticks, end = chart->last_ticks + 1;
	uint64_t from = first, to = end;

	if (request->last_ns) {
		uint64_t ticks =
			thag_snapshot_ticks(session, chart->ns_per_tick, request->last_ns) -
			session->header.start_ticks;

		from = ticks < end - first ? end - ticks : first;
	} else if (request->to_ns) {
		from = thag_snapshot_ticks(session, chart->ns_per_tick, request->from_ns);
		to = thag_snapshot_ticks(session, chart->ns_per_tick, request->to_ns);
		making->job->reaches_end = to >= end;
	}
	if (!request->to_ns || request->last_ns)
		making->job->reaches_end = true;
	chart->from_ticks = clamp(from, first, end - 1);
	chart->to_ticks = clamp(to, chart->from_ticks + 1, end);
}

/* --- answers --- */

static int make_view(struct making *making)
{
	struct thag_chart *chart = &making->chart;
	struct thag_view_query query = {
		.from = chart->from_ticks,
		.to = chart->to_ticks,
		.columns = making->job->request.columns,
		.lane_count = chart->asked_count,
		.lanes = making->sorted,
		.words_max = making->job->fine ? THAG_CHART_FINE_WORDS_MAX : THAG_CHART_WORDS_MAX,
		.slices_max = THAG_CHART_SLICES_MAX,
	};
	int ret;

	query.open = thag_open_chunks_select(&making->open, making->timeline, query.to - query.from,
					     query.columns);
	ret = thag_timeline_view(making->timeline, &query, &making->view);
	for (uint32_t i = 0; i < making->view.row_count && ret == 0; i++)
		making->view.rows[i].lane = making->places[making->view.rows[i].lane];
	chart->view = &making->view;
	making->job->is_cut =
		making->view.flags && making->view.words + THAG_CHUNK_WORDS > query.words_max;
	if (making->open.cut)
		chart->flags |= THAG_VIEW_CUT;
	return ret;
}

/* With too many the columns become coarser. */
static int make_notes(struct making *making)
{
	struct thag_chart *chart = &making->chart;
	struct thag_notes_query query = { .from = chart->from_ticks,
					  .to = chart->to_ticks,
					  .columns = making->job->request.columns };
	size_t most = THAG_CHART_NOTES_MAX * sizeof(struct thag_note_point);
	int ret;

	query.open = thag_open_chunks_select(&making->open, making->timeline, query.to - query.from,
					     query.columns);
	ret = thag_timeline_notes(making->timeline, &query, &making->notes);
	while (ret == 0 && making->notes.bytes > most && query.columns > 1) {
		chart->flags |= THAG_VIEW_COARSE;
		making->notes.bytes = 0;
		query.columns = (query.columns + 3) / 4;
		ret = thag_timeline_notes(making->timeline, &query, &making->notes);
	}
	if (making->notes.bytes > most)
		making->notes.bytes = most;
	chart->notes = (const struct thag_note_point *)(const void *)making->notes.data;
	chart->note_count = (uint32_t)(making->notes.bytes / sizeof(struct thag_note_point));
	return ret;
}

static uint32_t choose_columns(uint32_t lanes)
{
	uint32_t columns = ACTIVITY_COLUMNS_MAX;

	while (columns > ACTIVITY_COLUMNS_MIN && columns * lanes > THAG_CHART_ACTIVITY_BYTES)
		columns /= 2;
	return columns;
}

static int make_activity(struct making *making)
{
	struct thag_chart *chart = &making->chart;
	uint64_t from = chart->first_ticks, to = chart->last_ticks + 1;
	uint32_t columns = choose_columns(chart->lane_count);
	struct thag_timeline_open open =
		thag_open_chunks_select(&making->open, making->timeline, to - from, columns);
	int ret = 0;

	making->activity = calloc(chart->lane_count + 1, columns);
	if (!making->activity)
		return -ENOMEM;
	chart->activity = making->activity;
	chart->activity_columns = columns;
	for (uint32_t i = 0; i < chart->lane_count && ret == 0; i++)
		if (chart->lanes[i].kind == THAG_LANE_OWN)
			ret = thag_timeline_activity(making->timeline, chart->lanes[i].ring, from,
						     to, columns, open,
						     making->activity + (size_t)i * columns);
	return ret;
}

/* What needs the timeline. */
static int ask(struct making *making)
{
	struct thag_chart_job *job = making->job;
	int ret;

	making->timeline = thag_history_lock(job->session->history);
	thag_open_chunks_take(&making->open, job->session);
	find_extent(making);
	find_window(making);
	ret = make_lanes(making);
	if (ret == 0)
		ret = make_asked(making);
	if (ret == 0)
		ret = make_view(making);
	if (ret == 0)
		ret = make_notes(making);
	if (ret == 0)
		ret = make_activity(making);
	thag_history_unlock(job->session->history);
	return ret;
}

static int make_moments(struct making *making)
{
	struct thag_chart *chart = &making->chart;
	int ret = thag_memory_curve(making->job->session, chart->from_ticks, chart->to_ticks,
				    &making->moments);

	chart->moments = (const struct thag_heap_moment *)(const void *)making->moments.data;
	chart->moment_count = (uint32_t)(making->moments.bytes / sizeof(struct thag_heap_moment));
	return ret;
}

/* --- the message --- */

static struct thag_frame_facts frame_facts(const struct thag_chart_job *job)
{
	const struct thag_session_counts *counts = &job->counts;
	bool live = job->state == THAG_SESSION_LIVE || job->state == THAG_SESSION_IDLE;

	return (struct thag_frame_facts){
		.flags = live ? THAG_FRAME_LIVE : 0,
		.cost_ns_x256 = thag_snapshot_cost(job->session, &job->daemon->clock),
		.session = job->session->id,
		.time_ns = thag_clock_real_ns(),
		.events = counts->events,
		.lost = counts->lost + counts->holes + counts->lost_before,
		.truncated = counts->truncated,
		.duration_ns = job->duration_ns,
	};
}

static int write_chart(struct making *making, struct thag_buffer *out)
{
	struct thag_session *session = making->job->session;
	struct thag_frame_facts facts = frame_facts(making->job);
	int ret;

	pthread_mutex_lock(&session->names_lock);
	/* after the words: they may hold calls of sites that were registered a moment before */
	ret = thag_sites_import(session);
	making->chart.names = session->names;
	if (ret == 0)
		ret = thag_chart_write(&making->chart, &facts, out);
	pthread_mutex_unlock(&session->names_lock);
	return ret;
}

int thag_chart_make(struct thag_chart_job *job)
{
	struct thag_session *session = job->session;
	struct making making = {
		.job = job,
		.chart = { .start_ticks = session->header.start_ticks,
			   .ns_per_tick = thag_snapshot_rate(session, &job->daemon->clock),
			   .dropped_events = thag_chunks_dropped(session) },
	};
	struct thag_buffer out = { 0 };
	int ret = ask(&making);

	if (ret == 0)
		ret = make_moments(&making);
	if (ret == 0)
		ret = write_chart(&making, &out);
	if (ret == 0)
		job->chart = thag_blob_create(out.data, out.bytes);
	thag_buffer_fini(&out);
	thag_open_chunks_fini(&making.open);
	thag_view_fini(&making.view);
	thag_buffer_fini(&making.notes);
	thag_buffer_fini(&making.moments);
	free(making.lanes);
	free(making.asked);
	free(making.sorted);
	free(making.places);
	free(making.activity);
	return ret == 0 && !job->chart ? -ENOMEM : ret;
}
