/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Folded stacks in three steps: a tree of names as they will be printed, so that stacks which
 * come out equal are one; the entries of each node sorted as their lines will be; a walk.
 *
 * An entry of a node is either the line that ends with a child, `child N`, or all lines that go
 * on below it, `child;`. Siblings have different names without `;`, so entries in order give
 * lines in order, and no line is kept for sorting.
 */
#include "thag_profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_pages.h"
#include "thag_profile_private.h"
#include "thag_text.h"

#define LINE_EXTRA 32 /* bytes of a line beside its names, more than ever needed */
#define DECIMAL_BYTES 24

struct fold_node {
	uint64_t self;
	uint32_t parent;
	uint32_t text;
	uint32_t entry;	    /* its next entry to be written */
	uint32_t entry_end; /* its last one + 1 */
	bool has_below;	    /* something below it has a line */
};

struct fold_entry {
	uint64_t first; /* its first 8 bytes, as a number */
	uint32_t node;
	bool line;
};

struct folded {
	const struct thag_profile *profile;
	const uint64_t *selfs;	   /* by node of the profile; NULL: as it says itself */
	struct thag_strings texts; /* names as printed */
	bool distinct;		   /* as many as there are names */
	uint32_t *text_of;	   /* by name of the profile */
	uint32_t deeper;	   /* the text of what lies below the deepest level printed */
	uint32_t depth_max;
	uint64_t text_bytes; /* at most, where nothing is below the deepest level printed */
	struct fold_node *nodes;
	uint32_t node_count;
	struct thag_pairs children;
	struct fold_entry *entries;
};

static void folded_fini(struct folded *folded)
{
	thag_strings_fini(&folded->texts);
	free(folded->text_of);
	free(folded->nodes);
	thag_pairs_fini(&folded->children);
	free(folded->entries);
}

static uint64_t self_of(const struct folded *folded, uint32_t node)
{
	return folded->selfs ? folded->selfs[node] : folded->profile->nodes[node].self_ns;
}

static int put_text(struct folded *folded, struct thag_buffer *scratch, const char *name,
		    size_t bytes, uint32_t *text)
{
	int ret;

	scratch->bytes = 0;
	ret = thag_text_append_frame(scratch, name, bytes, THAG_FRAME_NAME_MAX);
	if (ret)
		return ret;
	return thag_strings_put(&folded->texts, (const char *)scratch->data,
				(uint32_t)scratch->bytes, text);
}

static int prepare_texts(struct folded *folded)
{
	const struct thag_strings *names = &folded->profile->names;
	struct thag_buffer scratch = { 0 };
	int ret = 0;

	folded->text_of = malloc(names->count * sizeof(*folded->text_of));
	if (!folded->text_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->count && !ret; i++) {
		size_t bytes;
		const char *name = thag_strings_get(names, i, &bytes);

		ret = put_text(folded, &scratch, name, bytes, &folded->text_of[i]);
	}
	folded->distinct = folded->texts.count == names->count;
	if (!ret)
		ret = put_text(folded, &scratch, THAG_FOLDED_DEEPER, strlen(THAG_FOLDED_DEEPER),
			       &folded->deeper);
	thag_buffer_fini(&scratch);
	return ret;
}

/** Adds up into `costs`, by depth, the bytes of a line for each node; and those of lines. */
static void add_costs(struct folded *folded, uint64_t *path_bytes, uint64_t *costs)
{
	const struct thag_profile *profile = folded->profile;

	for (uint32_t i = 1; i < profile->count; i++) {
		const struct thag_profile_node *node = &profile->nodes[i];
		uint32_t text = folded->text_of[node->name];

		path_bytes[i] = path_bytes[node->parent] + folded->texts.list[text].bytes + 1;
		costs[node->depth] += path_bytes[i] + LINE_EXTRA;
		if (self_of(folded, i))
			folded->text_bytes += path_bytes[i] + LINE_EXTRA;
	}
}

