/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The slowest calls of a site: chunks are looked at by the longest call that their trees tell of,
 * the longest first, until no other can have a longer one than those that were found.
 */
#include <errno.h>
#include <stdlib.h>

#include "thag_chunk_tree.h"
#include "thag_span.h"
#include "thag_timeline_private.h"

/* A chunk that may have one of the slowest calls. */
struct candidate {
	struct thag_place place;
	uint64_t longest; /* ticks: none of its calls is longer */
};

struct finding {
	struct thag_timeline *timeline;
	const struct thag_slowest_query *query;
	struct thag_slow_call *calls; /* the shortest first, as a heap */
	uint32_t count;
	struct candidate *candidates;
	size_t candidate_count, candidate_capacity;
	int error;
	uint32_t ring; /* of the words or the tree that is being looked at */
	/* of a tree */
	uint32_t *tids; /* by node */
	uint32_t tid_capacity;
	uint64_t longest;
	bool keeps; /* its calls count by themselves */
};

/* The longest calls, in a heap whose top is the shortest. */
static void sink(struct finding *finding, uint32_t at)
{
	struct thag_slow_call *calls = finding->calls, call = calls[at];
	uint32_t child;

	while ((child = 2 * at + 1) < finding->count) {
		if (child + 1 < finding->count && calls[child + 1].duration < calls[child].duration)
			child++;
		if (calls[child].duration >= call.duration)
			break;
		calls[at] = calls[child];
		at = child;
	}
	calls[at] = call;
}

static void rise(struct finding *finding, uint32_t at)
{
	struct thag_slow_call *calls = finding->calls, call = calls[at];

	for (; at && calls[(at - 1) / 2].duration > call.duration; at = (at - 1) / 2)
		calls[at] = calls[(at - 1) / 2];
	calls[at] = call;
}

static bool is_wanted(const struct finding *finding, uint64_t duration)
{
	return finding->count < finding->query->count || duration > finding->calls[0].duration;
}

static void add_call(struct finding *finding, uint32_t tid, uint64_t start, uint64_t duration)
{
	struct thag_slow_call call = { start, duration, finding->ring, tid };

	if (!is_wanted(finding, duration))
		return;
	if (finding->count < finding->query->count) {
		finding->calls[finding->count] = call;
		rise(finding, finding->count++);
		return;
	}
	finding->calls[0] = call;
	sink(finding, 0);
}

/*
 * Of words.
 */
static void closed(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint32_t index, enum thag_span_end how, uint64_t now)
{
	struct finding *finding = context;
	const struct thag_span_frame *frame = &stack->frames[index];

	(void)how;
	if (frame->site == finding->query->site && now >= finding->query->from &&
	    now < finding->query->to)
		add_call(finding, span->tid, frame->start, thag_span_ran(stack, frame, now));
}

static void ended(void *context, struct thag_span *span, struct thag_span_stack *stack,
		  uint64_t now)
{
	struct finding *finding = context;

	if (stack->site == finding->query->site && now >= finding->query->from &&
	    now < finding->query->to)
		add_call(finding, span->tid, stack->frames[0].start,
			 thag_span_ran(stack, &stack->frames[0], now));
}

static void look_at_words(struct finding *finding, const struct thag_chunk_raw *raw)
{
	static const struct thag_span_visitor visitor = { .closed = closed, .ended = ended };
	struct thag_span span;

	finding->ring = raw->head.ring;
	if (thag_span_begin(&span, raw, &visitor, finding) == 0)
		thag_span_run(&span, &visitor, finding->query->to);
	if (span.error)
		finding->error = span.error;
	thag_span_fini(&span);
}

/*
 * Of trees.
 */
static bool reserve_tid(struct finding *finding, uint32_t index)
{
	uint32_t capacity = finding->tid_capacity ? 2 * finding->tid_capacity : 256;
	uint32_t *grown;

	if (index < finding->tid_capacity)
		return true;
	grown = reallocarray(finding->tids, capacity, sizeof(*grown));
	if (!grown)
		return false;
	finding->tids = grown;
	finding->tid_capacity = capacity;
	return true;
}

static int look_at_node(void *context, uint32_t index, const struct thag_chunk_node *node)
{
	struct finding *finding = context;
	const struct thag_slowest_query *query = finding->query;

	if (!reserve_tid(finding, index))
		return -ENOMEM;
	if (node->parent == THAG_TREE_ROOT) {
		finding->tids[index] = node->site;
		return 0;
	}
	finding->tids[index] = finding->tids[node->parent];
	if (node->site != query->site || node->calls.calls == 0)
		return 0;
	if (node->calls.max > finding->longest)
		finding->longest = node->calls.max;
	if (finding->keeps && node->max_start >= query->from && node->max_start < query->to)
		add_call(finding, finding->tids[index], node->max_start, node->calls.max);
	return 0;
}

