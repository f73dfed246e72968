/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "view.h"

#include <stdlib.h>

#include "base.h"
#include "clock.h"
#include "daemon.h"
#include "memory_view.h"
#include "range.h"
#include "snapshot.h"
#include "symbols.h"
#include "thag/frames.h"
#include "thag_sandwich.h"

struct thag_view_job *thag_view_create(struct thag_daemon *daemon, struct thag_session *session)
{
	struct thag_view_job *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->daemon = daemon;
	view->session = thag_session_ref(session);
	view->state = session->state;
	view->names = atomic_load_explicit(&session->naming_counts.version, memory_order_relaxed);
	view->duration_ns = thag_session_duration_ns(session);
	view->work.data = view;
	return view;
}

struct thag_view_mark thag_view_mark(const struct thag_session *session)
{
	/* relaxed: a hint that names came, and when they did the frames are made anew */
	return (struct thag_view_mark){
		.events = session->counts.events,
		.state = session->state,
		.names =
			atomic_load_explicit(&session->naming_counts.version, memory_order_relaxed),
	};
}

bool thag_view_add(struct thag_view_job *view, const struct thag_watch *watch,
		   struct thag_session *base)
{
	struct thag_view_wish *query;

	if (thag_view_find(view, watch))
		return true;
	if (view->query_count == THAG_VIEW_QUERIES_MAX)
		return false;
	query = &view->queries[view->query_count++];
	query->watch = *watch;
	if (base) {
		query->base = thag_session_ref(base);
		query->base_duration_ns = thag_session_duration_ns(base);
		query->base_mark = thag_view_mark(base);
	}
	return true;
}

const struct thag_view_wish *thag_view_find(const struct thag_view_job *view,
					    const struct thag_watch *watch)
{
	for (uint32_t i = 0; i < view->query_count; i++)
		if (thag_watch_equal(&view->queries[i].watch, watch))
			return &view->queries[i];
	return NULL;
}

static void fill_facts(const struct thag_view_job *view, const struct thag_watch *watch,
		       struct thag_frame_facts *facts)
{
	const struct thag_session_counts *counts = &view->counts;
	bool live = view->state == THAG_SESSION_LIVE || view->state == THAG_SESSION_IDLE;
	bool memory = watch->metric.metric != THAG_METRIC_TIME;

	*facts = (struct thag_frame_facts){
		.flags = (live ? THAG_FRAME_LIVE : 0u) | (watch->raw ? 0u : THAG_FRAME_CORRECTED) |
			 (counts->overflowed ? THAG_FRAME_CAPPED : 0u),
		.thread = watch->tid,
		.cost_ns_x256 = thag_snapshot_cost(view->session, &view->daemon->clock),
		.session = view->session->id,
		.time_ns = thag_clock_real_ns(),
		.events = counts->events,
		.lost = (memory ? counts->memory.lost : counts->lost) + counts->holes +
			counts->lost_before,
		.truncated = counts->truncated,
		.duration_ns = view->duration_ns,
	};
}

static struct thag_blob *take_blob(struct thag_buffer *buffer, int err)
{
	struct thag_blob *blob = err == 0 ? thag_blob_create(buffer->data, buffer->bytes) : NULL;

	thag_buffer_fini(buffer);
	return blob;
}

bool thag_view_is_whole(const struct thag_view_wish *query)
{
	bool halves = query->callers && query->callees;
	bool memory = query->memory || query->watch.metric.metric == THAG_METRIC_TIME;

	return (query->watch.sandwich ? halves : query->flame != NULL) && query->table && memory;
}

static struct thag_blob *make_flame(const struct thag_watch *watch,
				    const struct thag_profile *profile,
				    const struct thag_frame_facts *facts, enum thag_frame_type type)
{
	struct thag_flame_query flame = { .focus = watch->focus,
					  .width_px = watch->width,
					  .type = type,
					  .search = watch->search };
	struct thag_buffer out = { 0 };

	return take_blob(&out, thag_flame_write(profile, &flame, facts, &out));
}

static struct thag_blob *make_diff(struct thag_view_job *view, const struct thag_view_wish *query,
				   const struct thag_profile *profile, uint32_t by,
				   const struct thag_frame_facts *facts)
{
	const struct thag_watch *watch = &query->watch;
	struct thag_flame_query flame = { .focus = watch->focus,
					  .width_px = watch->width,
					  .search = watch->search,
					  .base.base_duration_ns = query->base_duration_ns };
	struct thag_buffer out = { 0 };
	struct thag_profile *diff;
	struct thag_blob *blob;

	if (!query->base || thag_base_compare(&diff, watch, profile, by, query->base,
					      &view->daemon->clock, &flame.base) != 0)
		return NULL;
	blob = take_blob(&out, thag_flame_write(diff, &flame, facts, &out));
	thag_profile_destroy(diff);
	return blob;
}