/** The most levels whose lines, one for each node, stay within THAG_FOLDED_BYTES_MAX. */
static int limit_depth(struct folded *folded)
{
	const struct thag_profile *profile = folded->profile;
	uint64_t *path_bytes = calloc(profile->count, sizeof(*path_bytes));
	uint64_t *costs = calloc((size_t)profile->depth + 1, sizeof(*costs));
	uint64_t sum = 0;
	int ret = -ENOMEM;

	if (!path_bytes || !costs)
		goto out;
	add_costs(folded, path_bytes, costs);
	for (uint32_t depth = 1; depth <= profile->depth; depth++) {
		sum += costs[depth];
		if (sum <= THAG_FOLDED_BYTES_MAX || depth == 1)
			folded->depth_max = depth;
	}
	ret = 0;
out:
	free(path_bytes);
	free(costs);
	return ret;
}

static uint32_t fold_child(struct folded *folded, uint32_t parent, uint32_t text)
{
	uint32_t *child = thag_pairs_at(&folded->children, parent, text);

	if (*child == 0) {
		*child = folded->node_count;
		folded->nodes[folded->node_count++] =
			(struct fold_node){ .parent = parent, .text = text };
	}
	return *child;
}

/** Whether nothing comes out equal that is not: the tree is that of the profile. */
static bool is_profile_tree(const struct folded *folded)
{
	return folded->distinct && folded->profile->depth <= folded->depth_max;
}

static void copy_tree(struct folded *folded)
{
	const struct thag_profile *profile = folded->profile;

	for (uint32_t i = 0; i < profile->count; i++)
		folded->nodes[i] =
			(struct fold_node){ .parent = profile->nodes[i].parent,
					    .text = folded->text_of[profile->nodes[i].name],
					    .self = i ? self_of(folded, i) : 0 };
	folded->node_count = profile->count;
}

/** The node that takes the self time of profile node `node`; `map` holds those before it. */
static uint32_t fold_of(struct folded *folded, const struct thag_profile_node *node,
			const uint32_t *map)
{
	uint32_t parent = map[node->parent];

	if (node->depth <= folded->depth_max)
		return fold_child(folded, parent, folded->text_of[node->name]);
	if (node->depth == folded->depth_max + 1)
		return fold_child(folded, parent, folded->deeper);
	return parent;
}

static int merge_tree(struct folded *folded)
{
	const struct thag_profile *profile = folded->profile;
	uint32_t *map = malloc(profile->count * sizeof(*map));

	if (!map || thag_pairs_reserve(&folded->children, profile->count)) {
		free(map);
		return -ENOMEM;
	}
	map[0] = 0;
	folded->nodes[folded->node_count++] = (struct fold_node){ .parent = UINT32_MAX };
	for (uint32_t i = 1; i < profile->count; i++) {
		map[i] = fold_of(folded, &profile->nodes[i], map);
		folded->nodes[map[i]].self += self_of(folded, i);
	}
	free(map);
	return 0;
}

static int build_tree(struct folded *folded)
{
	uint32_t count = folded->profile->count;

	folded->nodes = malloc(count * sizeof(*folded->nodes));
	if (!folded->nodes)
		return -ENOMEM;
	thag_pages_make(folded->nodes, count * sizeof(*folded->nodes));
	if (!is_profile_tree(folded))
		return merge_tree(folded);
	copy_tree(folded);
	return 0;
}

/** Writes what follows the name in an entry, and returns its bytes. */
static size_t write_tail(const struct folded *folded, const struct fold_entry *entry,
			 char tail[static DECIMAL_BYTES])
{
	if (!entry->line) {
		tail[0] = ';';
		return 1;
	}
	return (size_t)snprintf(tail, DECIMAL_BYTES, " %" PRIu64, folded->nodes[entry->node].self);
}

