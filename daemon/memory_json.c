/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory_json.h"

#include "memory_detail.h"

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name,
			    json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

/* The places of a metric over the whole run. */
static int add_places(const struct thag_memory_view *view, enum thag_metric metric,
		      const char *name, const char *more_name, json_t *into)
{
	struct thag_metric_query asked = { .metric = metric, .by = THAG_HEAP_KINDS };
	struct thag_session *session = view->session;
	struct thag_profile *profile;
	struct thag_heap_query query;
	json_t *list;
	uint32_t more;

	thag_memory_view_query(view, &asked, &query);
	if (thag_memory_view_profile(view, &query, &profile) != 0)
		return -1;
	pthread_mutex_lock(&session->names_lock);
	list = thag_memory_places(&view->copy, profile, session->names, &query, &more);
	pthread_mutex_unlock(&session->names_lock);
	thag_profile_destroy(profile);
	set(into, more_name, more);
	return json_object_set_new(into, name, list);
}

json_t *thag_memory_json(const struct thag_memory_view *view,
			 const struct thag_memory_counts *counts)
{
	struct thag_metric_query always = { .metric = THAG_METRIC_ALLOCATED,
					    .by = THAG_HEAP_KINDS };
	struct thag_heap_query query;
	json_t *object = thag_memory_object(view->session, counts);

	if (!object || json_is_null(object))
		return object;
	thag_memory_view_query(view, &always, &query);
	if (thag_memory_detail(object, &view->copy, &query) == 0 &&
	    add_places(view, THAG_METRIC_ALLOCATED, "places", "more_places", object) == 0 &&
	    add_places(view, THAG_METRIC_LEAKED, "leaks", "more_leaks", object) == 0)
		return object;
	json_decref(object);
	return NULL;
}