/* The longest call that an entry's tree tells of, 0 for none; with `keeps`, takes them. */
static uint64_t look_at_tree(struct finding *finding, struct thag_entry *entry, bool keeps)
{
	const struct thag_buffer *tree =
		thag_timeline_part(finding->timeline, entry, THAG_PART_TREE);

	finding->longest = 0;
	finding->keeps = keeps;
	finding->ring = entry->chunk.head.ring;
	if (tree && thag_chunk_tree_read(tree->data, tree->bytes, entry->chunk.head.level,
					 look_at_node, finding) == -ENOMEM)
		finding->error = -ENOMEM;
	return finding->longest;
}

static void add_candidate(struct finding *finding, struct candidate candidate)
{
	size_t capacity = finding->candidate_capacity ? 2 * finding->candidate_capacity : 64;
	struct candidate *grown;

	if (finding->candidate_count == finding->candidate_capacity) {
		grown = reallocarray(finding->candidates, capacity, sizeof(*grown));
		if (!grown) {
			finding->error = -ENOMEM;
			return;
		}
		finding->candidates = grown;
		finding->candidate_capacity = capacity;
	}
	finding->candidates[finding->candidate_count++] = candidate;
}

/* An entry joins those that are looked at, if it may have what is wanted. */
static void consider(struct finding *finding, const struct thag_place *place)
{
	struct candidate candidate = { .place = *place, .longest = UINT64_MAX };
	struct thag_entry *entry = thag_place_entry(place);

	if (!thag_head_overlaps(&entry->chunk.head, finding->query->from, finding->query->to))
		return;
	if (thag_entry_has(entry, THAG_PART_TREE))
		candidate.longest = look_at_tree(finding, entry, false);
	if (candidate.longest && is_wanted(finding, candidate.longest))
		add_candidate(finding, candidate);
}

static struct candidate take_longest(struct finding *finding)
{
	struct candidate *candidates = finding->candidates, longest;
	size_t at = 0;

	for (size_t i = 1; i < finding->candidate_count; i++)
		if (candidates[i].longest > candidates[at].longest)
			at = i;
	longest = candidates[at];
	candidates[at] = candidates[--finding->candidate_count];
	return longest;
}

static void look_at(struct finding *finding, const struct candidate *candidate)
{
	const struct thag_place *place = &candidate->place;
	struct thag_entry *entry = thag_place_entry(place);
	struct thag_chunk_raw raw;

	if (thag_place_has_below(place)) {
		struct thag_place below = thag_place_below(place);

		for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++, below.number++)
			consider(finding, &below);
	} else if (place->level == 0 && thag_timeline_words(finding->timeline, entry, &raw) == 0) {
		look_at_words(finding, &raw);
		thag_openings_fini(&raw.openings);
	} else {
		look_at_tree(finding, entry, true);
	}
}

static bool take(struct thag_walk *walk, const struct thag_place *place, bool has_below)
{
	(void)has_below;
	consider(walk->context, place);
	return true;
}

static void look_at_all(struct finding *finding)
{
	const struct thag_slowest_query *query = finding->query;
	struct thag_walk walk = { .timeline = finding->timeline,
				  .from = query->from,
				  .to = query->to,
				  .take = take,
				  .context = finding };

	for (size_t i = 0; i < query->open.count; i++)
		if (thag_head_overlaps(&query->open.chunks[i]->head, query->from, query->to))
			look_at_words(finding, query->open.chunks[i]);
	for (size_t i = 0; i < finding->timeline->ring_count; i++)
		thag_timeline_walk(&walk, finding->timeline->rings[i]);
	while (finding->candidate_count && finding->error == 0) {
		struct candidate candidate = take_longest(finding);

		if (!is_wanted(finding, candidate.longest))
			break;
		look_at(finding, &candidate);
	}
}

static int compare(const void *a, const void *b)
{
	const struct thag_slow_call *x = a, *y = b;

	if (x->duration != y->duration)
		return x->duration > y->duration ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

int thag_timeline_slowest(struct thag_timeline *timeline, const struct thag_slowest_query *query,
			  struct thag_slow_call *out, uint32_t *found)
{
	struct finding finding = { .timeline = timeline, .query = query, .calls = out };

	if (query->from >= query->to || query->count == 0 ||
	    query->count > THAG_TIMELINE_SLOWEST_MAX)
		return -EINVAL;
	look_at_all(&finding);
	free(finding.candidates);
	free(finding.tids);
	thag_timeline_trim(timeline);
	if (finding.error != 0)
		return finding.error;
	qsort(out, finding.count, sizeof(*out), compare);
	*found = finding.count;
	return 0;
}
