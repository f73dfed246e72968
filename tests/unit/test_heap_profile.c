/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_heap_profile.h"

#include "heap_scene.h"

/** What a stack of the model has, by its text. */
struct model_stack {
	char text[SCENE_TEXT * 8];
	struct thag_frame_heap heap; /* its own */
};

struct model {
	struct model_stack *stacks;
	uint32_t count;
};

static struct model_stack *find_stack(struct model *model, const char *text)
{
	for (uint32_t i = 0; i < model->count; i++)
		if (strcmp(model->stacks[i].text, text) == 0)
			return &model->stacks[i];
	cr_assert_lt(model->count, SCENE_PATHS);
	struct model_stack *stack = &model->stacks[model->count++];

	snprintf(stack->text, sizeof(stack->text), "%s", text);
	return stack;
}

/** What a range counts: slices' bounds for what happened, and the moments that are looked at. */
struct range {
	uint64_t start, end; /* of the slices it touches */
	uint64_t from, to;   /* as asked for */
	uint64_t peak;	     /* just before this was most live */
	bool whole;
};

static void count_block(const struct range *range, const struct scene_block *block,
			struct thag_frame_heap *own, struct thag_frame_heap *freer)
{
	bool kept =
		!block->freed && block->allocated >= range->from && block->allocated < range->to;

	if (block->allocated >= range->start && block->allocated < range->end) {
		own->allocated_bytes += block->bytes;
		own->allocations++;
	}
	if (block->freed && block->freed >= range->start && block->freed < range->end) {
		freer->released_bytes += block->bytes;
		freer->released++;
		own->temporary += block->temporary;
		own->temporary_bytes += block->temporary ? block->bytes : 0;
	}
	if (scene_is_live(block, range->end)) {
		own->live_bytes += block->bytes;
		own->live++;
	}
	if (scene_is_live(block, range->peak))
		own->peak_bytes += block->bytes;
	if (kept) {
		own->leaked_bytes += block->bytes;
		own->leaked++;
	}
}

static void model_init(struct model *model, const struct scene *scene, const struct range *range)
{
	char(*texts)[SCENE_TEXT * 8] = calloc(SCENE_PATHS, sizeof(*texts));

	model->stacks = calloc(SCENE_PATHS, sizeof(*model->stacks));
	model->count = 0;
	for (uint32_t i = 0; i < SCENE_PATHS; i++)
		scene_text(scene, i, texts[i]);
	for (uint32_t i = 0; i < scene->block_count; i++) {
		const struct scene_block *block = &scene->blocks[i];
		struct model_stack *own = find_stack(model, texts[block->path]);

		count_block(range, block, &own->heap,
			    &find_stack(model, texts[block->freed_by])->heap);
	}
	free(texts);
}

static uint64_t value_of(const struct thag_frame_heap *heap, enum thag_metric metric)
{
	const uint64_t values[THAG_METRIC_COUNT] = {
		[THAG_METRIC_ALLOCATED] = heap->allocated_bytes,
		[THAG_METRIC_ALLOCATIONS] = heap->allocations,
		[THAG_METRIC_LIVE] = heap->live_bytes,
		[THAG_METRIC_PEAK] = heap->peak_bytes,
		[THAG_METRIC_LEAKED] = heap->leaked_bytes,
		[THAG_METRIC_TEMPORARY] = heap->temporary,
		[THAG_METRIC_FREED] = heap->released_bytes,
	};

	return values[metric];
}

static int compare_stacks(const void *a, const void *b)
{
	return strcmp(((const struct model_stack *)a)->text, ((const struct model_stack *)b)->text);
}

static void add_all(struct thag_frame_heap *sum, const struct thag_frame_heap *more)
{
	sum->allocated_bytes += more->allocated_bytes;
	sum->allocations += more->allocations;
	sum->live_bytes += more->live_bytes;
	sum->live += more->live;
	sum->peak_bytes += more->peak_bytes;
	sum->leaked_bytes += more->leaked_bytes;
	sum->leaked += more->leaked;
	sum->temporary_bytes += more->temporary_bytes;
	sum->temporary += more->temporary;
	sum->released_bytes += more->released_bytes;
	sum->released += more->released;
}

static void node_text(const struct thag_profile *profile, uint32_t node, char *text)
{
	uint32_t path[512], depth = 0, count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	size_t bytes;

	text[0] = '\0';
	for (; node; node = nodes[node].parent)
		path[depth++] = node;
	while (depth-- > 0) {
		strcat(text, thag_profile_name(profile, nodes[path[depth]].name, &bytes));
		strcat(text, depth ? ";" : "");
	}
}

/** Each node has what the stacks that begin with its own have. */
static void check_nodes(const struct thag_profile *profile, const struct model *model,
			enum thag_metric metric)
{
	uint32_t count;
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	const struct thag_frame_heap *heaps = thag_profile_heaps(profile);

