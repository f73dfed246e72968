/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What of a heap goes to a browser: FLAME and TABLE with memory, and MEMORY. */
#include "heap_golden.h"

/** A message taken apart. */
struct message {
	struct thag_buffer buffer;
	struct thag_frame_header header;
	const char *strings;
};

static const struct thag_frame_facts no_facts = { 0 };

static void message_open(struct message *message)
{
	memcpy(&message->header, message->buffer.data, sizeof(message->header));
	cr_assert_eq(message->header.total_bytes, message->buffer.bytes);
	message->strings = (char *)message->buffer.data + message->header.strings_offset;
}

static struct message write_flame(const struct thag_profile *profile, uint64_t focus)
{
	struct thag_flame_query query = { .focus = focus };
	struct message message = { 0 };

	cr_assert_eq(thag_flame_write(profile, &query, &no_facts, &message.buffer), 0);
	message_open(&message);
	return message;
}

static struct message write_table(const struct thag_profile *profile)
{
	struct message message = { 0 };

	cr_assert_eq(thag_table_write(profile, THAG_SORT_SELF, NULL, &no_facts, &message.buffer),
		     0);
	message_open(&message);
	return message;
}

static struct message write_memory(const struct scene *scene, const struct thag_profile *profile,
				   const struct thag_heap_query *query)
{
	const struct thag_memory_facts facts = { .skipped = 3,
						 .skipped_bytes = 40,
						 .lost = 5,
						 .size_threshold = 16,
						 .sample_bytes = 6,
						 .flags = THAG_SHM_DETAIL };
	struct message message = { 0 };

	cr_assert_eq(thag_memory_write(profile, &scene->copy, query, &facts, "reserve", &no_facts,
				       &message.buffer),
		     0);
	message_open(&message);
	return message;
}

/** Part `index` of an array that begins `at` bytes into the message. */
#define PART(message, type, at, index) \
	(*(const struct type *)(const void *)((message)->buffer.data + (at) + \
					      (index) * sizeof(struct type)))

static bool is_text(const struct message *message, uint32_t offset, uint32_t bytes,
		    const char *text)
{
	return bytes == strlen(text) && memcmp(message->strings + offset, text, bytes) == 0;
}

static uint32_t find_node(const struct message *message, const char *name, uint32_t parent)
{
	size_t at = sizeof(message->header) + sizeof(struct thag_frame_flame);

	for (uint32_t i = 0; i < message->header.count; i++) {
		const struct thag_frame_node *node = &PART(message, thag_frame_node, at, i);

		if (node->parent == parent &&
		    is_text(message, node->name_offset, node->name_bytes, name))
			return i;
	}
	cr_assert_fail("no node %s", name);
	return 0;
}

Test(heap_message, a_flame_has_a_node_for_each_inlined_function_and_a_heap_for_each_node)
{
	struct scene scene;

	golden_init(&scene);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LIVE);
	struct thag_profile *profile = scene_profile(&scene, &query);
	struct message message = write_flame(profile, 0);
	size_t nodes = sizeof(message.header) + sizeof(struct thag_frame_flame);
	size_t heaps = nodes + message.header.count * sizeof(struct thag_frame_node);

	cr_expect_eq(message.header.metric, THAG_METRIC_LIVE);
	cr_expect_eq(message.header.flags, THAG_FRAME_TRACES);
	cr_assert_eq(message.header.count, 7);
	cr_assert_eq(heaps + 7 * sizeof(struct thag_frame_heap), message.header.strings_offset);
	uint32_t in_main = find_node(&message, "main", 0);
	uint32_t load = find_node(&message, "load", in_main);
	uint32_t reserve = find_node(&message, "reserve", find_node(&message, "push_back", load));
	const struct thag_frame_node *node = &PART(&message, thag_frame_node, nodes, reserve);
	const struct thag_frame_heap *heap = &PART(&message, thag_frame_heap, heaps, reserve);

	cr_expect_eq(node->self_ns, 600);
	cr_expect_eq(node->calls, 6);
	cr_expect_eq(node->min_ns | node->max_ns | node->wait_ns | node->open_ns, 0);
	cr_expect_eq(heap->peak_bytes, 700);
	cr_expect_eq(heap->high_bytes, 743, "no high is above the process's peak: %lu",
		     heap->high_bytes);
	cr_expect_eq(heap->lifetime_max_ns, 100);
	cr_expect(heap->lifetime_p50_ns >= 56 && heap->lifetime_p50_ns <= 64);
	cr_expect(heap->lifetime_p99_ns <= 100 && heap->lifetime_p99_ns >= 96);
	heap = &PART(&message, thag_frame_heap, heaps, in_main);
	cr_expect_eq(heap->allocated_bytes, 1038);
	cr_expect_eq(heap->live_bytes, 638);
	cr_expect_eq(heap->peak_bytes, 738);
	cr_expect_eq(heap->released_bytes, 400);
	cr_expect_eq(heap->reallocations, 2);
	cr_expect_eq(heap->high_bytes, 8, "that is its own");
	cr_expect_eq(PART(&message, thag_frame_heap, heaps, 0).allocated_bytes, 1043);
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

