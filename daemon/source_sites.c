/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "source_sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "naming.h"
#include "sites.h"
#include "thag_profile.h"

#define FIRST_STARTS 64

/* A function of a site, as it is visited. */
struct visit {
	uint32_t site;
	bool starts; /* its line is where it begins, not a call in it */
	struct thag_name name;
};

typedef int visit_fn(void *context, const struct visit *visit);

/* Every function of every site whose file and line are known. Under names_lock. */
static int visit_all(const struct thag_session *session, visit_fn *fn, void *context)
{
	int ret = 0;

	for (uint32_t site = thag_sites_next(session, 0); site < THAG_SITES_MAX && ret == 0;
	     site = thag_sites_next(session, site + 1)) {
		uint32_t frames = thag_names_frames(session->names, site);

		for (uint32_t i = 0; i < frames && ret == 0; i++) {
			struct visit visit = {
				.site = site,
				.starts = !thag_naming_is_call(session, site),
				.name = thag_names_get_frame(session->names, site, i),
			};

			if (visit.name.line && visit.name.file_bytes)
				ret = fn(context, &visit);
		}
	}
	return ret;
}

static bool is_function(uint32_t kind)
{
	return kind == THAG_SITE_FUNCTION;
}

/* Names that are equal have one id: the hash is worked out once. */
struct wanted {
	uint64_t function;
	uint32_t name_id; /* of it, once it was met */
	bool met;
};

static bool is_wanted(struct wanted *wanted, const struct thag_name *name)
{
	if (wanted->met)
		return name->name_id == wanted->name_id;
	wanted->met = thag_profile_function_id(name->name, name->name_bytes) == wanted->function;
	wanted->name_id = name->name_id;
	return wanted->met;
}

struct places_search {
	struct thag_source_places *places;
	struct wanted wanted;
};

static void widen(struct thag_source_place *place, const struct visit *visit)
{
	uint32_t line = visit->name.line;

	if (visit->starts && !place->starts) {
		place->starts = true;
		place->first = line;
	} else if (line < place->first && visit->starts == place->starts) {
		place->first = line;
	}
	if (line > place->last)
		place->last = line;
}

static int add_place(void *context, const struct visit *visit)
{
	struct places_search *search = context;
	struct thag_source_places *places = search->places;
	struct thag_source_place *place;

	if (!is_wanted(&search->wanted, &visit->name))
		return 0;
	for (uint32_t i = 0; i < places->count; i++)
		if (strcmp(places->list[i].name, visit->name.file) == 0) {
			widen(&places->list[i], visit);
			return 0;
		}
	if (places->count == THAG_SOURCE_PLACES_MAX)
		return 0;
	place = &places->list[places->count];
	*place = (struct thag_source_place){ .name = strdup(visit->name.file),
					     .first = visit->name.line,
					     .last = visit->name.line,
					     .starts = visit->starts,
					     .file = { .fd = -1 } };
	if (!place->name)
		return -ENOMEM;
	places->count++;
	return 0;
}

static void place_fini(struct thag_source_place *place)
{
	thag_source_file_fini(&place->file);
	free(place->name);
}

/* What one of two paths of the same file tells is true of the other. */
static void merge(struct thag_source_place *into, struct thag_source_place *from)
{
	if (from->starts == into->starts ? from->first < into->first : from->starts)
		into->first = from->first;
	into->starts = into->starts || from->starts;
	if (from->last > into->last)
		into->last = from->last;
	place_fini(from);
}

static void merge_places(struct thag_source_places *places)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < places->count; i++) {
		struct thag_source_place *place = &places->list[i];
		uint32_t same = 0;

		while (same < kept &&
		       !thag_source_file_same(&places->list[same].file, &place->file))
			same++;
		if (same < kept)
			merge(&places->list[same], place);
		else
			places->list[kept++] = *place;
	}
	places->count = kept;
}

/* The order among equals stays: a page asks for a place by its number. */
static void put_starts_first(struct thag_source_places *places)
{
	for (uint32_t i = 1; i < places->count; i++)
		for (uint32_t at = i; at && places->list[at].starts && !places->list[at - 1].starts;
		     at--) {
			struct thag_source_place place = places->list[at];

			places->list[at] = places->list[at - 1];
			places->list[at - 1] = place;
		}
}

int thag_source_places_find(struct thag_source_places *places, struct thag_session *session,
			    uint64_t function)
{
	struct places_search search = { .places = places, .wanted = { .function = function } };
	int ret;

	pthread_mutex_lock(&session->names_lock);
	ret = thag_sites_import(session);
	if (ret == 0)
		ret = visit_all(session, add_place, &search);
	pthread_mutex_unlock(&session->names_lock);
	if (ret != 0)
		return ret;
	for (uint32_t i = 0; i < places->count; i++)
		thag_source_file_find(&places->list[i].file, session, places->list[i].name);
	merge_places(places);
	put_starts_first(places);
	return places->count ? 0 : -ENOENT;
}

