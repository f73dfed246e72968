/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_profile_store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "thag/frames.h"
#include "thag/profile.h"
#include "thag_profile_private.h"

/** Fewer by far than these fit a process; more would overflow sums of sizes. */
#define PARTS_MAX (UINT32_C(1) << 30)

/* --- to bytes --- */

static int put_names(const struct thag_profile *profile, struct thag_buffer *out)
{
	int ret = 0;

	for (uint32_t i = 0; i < profile->names.count && !ret; i++) {
		const struct thag_function *function = &profile->functions[i];
		const struct thag_stored_name name = { .bytes = profile->names.list[i].bytes,
						       .file = function->file,
						       .line = function->line,
						       .flags = function->flags };

		ret = thag_buffer_append(out, &name, sizeof(name));
	}
	for (uint32_t i = 0; i < profile->files.count && !ret; i++)
		ret = thag_buffer_append(out, &profile->files.list[i].bytes, sizeof(uint32_t));
	/* what follows is aligned to 8 */
	if (!ret && profile->files.count % 2)
		ret = thag_buffer_append(out, &(const uint32_t){ 0 }, sizeof(uint32_t));
	return ret;
}

/** Lists what a node has in its histogram, and returns how many buckets that are. */
static uint32_t list_counts(const struct thag_profile *profile, uint32_t node,
			    struct thag_hist_count counts[static THAG_HIST_BUCKETS])
{
	if (!profile->path_hists)
		return 0;
	return thag_hist_list(&profile->hists, profile->path_hists[node], counts);
}

static int put_nodes(const struct thag_profile *profile, struct thag_buffer *out, uint32_t *sum)
{
	static const struct thag_measure none;
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
	int ret = 0;

	for (uint32_t i = 0; i < profile->count && !ret; i++) {
		const struct thag_profile_node *from = &profile->nodes[i];
		const struct thag_measure *measure =
			profile->untimed ? &none : &profile->measures[i];
		const struct thag_stored_node node = {
			.parent = from->parent,
			.name = from->name,
			.flags = from->flags,
			.counts = list_counts(profile, i, counts),
			.calls = from->calls,
			.self = from->self_ns,
			.total = measure->total,
			.min = measure->min,
			.max = measure->max,
			.wait = measure->wait,
			.open = measure->open,
		};

		*sum += node.counts;
		ret = thag_buffer_append(out, &node, sizeof(node));
	}
	return ret;
}

static int put_counts(const struct thag_profile *profile, struct thag_buffer *out)
{
	struct thag_hist_count counts[THAG_HIST_BUCKETS];
	int ret = 0;

	for (uint32_t i = 0; i < profile->count && !ret; i++) {
		uint32_t count = list_counts(profile, i, counts);

		for (uint32_t j = 0; j < count && !ret; j++) {
			const struct thag_stored_count stored = { .bucket = counts[j].bucket,
								  .calls = counts[j].count };

			ret = thag_buffer_append(out, &stored, sizeof(stored));
		}
	}
	return ret;
}

static uint64_t text_bytes(const struct thag_strings *strings)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < strings->count; i++)
		sum += strings->list[i].bytes;
	return sum;
}

static int put_texts(const struct thag_strings *strings, struct thag_buffer *out)
{
	int ret = 0;

	for (uint32_t i = 0; i < strings->count && !ret; i++) {
		size_t bytes;
		const char *text = thag_strings_get(strings, i, &bytes);

		ret = thag_buffer_append(out, text, bytes);
	}
	return ret;
}

static int put_parts(const struct thag_profile *profile, struct thag_buffer *out, uint32_t *counts)
{
	int ret = put_names(profile, out);

	if (!ret)
		ret = put_nodes(profile, out, counts);
	if (!ret)
		ret = put_counts(profile, out);
	if (!ret && profile->heap)
		ret = thag_buffer_append(out, profile->heap->nodes,
					 profile->count * sizeof(*profile->heap->nodes));
	if (!ret)
		ret = put_texts(&profile->names, out);
	return ret ? ret : put_texts(&profile->files, out);
}

