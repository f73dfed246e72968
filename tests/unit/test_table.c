/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include "thag/frames.h"

/** A TABLE message taken apart. */
struct message {
	struct thag_buffer buffer;
	struct thag_frame_header header;
	struct thag_frame_table table;
	struct thag_frame_row *rows;
	const char *strings;
};

static struct message write_message(const struct thag_profile *profile, enum thag_table_sort sort,
				    const char *search)
{
	struct thag_frame_facts facts = { 0 };
	struct message message = { 0 };

	cr_assert_eq(thag_table_write(profile, sort, search, &facts, &message.buffer), 0);
	memcpy(&message.header, message.buffer.data, sizeof(message.header));
	memcpy(&message.table, message.buffer.data + 96, sizeof(message.table));
	cr_assert_eq(message.header.strings_offset,
		     112 + sizeof(struct thag_frame_row) * message.header.count);
	cr_assert_eq(message.header.total_bytes, message.buffer.bytes);
	message.rows = malloc(message.header.count * sizeof(*message.rows) + 1);
	memcpy(message.rows, message.buffer.data + 112,
	       message.header.count * sizeof(*message.rows));
	message.strings = (char *)message.buffer.data + message.header.strings_offset;
	return message;
}

static void message_fini(struct message *message)
{
	thag_buffer_fini(&message->buffer);
	free(message->rows);
}

static const struct thag_frame_row *find_row(const struct message *message, const char *name)
{
	for (uint32_t i = 0; i < message->header.count; i++) {
		const struct thag_frame_row *row = &message->rows[i];

		if (row->name_bytes == strlen(name) &&
		    memcmp(message->strings + row->name_offset, name, row->name_bytes) == 0)
			return row;
	}
	return NULL;
}

static int compare_durations(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** A histogram's answer: the right duration, give or take its bucket. */
static void expect_near(uint64_t got, const uint64_t *durations, uint64_t count, double share)
{
	uint64_t rank = (uint64_t)(share * (double)count + 0.999999);
	uint64_t exact = durations[rank ? rank - 1 : 0];

	cr_expect((double)got >= (double)exact * 0.875 - 1 &&
			  (double)got <= (double)exact * 1.125 + 1,
		  "%lu is not near %lu", got, exact);
}

Test(table, equals_the_naive_model_recursion_counted_once)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 3, 2000, &MODEL_RAW);
		struct message message = write_message(profile, THAG_SORT_SELF, NULL);

		cr_expect_eq(message.header.count, MODEL_NAMES);
		cr_expect_eq(message.table.functions, MODEL_NAMES);
		cr_expect_eq(message.table.matched, 0);
		for (int i = 0; i < MODEL_NAMES; i++) {
			struct model_function *function = &model.functions[i];
			const struct thag_frame_row *row = find_row(&message, model_names[i]);

			cr_assert_not_null(row);
			cr_expect_eq(row->calls, function->calls);
			cr_expect_eq(row->self_ns, function->self);
			cr_expect_eq(row->total_ns, function->total);
			cr_expect_eq(row->min_ns, function->min);
			cr_expect_eq(row->max_ns, function->max);
			qsort(function->durations, function->calls, sizeof(uint64_t),
			      compare_durations);
			expect_near(row->p50_ns, function->durations, function->calls, 0.5);
			expect_near(row->p99_ns, function->durations, function->calls, 0.99);
		}
		message_fini(&message);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

static double key_of(const struct thag_frame_row *row, enum thag_table_sort sort)
{
	const double keys[] = {
		[THAG_SORT_SELF] = (double)row->self_ns,
		[THAG_SORT_TOTAL] = (double)row->total_ns,
		[THAG_SORT_CALLS] = (double)row->calls,
		[THAG_SORT_MEAN] = (double)row->total_ns / (double)row->calls,
		[THAG_SORT_P50] = (double)row->p50_ns,
		[THAG_SORT_P99] = (double)row->p99_ns,
		[THAG_SORT_MAX] = (double)row->max_ns,
	};

	return keys[sort];
}

Test(table, sorts_by_any_column)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 31, 2, 900, &MODEL_RAW);

	for (enum thag_table_sort sort = THAG_SORT_SELF; sort <= THAG_SORT_MAX; sort++) {
		struct message message = write_message(profile, sort, "");
		char before[64] = "";

		for (uint32_t i = 0; i < message.header.count; i++) {
			const struct thag_frame_row *row = &message.rows[i];
			char name[64] = { 0 };

			memcpy(name, message.strings + row->name_offset, row->name_bytes);
			if (sort == THAG_SORT_NAME)
				cr_expect(strcmp(before, name) < 0);
			else if (i > 0)
				cr_expect(key_of(row - 1, sort) >= key_of(row, sort));
			strcpy(before, name);
		}
		message_fini(&message);
	}
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(table, search_sends_only_what_matches)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 2, 2, 900, &MODEL_RAW);
	struct message message = write_message(profile, THAG_SORT_NAME, "PARSE");

	cr_assert_eq(message.header.count, 2);
	cr_expect_eq(message.table.matched, 2);
	cr_expect_eq(message.table.functions, MODEL_NAMES);
	cr_expect_not_null(find_row(&message, "Parse token"));
	cr_expect_not_null(find_row(&message, "parse"));
	cr_expect_eq(message.rows[0].flags, THAG_FRAME_NODE_MATCHED);
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(table, names_the_place_of_the_first_site)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 2, 4, 2000, &MODEL_RAW);
	struct message message = write_message(profile, THAG_SORT_SELF, NULL);

	for (uint32_t i = 0; i < MODEL_NAMES; i++) {
		const struct thag_frame_row *row = find_row(&message, model_names[i]);
		char file[32] = { 0 }, expected[32];

		snprintf(expected, sizeof(expected), "file%u.c", i);
		memcpy(file, message.strings + row->file_offset, row->file_bytes);
		cr_expect_str_eq(file, expected);
		cr_expect_eq(row->line, 100 + i);
	}
	message_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