static void set_first(const struct folded *folded, struct fold_entry *entry)
{
	char tail[DECIMAL_BYTES];
	size_t bytes;
	const char *name =
		thag_strings_get(&folded->texts, folded->nodes[entry->node].text, &bytes);
	size_t tail_bytes = bytes < 8 ? write_tail(folded, entry, tail) : 0;

	for (size_t i = 0; i < 8; i++) {
		char c = i < bytes ? name[i] : i - bytes < tail_bytes ? tail[i - bytes] : '\0';

		entry->first = entry->first << 8 | (uint8_t)c;
	}
}

/** Compares `a` followed by its tail with `b` followed by its own; `a` is not the longer. */
static int compare_tails(const struct folded *folded, const struct fold_entry *a, size_t a_bytes,
			 const struct fold_entry *b, const char *b_name, size_t b_bytes)
{
	char a_tail[DECIMAL_BYTES], b_tail[DECIMAL_BYTES];
	size_t a_end = a_bytes + write_tail(folded, a, a_tail);
	size_t b_end = b_bytes + write_tail(folded, b, b_tail);

	for (size_t i = a_bytes; i < a_end && i < b_end; i++) {
		uint8_t x = (uint8_t)a_tail[i - a_bytes];
		uint8_t y = (uint8_t)(i < b_bytes ? b_name[i] : b_tail[i - b_bytes]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a_end > b_end) - (a_end < b_end);
}

static int compare_entries(const void *left, const void *right, void *context)
{
	const struct fold_entry *a = left, *b = right;
	const struct folded *folded = context;
	size_t a_bytes, b_bytes;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->node == b->node)
		return a->line ? -1 : 1; /* a space is less than a semicolon */
	const char *a_name =
		thag_strings_get(&folded->texts, folded->nodes[a->node].text, &a_bytes);
	const char *b_name =
		thag_strings_get(&folded->texts, folded->nodes[b->node].text, &b_bytes);
	int order = memcmp(a_name, b_name, a_bytes < b_bytes ? a_bytes : b_bytes);

	if (order)
		return order;
	if (a_bytes <= b_bytes)
		return compare_tails(folded, a, a_bytes, b, b_name, b_bytes);
	return -compare_tails(folded, b, b_bytes, a, a_name, a_bytes);
}

/** Marks what leads to a line, and gives each node as many entries as it will have. */
static uint32_t count_entries(struct folded *folded)
{
	struct fold_node *nodes = folded->nodes;
	uint32_t sum = 0;

	for (uint32_t i = folded->node_count; i-- > 1;) {
		struct fold_node *up = &nodes[nodes[i].parent];

		up->has_below |= nodes[i].self > 0 || nodes[i].has_below;
		up->entry_end += (nodes[i].self > 0 ? 1u : 0u) + (nodes[i].has_below ? 1u : 0u);
	}
	for (uint32_t i = 0; i < folded->node_count; i++) {
		nodes[i].entry = sum;
		sum += nodes[i].entry_end;
		nodes[i].entry_end = nodes[i].entry;
	}
	return sum;
}

static void add_entry(struct folded *folded, uint32_t node, bool line)
{
	struct fold_node *up = &folded->nodes[folded->nodes[node].parent];
	struct fold_entry *entry = &folded->entries[up->entry_end++];

	*entry = (struct fold_entry){ .node = node, .line = line };
	set_first(folded, entry);
}

static int sort_entries(struct folded *folded)
{
	uint32_t count = count_entries(folded);

	folded->entries = malloc((size_t)count * sizeof(*folded->entries) + 1);
	if (!folded->entries)
		return -ENOMEM;
	thag_pages_make(folded->entries, (size_t)count * sizeof(*folded->entries));
	for (uint32_t i = 1; i < folded->node_count; i++) {
		if (folded->nodes[i].self)
			add_entry(folded, i, true);
		if (folded->nodes[i].has_below)
			add_entry(folded, i, false);
	}
	for (uint32_t i = 0; i < folded->node_count; i++) {
		const struct fold_node *node = &folded->nodes[i];

		if (node->entry_end - node->entry > 1)
			qsort_r(folded->entries + node->entry, node->entry_end - node->entry,
				sizeof(*folded->entries), compare_entries, folded);
	}
	return 0;
}

