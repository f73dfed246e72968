/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include <jansson.h>

#include "thag_firefox.h"
#include "thag_stacks.h"
#include "thag_text.h"

static json_t *write_profiles(struct thag_profile *const *profiles, uint32_t count,
			      const char *title)
{
	const struct thag_firefox_options options = { .program = "a \"p\"", .pid = 42 };
	struct thag_buffer out = { 0 };
	struct thag_firefox firefox;
	json_error_t error;

	cr_assert_eq(thag_firefox_begin(&firefox, &out, &options), 0);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(thag_firefox_add(&firefox, profiles[i], title, strlen(title)), 0);
	cr_assert_eq(thag_firefox_end(&firefox, 0), 0);
	json_t *json = json_loadb((const char *)out.data, out.bytes, 0, &error);

	cr_assert_not_null(json, "%s at %d", error.text, error.position);
	thag_buffer_fini(&out);
	return json;
}

static json_t *cell(json_t *thread, const char *table, const char *column, size_t row)
{
	return json_array_get(json_object_get(json_object_get(thread, table), column), row);
}

static size_t index_of(json_t *thread, const char *table, const char *column, size_t row)
{
	return (size_t)json_integer_value(cell(thread, table, column, row));
}

/** The stack of a sample, by all the tables between it and its names. */
static void find_stack(json_t *thread, size_t sample, char text[static 160])
{
	json_t *at = cell(thread, "samples", "stack", sample);

	text[0] = '\0';
	while (json_is_integer(at)) {
		size_t stack = (size_t)json_integer_value(at);
		size_t func = index_of(thread, "frameTable", "func",
				       index_of(thread, "stackTable", "frame", stack));
		size_t name = index_of(thread, "funcTable", "name", func);
		char below[160];

		snprintf(below, sizeof(below), "%s%s", text[0] ? ";" : "", text);
		snprintf(text, 160, "%s%s",
			 json_string_value(
				 json_array_get(json_object_get(thread, "stringArray"), name)),
			 below);
		at = cell(thread, "stackTable", "prefix", stack);
	}
}

static uint64_t self_of(const struct model *model, const char *text)
{
	for (size_t i = 0; i < model->stack_count; i++)
		if (strcmp(model->stacks[i].text, text) == 0)
			return model->stacks[i].self;
	return 0;
}

Test(firefox, has_each_stack_with_what_it_has_itself)
{
	struct model models[2];
	struct thag_profile *profiles[2];

	for (int i = 0; i < 2; i++)
		profiles[i] = model_profile(&models[i], (uint64_t)i + 1, 1, 300, &MODEL_RAW);
	json_t *json = write_profiles(profiles, 2, "thread");

	for (size_t i = 0; i < 2; i++) {
		json_t *thread = json_array_get(json_object_get(json, "threads"), i);
		size_t length = json_array_size(
			json_object_get(json_object_get(thread, "samples"), "stack"));
		double time = 0, expected = 0;

		for (size_t k = 0; k < length; k++) {
			double weight = json_number_value(cell(thread, "samples", "weight", k));
			char text[160];

			find_stack(thread, k, text);
			cr_expect_float_eq(weight * 1e6, (double)self_of(&models[i], text), 0.5);
			cr_expect_float_eq(json_number_value(cell(thread, "samples", "time", k)),
					   time, 1e-6);
			time += weight;
		}
		for (size_t k = 0; k < models[i].stack_count; k++)
			expected += (double)models[i].stacks[k].self;
		cr_expect_float_eq(time * 1e6, expected, 1);
		thag_profile_destroy(profiles[i]);
		model_fini(&models[i]);
	}
	json_decref(json);
}

/** Each column of each table has as many rows as the table says. */
static void check_tables(json_t *thread)
{
	static const char *const tables[] = { "samples",   "stackTable",    "frameTable",
					      "funcTable", "resourceTable", "nativeSymbols",
					      "markers" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		json_t *table = json_object_get(thread, tables[i]), *column;
		json_int_t length = json_integer_value(json_object_get(table, "length"));
		const char *name;

		cr_assert(json_is_object(table), "%s", tables[i]);
		json_object_foreach(table, name, column) if (json_is_array(column)) cr_expect_eq(
			(json_int_t)json_array_size(column), length, "%s.%s", tables[i], name);
	}
}

Test(firefox, is_no_less_json_for_hostile_names)
{
	static const char *const hostile[] = {
		"\"}],\"x\":[{", "\\", "\\\"", "a\nb\x01\x7f", "\xff\xfe", "\xe2\x80\xa8</script>",
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct thag_stacks *stacks;
		struct thag_profile *profile;
		struct thag_buffer want = { 0 };
		uint32_t node;

		cr_assert_eq(thag_stacks_create(&stacks, "p"), 0);
		cr_assert_eq(thag_stacks_child(stacks, THAG_STACKS_ROOT, hostile[i],
					       strlen(hostile[i]), &node),
			     0);
		cr_assert_eq(thag_stacks_describe(stacks, node, "a.c", 3, 7), 0);
		cr_assert_eq(thag_stacks_add(stacks, node, UINT64_MAX, 1), 0);
		cr_assert_eq(thag_stacks_finish(stacks, &profile), 0);
		thag_stacks_destroy(stacks);
		json_t *json = write_profiles(&profile, 1, hostile[i]);
		json_t *thread = json_array_get(json_object_get(json, "threads"), 0);
		char text[160];

		cr_assert_eq(thag_text_append_utf8(&want, hostile[i], strlen(hostile[i]) + 1, 100),
			     0);
		check_tables(thread);
		find_stack(thread, 0, text);
		cr_expect_str_eq(text, (const char *)want.data);
		cr_expect_eq(index_of(thread, "funcTable", "lineNumber", 1), 7);
		cr_expect_str_eq(json_string_value(json_array_get(
					 json_object_get(thread, "stringArray"),
					 index_of(thread, "funcTable", "fileName", 1))),
				 "a.c");
		thag_buffer_fini(&want);
		json_decref(json);
		thag_profile_destroy(profile);
	}
}

Test(firefox, takes_back_what_it_wrote_when_it_fails)
{
	const struct thag_firefox_options options = { .program = "p" };
	struct thag_buffer out = { 0 };
	struct thag_firefox firefox;

	cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
	cr_assert_eq(thag_firefox_begin(&firefox, &out, &options), 0);
	cr_expect_eq(thag_firefox_end(&firefox, -ENOMEM), -ENOMEM);
	cr_expect_eq(out.bytes, 6);
	thag_buffer_fini(&out);
}
