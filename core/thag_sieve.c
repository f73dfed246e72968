/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_sieve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_profile_private.h"

#define ROOT 0

/** What happens to the nodes of a function. */
struct fate {
	bool left_out;
	bool sought;	    /* stacks must hold it */
	bool dropped;	    /* with what it calls … */
	bool own_dropped;   /* … or alone */
	uint32_t open;	    /* on the path of the walk, so many times */
	uint32_t outermost; /* of those, the node it became; 0 while none is open */
};

/** What a node of `from` is to the sieve. */
enum place {
	APART,	/* of no stack that passes */
	ABOVE,	/* on the way to one */
	INSIDE, /* part of one: what it counts passes */
	DROPPED,
};

struct sifting {
	const struct thag_profile *from;
	const struct thag_sieve *sieve;
	struct thag_profile *to;
	struct fate *fates;    /* by name */
	unsigned char *places; /* enum place, by node of `from` */
	uint32_t *map;	       /* by node of `from`: the one it is part of */
};

bool thag_sieve_is_empty(const struct thag_sieve *sieve)
{
	return !sieve->hidden_count && !sieve->collapse && !sieve->only && !sieve->mine[0] &&
	       !sieve->fates && !sieve->at_least;
}

bool thag_sieve_equal(const struct thag_sieve *a, const struct thag_sieve *b)
{
	return a->hidden_count == b->hidden_count && a->collapse == b->collapse &&
	       a->only == b->only && a->fates == b->fates && a->at_least == b->at_least &&
	       strcmp(a->mine, b->mine) == 0 &&
	       memcmp(a->hidden, b->hidden, a->hidden_count * sizeof(a->hidden[0])) == 0;
}

static bool is_hidden(const struct thag_sieve *sieve, uint64_t function)
{
	for (uint32_t i = 0; i < sieve->hidden_count; i++)
		if (sieve->hidden[i] == function)
			return true;
	return false;
}

static bool is_mine(const char *file, const char *mine)
{
	size_t bytes = strlen(mine);

	while (file && strncmp(file, mine, bytes) != 0) {
		file = strchr(file, '/');
		file = file ? file + 1 : NULL;
	}
	return file != NULL;
}

static bool has_fate(const struct thag_sieve *sieve, uint32_t name, unsigned fate)
{
	return sieve->fates && sieve->fates[name] & fate;
}

static void decide_fates(struct sifting *sifting)
{
	const struct thag_profile *from = sifting->from;
	const struct thag_sieve *sieve = sifting->sieve;

	for (uint32_t i = 0; i < from->names.count; i++) {
		const struct thag_function *function = &from->functions[i];
		size_t bytes;
		const char *file = thag_strings_get(&from->files, function->file, &bytes);

		sifting->fates[i].sought = (sieve->only && function->hash == sieve->only) ||
					   has_fate(sieve, i, THAG_SIEVE_ONLY);
		sifting->fates[i].left_out = is_hidden(sieve, function->hash) ||
					     has_fate(sieve, i, THAG_SIEVE_HIDE) ||
					     (sieve->mine[0] && !is_mine(file, sieve->mine));
		sifting->fates[i].dropped = has_fate(sieve, i, THAG_SIEVE_WITHOUT);
		sifting->fates[i].own_dropped = has_fate(sieve, i, THAG_SIEVE_WITHOUT_OWN);
	}
}

static bool seeks(const struct thag_sieve *sieve, uint32_t names)
{
	for (uint32_t i = 0; sieve->fates && i < names; i++)
		if (sieve->fates[i] & THAG_SIEVE_ONLY)
			return true;
	return sieve->only != 0;
}