int thag_profile_store(const struct thag_profile *profile, uint32_t flags, struct thag_buffer *out)
{
	const struct thag_profile_heap *heap = profile->heap;
	struct thag_stored_profile head = {
		.magic = THAG_STORED_MAGIC,
		.version = THAG_STORED_VERSION,
		.ns_per_tick = profile->ns_per_tick,
		.metric = heap ? heap->metric : THAG_METRIC_TIME,
		.flags = flags,
		.names = profile->names.count,
		.files = profile->files.count,
		.nodes = profile->count,
		.heaps = heap ? profile->count : 0,
		.text_bytes = text_bytes(&profile->names) + text_bytes(&profile->files),
		.peak_bytes = heap ? heap->peak_bytes : 0,
	};
	size_t start = out->bytes;
	int ret = thag_buffer_append(out, &head, sizeof(head));

	if (!ret)
		ret = put_parts(profile, out, &head.counts);
	if (ret)
		out->bytes = start;
	else
		((struct thag_stored_profile *)(void *)(out->data + start))->counts = head.counts;
	return ret;
}

/* --- from bytes --- */

/** Where the parts are; checked to lie within what came. */
struct parts {
	const struct thag_stored_profile *head;
	const struct thag_stored_name *names;
	const uint32_t *files;
	const struct thag_stored_node *nodes;
	const struct thag_stored_count *counts;
	const struct thag_frame_heap *heaps;
	const char *texts;
};

/** How many bytes all of it has to have. */
static uint64_t all_bytes(const struct thag_stored_profile *head)
{
	uint64_t files = head->files + head->files % 2;

	return sizeof(*head) + head->names * sizeof(struct thag_stored_name) +
	       files * sizeof(uint32_t) + head->nodes * sizeof(struct thag_stored_node) +
	       head->counts * sizeof(struct thag_stored_count) +
	       head->heaps * sizeof(struct thag_frame_heap) + head->text_bytes;
}

static bool is_sane(const struct thag_stored_profile *head, size_t bytes)
{
	return bytes >= sizeof(*head) && head->magic == THAG_STORED_MAGIC &&
	       head->version == THAG_STORED_VERSION && head->metric < THAG_METRIC_COUNT &&
	       head->ns_per_tick >= 0 && head->ns_per_tick < 1e12 && head->names > 0 &&
	       head->files > 0 && head->nodes > 0 && head->names < PARTS_MAX &&
	       head->files < PARTS_MAX && head->nodes < PARTS_MAX && head->counts < PARTS_MAX &&
	       (head->heaps == 0 || head->heaps == head->nodes) && head->text_bytes <= bytes &&
	       all_bytes(head) == bytes;
}

static void find_parts(struct parts *parts, const struct thag_stored_profile *head)
{
	parts->head = head;
	parts->names = (const void *)(head + 1);
	parts->files = (const void *)(parts->names + head->names);
	parts->nodes = (const void *)(parts->files + head->files + head->files % 2);
	parts->counts = (const void *)(parts->nodes + head->nodes);
	parts->heaps = (const void *)(parts->counts + head->counts);
	parts->texts = (const void *)(parts->heaps + head->heaps);
}

/** Takes the next `bytes` of the texts; NULL when there are no more. */
static const char *take_text(const struct parts *parts, uint64_t *used, uint32_t bytes)
{
	const char *text = parts->texts + *used;

	if (bytes > parts->head->text_bytes - *used)
		return NULL;
	*used += bytes;
	return text;
}

/** Each name once, in the order they were stored in. */
static int load_names(struct thag_profile *profile, const struct parts *parts, uint64_t *used)
{
	for (uint32_t i = 0; i < parts->head->names; i++) {
		const struct thag_stored_name *name = &parts->names[i];
		const char *text = take_text(parts, used, name->bytes);
		uint32_t number;
		int ret;

		if (!text || name->file >= parts->head->files)
			return -EBADMSG;
		ret = thag_profile_put_function(profile, text, name->bytes, &number);
		if (ret)
			return ret;
		if (number != i)
			return -EBADMSG;
		profile->functions[i].file = name->file;
		profile->functions[i].line = name->line;
		profile->functions[i].flags = name->flags;
	}
	return 0;
}

static int load_files(struct thag_profile *profile, const struct parts *parts, uint64_t *used)
{
	for (uint32_t i = 0; i < parts->head->files; i++) {
		const char *text = take_text(parts, used, parts->files[i]);
		uint32_t number;
		int ret;

		if (!text)
			return -EBADMSG;
		ret = thag_strings_put(&profile->files, text, parts->files[i], &number);
		if (ret)
			return ret;
		if (number != i)
			return -EBADMSG;
	}
	return 0;
}