static struct thag_blob *make_half(const struct thag_watch *watch, struct thag_profile *half,
				   const struct thag_frame_facts *facts, enum thag_frame_type type)
{
	if (watch->heavy && thag_profile_put_heavy_first(half) != 0)
		return NULL;
	return make_flame(watch, half, facts, type);
}

static void make_sandwich(struct thag_view_wish *query, const struct thag_profile *profile,
			  const struct thag_frame_facts *facts)
{
	const struct thag_watch *watch = &query->watch;
	struct thag_profile *half;

	if (thag_sandwich_callers(&half, profile, watch->sandwich) == 0) {
		query->callers = make_half(watch, half, facts, THAG_FRAME_CALLERS);
		thag_profile_destroy(half);
	}
	if (thag_sandwich_callees(&half, profile, watch->sandwich) == 0) {
		query->callees = make_half(watch, half, facts, THAG_FRAME_CALLEES);
		thag_profile_destroy(half);
	}
}

/* `profile`: NULL when there was no memory. `by`: its call paths, of memory. */
static void make_frames(struct thag_view_job *view, struct thag_view_wish *query,
			const struct thag_profile *profile, uint32_t flags, uint32_t by)
{
	const struct thag_watch *watch = &query->watch;
	struct thag_frame_facts facts;
	struct thag_buffer out = { 0 };

	query->made = true;
	if (!profile)
		return;
	fill_facts(view, watch, &facts);
	facts.flags |= flags;
	if (watch->sandwich)
		make_sandwich(query, profile, &facts);
	else if (watch->base)
		query->flame = make_diff(view, query, profile, by, &facts);
	else
		query->flame = make_flame(watch, profile, &facts, THAG_FRAME_FLAME);
	if (watch->durations && watch->metric.metric == THAG_METRIC_TIME)
		query->durations = take_blob(
			&out, thag_durations_write(profile, watch->durations, &facts, &out));
	out = (struct thag_buffer){ 0 };
	query->table = take_blob(&out, thag_table_write(profile, (enum thag_table_sort)watch->sort,
							watch->search, &facts, &out));
}

/* What a sieve left of a profile, for those who look through the same one after each other. */
struct sifted {
	const struct thag_sieve *sieve;
	struct thag_profile *profile;
};

static void sifted_fini(struct sifted *sifted)
{
	thag_profile_destroy(sifted->profile);
	*sifted = (struct sifted){ 0 };
}

/* What there is to see of `whole`; borrowed. NULL without memory. */
static const struct thag_profile *sift(struct sifted *sifted, const struct thag_profile *whole,
				       const struct thag_watch *watch)
{
	if (thag_sieve_is_empty(&watch->sieve))
		return whole;
	if (sifted->profile && thag_sieve_equal(sifted->sieve, &watch->sieve))
		return sifted->profile;
	sifted_fini(sifted);
	if (thag_sieve_apply(&sifted->profile, whole, &watch->sieve) != 0)
		return NULL;
	sifted->sieve = &watch->sieve;
	if (watch->heavy && thag_profile_put_heavy_first(sifted->profile) != 0)
		sifted_fini(sifted);
	return sifted->profile;
}

/* All queries for the same threads, range and order, from `first` on, share one profile. */
static void make_group(struct thag_view_job *view, uint32_t first)
{
	const struct thag_watch *watch = &view->queries[first].watch;
	struct sifted sifted = { 0 };
	struct thag_profile *profile;
	uint32_t flags;

	if (thag_range_take(&profile, view->session, &view->daemon->clock, watch->tid,
			    watch->raw ? THAG_SNAPSHOT_RAW : 0u, &watch->metric, &flags) != 0)
		return;
	if (watch->heavy && thag_profile_put_heavy_first(profile) != 0) {
		thag_profile_destroy(profile);
		return;
	}
	for (uint32_t i = first; i < view->query_count; i++) {
		struct thag_view_wish *query = &view->queries[i];

		if (!query->made && thag_metric_equal(&query->watch.metric, &watch->metric) &&
		    query->watch.tid == watch->tid && query->watch.raw == watch->raw &&
		    query->watch.heavy == watch->heavy)
			make_frames(view, query, sift(&sifted, profile, &query->watch), flags, 0);
	}
	sifted_fini(&sifted);
	thag_profile_destroy(profile);
}