/** Appends the line of `node`, which stands below the stack in `path`. */
static int write_line(const struct folded *folded, const struct thag_buffer *path, uint32_t node,
		      struct thag_buffer *out)
{
	size_t bytes;
	const char *name = thag_strings_get(&folded->texts, folded->nodes[node].text, &bytes);
	int ret = thag_buffer_append(out, path->data, path->bytes);

	if (!ret)
		ret = thag_buffer_append(out, name, bytes);
	if (!ret)
		ret = thag_buffer_append(out, " ", 1);
	if (!ret)
		ret = thag_buffer_append_decimal(out, folded->nodes[node].self);
	return ret ? ret : thag_buffer_append(out, "\n", 1);
}

static int push_name(const struct folded *folded, struct thag_buffer *path, uint32_t node)
{
	size_t bytes;
	const char *name = thag_strings_get(&folded->texts, folded->nodes[node].text, &bytes);
	int ret = thag_buffer_append(path, name, bytes);

	return ret ? ret : thag_buffer_append(path, ";", 1);
}

static void pop_name(const struct folded *folded, struct thag_buffer *path, uint32_t node)
{
	if (node)
		path->bytes -= (size_t)folded->texts.list[folded->nodes[node].text].bytes + 1;
}

static int write_lines(struct folded *folded, struct thag_buffer *out)
{
	struct thag_buffer path = { 0 };
	uint32_t node = 0;
	int ret = 0;

	/* in one piece: growing copies it, again and again */
	if (is_profile_tree(folded))
		ret = thag_buffer_reserve(out, folded->text_bytes);
	while (node != UINT32_MAX && !ret) {
		struct fold_node *at = &folded->nodes[node];

		if (at->entry == at->entry_end) {
			pop_name(folded, &path, node);
			node = at->parent;
			continue;
		}
		const struct fold_entry *entry = &folded->entries[at->entry++];

		if (entry->line) {
			ret = write_line(folded, &path, entry->node, out);
		} else {
			node = entry->node;
			ret = push_name(folded, &path, node);
		}
	}
	thag_buffer_fini(&path);
	return ret;
}

static int write_folded(const struct thag_profile *profile, const uint64_t *selfs,
			struct thag_buffer *out)
{
	struct folded folded = { .profile = profile, .selfs = selfs };
	size_t start = out->bytes;
	int ret = prepare_texts(&folded);

	if (!ret)
		ret = limit_depth(&folded);
	if (!ret)
		ret = build_tree(&folded);
	if (!ret)
		ret = sort_entries(&folded);
	if (!ret)
		ret = write_lines(&folded, out);
	if (ret)
		out->bytes = start;
	folded_fini(&folded);
	return ret;
}

int thag_folded_write(const struct thag_profile *profile, struct thag_buffer *out)
{
	return write_folded(profile, NULL, out);
}

/** What is a node's own is what it has with all below it, less what is below it. */
static uint64_t *find_selfs(const struct thag_profile *profile, enum thag_metric metric)
{
	uint64_t *selfs = calloc(profile->count, sizeof(*selfs));

	if (!selfs)
		return NULL;
	thag_pages_make(selfs, profile->count * sizeof(*selfs));
	for (uint32_t i = 0; i < profile->count; i++) {
		uint64_t value = thag_heap_value(&profile->heap->nodes[i], metric);

		selfs[i] += value;
		if (i)
			selfs[profile->nodes[i].parent] -= value;
	}
	return selfs;
}

int thag_heap_folded_write(const struct thag_profile *profile, enum thag_metric metric,
			   struct thag_buffer *out)
{
	uint64_t *selfs = find_selfs(profile, metric);
	int ret = selfs ? write_folded(profile, selfs, out) : -ENOMEM;

	free(selfs);
	return ret;
}