/** The same durations by path and by function. */
static int load_counts(struct thag_profile *profile, uint32_t node,
		       const struct thag_stored_count *counts, uint32_t count)
{
	uint32_t *by_function = &profile->functions[profile->nodes[node].name].hist;
	int ret = 0;

	for (uint32_t i = 0; i < count && !ret; i++) {
		if (counts[i].bucket >= THAG_HIST_BUCKETS)
			return -EBADMSG;
		ret = thag_hist_add(&profile->hists, &profile->path_hists[node], counts[i].bucket,
				    counts[i].calls);
		if (!ret)
			ret = thag_hist_add(&profile->hists, by_function, counts[i].bucket,
					    counts[i].calls);
	}
	return ret;
}

/** The node that a stored one is, which comes behind its parent; UINT32_MAX: it makes no sense. */
static uint32_t add_node(struct thag_profile *profile, const struct thag_stored_node *from)
{
	if (profile->count == 0)
		return from->parent == UINT32_MAX && from->name == 0
			       ? thag_profile_add_node(profile, UINT32_MAX, 0)
			       : UINT32_MAX;
	if (from->parent >= profile->count || from->name >= profile->names.count)
		return UINT32_MAX;
	uint32_t count = profile->count;
	uint32_t node = thag_profile_child(profile, from->parent, from->name);

	return node == count ? node : UINT32_MAX;
}

static void set_numbers(struct thag_profile *profile, uint32_t node,
			const struct thag_stored_node *from)
{
	profile->nodes[node].flags = from->flags;
	profile->nodes[node].calls = from->calls;
	profile->nodes[node].self_ns = from->self;
	profile->measures[node] = (struct thag_measure){ .total = from->total,
							 .min = from->min,
							 .max = from->max,
							 .wait = from->wait,
							 .open = from->open };
}

static int load_nodes(struct thag_profile *profile, const struct parts *parts)
{
	uint64_t sum = 0;
	uint32_t used = 0;
	int ret = thag_profile_reserve(profile, parts->head->nodes);

	for (uint32_t i = 0; i < parts->head->nodes && !ret; i++) {
		const struct thag_stored_node *from = &parts->nodes[i];
		uint32_t node = add_node(profile, from);

		if (node == UINT32_MAX || from->counts > parts->head->counts - used ||
		    __builtin_add_overflow(sum, from->self, &sum))
			return -EBADMSG;
		set_numbers(profile, node, from);
		ret = load_counts(profile, node, parts->counts + used, from->counts);
		used += from->counts;
	}
	return ret;
}

static int load_heaps(struct thag_profile *profile, const struct parts *parts)
{
	size_t bytes = parts->head->nodes * sizeof(*parts->heaps);

	if (parts->head->heaps == 0)
		return 0;
	profile->heap = calloc(1, sizeof(*profile->heap));
	if (!profile->heap)
		return -ENOMEM;
	profile->heap->metric = parts->head->metric;
	profile->heap->peak_bytes = parts->head->peak_bytes;
	profile->heap->nodes = malloc(bytes);
	profile->heap->lifetimes = calloc(parts->head->nodes, sizeof(*profile->heap->lifetimes));
	if (!profile->heap->nodes || !profile->heap->lifetimes)
		return -ENOMEM;
	for (uint32_t i = 0; i < parts->head->nodes; i++)
		profile->heap->nodes[i] = parts->heaps[i];
	return 0;
}

static int load_parts(struct thag_profile *profile, const struct parts *parts)
{
	uint64_t used = 0;
	int ret = load_names(profile, parts, &used);

	if (!ret)
		ret = load_files(profile, parts, &used);
	if (!ret)
		ret = load_nodes(profile, parts);
	if (!ret)
		ret = load_heaps(profile, parts);
	profile->ns_per_tick = parts->head->ns_per_tick;
	return ret ? ret : thag_profile_arrange(profile);
}

int thag_profile_load(struct thag_profile **out, const void *data, size_t bytes,
		      struct thag_stored_facts *facts)
{
	struct thag_profile *profile;
	struct parts parts;
	int ret;

	if (!is_sane(data, bytes))
		return -EBADMSG;
	find_parts(&parts, data);
	profile = calloc(1, sizeof(*profile));
	if (!profile)
		return -ENOMEM;
	profile->keeps_paths = true;
	ret = load_parts(profile, &parts);
	if (ret) {
		thag_profile_destroy(profile);
		return ret;
	}
	*facts = (struct thag_stored_facts){ .metric = parts.head->metric,
					     .flags = parts.head->flags };
	*out = profile;
	return 0;
}