Test(table, one_call_has_its_duration_as_every_quantile)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 10), 0);
	thag_tree_add_call(&tree, thag_tree_child(&tree, 0, 2), 1234567, 1234567);
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	struct message message = write_message(profile, THAG_SORT_SELF, NULL);

	cr_assert_eq(message.header.count, 1);
	cr_expect_eq(message.rows[0].p50_ns, 1234567);
	cr_expect_eq(message.rows[0].p99_ns, 1234567);
	message_fini(&message);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

/** Two nodes of a function, each with so many calls of 10 ns, and 2^30 of about 9999. */
static struct thag_profile *make_busy_profile(uint64_t half)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 10), 0);
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t index = thag_tree_child(&tree, i, 2);
		struct thag_node *node = &tree.nodes[index];
		uint32_t *hist = &node->hist;

		cr_assert_eq(thag_hist_add(&tree.hists, hist, thag_hist_bucket(10), half), 0);
		cr_assert_eq(thag_hist_add(&tree.hists, hist, thag_hist_bucket(10), half), 0);
		cr_assert_eq(thag_hist_add(&tree.hists, hist, thag_hist_bucket(9999), 1u << 30), 0);
		node->calls = 2 * half + (1u << 30);
		node->min = 10;
		node->max = 10000;
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

Test(table, quantiles_survive_more_calls_than_a_counter_holds)
{
	/* 2^31 twice is a carry in the tree; the other wraps only when both nodes are added */
	static const uint64_t halves[] = { UINT64_C(1) << 31, (UINT64_C(1) << 30) + 1 };

	for (int i = 0; i < 2; i++) {
		struct thag_profile *profile = make_busy_profile(halves[i]);
		struct message message = write_message(profile, THAG_SORT_SELF, NULL);

		cr_assert_eq(message.header.count, 1);
		cr_expect_eq(message.rows[0].p50_ns, 10);
		cr_expect(message.rows[0].p99_ns > 8000);
		message_fini(&message);
		thag_profile_destroy(profile);
	}
}

Test(table, sends_the_largest_rows_of_many_functions)
{
	uint32_t functions = THAG_FRAME_ROWS_MAX + 500;
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_tree_init(&tree, functions + 1), 0);
	for (uint32_t i = 0; i < functions; i++) {
		char name[16];
		int bytes = snprintf(name, sizeof(name), "f%u", i);
		uint64_t duration = 1000 + i * UINT64_C(7919) % functions;

		thag_names_put(names, i + 2, 1, name, (size_t)bytes, "", 0, 0);
		thag_tree_add_call(&tree, thag_tree_child(&tree, 0, i + 2), duration, duration);
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	struct message message = write_message(profile, THAG_SORT_TOTAL, NULL);

	cr_expect_eq(message.header.count, THAG_FRAME_ROWS_MAX);
	cr_expect_eq(message.table.functions, functions);
	cr_expect_eq(message.rows[0].total_ns, 1000 + functions - 1);
	cr_expect(message.rows[THAG_FRAME_ROWS_MAX - 1].total_ns >= 1000 + 500);
	message_fini(&message);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

Test(table, recursion_a_million_deep_counts_once)
{
	struct thag_names *names = model_make_names();
	uint32_t node = 0, depth = 1000000;
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, 2 + i % 2);
		thag_tree_add_call(&tree, node, depth - i, depth - i);
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	struct message message = write_message(profile, THAG_SORT_TOTAL, NULL);

	cr_assert_eq(message.header.count, 2);
	cr_expect_eq(message.rows[0].total_ns, depth);
	cr_expect_eq(message.rows[1].total_ns, depth - 1);
	cr_expect_eq(message.rows[0].calls, depth / 2);
	message_fini(&message);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

/* As in a range of time that begins after a call has ended. A call of no length is one. */
Test(table, functions_without_a_call_have_no_rows)
{
	struct thag_names *names = model_make_names();
	struct thag_profile *profile;
	struct thag_tree tree;

	cr_assert_eq(thag_tree_init(&tree, 4), 0);
	thag_tree_child(&tree, 0, 2);
	thag_tree_add_call(&tree, thag_tree_child(&tree, 0, 3), 0, 0);
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	struct message message = write_message(profile, THAG_SORT_TOTAL, NULL);

	cr_assert_eq(message.header.count, 1);
	cr_expect_eq(message.table.functions, 1);
	cr_expect_eq(message.rows[0].calls, 1);
	message_fini(&message);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

Test(table, of_nothing_has_no_rows)
{
	struct thag_profile *profile;

	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	struct message message = write_message(profile, THAG_SORT_SELF, "x");

	cr_expect_eq(message.header.count, 0);
	cr_expect_eq(message.table.functions, 0);
	message_fini(&message);
	thag_profile_destroy(profile);
}
