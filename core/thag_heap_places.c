/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where memory is allocated: paths brought together by their innermost known line. */
#include <errno.h>
#include <stdlib.h>

#include "thag_heap_building.h"

#define FIRST_PLACES 64

/** What a place has of the metric at one node. */
struct share {
	uint64_t value;
	uint32_t place;
	uint32_t node;
};

/** Places on their way. Numbers in the pairs are + 1. */
struct places {
	struct thag_heap_building *building;
	struct thag_pairs lines;     /* (file, line) to the number of the line */
	struct thag_pairs numbers;   /* (function, line's number) to the place */
	struct thag_pairs of_places; /* (place, node) to the share */
	uint32_t *of_frames;	     /* by frame: the place, + 1; 0: not looked for yet */
	struct thag_heap_place *list;
	uint64_t *most;	 /* by place: of the path that has most */
	uint32_t *first; /* by place: a path of it, + 1; the next ones by path */
	uint32_t *next;
	uint32_t count;
	uint32_t capacity;
	struct share *shares;
	uint32_t share_count;
	uint32_t share_capacity;
};

static void places_fini(struct places *places)
{
	thag_pairs_fini(&places->lines);
	thag_pairs_fini(&places->numbers);
	thag_pairs_fini(&places->of_places);
	free(places->of_frames);
	free(places->list);
	free(places->most);
	free(places->first);
	free(places->next);
	free(places->shares);
}

/** Room for one place more, and in all tables for a path that is new to them. */
static int reserve_place(struct places *places)
{
	uint32_t capacity = places->capacity ? places->capacity * 2 : FIRST_PLACES;
	void *grown;

	if (places->count < places->capacity)
		return 0;
	grown = reallocarray(places->list, capacity, sizeof(*places->list));
	if (!grown)
		return -ENOMEM;
	places->list = grown;
	grown = reallocarray(places->most, capacity, sizeof(*places->most));
	if (!grown)
		return -ENOMEM;
	places->most = grown;
	grown = reallocarray(places->first, capacity, sizeof(*places->first));
	if (!grown)
		return -ENOMEM;
	places->first = grown;
	if (thag_pairs_reserve(&places->lines, capacity) != 0 ||
	    thag_pairs_reserve(&places->numbers, capacity) != 0)
		return -ENOMEM;
	places->capacity = capacity;
	return 0;
}

static int reserve_share(struct places *places)
{
	uint32_t capacity = places->share_capacity ? places->share_capacity * 2 : FIRST_PLACES;
	void *grown;

	if (places->share_count < places->share_capacity)
		return 0;
	grown = reallocarray(places->shares, capacity, sizeof(*places->shares));
	if (!grown)
		return -ENOMEM;
	places->shares = grown;
	if (thag_pairs_reserve(&places->of_places, capacity) != 0)
		return -ENOMEM;
	places->share_capacity = capacity;
	return 0;
}

/** The place of a path, and the node that is it. */
static struct thag_heap_place place_of(const struct thag_heap_building *building, uint32_t path)
{
	const struct thag_heap_spot *spot = &building->places[path];

	if (spot->frame == THAG_HEAP_NOWHERE) {
		uint32_t node = building->nodes[path];

		return (struct thag_heap_place){ .name = building->profile->nodes[node].name,
						 .node = node };
	}
	const struct thag_heap_frame *frame = &building->frames[spot->frame];

	return (struct thag_heap_place){ .name = frame->function,
					 .file = frame->file,
					 .line = frame->line,
					 .node = spot->node };
}

/** The number of a place; room has been reserved. */
static uint32_t find_place(struct places *places, const struct thag_heap_place *place)
{
	uint32_t *line = thag_pairs_at(&places->lines, place->file, place->line);

	if (*line == 0)
		*line = (uint32_t)places->lines.count;
	uint32_t *number = thag_pairs_at(&places->numbers, place->name, *line);

	if (*number == 0) {
		places->list[places->count] = *place;
		places->most[places->count] = 0;
		places->first[places->count] = 0;
		*number = ++places->count;
	}
	return *number - 1;
}

static void add_share(struct places *places, uint32_t place, uint32_t node, uint64_t value)
{
	uint32_t *share = thag_pairs_at(&places->of_places, place, node);

	if (*share == 0) {
		places->shares[places->share_count] = (struct share){ 0, place, node };
		*share = ++places->share_count;
	}
	places->shares[*share - 1].value += value;
}

static void add_own(struct places *places, uint32_t number, uint32_t path,
		    const struct thag_frame_heap *own)
{
	const struct thag_profile_heap *heap = places->building->profile->heap;
	struct thag_heap_place *place = &places->list[number];
	uint64_t value = thag_heap_value(own, heap->metric);

	thag_heap_add(&place->heap, own);
	place->heap.high_bytes += own->high_bytes;
	if (place->heap.high_bytes > heap->peak_bytes)
		place->heap.high_bytes = heap->peak_bytes;
	if (own->lifetime_max_ns > place->heap.lifetime_max_ns)
		place->heap.lifetime_max_ns = own->lifetime_max_ns;
	place->value += value;
	if (place->path == THAG_TREE_ROOT || value > places->most[number]) {
		places->most[number] = value;
		place->path = path;
	}
}