	for (uint32_t i = 0; i < count; i++) {
		struct thag_frame_heap sum = { 0 }, got = heaps[i];
		char text[SCENE_TEXT * 8];

		node_text(profile, i, text);
		size_t bytes = strlen(text);
		for (uint32_t at = 0; at < model->count; at++) {
			const char *stack = model->stacks[at].text;

			if (strncmp(stack, text, bytes) == 0 &&
			    (!bytes || stack[bytes] == ';' || !stack[bytes]))
				add_all(&sum, &model->stacks[at].heap);
		}
		got.high_bytes = got.lifetime_max_ns = 0;
		cr_expect_eq(memcmp(&got, &sum, sizeof(sum)), 0, "%s: another heap", text);
		cr_expect_eq(nodes[i].total_ns, value_of(&sum, metric));
	}
}

static void check_folded(const struct thag_profile *profile, struct model *model,
			 enum thag_metric metric)
{
	struct thag_buffer got = { 0 }, expected = { 0 };

	qsort(model->stacks, model->count, sizeof(*model->stacks), compare_stacks);
	for (uint32_t i = 0; i < model->count; i++) {
		uint64_t value = value_of(&model->stacks[i].heap, metric);
		char line[SCENE_TEXT * 8 + 32];
		int bytes = snprintf(line, sizeof(line), "%s %lu\n", model->stacks[i].text, value);

		if (value)
			thag_buffer_append(&expected, line, (size_t)bytes);
	}
	cr_assert_eq(thag_folded_write(profile, &got), 0);
	cr_expect_eq(got.bytes, expected.bytes);
	cr_expect(got.bytes == expected.bytes &&
			  (!got.bytes || memcmp(got.data, expected.data, got.bytes) == 0),
		  "metric %u:\n%.*s\n---\n%.*s", metric, (int)got.bytes, (char *)got.data,
		  (int)expected.bytes, (char *)expected.data);
	thag_buffer_fini(&got);
	thag_buffer_fini(&expected);
}

static void check_metrics(const struct scene *scene, const struct range *range)
{
	struct model model;

	model_init(&model, scene, range);
	for (enum thag_metric metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT;
	     metric++) {
		struct thag_heap_query query = scene_query(scene, metric);

		query.from = range->whole ? 0 : range->from;
		query.to = range->whole ? 0 : range->to;
		struct thag_profile *profile = scene_profile(scene, &query);

		check_nodes(profile, &model, metric);
		check_folded(profile, &model, metric);
		thag_profile_destroy(profile);
	}
	free(model.stacks);
}

Test(heap_profile, equals_the_naive_model_over_the_whole_run)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct scene scene;

		scene_init(&scene, seed, seed % 2 ? THAG_HEAP_TRACES : THAG_HEAP_CALLS);
		struct range range = { .start = SCENE_START,
				       .end = scene.copy.now,
				       .from = 0,
				       .to = scene.copy.now,
				       .peak = scene.peak_ticks,
				       .whole = true };

		check_metrics(&scene, &range);
		scene_fini(&scene);
	}
}

/** The range as its slices allow, and when most was live at the end of one. */
static struct range make_range(const struct scene *scene, uint64_t from, uint64_t to)
{
	struct range range = { .from = from, .to = to };
	uint64_t most = 0, end = scene->copy.now;

	range.start = from - (from - SCENE_START) % SCENE_SLICE_TICKS;
	range.end = to - 1 - (to - 1 - SCENE_START) % SCENE_SLICE_TICKS + SCENE_SLICE_TICKS;
	range.end = range.end > end ? end : range.end;
	for (uint64_t at = range.start + SCENE_SLICE_TICKS; at <= range.end;
	     at += SCENE_SLICE_TICKS)
		if (scene_live(scene, at) > most) {
			most = scene_live(scene, at);
			range.peak = at;
		}
	if (scene->peak_ticks > range.start && scene->peak_ticks <= range.end)
		range.peak = scene->peak_ticks;
	return range;
}

Test(heap_profile, equals_the_naive_model_in_ranges_of_time)
{
	for (uint64_t seed = 11; seed <= 22; seed++) {
		struct scene scene;

		scene_init(&scene, seed, THAG_HEAP_TRACES);
		uint64_t ticks = SCENE_SLICES * SCENE_SLICE_TICKS;
		uint64_t from = SCENE_START + scene_random(&scene, ticks);
		uint64_t to = from + 1 + scene_random(&scene, ticks);
		struct range range = make_range(&scene, from, to);

		scene_keep(&scene, from, to);
		check_metrics(&scene, &range);
		scene_fini(&scene);
	}
}

/* --- one profile, for all that is saved --- */