Test(heap_message, a_table_has_a_heap_for_each_row)
{
	struct scene scene;

	golden_init(&scene);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	struct message message = write_table(profile);
	size_t rows = sizeof(message.header) + sizeof(struct thag_frame_table);
	size_t heaps = rows + message.header.count * sizeof(struct thag_frame_row);

	cr_assert_eq(message.header.count, 5);
	cr_assert_eq(heaps + 5 * sizeof(struct thag_frame_heap), message.header.strings_offset);
	const struct thag_frame_row *row = &PART(&message, thag_frame_row, rows, 0);
	const struct thag_frame_heap *heap = &PART(&message, thag_frame_heap, heaps, 0);

	cr_expect(is_text(&message, row->name_offset, row->name_bytes, "reserve"));
	cr_expect_eq(row->self_ns, 1000);
	cr_expect_eq(heap->temporary_bytes, 100);
	cr_expect_eq(heap->lifetime_max_ns, 100);
	cr_expect_geq(heap->lifetime_p50_ns, 56);
	row = &PART(&message, thag_frame_row, rows, 1);
	heap = &PART(&message, thag_frame_heap, heaps, 1);
	cr_expect(is_text(&message, row->name_offset, row->name_bytes, "strdup"));
	cr_expect_eq(heap->allocated_bytes, 35, "over both its places");
	cr_expect_eq(heap->high_bytes, 35);
	cr_expect_eq(heap->released, 4);
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

static void check_place(const struct message *message, const struct thag_frame_place *place,
			const char *name, const char *file, uint32_t line)
{
	cr_expect(is_text(message, place->name_offset, place->name_bytes, name), "not %s", name);
	cr_expect(is_text(message, place->file_offset, place->file_bytes, file), "not %s", file);
	cr_expect_eq(place->line, line);
}

Test(heap_message, memory_tells_of_the_process_and_its_places)
{
	struct scene scene;

	golden_init(&scene);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LEAKED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	struct message message = write_memory(&scene, profile, &query);
	size_t at = sizeof(message.header);
	const struct thag_frame_memory *memory = &PART(&message, thag_frame_memory, at, 0);

	cr_expect_eq(memory->all.allocated_bytes, 1043);
	cr_expect_eq(memory->all.leaked_bytes, 643);
	cr_expect_eq(memory->all.released_bytes, 400);
	cr_expect_eq(memory->all.lifetime_max_ns, 100);
	cr_expect_eq(memory->peak_at_ns, (9000 - SCENE_START) * 2);
	cr_expect_eq(memory->unmatched_frees, 21);
	cr_expect_eq(memory->displaced, 22);
	cr_expect_eq(memory->untracked, 23);
	cr_expect_eq(memory->skipped_bytes, 40);
	cr_expect_eq(memory->sample_bytes, 6);
	cr_expect_eq(memory->flags, THAG_SHM_DETAIL);
	cr_expect_eq(memory->points, 0);
	cr_assert_eq(memory->sizes, THAG_SIZE_CLASSES + 2);
	at += sizeof(*memory);
	cr_expect_eq(PART(&message, thag_frame_size, at, 1).low, 65);
	cr_expect_eq(PART(&message, thag_frame_size, at, 1).high, 256);
	cr_expect_eq(PART(&message, thag_frame_size, at, 1).bytes, 1000);
	cr_expect_eq(PART(&message, thag_frame_size, at, 7).low, 96);
	cr_expect_eq(PART(&message, thag_frame_size, at, 7).high, 103);
	cr_expect_eq(PART(&message, thag_frame_size, at, 8).high, UINT64_MAX);
	at += memory->sizes * sizeof(struct thag_frame_size);
	cr_assert_eq(message.header.count, 4);
	check_place(&message, &PART(&message, thag_frame_place, at, 0), "reserve", "/src/vector.h",
		    70);
	cr_expect_eq(PART(&message, thag_frame_place, at, 0).flags, THAG_FRAME_NODE_MATCHED);
	cr_expect_eq(PART(&message, thag_frame_place, at, 1).flags, 0);
	check_place(&message, &PART(&message, thag_frame_place, at, 1), "main", "/src/main.c", 10);
	check_place(&message, &PART(&message, thag_frame_place, at, 2), "main", "/src/main.c", 20);
	check_place(&message, &PART(&message, thag_frame_place, at, 3), "strdup", "", 0);
	cr_expect_eq(PART(&message, thag_frame_place, at, 1).heap.leaked_bytes, 30);
	cr_expect_eq(PART(&message, thag_frame_place, at, 1).heap.released_bytes, 400);
	at += message.header.count * sizeof(struct thag_frame_place);
	cr_expect_eq(at, message.header.strings_offset);
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

Test(heap_message, a_place_leads_to_the_node_that_has_most)
{
	struct scene scene;
	uint32_t count;

	golden_init(&scene);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LEAKED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	const struct thag_heap_place *places = thag_profile_places(profile, &count);
	const struct thag_profile_node *nodes = thag_profile_nodes(profile, &count);
	size_t bytes;

	cr_expect_eq(places[0].path, AT_LOAD);
	cr_expect_str_eq(thag_profile_name(profile, nodes[places[0].node].name, &bytes), "reserve");
	cr_expect_eq(places[1].path, AT_STRDUP);
	cr_expect_str_eq(thag_profile_name(profile, nodes[places[1].node].name, &bytes), "main",
			 "the frame whose line it is");
	cr_expect_eq(places[3].path, AT_LONE);
	cr_expect_eq(nodes[places[3].node].depth, 1);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

static void check_one_place(const char *file, const char *expected, uint32_t line)
{
	struct thag_names_frame frames[2] = {
		{ "allocate", 8, file, strlen(file), 137 },
		{ "fill", 4, "/home/me/a.cc", 13, 7 },
	};
	struct scene scene = { .kind = THAG_HEAP_TRACES, .seed = 1 };
	uint32_t count;
	size_t bytes;

	cr_assert_eq(thag_names_create(&scene.names), 0);
	thag_names_put_frames(scene.names, 2, THAG_SITE_FUNCTION, frames, 2);
	golden_put(scene.names, 3, "malloc_more", "", 0);
	scene_add_paths(&scene, 1);
	thag_tree_child(&scene.copy.paths[scene.kind].tree, 0, 2);
	thag_tree_child(&scene.copy.paths[scene.kind].tree, 1, 3);
	scene.copy.paths[scene.kind].accounts[2].allocated_bytes = 1;
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	const struct thag_heap_place *places = thag_profile_places(profile, &count);

	cr_assert_eq(count, 1);
	cr_expect_str_eq(thag_profile_name(profile, places[0].name, &bytes), expected, "%s", file);
	cr_expect_eq(places[0].line, line);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

Test(heap_message, a_place_is_in_the_programs_own_source)
{
	check_one_place("/usr/include/c++/12/bits/new_allocator.h", "fill", 7);
	check_one_place("/opt/gcc/include/c++/15/vector", "fill", 7);
	check_one_place("/rustc/abc/library/alloc/vec.rs", "fill", 7);
	check_one_place("./string/strdup.c", "fill", 7);
	check_one_place("", "fill", 7);
	check_one_place("../sysdeps/x86/a.c", "fill", 7);
	check_one_place("../csu/libc-start.c", "fill", 7);
	check_one_place("/home/me/alloc.h", "allocate", 137);
	check_one_place("src/alloc.h", "allocate", 137);
	check_one_place("../src/alloc.c", "allocate", 137);
}

Test(heap_message, a_place_without_own_source_is_the_innermost_function)
{
	struct scene scene = { .kind = THAG_HEAP_TRACES, .seed = 1 };
	uint32_t count;
	size_t bytes;

	cr_assert_eq(thag_names_create(&scene.names), 0);
	golden_put(scene.names, 2, "start", "./csu/start.c", 58);
	golden_put(scene.names, 3, "strdup", "./string/strdup.c", 42);
	scene_add_paths(&scene, 1);
	for (uint32_t i = 0; i < 3; i++) {
		/* start; start;strdup; start;strdup;lib.so+… */
		thag_tree_child(&scene.copy.paths[scene.kind].tree, i, 2 + i);
		scene.copy.paths[scene.kind].accounts[i + 1].allocated_bytes = 3 - i;
	}
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	const struct thag_heap_place *places = thag_profile_places(profile, &count);

	cr_assert_eq(count, 3);
	cr_expect_eq(places[0].line, 58);
	cr_expect_str_eq(thag_profile_name(profile, places[1].name, &bytes), "strdup");
	cr_expect_eq(places[1].line, 42);
	cr_expect_str_eq(thag_profile_name(profile, places[2].name, &bytes), "site 4");
	cr_expect_eq(places[2].line, 0);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

/** Places partition what was counted, and none has more than its node with all below it. */
Test(heap_message, places_add_up_to_the_totals)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct thag_frame_heap sum = { 0 };
		struct scene scene;
		uint32_t count;

		scene_init(&scene, seed, THAG_HEAP_TRACES);
		for (enum thag_metric metric = THAG_METRIC_ALLOCATED; metric < THAG_METRIC_COUNT;
		     metric++) {
			struct thag_heap_query query = scene_query(&scene, metric);
			struct thag_profile *profile = scene_profile(&scene, &query);
			const struct thag_heap_place *places = thag_profile_places(profile, &count);
			uint64_t value = 0, last = UINT64_MAX, nodes = count;

			for (uint32_t i = 0; i < nodes; i++) {
				value += places[i].value;
				sum.allocated_bytes += places[i].heap.allocated_bytes;
				sum.released += places[i].heap.released;
				cr_expect_leq(places[i].value, last);
				last = places[i].value;
			}
			cr_expect_eq(value, thag_profile_nodes(profile, &count)[0].total_ns);
			thag_profile_destroy(profile);
		}
		cr_expect_eq(sum.allocated_bytes, 7 * scene.copy.totals.allocated_bytes);
		cr_expect_eq(sum.released, 7 * scene.copy.totals.frees);
		scene_fini(&scene);
	}
}

Test(heap_message, points_are_the_slices_and_too_many_become_one)
{
	struct scene scene;
	uint32_t count = 3 * THAG_HEAP_POINTS_MAX - 7;

	golden_init(&scene);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LIVE);
	struct thag_frame_point *points = calloc(THAG_HEAP_POINTS_MAX, sizeof(*points));
	struct thag_frame_point sum = { 0 };

	scene.copy.slices = calloc(count, sizeof(*scene.copy.slices));
	scene.copy.slice_count = count;
	for (uint32_t i = 0; i < count; i++) {
		scene.copy.slices[i] = (struct thag_heap_slice){ .start = SCENE_START + 10 * i,
								 .live_bytes = i,
								 .high_bytes = 2 * i,
								 .allocated_bytes = 3,
								 .frees = 1 };
	}
	cr_assert_eq(thag_heap_points(&scene.copy, &query, points), THAG_HEAP_POINTS_MAX - 2);
	for (uint32_t i = 0; i < THAG_HEAP_POINTS_MAX - 2; i++) {
		sum.allocated_bytes += points[i].allocated_bytes;
		sum.frees += points[i].frees;
	}
	cr_expect_eq(sum.allocated_bytes, 3 * count);
	cr_expect_eq(sum.frees, count);
	cr_expect_eq(points[1].start_ns, 60);
	cr_expect_eq(points[1].live_bytes, 5, "at its end");
	cr_expect_eq(points[1].high_bytes, 10);
	scene.copy.slice_count = 2;
	cr_expect_eq(thag_heap_points(&scene.copy, &query, points), 2);
	free(points);
	scene_fini(&scene);
}

Test(heap_message, the_range_in_force_is_that_of_its_slices)
{
	struct thag_memory_facts facts = { 0 };
	struct thag_frame_memory memory;
	struct scene scene;

	scene_init(&scene, 5, THAG_HEAP_CALLS);
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LIVE);

	thag_heap_summary(&scene.copy, &query, &facts, &memory);
	cr_expect_eq(memory.from_ns | memory.to_ns, 0);
	query.from = SCENE_START + 1500;
	query.to = SCENE_START + 2000;
	thag_heap_summary(&scene.copy, &query, &facts, &memory);
	cr_expect_eq(memory.from_ns, 2000);
	cr_expect_eq(memory.to_ns, 4000);
	query.to = UINT64_MAX;
	thag_heap_summary(&scene.copy, &query, &facts, &memory);
	cr_expect_eq(memory.to_ns, 2 * (scene.copy.now - SCENE_START));
	query.from = query.to;
	thag_heap_summary(&scene.copy, &query, &facts, &memory);
	cr_expect_eq(memory.from_ns, 2000 * (SCENE_SLICES - 1));
	scene_fini(&scene);
}

Test(heap_message, an_empty_heap_shows_nothing)
{
	for (enum thag_heap_kind kind = 0; kind < THAG_HEAP_KINDS; kind++)
		for (uint64_t to = 0; to < 2; to++) {
			struct scene scene = { .kind = kind, .seed = 1 };

			cr_assert_eq(thag_names_create(&scene.names), 0);
			scene_add_paths(&scene, 1);
			struct thag_heap_query query = scene_query(&scene, THAG_METRIC_PEAK);

			query.to = to;
			struct thag_profile *profile = scene_profile(&scene, &query);
			struct message flame = write_flame(profile, 0),
				       table = write_table(profile);
			struct message memory = write_memory(&scene, profile, &query);

			cr_expect_eq(flame.header.count, 1);
			cr_expect_eq(table.header.count, 0);
			cr_expect_eq(memory.header.count, 0);
			thag_buffer_fini(&flame.buffer);
			thag_buffer_fini(&table.buffer);
			thag_buffer_fini(&memory.buffer);
			thag_profile_destroy(profile);
			scene_fini(&scene);
		}
}

Test(heap_message, names_may_be_any_bytes)
{
	static const char bad[] = "\xff\n;</script>\x01";
	struct scene scene = { .kind = THAG_HEAP_TRACES, .seed = 1 };
	struct thag_names_frame frames[2] = { { bad, sizeof(bad) - 1, bad, sizeof(bad) - 1, 1 },
					      { "", 0, NULL, 0, UINT32_MAX } };

	cr_assert_eq(thag_names_create(&scene.names), 0);
	thag_names_put_frames(scene.names, 2, THAG_SITE_FUNCTION, frames, 2);
	scene_add_paths(&scene, 1);
	thag_tree_child(&scene.copy.paths[scene.kind].tree, 0, 2);
	thag_tree_child(&scene.copy.paths[scene.kind].tree, 1, 3);
	for (uint32_t i = 0; i < 3; i++)
		scene.copy.paths[scene.kind].accounts[i] =
			(struct thag_heap_account){ .allocated_bytes = UINT64_MAX / 2,
						    .allocations = UINT64_MAX,
						    .freed_bytes = UINT64_MAX,
						    .lifetime_max = UINT64_MAX };
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_ALLOCATED);
	struct thag_profile *profile = scene_profile(&scene, &query);
	struct message message = write_memory(&scene, profile, &query);
	struct thag_buffer folded = { 0 };

	cr_expect_eq(message.header.count, 2);
	cr_assert_eq(thag_folded_write(profile, &folded), 0);
	thag_buffer_fini(&folded);
	thag_buffer_fini(&message.buffer);
	message = write_flame(profile, 0);
	thag_buffer_fini(&message.buffer);
	message = write_table(profile);
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}

