/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include <jansson.h>

#include "thag_speedscope.h"
#include "thag_text.h"

static json_t *load(const struct thag_buffer *out)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)out->data, out->bytes, 0, &error);

	cr_assert_not_null(json, "%s at %d", error.text, error.position);
	return json;
}

static json_t *write_profiles(struct thag_profile *const *profiles, uint32_t count,
			      const char *title)
{
	struct thag_buffer out = { 0 };
	struct thag_speedscope scope;

	cr_assert_eq(thag_speedscope_begin(&scope, &out), 0);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(thag_speedscope_add(&scope, profiles[i], title, strlen(title)), 0);
	cr_assert_eq(thag_speedscope_end(&scope, "a \"program\"", 0), 0);
	json_t *json = load(&out);

	thag_buffer_fini(&out);
	return json;
}

static const char *frame_name(json_t *json, json_t *index)
{
	json_t *frames = json_object_get(json_object_get(json, "shared"), "frames");
	json_t *frame = json_array_get(frames, (size_t)json_integer_value(index));

	return json_string_value(json_object_get(frame, "name"));
}

/** What the model says a sample weighs. */
static uint64_t weight_of(json_t *json, json_t *sample, const struct model *model)
{
	char text[160] = "";
	json_t *index;
	size_t i;

	json_array_foreach(sample, i, index)
		sprintf(text + strlen(text), "%s%s", i ? ";" : "", frame_name(json, index));
	for (size_t k = 0; k < model->stack_count; k++)
		if (strcmp(model->stacks[k].text, text) == 0)
			return model->stacks[k].self;
	return 0;
}

Test(speedscope, has_each_stack_with_what_it_has_itself)
{
	struct model models[2];
	struct thag_profile *profiles[2];

	for (int i = 0; i < 2; i++)
		profiles[i] = model_profile(&models[i], (uint64_t)i + 1, 1, 500, &MODEL_RAW);
	json_t *json = write_profiles(profiles, 2, "thread");

	cr_expect_str_eq(json_string_value(json_object_get(json, "name")), "a \"program\"");
	for (size_t i = 0; i < 2; i++) {
		json_t *profile = json_array_get(json_object_get(json, "profiles"), i);
		json_t *samples = json_object_get(profile, "samples"), *sample;
		json_t *weights = json_object_get(profile, "weights");
		uint64_t sum = 0, expected = 0;
		size_t at;

		cr_expect_str_eq(json_string_value(json_object_get(profile, "type")), "sampled");
		cr_expect_str_eq(json_string_value(json_object_get(profile, "unit")),
				 "nanoseconds");
		cr_assert_eq(json_array_size(samples), json_array_size(weights));
		json_array_foreach(samples, at, sample)
		{
			json_int_t weight = json_integer_value(json_array_get(weights, at));

			cr_expect_eq((uint64_t)weight, weight_of(json, sample, &models[i]));
			sum += (uint64_t)weight;
		}
		for (size_t k = 0; k < models[i].stack_count; k++)
			expected += models[i].stacks[k].self;
		cr_expect_eq(sum, expected);
		cr_expect_eq((uint64_t)json_integer_value(json_object_get(profile, "endValue")),
			     sum);
		thag_profile_destroy(profiles[i]);
		model_fini(&models[i]);
	}
	json_decref(json);
}

static struct thag_profile *chain(const char *name, size_t bytes, uint32_t depth)
{
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_names_put(names, THAG_SITE_FIRST, THAG_SITE_FUNCTION, name, bytes,
				    "a \"b\".c", 7, 12),
		     0);
	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST);
		thag_tree_add_call(&tree, node, depth - i, depth - i);
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

Test(speedscope, is_no_less_json_for_hostile_names)
{
	static const char *const hostile[] = {
		"\"}],\"x\":[{", "\\", "\\\"", "a\nb\x01\x7f", "\xff\xfe", "\xe2\x80\xa8</script>",
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct thag_profile *profile = chain(hostile[i], strlen(hostile[i]), 1);
		json_t *json = write_profiles(&profile, 1, hostile[i]);
		json_t *frames = json_object_get(json_object_get(json, "shared"), "frames");
		json_t *frame = json_array_get(frames, 0);
		struct thag_buffer want = { 0 };

		cr_assert_eq(thag_text_append_utf8(&want, hostile[i], strlen(hostile[i]) + 1, 100),
			     0);
		cr_expect_eq(json_array_size(frames), 1);
		cr_expect_str_eq(json_string_value(json_object_get(frame, "name")),
				 (const char *)want.data);
		cr_expect_str_eq(json_string_value(json_object_get(frame, "file")), "a \"b\".c");
		cr_expect_eq(json_integer_value(json_object_get(frame, "line")), 12);
		thag_buffer_fini(&want);
		json_decref(json);
		thag_profile_destroy(profile);
	}
}

/** A stack in which each of 200,000 levels has time would be 220 GB: the deepest are one frame. */
Test(speedscope, has_a_bound_for_what_is_deep)
{
	struct thag_profile *profile = chain("deep", 4, 200000);
	struct thag_buffer out = { 0 };
	struct thag_speedscope scope;

	cr_assert_eq(thag_speedscope_begin(&scope, &out), 0);
	cr_assert_eq(thag_speedscope_add(&scope, profile, "t", 1), 0);
	cr_assert_eq(thag_speedscope_end(&scope, "p", 0), 0);
	cr_expect(out.bytes <= THAG_SPEEDSCOPE_BYTES_MAX);
	out.data[out.bytes - 1] = '\0';
	cr_expect_not_null(strstr((const char *)out.data, THAG_FOLDED_DEEPER));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

Test(speedscope, takes_back_what_it_wrote_when_it_fails)
{
	struct thag_buffer out = { 0 };
	struct thag_speedscope scope;

	cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
	cr_assert_eq(thag_speedscope_begin(&scope, &out), 0);
	cr_expect_eq(thag_speedscope_end(&scope, "p", -ENOMEM), -ENOMEM);
	cr_expect_eq(out.bytes, 6);
	thag_buffer_fini(&out);
}