static struct thag_profile *saved_profile(const struct scene *scene)
{
	struct thag_heap_query query = scene_query(scene, THAG_METRIC_ALLOCATED);

	query.saved = true;
	return scene_profile(scene, &query);
}

static void expect_same_text(const struct thag_buffer *a, const struct thag_buffer *b,
			     enum thag_metric metric)
{
	cr_expect_eq(a->bytes, b->bytes, "metric %u", metric);
	cr_expect(a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0, "metric %u",
		  metric);
}

Test(heap_profile, folds_every_metric_from_the_profile_of_one)
{
	for (uint64_t seed = 31; seed <= 36; seed++) {
		struct scene scene;

		scene_init(&scene, seed, seed % 2 ? THAG_HEAP_TRACES : THAG_HEAP_CALLS);
		struct thag_profile *saved = saved_profile(&scene);

		for (enum thag_metric metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT;
		     metric++) {
			struct thag_heap_query query = scene_query(&scene, metric);
			struct thag_profile *own = scene_profile(&scene, &query);
			struct thag_buffer got = { 0 }, expected = { 0 };

			cr_assert_eq(thag_folded_write(own, &expected), 0);
			cr_assert_eq(thag_heap_folded_write(saved, metric, &got), 0);
			expect_same_text(&got, &expected, metric);
			thag_buffer_fini(&got);
			thag_buffer_fini(&expected);
			thag_profile_destroy(own);
		}
		thag_profile_destroy(saved);
		scene_fini(&scene);
	}
}

Test(heap_profile, lists_leaks_beside_what_is_allocated)
{
	for (uint64_t seed = 41; seed <= 46; seed++) {
		struct scene scene;
		uint32_t count, expected_count, leaking = 0;

		scene_init(&scene, seed, seed % 2 ? THAG_HEAP_TRACES : THAG_HEAP_CALLS);
		struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LEAKED);
		struct thag_profile *saved = saved_profile(&scene);
		struct thag_profile *own = scene_profile(&scene, &query);
		const struct thag_heap_place *got = thag_profile_leaks(saved, &count);
		const struct thag_heap_place *expected = thag_profile_places(own, &expected_count);

		cr_assert_eq(count, expected_count);
		for (uint32_t i = 0; i < count && expected[i].value; i++, leaking++) {
			cr_expect_eq(got[i].value, expected[i].value);
			cr_expect_eq(got[i].path, expected[i].path, "%u, not %u", got[i].path,
				     expected[i].path);
			cr_expect_eq(got[i].name, expected[i].name);
			cr_expect_eq(got[i].file, expected[i].file);
			cr_expect_eq(got[i].line, expected[i].line);
			cr_expect_eq(memcmp(&got[i].heap, &expected[i].heap, sizeof(got->heap)), 0);
		}
		cr_expect_gt(leaking, 3);
		cr_expect_null(thag_profile_leaks(own, &count));
		thag_profile_destroy(saved);
		thag_profile_destroy(own);
		scene_fini(&scene);
	}
}

/* --- with a real heap --- */

#define REAL_TRACES 400
#define REAL_BLOCKS 500

static struct thag_shm_trace real_traces[REAL_TRACES];

static bool get_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	(void)context;
	if (trace >= REAL_TRACES)
		return false;
	*out = real_traces[trace];
	return true;
}

static struct thag_heap *real_heap(struct scene *scene, uint32_t events)
{
	const struct thag_heap_options options = { .start_ticks = SCENE_START,
						   .slice_ticks = 64,
						   .slice_limit = 16,
						   .slack_ticks = 1,
						   .trace = get_trace };
	struct thag_heap *heap;
	bool live[REAL_BLOCKS] = { false };

	cr_assert_eq(thag_heap_create(&heap, &options), 0);
	for (uint32_t i = 1; i < REAL_TRACES; i++)
		real_traces[i] = (struct thag_shm_trace){
			.parent = (uint32_t)scene_random(scene, i),
			.site = 2 + (uint32_t)scene_random(scene, SCENE_SITES - 2),
		};
	for (uint32_t i = 0; i < events; i++) {
		uint32_t block = (uint32_t)scene_random(scene, REAL_BLOCKS);
		struct thag_heap_event event = {
			.ticks = SCENE_START + 10 * i,
			.address = UINT64_C(0x10000) + 64 * block,
			.size = live[block] ? 0 : 1 + scene_random(scene, 5000),
			.trace = (uint32_t)scene_random(scene, REAL_TRACES),
			.op = live[block] ? THAG_HEAP_FREE : THAG_HEAP_ALLOC,
		};

		live[block] = !live[block];
		thag_heap_apply(heap, &event, 1);
	}
	thag_heap_settle(heap, UINT64_MAX);
	return heap;
}