/** Inside and dropped go down the tree, above goes up it. */
static void find_places(struct sifting *sifting)
{
	const struct thag_profile_node *nodes = sifting->from->nodes;
	unsigned char *places = sifting->places;

	places[ROOT] = seeks(sifting->sieve, sifting->from->names.count) ? APART : INSIDE;
	for (uint32_t i = 1; i < sifting->from->count; i++) {
		const struct fate *fate = &sifting->fates[nodes[i].name];
		unsigned char up = places[nodes[i].parent];

		if (up == DROPPED || fate->dropped)
			places[i] = DROPPED;
		else if (up == INSIDE || fate->sought)
			places[i] = INSIDE;
	}
	for (uint32_t i = sifting->from->count; i-- > 1;)
		if ((places[i] == INSIDE || places[i] == ABOVE) && places[nodes[i].parent] == APART)
			places[nodes[i].parent] = ABOVE;
}

/** Tasks are no functions, and of no file: only by name they can be left out. */
static bool is_left_out(const struct sifting *sifting, const struct thag_profile_node *node)
{
	const struct thag_function *function = &sifting->from->functions[node->name];
	bool task = (node->flags & THAG_FRAME_NODE_TASK) != 0;

	return task ? is_hidden(sifting->sieve, function->hash)
		    : sifting->fates[node->name].left_out;
}

static void subtract_heap(struct thag_frame_heap *sum, const struct thag_frame_heap *less)
{
	sum->allocated_bytes -= less->allocated_bytes;
	sum->allocations -= less->allocations;
	sum->live_bytes -= less->live_bytes;
	sum->live -= less->live;
	sum->peak_bytes -= less->peak_bytes;
	sum->leaked_bytes -= less->leaked_bytes;
	sum->leaked -= less->leaked;
	sum->temporary_bytes -= less->temporary_bytes;
	sum->temporary -= less->temporary;
	sum->reallocations -= less->reallocations;
	sum->released_bytes -= less->released_bytes;
	sum->released -= less->released;
}

/** Adds the memory that is the own of a node: with all below it, less that of its children. */
static int add_own_heap(struct sifting *sifting, uint32_t from)
{
	struct thag_profile *to = sifting->to;
	const struct thag_profile_node *nodes = sifting->from->nodes;
	const struct thag_frame_heap *heaps = sifting->from->heap->nodes;

	thag_heap_add(&to->heap->nodes[sifting->map[from]], &heaps[from]);
	for (uint32_t child = nodes[from].first_child; child; child = nodes[child].next_sibling)
		subtract_heap(&to->heap->nodes[sifting->map[from]], &heaps[child]);
	return thag_profile_add_own_heap(to, sifting->map[from], sifting->from, from);
}

/** How long calls took that come together from several places isn't known. */
static void add_calls(struct sifting *sifting, uint32_t from)
{
	struct thag_profile *to = sifting->to;
	uint32_t into = sifting->map[from];

	if (to->path_hists)
		to->path_hists[into] =
			to->nodes[into].calls ? THAG_HIST_NONE : sifting->from->path_hists[from];
	thag_profile_add_calls(to, into, &sifting->from->nodes[from]);
}

/** Whether what is a node's own isn't dropped. */
static bool counts(const struct sifting *sifting, const struct thag_profile_node *node)
{
	return node->self_ns >= sifting->sieve->at_least && !sifting->fates[node->name].own_dropped;
}

/** Adds what is a node's own. Calls of memory are blocks of its own, and go where those go. */
static int add_own(struct sifting *sifting, uint32_t from, bool calls)
{
	const struct thag_profile_node *node = &sifting->from->nodes[from];
	struct thag_profile *to = sifting->to;
	struct thag_profile_node *into = &to->nodes[sifting->map[from]];
	bool inside = sifting->places[from] == INSIDE && counts(sifting, node);

	if (inside)
		into->self_ns += node->self_ns;
	if (!to->heap) {
		if (calls)
			add_calls(sifting, from);
		return 0;
	}
	into->flags |= calls ? node->flags : 0;
	if (inside)
		into->calls += node->calls;
	return inside ? add_own_heap(sifting, from) : 0;
}

/** A recursive call: what it waited, and how long it is open, its outermost one says already. */
static int add_recursive(struct sifting *sifting, uint32_t from)
{
	struct thag_profile_node *into = &sifting->to->nodes[sifting->map[from]];
	uint64_t wait_ns = into->wait_ns, open_ns = into->open_ns;
	int ret = add_own(sifting, from, true);

	into->wait_ns = wait_ns;
	into->open_ns = open_ns;
	return ret;
}

