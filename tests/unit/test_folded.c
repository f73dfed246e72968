/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <ctype.h>

/** One line of a folded file, as flamegraph.pl and inferno read it. */
struct line {
	char *stack;
	uint64_t value;
};

/** A word that these readers take for a number of samples. */
static bool is_number(const char *word)
{
	return word[0] && strspn(word, "0123456789.") == strlen(word);
}

/**
 * The last word is the value; were the one before it a number too, they would take the line for
 * a difference. Lines come in the order of LC_ALL=C sort.
 */
static struct line parse_line(char *text)
{
	char *space = strrchr(text, ' ');
	struct line line = { .stack = text };

	cr_assert_not_null(space);
	cr_assert(is_number(space + 1) && !strchr(space, '.'));
	line.value = strtoull(space + 1, NULL, 10);
	*space = '\0';
	space = strrchr(text, ' ');
	cr_expect(!space || !is_number(space + 1), "'%s' ends with a second number", text);
	for (const char *c = text; *c; c++)
		cr_expect(!iscntrl((unsigned char)*c) && (*c != ' ' || (c > text && c[1])));
	cr_expect(line.value > 0);
	return line;
}

static struct line *parse(struct thag_buffer *buffer, size_t *count)
{
	size_t lines = 0;
	struct line *list;
	char *previous = NULL;

	cr_assert_eq(thag_buffer_append(buffer, "", 1), 0);
	for (size_t i = 0; i < buffer->bytes; i++)
		lines += buffer->data[i] == '\n';
	list = calloc(lines + 1, sizeof(*list));
	*count = 0;
	for (char *at = (char *)buffer->data, *end; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		cr_expect(!previous || strcmp(previous, at) < 0, "'%s' after '%s'", at, previous);
		free(previous);
		previous = strdup(at);
		list[(*count)++] = parse_line(at);
	}
	free(previous);
	return list;
}

static uint64_t value_of(const struct line *lines, size_t count, const char *stack)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(lines[i].stack, stack) == 0)
			return lines[i].value;
	return 0;
}

Test(folded, equals_the_naive_model)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct thag_buffer buffer = { 0 };
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 800, &MODEL_RAW);
		size_t count, expected = 0;

		cr_assert_eq(thag_folded_write(profile, &buffer), 0);
		struct line *lines = parse(&buffer, &count);

		for (size_t i = 0; i < model.stack_count; i++) {
			expected += model.stacks[i].self > 0;
			cr_expect_eq(value_of(lines, count, model.stacks[i].text),
				     model.stacks[i].self, "%s", model.stacks[i].text);
		}
		cr_expect_eq(count, expected, "no line twice, none of zero");
		free(lines);
		thag_buffer_fini(&buffer);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