/** All nodes together have what the heap has, by any metric. */
static void check_sums(const struct scene *scene, uint64_t to)
{
	const struct thag_heap_totals *totals = &scene->copy.totals;
	const uint64_t expected[THAG_METRIC_COUNT] = {
		[THAG_METRIC_ALLOCATED] = totals->allocated_bytes,
		[THAG_METRIC_ALLOCATIONS] = totals->allocations,
		[THAG_METRIC_LIVE] = totals->live_bytes,
		[THAG_METRIC_PEAK] = totals->peak_bytes,
		[THAG_METRIC_LEAKED] = totals->live_bytes,
		[THAG_METRIC_TEMPORARY] = totals->temporary,
		[THAG_METRIC_FREED] = totals->freed_bytes,
	};

	for (enum thag_metric metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT;
	     metric++) {
		struct thag_heap_query query = scene_query(scene, metric);
		uint32_t count;

		query.to = to;
		struct thag_profile *profile = scene_profile(scene, &query);

		cr_expect_eq(thag_profile_nodes(profile, &count)[0].total_ns, expected[metric],
			     "metric %u to %lu: %lu, not %lu", metric, to,
			     thag_profile_nodes(profile, &count)[0].total_ns, expected[metric]);
		thag_profile_destroy(profile);
	}
}

Test(heap_profile, nodes_of_a_real_heap_add_up_to_its_totals)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct scene scene = { .seed = seed * 2654435761u };

		scene_name(&scene);
		struct thag_heap *heap = real_heap(&scene, 20000);

		for (uint64_t to = 0; to != 1; to = to ? 1 : UINT64_MAX) {
			cr_assert_eq(thag_heap_copy(&scene.copy, heap, 0, to), 0);
			cr_expect_gt(scene.copy.totals.live, 0);
			scene.kind = THAG_HEAP_TRACES;
			check_sums(&scene, to);
			scene.kind = THAG_HEAP_CALLS;
			check_sums(&scene, to);
			thag_heap_copy_fini(&scene.copy);
			scene.copy = (struct thag_heap_copy){ 0 };
		}
		thag_heap_destroy(heap);
		scene_fini(&scene);
	}
}

static void fold_copy(struct scene *scene, enum thag_heap_kind kind, struct thag_buffer *out)
{
	scene->kind = kind;
	for (enum thag_metric metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT;
	     metric++) {
		struct thag_heap_query query = scene_query(scene, metric);
		struct thag_profile *profile = scene_profile(scene, &query);

		cr_assert_eq(thag_folded_write(profile, out), 0);
		thag_profile_destroy(profile);
	}
}

/* Each slice tells what was done in it, the last one, too: together that is all. */
static void expect_slices_add_up(const struct thag_heap_copy *copy)
{
	const struct thag_heap_slice *last = &copy->slices[copy->slice_count - 1];
	uint64_t allocated = 0, freed = 0, recorded = 0;

	for (uint32_t i = 0; i < copy->slice_count; i++) {
		allocated += copy->slices[i].allocated_bytes;
		freed += copy->slices[i].freed_bytes;
		for (uint32_t at = 0; at < copy->slices[i].record_count[THAG_HEAP_CALLS]; at++)
			recorded += copy->slices[i].records[THAG_HEAP_CALLS][at].allocated_bytes;
	}
	cr_expect_eq(allocated, copy->totals.allocated_bytes);
	/* a copy of the whole run needs none of its parts */
	cr_expect_eq(recorded, copy->lent ? copy->totals.allocated_bytes : 0);
	cr_expect_eq(freed, copy->totals.freed_bytes);
	cr_expect_eq(last->live_bytes, copy->totals.live_bytes);
}

Test(heap_profile, a_heap_that_has_ended_is_lent)
{
	struct scene scene = { .seed = 7 };

	scene_name(&scene);
	struct thag_heap *heap = real_heap(&scene, 5000);

	thag_heap_end(heap, UINT64_MAX);
	for (enum thag_heap_kind kind = THAG_HEAP_CALLS; kind < THAG_HEAP_KINDS; kind++) {
		struct thag_buffer texts[3] = { { 0 } };

		for (int i = 0; i < 3; i++) {
			/* the second: what was lent is still there afterwards */
			cr_assert_eq(i == 1 ? thag_heap_copy(&scene.copy, heap, 0, 0)
					    : thag_heap_lend(&scene.copy, heap),
				     0);
			cr_expect_eq(scene.copy.lent, i != 1);
			expect_slices_add_up(&scene.copy);
			fold_copy(&scene, kind, &texts[i]);
			thag_heap_copy_fini(&scene.copy);
		}
		expect_same_text(&texts[0], &texts[1], 0);
		expect_same_text(&texts[2], &texts[1], 0);
		for (int i = 0; i < 3; i++)
			thag_buffer_fini(&texts[i]);
	}
	thag_heap_destroy(heap);
	scene_fini(&scene);
}