Test(heap_message, a_stack_may_be_100000_deep)
{
	const uint32_t depth = 100000;
	struct scene scene = { .kind = THAG_HEAP_TRACES, .seed = 1 };

	golden_names(&scene);
	scene_add_paths(&scene, 1);
	struct thag_heap_paths *paths = &scene.copy.paths[scene.kind];

	thag_tree_fini(&paths->tree);
	free(paths->accounts);
	cr_assert_eq(thag_tree_init(&paths->tree, depth + 1), 0);
	paths->accounts = calloc(depth + 1, sizeof(*paths->accounts));
	for (uint32_t i = 0; i < depth; i++) {
		cr_assert_eq(thag_tree_child(&paths->tree, i, MAIN + i % 4), i + 1);
		paths->accounts[i + 1].allocated_bytes = 1;
		paths->accounts[i + 1].allocations = 1;
	}
	struct thag_heap_query query = scene_query(&scene, THAG_METRIC_LIVE);
	struct thag_profile *profile = scene_profile(&scene, &query);
	uint32_t count;

	cr_expect_eq(thag_profile_nodes(profile, &count)[0].total_ns, depth);
	cr_expect_eq(count, 1 + depth / 4 * 6);
	struct message message = write_flame(profile, 0);

	cr_expect_eq(message.header.count, THAG_FLAME_DEPTH_MAX + 1);
	thag_buffer_fini(&message.buffer);
	message = write_table(profile);
	cr_expect_eq(message.header.count, 5);
	cr_expect_eq(PART(&message, thag_frame_heap,
			  message.header.strings_offset - 5 * sizeof(struct thag_frame_heap), 0)
			     .live_bytes,
		     depth, "recursion counts once");
	thag_buffer_fini(&message.buffer);
	thag_profile_destroy(profile);
	scene_fini(&scene);
}
