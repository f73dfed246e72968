/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_json.h"

#include "memory_detail.h"

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name,
			    json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

static void add_list(json_t *into, const char *name, json_t *list, const char *more_name,
		     uint32_t more)
{
	set(into, more_name, more);
	json_object_set_new(into, name, list);
}

/* The places of the whole run. */
static void add_places(const struct thag_memory_view *view, const struct thag_profile *profile,
		       const struct thag_heap_query *query, json_t *into)
{
	struct thag_session *session = view->session;
	uint32_t count, more, more_leaks, leak_count;
	const struct thag_heap_place *places = thag_profile_places(profile, &count);
	const struct thag_heap_place *leaks = thag_profile_leaks(profile, &leak_count);
	json_t *list, *leak_list;

	pthread_mutex_lock(&session->names_lock);
	list = thag_memory_places(&view->copy, profile, session->names, query, places, count,
				  &more);
	leak_list = thag_memory_places(&view->copy, profile, session->names, query, leaks,
				       leak_count, &more_leaks);
	pthread_mutex_unlock(&session->names_lock);
	add_list(into, "places", list, "more_places", more);
	add_list(into, "leaks", leak_list, "more_leaks", more_leaks);
}

int thag_memory_json_profile(const struct thag_memory_view *view, struct thag_profile **out)
{
	struct thag_metric_query always = { .metric = THAG_METRIC_ALLOCATED,
					    .by = THAG_HEAP_KINDS };
	struct thag_heap_query query;

	thag_memory_view_query(view, &always, &query);
	query.saved = true;
	return thag_memory_view_profile(view, &query, out);
}

json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts,
			 const struct thag_profile *profile)
{
	struct thag_metric_query always = { .metric = THAG_METRIC_ALLOCATED,
					    .by = THAG_HEAP_KINDS };
	struct thag_heap_query query;
	json_t *object = thag_memory_object(view->session, counts);

	if (!object || json_is_null(object))
		return object;
	thag_memory_view_query(view, &always, &query);
	if (thag_memory_detail(object, &view->copy, &query) != 0) {
		json_decref(object);
		return NULL;
	}
	add_places(view, profile, &query, object);
	return object;
}