/** Finds what a node becomes part of, and adds it there. */
static int enter(struct sifting *sifting, uint32_t from)
{
	const struct thag_profile_node *node = &sifting->from->nodes[from];
	struct fate *fate = &sifting->fates[node->name];
	uint32_t up = from == ROOT ? ROOT : sifting->map[node->parent];

	sifting->map[from] = up;
	if (from == ROOT)
		return add_own(sifting, from, true);
	if (is_left_out(sifting, node))
		return add_own(sifting, from, false);
	fate->open++;
	if (fate->outermost && sifting->sieve->collapse) {
		sifting->map[from] = fate->outermost;
		return add_recursive(sifting, from);
	}
	sifting->map[from] = thag_profile_child(sifting->to, up, node->name);
	if (!fate->outermost)
		fate->outermost = sifting->map[from];
	return add_own(sifting, from, true);
}

static void leave(struct sifting *sifting, uint32_t from)
{
	const struct thag_profile_node *node = &sifting->from->nodes[from];
	struct fate *fate = &sifting->fates[node->name];

	if (!is_left_out(sifting, node) && --fate->open == 0)
		fate->outermost = 0;
}

/** The next node of a walk through all that passes; leaves those it climbs out of. 0: the end. */
static uint32_t next_node(struct sifting *sifting, uint32_t at)
{
	const struct thag_profile_node *nodes = sifting->from->nodes;
	uint32_t next = nodes[at].first_child;

	for (;;) {
		while (next && (sifting->places[next] == APART || sifting->places[next] == DROPPED))
			next = nodes[next].next_sibling;
		if (next || at == ROOT)
			return next;
		leave(sifting, at);
		next = nodes[at].next_sibling;
		at = nodes[at].parent;
	}
}

/** Totals, from the leaves up; above what is sought a frame can't be open for longer than them. */
static void sum_up(struct thag_profile *to)
{
	struct thag_profile_node *nodes = to->nodes;

	for (uint32_t i = to->count; i-- > 0;) {
		nodes[i].total_ns += nodes[i].self_ns;
		if (nodes[i].open_ns > nodes[i].total_ns)
			nodes[i].open_ns = nodes[i].total_ns;
		if (i == ROOT)
			break;
		nodes[nodes[i].parent].total_ns += nodes[i].total_ns;
		if (to->heap)
			thag_heap_add(&to->heap->nodes[nodes[i].parent], &to->heap->nodes[i]);
	}
}

static int sift(struct sifting *sifting)
{
	uint32_t at = ROOT;
	int ret = 0;

	decide_fates(sifting);
	find_places(sifting);
	do
		ret = enter(sifting, at);
	while (!ret && (at = next_node(sifting, at)) != ROOT);
	if (ret)
		return ret;
	sum_up(sifting->to);
	sifting->to->cut = sifting->from->cut;
	return thag_profile_place(sifting->to);
}

int thag_sieve_apply(struct thag_profile **out, const struct thag_profile *profile,
		     const struct thag_sieve *sieve)
{
	struct sifting sifting = {
		.from = profile,
		.sieve = sieve,
		.fates = calloc(profile->names.count, sizeof(*sifting.fates)),
		.places = calloc(profile->count, sizeof(*sifting.places)),
		.map = malloc(profile->count * sizeof(*sifting.map)),
	};
	int ret = -ENOMEM;

	if (sifting.fates && sifting.places && sifting.map)
		ret = thag_profile_derive(&sifting.to, profile, profile->nodes[ROOT].name);
	/* at once: a table of pairs that grows while it is filled is slow */
	if (!ret)
		ret = thag_profile_reserve_derived(sifting.to, profile->count);
	if (!ret)
		ret = sift(&sifting);
	if (ret)
		thag_profile_destroy(sifting.to);
	else
		*out = sifting.to;
	free(sifting.fates);
	free(sifting.places);
	free(sifting.map);
	return ret;
}
