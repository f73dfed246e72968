/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS 16

static int parse_sort(const char *name, uint32_t *sort)
{
	static const struct {
		const char *name;
		enum thag_table_sort sort;
	} sorts[] = { { "self", THAG_SORT_SELF },   { "total", THAG_SORT_TOTAL },
		      { "calls", THAG_SORT_CALLS }, { "name", THAG_SORT_NAME },
		      { "mean", THAG_SORT_MEAN },   { "p50", THAG_SORT_P50 },
		      { "p99", THAG_SORT_P99 },	    { "max", THAG_SORT_MAX } };

	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
		if (strcmp(sorts[i].name, name) == 0) {
			*sort = sorts[i].sort;
			return 0;
		}
	}
	return -EINVAL;
}

int thag_watch_parse_id(const char *hex, uint64_t *id)
{
	if (!hex[0]) {
		*id = 0;
		return 0;
	}
	if (strlen(hex) != ID_DIGITS || strspn(hex, "0123456789abcdefABCDEF") != ID_DIGITS)
		return -EINVAL;
	*id = strtoull(hex, NULL, 16);
	return 0;
}

static int parse_order(const char *name, bool *heavy)
{
	*heavy = strcmp(name, "heavy") == 0;
	return *heavy || strcmp(name, "name") == 0 ? 0 : -EINVAL;
}

int thag_watch_parse_session(const char *id, uint64_t latest, uint64_t *session)
{
	if (strcmp(id, "latest") == 0) {
		*session = latest;
		return 0;
	}
	if (!id[0] || strlen(id) > 19 || strspn(id, "0123456789") != strlen(id))
		return -EINVAL;
	*session = strtoull(id, NULL, 10);
	return 0;
}

/* Left out, it is the widest: a frame of every node has no bound. */
static uint32_t clamp_width(json_int_t width)
{
	if (width <= 0 || width > THAG_VIEW_WIDTH_MAX)
		return THAG_VIEW_WIDTH_MAX;
	return (uint32_t)width;
}

static int parse_metric(struct thag_watch *watch, json_t *request, const char **why)
{
	const char *metric = "", *by = "";
	json_int_t from = 0, to = 0;

	if (json_unpack(request, "{s?s, s?s, s?I, s?I}", "metric", &metric, "by", &by, "from",
			&from, "to", &to) != 0) {
		*why = "a field of the watch has a wrong type";
		return -EINVAL;
	}
	return thag_metric_parse(&watch->metric, metric, by, from, to, why);
}

/* A sandwich is of one session alone. */
static int parse_base(struct thag_watch *watch, json_t *request, uint64_t latest, const char **why)
{
	const struct thag_metric_query *metric = &watch->metric;
	json_int_t from = 0, to = 0;
	const char *base = "";
	int normalise = 0;

	*why = "a field of the watch has a wrong type";
	if (json_unpack(request, "{s?s, s?I, s?I, s?b}", "base", &base, "base_from", &from,
			"base_to", &to, "normalise", &normalise) != 0)
		return -EINVAL;
	if (!base[0] || watch->sandwich)
		return 0;
	*why = "the base is no session";
	if (thag_watch_parse_session(base, latest, &watch->base) != 0 || watch->base == 0)
		return -EINVAL;
	watch->normalise = normalise != 0;
	if (thag_metric_parse(&watch->base_metric, thag_metric_name(metric->metric), "", from, to,
			      why) != 0)
		return -EINVAL;
	watch->base_metric.by = metric->by;
	return 0;
}

/* Whether `text`, at `field` of a request, can be searched for. */
static int check_search(const char *field, const char *text, struct thag_watch_fault *fault)
{
	struct thag_search *search;
	int ret = thag_search_create(&search, text, &fault->search);

	if (ret == 0)
		thag_search_destroy(search);
	if (ret == -EINVAL) {
		fault->why = fault->search.why;
		fault->field = field;
		fault->text = text;
		fault->at = fault->search.at;
	}
	return ret == -EINVAL ? -EINVAL : 0;
}

static int parse_search(struct thag_watch *watch, const char *search,
			struct thag_watch_fault *fault)
{
	size_t bytes = strlen(search);

	if (bytes >= sizeof(watch->search)) {
		*fault = (struct thag_watch_fault){ .why = "it is too long",
						    .field = "search",
						    .text = search,
						    .at = sizeof(watch->search) - 1 };
		return -EINVAL;
	}
	memcpy(watch->search, search, bytes);
	return check_search("search", search, fault);
}