/** The number of the place of a path, and the node that is it; room has been reserved. */
static uint32_t place_of_path(struct places *places, uint32_t path, uint32_t *node)
{
	const struct thag_heap_spot *spot = &places->building->places[path];
	bool nowhere = spot->frame == THAG_HEAP_NOWHERE;
	uint32_t number = nowhere ? 0 : places->of_frames[spot->frame];

	*node = nowhere ? places->building->nodes[path] : spot->node;
	if (!number) {
		struct thag_heap_place place = place_of(places->building, path);

		number = find_place(places, &place) + 1;
		if (!nowhere)
			places->of_frames[spot->frame] = number;
	}
	return number - 1;
}

static int add_path(struct places *places, uint32_t path, const struct thag_frame_heap *own)
{
	const struct thag_heap_building *building = places->building;
	const struct thag_profile_heap *heap = building->profile->heap;
	uint32_t node;
	int ret = reserve_place(places);

	if (!ret)
		ret = reserve_share(places);
	if (ret)
		return ret;
	uint32_t number = place_of_path(places, path, &node);

	add_share(places, number, node, thag_heap_value(own, heap->metric));
	add_own(places, number, path, own);
	places->next[path] = places->first[number];
	places->first[number] = path + 1;
	return 0;
}

/** The node of each place that has most, the first of equal ones. */
static int choose_nodes(struct places *places)
{
	uint64_t *best = calloc((size_t)places->count + 1, sizeof(*best));

	if (!best)
		return -ENOMEM;
	for (uint32_t i = 0; i < places->share_count; i++) {
		const struct share *share = &places->shares[i];

		if (share->value > best[share->place]) {
			best[share->place] = share->value;
			places->list[share->place].node = share->node;
		}
	}
	free(best);
	return 0;
}

static int compare_places(const void *a, const void *b, void *context)
{
	const struct thag_heap_place *x = a, *y = b;
	const struct thag_profile *profile = context;
	uint32_t rank_x = profile->functions[x->name].rank;
	uint32_t rank_y = profile->functions[y->name].rank;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	if (rank_x != rank_y)
		return rank_x < rank_y ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->file > y->file) - (x->file < y->file);
}

static void set_lifetimes(struct places *places, uint32_t number)
{
	const struct thag_heap_paths *paths = places->building->paths;
	uint64_t counts[THAG_HIST_BUCKETS] = { 0 };

	for (uint32_t i = places->first[number]; i; i = places->next[i - 1])
		thag_hist_sum(&paths->lifetimes, paths->accounts[i - 1].lifetimes, counts);
	thag_heap_set_lifetimes(places->building->profile, counts, &places->list[number].heap);
}

/** The path of a place that leaked most, the first of equal ones. */
static uint32_t most_leaking(const struct places *places, uint32_t number)
{
	uint32_t found = THAG_TREE_ROOT;
	uint64_t most = 0;

	/* the last comes first */
	for (uint32_t i = places->first[number]; i > THAG_TREE_ROOT + 1; i = places->next[i - 1]) {
		struct thag_frame_heap own = thag_heap_own_of(places->building, i - 1);
		uint64_t value = thag_heap_value(&own, THAG_METRIC_LEAKED);

		if (value >= most) {
			most = value;
			found = i - 1;
		}
	}
	return found;
}

/** The same places by what leaked. 0 or -ENOMEM. */
static int list_leaks(const struct places *places)
{
	struct thag_profile *profile = places->building->profile;
	struct thag_heap_place *leaks = malloc((size_t)places->count * sizeof(*leaks) + 1);

	if (!leaks)
		return -ENOMEM;
	for (uint32_t i = 0; i < places->count; i++) {
		leaks[i] = places->list[i];
		leaks[i].value = thag_heap_value(&leaks[i].heap, THAG_METRIC_LEAKED);
		if (leaks[i].value)
			leaks[i].path = most_leaking(places, i);
	}
	if (places->count)
		qsort_r(leaks, places->count, sizeof(*leaks), compare_places, profile);
	profile->heap->leaks = leaks;
	return 0;
}

static int finish(struct places *places)
{
	struct thag_profile *profile = places->building->profile;
	struct thag_profile_heap *heap = profile->heap;
	int ret = choose_nodes(places);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < places->count && !places->building->own; i++)
		set_lifetimes(places, i);
	if (places->building->query->saved && list_leaks(places) != 0)
		return -ENOMEM;
	if (places->count)
		qsort_r(places->list, places->count, sizeof(*places->list), compare_places,
			profile);
	heap->places = places->list;
	heap->place_count = places->count;
	places->list = NULL;
	return 0;
}

int thag_heap_find_places(struct thag_heap_building *building)
{
	struct places places = { .building = building };
	int ret = 0;

	places.of_frames = calloc((size_t)building->frame_count + 1, sizeof(*places.of_frames));
	places.next = malloc(building->paths->tree.count * sizeof(*places.next));
	if (!places.of_frames || !places.next)
		ret = -ENOMEM;
	for (uint32_t i = 0; i < building->paths->tree.count && !ret; i++) {
		struct thag_frame_heap own = thag_heap_own_of(building, i);

		if (thag_heap_is_used(&own))
			ret = add_path(&places, i, &own);
	}
	if (!ret)
		ret = finish(&places);
	places_fini(&places);
	return ret;
}

const struct thag_heap_place *thag_profile_places(const struct thag_profile *profile,
						  uint32_t *count)
{
	*count = profile->heap ? profile->heap->place_count : 0;
	return profile->heap ? profile->heap->places : NULL;
}

const struct thag_heap_place *thag_profile_leaks(const struct thag_profile *profile,
						 uint32_t *count)
{
	bool listed = profile->heap && profile->heap->leaks;

	*count = listed ? profile->heap->place_count : 0;
	return listed ? profile->heap->leaks : NULL;
}