void thag_source_places_fini(struct thag_source_places *places)
{
	for (uint32_t i = 0; i < places->count; i++)
		place_fini(&places->list[i]);
	places->count = 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has_name(const struct thag_source_sites *sites, const char *name)
{
	for (uint32_t i = 0; i < sites->name_count; i++)
		if (strcmp(sites->names[i], name) == 0)
			return true;
	return false;
}

struct names_search {
	struct thag_source_sites *sites;
	const char *base;
};

/* Whether it is the same file is seen later, without the lock. */
static int add_name(void *context, const struct visit *visit)
{
	struct names_search *search = context;
	struct thag_source_sites *sites = search->sites;

	if (sites->name_count == THAG_HEAP_LINES_OF_MAX ||
	    strcmp(base_name(visit->name.file), search->base) != 0 ||
	    has_name(sites, visit->name.file))
		return 0;
	sites->names[sites->name_count] = strdup(visit->name.file);
	return sites->names[sites->name_count++] ? 0 : -ENOMEM;
}

/* All but the first that don't lead to the place's file are dropped. */
static void keep_same(struct thag_source_sites *sites, const struct thag_session *session,
		      const struct thag_source_place *place)
{
	uint32_t kept = 1;

	for (uint32_t i = 1; i < sites->name_count; i++) {
		struct thag_source_file file;

		thag_source_file_find(&file, session, sites->names[i]);
		if (thag_source_file_same(&file, &place->file))
			sites->names[kept++] = sites->names[i];
		else
			free(sites->names[i]);
		thag_source_file_fini(&file);
	}
	sites->name_count = kept;
}

/* Where the first function of a name begins, and whether another one begins elsewhere. */
struct first_start {
	const char *file;
	uint32_t line;
	bool shared;
};

struct starts_search {
	struct thag_source_sites *sites;
	const struct thag_source_place *place;
	struct wanted wanted;
	struct first_start *firsts; /* by name_id */
	uint32_t name_count;
};

static void note_first(const struct starts_search *search, const struct thag_name *name)
{
	struct first_start *first;

	if (name->name_id >= search->name_count)
		return;
	first = &search->firsts[name->name_id];
	if (!first->file)
		*first = (struct first_start){ .file = name->file, .line = name->line };
	else if (first->line != name->line || strcmp(first->file, name->file) != 0)
		first->shared = true;
}

static int add_start(struct thag_source_sites *sites, const struct thag_name *name)
{
	if (sites->start_count == sites->start_capacity) {
		uint32_t capacity =
			sites->start_capacity ? 2 * sites->start_capacity : FIRST_STARTS;
		void *grown = reallocarray(sites->starts, capacity, sizeof(*sites->starts));

		if (!grown)
			return -ENOMEM;
		sites->starts = grown;
		sites->start_capacity = capacity;
	}
	sites->starts[sites->start_count++] = (struct thag_source_start){
		.function = thag_profile_function_id(name->name, name->name_bytes),
		.line = name->line,
		.kind = name->kind,
		.name_id = name->name_id,
	};
	return 0;
}

static int look_at(void *context, const struct visit *visit)
{
	struct starts_search *search = context;
	struct thag_source_sites *sites = search->sites;
	const struct thag_name *name = &visit->name;

	if (visit->starts)
		note_first(search, name);
	if (!has_name(sites, name->file))
		return 0;
	if (is_function(name->kind) && name->line > search->place->last &&
	    (sites->next == 0 || name->line < sites->next) && !is_wanted(&search->wanted, name))
		sites->next = name->line;
	if (!visit->starts || (!is_function(name->kind) && name->kind != THAG_SITE_SECTION))
		return 0;
	return add_start(sites, name);
}

static int compare_starts(const void *a, const void *b)
{
	const struct thag_source_start *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (x->kind > y->kind) - (x->kind < y->kind);
}

/* A site may be there once more, for each module that has its header's code. */
static void drop_repeated(struct thag_source_sites *sites)
{
	uint32_t kept = 0;

	if (sites->start_count)
		qsort(sites->starts, sites->start_count, sizeof(*sites->starts), compare_starts);
	for (uint32_t i = 0; i < sites->start_count; i++)
		if (kept == 0 || compare_starts(&sites->starts[kept - 1], &sites->starts[i]) != 0)
			sites->starts[kept++] = sites->starts[i];
	sites->start_count = kept;
}

/* Under names_lock. */
static int find_starts(struct starts_search *search, const struct thag_session *session)
{
	struct thag_source_sites *sites = search->sites;
	int ret;

	search->name_count = thag_names_count(session->names);
	search->firsts = calloc((size_t)search->name_count + 1, sizeof(*search->firsts));
	if (!search->firsts)
		return -ENOMEM;
	ret = visit_all(session, look_at, search);
	for (uint32_t i = 0; ret == 0 && i < sites->start_count; i++)
		if (sites->starts[i].name_id < search->name_count)
			sites->starts[i].shared = search->firsts[sites->starts[i].name_id].shared;
	free(search->firsts);
	return ret;
}

int thag_source_sites_find(struct thag_source_sites *sites, struct thag_session *session,
			   const struct thag_source_place *place, uint64_t function)
{
	struct names_search names = { sites, base_name(place->name) };
	struct starts_search starts = { .sites = sites,
					.place = place,
					.wanted = { .function = function } };
	int ret;

	sites->names[0] = strdup(place->name);
	if (!sites->names[0])
		return -ENOMEM;
	sites->name_count = 1;
	pthread_mutex_lock(&session->names_lock);
	ret = visit_all(session, add_name, &names);
	pthread_mutex_unlock(&session->names_lock);
	if (ret != 0)
		return ret;
	keep_same(sites, session, place);
	pthread_mutex_lock(&session->names_lock);
	ret = find_starts(&starts, session);
	pthread_mutex_unlock(&session->names_lock);
	drop_repeated(sites);
	return ret;
}

void thag_source_sites_fini(struct thag_source_sites *sites)
{
	for (uint32_t i = 0; i < sites->name_count; i++)
		free(sites->names[i]);
	free(sites->starts);
	*sites = (struct thag_source_sites){ 0 };
}