/** A profile of one thread in which each name but the last calls the next. */
static struct thag_profile *make_chain(const char *const *chain, const size_t *bytes, size_t length,
				       uint64_t self)
{
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_tree_init(&tree, 1000), 0);
	for (uint32_t i = 0; i < length; i++) {
		thag_names_put(names, i + 2, 1, chain[i], bytes ? bytes[i] : strlen(chain[i]), "",
			       0, 0);
		node = thag_tree_child(&tree, node, i + 2);
		thag_tree_add_call(&tree, node, self * (length - i), self * (length - i));
	}
	cr_assert_eq(thag_profile_create(&profile, "root"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

/** The whole text for one function called `name`, with 7 ns. */
static char *folded_name(const char *name)
{
	struct thag_profile *profile = make_chain(&name, NULL, 1, 7);
	struct thag_buffer buffer = { 0 };

	cr_assert_eq(thag_folded_write(profile, &buffer), 0);
	thag_buffer_append(&buffer, "", 1);
	thag_profile_destroy(profile);
	return (char *)buffer.data;
}

Test(folded, names_can_not_forge_frames_lines_or_numbers)
{
	static const char *const cases[][2] = {
		{ "plain", "plain 7\n" },
		{ "std::map<int, a;b>::at", "std::map<int, a:b>::at 7\n" },
		{ "two\nlines 5\n", "two lines_5 7\n" },
		{ "\r\n\t ", "<unnamed> 7\n" },
		{ "\x1b[31mred", "[31mred 7\n" },
		{ "phase 2", "phase_2 7\n" },
		{ "at 2.5", "at_2.5 7\n" },
		{ "phase 2 b", "phase 2 b 7\n" },
		{ "1 2 3", "1 2_3 7\n" },
		{ "  many   spaces  ", "many spaces 7\n" },
		{ "caf\xc3\xa9", "caf\xc3\xa9 7\n" },
		{ "bad\xff utf", "bad\xef\xbf\xbd utf 7\n" },
		{ "line\xe2\x80\xa8separator", "line separator 7\n" },
		{ "<script>alert(1)</script>", "<script>alert(1)</script> 7\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = folded_name(cases[i][0]);

		cr_expect_str_eq(text, cases[i][1]);
		free(text);
	}
}

Test(folded, stacks_that_come_out_equal_are_summed)
{
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_buffer buffer = { 0 };
	struct thag_tree tree;

	cr_assert_eq(thag_names_create(&names), 0);
	thag_names_put(names, 2, 1, "a;b", 3, "", 0, 0);
	thag_names_put(names, 3, 1, "a:b", 3, "", 0, 0);
	thag_names_put(names, 4, 1, "c", 1, "", 0, 0);
	cr_assert_eq(thag_tree_init(&tree, 1000), 0);
	for (uint32_t site = 2; site <= 3; site++) {
		uint32_t node = thag_tree_child(&tree, 0, site);

		thag_tree_add_call(&tree, node, 10, 10);
		thag_tree_add_call(&tree, thag_tree_child(&tree, node, 4), 4, 4);
	}
	cr_assert_eq(thag_profile_create(&profile, "root"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	cr_assert_eq(thag_folded_write(profile, &buffer), 0);
	thag_buffer_append(&buffer, "", 1);
	cr_expect_str_eq((char *)buffer.data, "a:b 12\na:b;c 8\n");
	thag_buffer_fini(&buffer);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

/** Names from few characters, around those that separate, so that prefixes abound. */
static size_t random_name(struct model *model, char name[static 8])
{
	static const char alphabet[] = "a;: 19.!\n\xc3\xa9\xff~";
	size_t bytes = 1 + model_random(model) % 6;

	for (size_t i = 0; i < bytes; i++)
		name[i] = alphabet[model_random(model) % (sizeof(alphabet) - 1)];
	return bytes;
}

Test(folded, lines_of_any_names_are_sorted_and_keep_the_sum)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct model model = { .seed = 99 + seed };
		struct thag_names *names;
		struct thag_profile *profile;
		struct thag_buffer buffer = { 0 };
		struct thag_tree tree;
		uint32_t nodes;
		uint64_t sum = 0;
		size_t count;

		cr_assert_eq(thag_names_create(&names), 0);
		cr_assert_eq(thag_tree_init(&tree, 5000), 0);
		for (uint32_t site = 2; site < 300; site++) {
			char name[8];
			size_t bytes = random_name(&model, name);

			thag_names_put(names, site, 1, name, bytes, "", 0, 0);
		}
		while (tree.count < 2000) {
			uint32_t up = (uint32_t)(model_random(&model) % tree.count);
			uint32_t site = 2 + (uint32_t)(model_random(&model) % 298);

			thag_tree_add_call(&tree, thag_tree_child(&tree, up, site),
					   1 + model_random(&model) % 1000, 0);
		}
		for (uint32_t i = tree.count; i-- > 1;) {
			tree.nodes[i].total += i % 3 ? i : 0;
			tree.nodes[tree.nodes[i].parent].total += tree.nodes[i].total;
		}
		tree.nodes[0].total = 0;
		cr_assert_eq(thag_profile_create(&profile, "root"), 0);
		cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
		cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
		cr_assert_eq(thag_folded_write(profile, &buffer), 0);
		struct line *lines = parse(&buffer, &count);

		for (size_t i = 0; i < count; i++)
			sum += lines[i].value;
		cr_expect_eq(sum, thag_profile_nodes(profile, &nodes)[0].total_ns);
		free(lines);
		thag_buffer_fini(&buffer);
		thag_profile_destroy(profile);
		thag_tree_fini(&tree);
		thag_names_destroy(names);
	}
}

Test(folded, long_names_are_cut)
{
	char *name = malloc(1 << 20);

	memset(name, 'x', 1 << 20);
	name[(1 << 20) - 1] = '\0';
	char *text = folded_name(name);

	cr_expect_eq(strlen(text), 4096 + strlen(" 7\n"));
	cr_expect_str_eq(text + 4093, "\xe2\x80\xa6 7\n");
	free(text);
	free(name);
}

Test(folded, stacks_a_million_deep_stay_bounded_and_keep_the_sum)
{
	static const char name[] = "recurse_into_a_function_with_a_long_name";
	uint32_t node = 0, depth = 1000000;
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_buffer buffer = { 0 };
	struct thag_tree tree;
	uint64_t sum = 0;

	cr_assert_eq(thag_names_create(&names), 0);
	thag_names_put(names, 2, 1, name, sizeof(name) - 1, "", 0, 0);
	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, 2);
		thag_tree_add_call(&tree, node, 3ull * (depth - i), 3ull * (depth - i));
	}
	cr_assert_eq(thag_profile_create(&profile, "deep"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	cr_assert_eq(thag_folded_write(profile, &buffer), 0);
	cr_expect(buffer.bytes <= THAG_FOLDED_BYTES_MAX + (1 << 20));
	cr_expect(buffer.bytes >= THAG_FOLDED_BYTES_MAX / 2, "no more is left out than need be");
	thag_buffer_append(&buffer, "", 1);
	for (char *at = (char *)buffer.data; (at = strchr(at, ' ')); at++)
		sum += strtoull(at, NULL, 10);
	cr_expect_eq(sum, 3ull * depth);
	cr_expect_not_null(strstr((char *)buffer.data, ";" THAG_FOLDED_DEEPER " "));
	thag_buffer_fini(&buffer);
	thag_profile_destroy(profile);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
}

Test(folded, of_nothing_is_empty)
{
	struct thag_profile *profile = make_chain(NULL, NULL, 0, 0);
	struct thag_buffer buffer = { 0 };

	cr_expect_eq(thag_folded_write(profile, &buffer), 0);
	cr_expect_eq(buffer.bytes, 0);
	thag_profile_destroy(profile);
}