static int parse_hidden(struct thag_sieve *sieve, const json_t *list,
			struct thag_watch_fault *fault)
{
	size_t count = list ? json_array_size(list) : 0;

	fault->why = "\"hide\" isn't a list of functions";
	if (list && !json_is_array(list))
		return -EINVAL;
	for (size_t i = 0; i < count && i < THAG_SIEVE_HIDDEN_MAX; i++) {
		const char *id = json_string_value(json_array_get(list, i));

		if (!id || !id[0] || thag_watch_parse_id(id, &sieve->hidden[i]) != 0)
			return -EINVAL;
		sieve->hidden_count++;
	}
	fault->why = "too many functions are hidden";
	return count > THAG_SIEVE_HIDDEN_MAX ? -EINVAL : 0;
}

static int parse_sieve(struct thag_sieve *sieve, json_t *request, struct thag_watch_fault *fault)
{
	json_t *hidden = NULL;
	const char *only = "", *mine = "";
	int collapse = 0;

	if (json_unpack(request, "{s?o, s?s, s?b, s?s}", "hide", &hidden, "only", &only, "collapse",
			&collapse, "mine", &mine) != 0) {
		fault->why = "a field of the watch has a wrong type";
		return -EINVAL;
	}
	if (parse_hidden(sieve, hidden, fault) != 0)
		return -EINVAL;
	fault->why = "a field of the watch has a wrong value";
	if (thag_watch_parse_id(only, &sieve->only) != 0)
		return -EINVAL;
	fault->why = "the path of the code to show is too long";
	if (strlen(mine) >= sizeof(sieve->mine))
		return -EINVAL;
	memcpy(sieve->mine, mine, strlen(mine));
	sieve->collapse = collapse != 0;
	return 0;
}

int thag_watch_parse(struct thag_watch *watch, json_t *request, uint64_t latest,
		     struct thag_watch_fault *fault)
{
	const char *id = "", *focus = "", *search = "", *sort = "self", *sandwich = "";
	const char *durations = "", *order = "name";
	json_int_t tid = 0, width = 0;
	int raw = 0, paused = 0;

	memset(watch, 0, sizeof(*watch));
	*fault = (struct thag_watch_fault){ .why = "a field of the watch has a wrong type" };
	if (json_unpack(request, "{s:s, s?I, s?s, s?I, s?s, s?s, s?b, s?b, s?s, s?s, s?s}",
			"session", &id, "thread", &tid, "focus", &focus, "width", &width, "search",
			&search, "sort", &sort, "raw", &raw, "paused", &paused, "sandwich",
			&sandwich, "durations", &durations, "order", &order) != 0)
		return -EINVAL;
	if (parse_metric(watch, request, &fault->why) != 0 ||
	    parse_sieve(&watch->sieve, request, fault) != 0)
		return -EINVAL;
	fault->why = "a field of the watch has a wrong value";
	if (tid < 0 || tid > UINT32_MAX ||
	    thag_watch_parse_session(id, latest, &watch->session) != 0 ||
	    thag_watch_parse_id(focus, &watch->focus) != 0 || parse_sort(sort, &watch->sort) != 0 ||
	    thag_watch_parse_id(sandwich, &watch->sandwich) != 0 ||
	    thag_watch_parse_id(durations, &watch->durations) != 0 ||
	    parse_order(order, &watch->heavy) != 0 || parse_search(watch, search, fault) != 0)
		return -EINVAL;
	if (parse_base(watch, request, latest, &fault->why) != 0)
		return -EINVAL;
	watch->tid = watch->metric.metric == THAG_METRIC_TIME ? (uint32_t)tid : 0;
	watch->width = clamp_width(width);
	watch->raw = raw != 0;
	watch->paused = paused != 0;
	return 0;
}

bool thag_watch_equal(const struct thag_watch *a, const struct thag_watch *b)
{
	return a->session == b->session && a->focus == b->focus && a->sandwich == b->sandwich &&
	       a->durations == b->durations && a->heavy == b->heavy && a->tid == b->tid &&
	       a->width == b->width && a->sort == b->sort && a->raw == b->raw &&
	       thag_metric_equal(&a->metric, &b->metric) && strcmp(a->search, b->search) == 0 &&
	       thag_sieve_equal(&a->sieve, &b->sieve) && a->base == b->base &&
	       a->normalise == b->normalise && thag_metric_equal(&a->base_metric, &b->base_metric);
}