static void make_memory_frame(struct thag_view_job *view, struct thag_view_wish *query,
			      const struct thag_memory_view *memory,
			      const struct thag_heap_query *asked,
			      const struct thag_profile *profile)
{
	struct thag_memory_facts told;
	struct thag_frame_facts facts;
	struct thag_buffer out = { 0 };

	fill_facts(view, &query->watch, &facts);
	thag_memory_facts(view->session, &view->counts.memory, &told);
	query->memory = take_blob(&out, thag_memory_write(profile, &memory->copy, asked, &told,
							  query->watch.search, &facts, &out));
}

/* All queries for the same metric and order, from `first` on, share one profile. */
static void make_metric(struct thag_view_job *view, uint32_t first,
			const struct thag_memory_view *memory)
{
	const struct thag_metric_query *metric = &view->queries[first].watch.metric;
	bool heavy = view->queries[first].watch.heavy;
	struct sifted sifted = { 0 };
	struct thag_heap_query asked;
	struct thag_profile *profile;

	thag_memory_view_query(memory, metric, &asked);
	if (thag_memory_view_profile(memory, &asked, &profile) != 0)
		return;
	if (heavy && thag_profile_put_heavy_first(profile) != 0) {
		thag_profile_destroy(profile);
		return;
	}
	for (uint32_t i = first; i < view->query_count; i++) {
		struct thag_view_wish *query = &view->queries[i];

		if (query->made || query->watch.heavy != heavy ||
		    !thag_metric_equal(&query->watch.metric, metric))
			continue;
		make_frames(view, query, sift(&sifted, profile, &query->watch), 0, asked.kind);
		/* places, sizes and slices of time are of the whole process, whatever is seen */
		make_memory_frame(view, query, memory, &asked, profile);
	}
	sifted_fini(&sifted);
	thag_profile_destroy(profile);
}

/* All queries for the same part of the run share one copy of the heap. */
static void make_range(struct thag_view_job *view, uint32_t first)
{
	const struct thag_metric_query *range = &view->queries[first].watch.metric;
	struct thag_memory_view memory;

	if (thag_memory_view_take(&memory, view->session, &view->daemon->clock, range) != 0)
		return;
	for (uint32_t i = first; i < view->query_count; i++) {
		const struct thag_view_wish *query = &view->queries[i];

		if (!query->made && query->watch.metric.metric != THAG_METRIC_TIME &&
		    thag_metric_same_range(&query->watch.metric, range))
			make_metric(view, i, &memory);
	}
	thag_memory_view_fini(&memory);
}

static void run(uv_work_t *work)
{
	struct thag_view_job *view = work->data;
	uint64_t start = thag_clock_mono_ns();

	thag_session_count(view->session, &view->counts);
	for (uint32_t i = 0; i < view->query_count; i++) {
		if (view->queries[i].made)
			continue;
		if (view->queries[i].watch.metric.metric == THAG_METRIC_TIME)
			make_group(view, i);
		else
			make_range(view, i);
	}
	/* what was met for the first time goes by its address for now */
	if (thag_naming_late(&view->session->naming_counts))
		thag_symbols_request(view->daemon->symbols, view->session);
	view->took_ns = thag_clock_mono_ns() - start;
}

static void after(uv_work_t *work, int status)
{
	struct thag_view_job *view = work->data;
	struct thag_daemon *daemon = view->daemon;

	(void)status;
	view->done(view);
	thag_daemon_release(daemon);
}

void thag_view_start(struct thag_view_job *view, thag_view_done_fn *done, void *context)
{
	view->done = done;
	view->context = context;
	thag_daemon_hold(view->daemon);
	uv_queue_work(&view->daemon->loop, &view->work, run, after);
}

void thag_view_destroy(struct thag_view_job *view)
{
	for (uint32_t i = 0; i < view->query_count; i++) {
		if (view->queries[i].base)
			thag_session_unref(view->queries[i].base);
		thag_blob_unref(view->queries[i].flame);
		thag_blob_unref(view->queries[i].callers);
		thag_blob_unref(view->queries[i].callees);
		thag_blob_unref(view->queries[i].durations);
		thag_blob_unref(view->queries[i].table);
		thag_blob_unref(view->queries[i].memory);
	}
	thag_session_unref(view->session);
	free(view);
}
