/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include "thag_diff.h"
#include "thag_folded_read.h"

#define FAULTS_MAX 16

/** What a text came to. */
struct outcome {
	struct thag_profile *profiles[THAG_FOLDED_SIDES];
	struct thag_folded_counts counts;
	uint64_t fault_lines[FAULTS_MAX];
	const char *faults[FAULTS_MAX];
	uint32_t fault_count;
	char title[64];
	int ret;
};

static void note_fault(void *context, uint64_t line, const char *what)
{
	struct outcome *outcome = context;

	cr_assert(outcome->fault_count < FAULTS_MAX);
	outcome->fault_lines[outcome->fault_count] = line;
	outcome->faults[outcome->fault_count++] = what;
}

/** Reads `text` in pieces of `step` bytes. */
static struct outcome read_pieces(const char *text, size_t bytes, size_t step, bool strict,
				  uint32_t most)
{
	struct outcome outcome = { 0 };
	const struct thag_folded_options options = { .root_name = "all",
						     .strict = strict,
						     .stacks_most = most,
						     .malformed = note_fault,
						     .context = &outcome };
	struct thag_folded_reader *reader;

	cr_assert_eq(thag_folded_reader_create(&reader, &options), 0);
	for (size_t at = 0; at < bytes && !outcome.ret; at += step)
		outcome.ret = thag_folded_reader_feed(reader, text + at,
						      bytes - at < step ? bytes - at : step);
	if (!outcome.ret)
		outcome.ret = thag_folded_reader_finish(reader, outcome.profiles);
	thag_folded_reader_count(reader, &outcome.counts);
	snprintf(outcome.title, sizeof(outcome.title), "%s", thag_folded_reader_title(reader));
	thag_folded_reader_destroy(reader);
	return outcome;
}

static struct outcome read_text(const char *text)
{
	return read_pieces(text, strlen(text), SIZE_MAX / 2, false, 0);
}

static void outcome_fini(struct outcome *outcome)
{
	for (int side = 0; side < THAG_FOLDED_SIDES; side++)
		thag_profile_destroy(outcome->profiles[side]);
}

/** The profile of one side, folded again: terminated, for the caller to free. */
static char *fold(const struct outcome *outcome, int side)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(outcome->ret, 0);
	cr_assert_eq(thag_folded_write(outcome->profiles[side], &out), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	return (char *)out.data;
}

/** What a text comes to when it is read and folded again. */
static void expect_folded(const char *text, const char *expected)
{
	struct outcome outcome = read_text(text);
	char *folded = fold(&outcome, 0);

	cr_expect_str_eq(folded, expected, "'%s' became '%s'", text, folded);
	free(folded);
	outcome_fini(&outcome);
}

static void expect_fault(const char *text, uint64_t line, const char *what)
{
	struct outcome outcome = read_text(text);

	cr_expect_eq(outcome.ret, 0);
	cr_assert_eq(outcome.fault_count, 1, "%u faults of '%s'", outcome.fault_count, text);
	cr_expect_eq(outcome.fault_lines[0], line);
	cr_expect_str_eq(outcome.faults[0], what);
	cr_expect_eq(outcome.counts.malformed, 1);
	outcome_fini(&outcome);
}

Test(folded_read, gives_back_what_was_written_however_it_is_cut)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct thag_buffer text = { 0 };
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 2, 300, &MODEL_RAW);

		cr_assert_eq(thag_folded_write(profile, &text), 0);
		for (size_t step = 1; step <= text.bytes; step = step * 3 + 1) {
			struct outcome outcome =
				read_pieces((const char *)text.data, text.bytes, step, true, 0);
			char *again = fold(&outcome, 0);

			cr_expect_eq(strlen(again), text.bytes);
			cr_expect_eq(memcmp(again, text.data, text.bytes), 0);
			free(again);
			outcome_fini(&outcome);
		}
		thag_buffer_fini(&text);
		thag_profile_destroy(profile);
		model_fini(&model);
	}
}

Test(folded_read, sums_equal_stacks_wherever_they_stand)
{
	expect_folded("b;c 1\na 2\nb;c 3\nb 4\n", "a 2\nb 4\nb;c 4\n");
	expect_folded("a;a;a 1\na;a 2\na;a;a 1\n", "a;a 2\na;a;a 2\n");
	expect_folded("ab;c 1\nab 2\na;bc 3\na 4\nabc 5\n", "a 4\na;bc 3\nab 2\nab;c 1\nabc 5\n");
}

Test(folded_read, takes_line_ends_marks_and_headers_as_they_come)
{
	expect_folded("\xef\xbb\xbf# Time\r\n#\r\n\r\na;b 1\r\n\r\nc 2", "a;b 1\nc 2\n");
	struct outcome outcome = read_text("# \tTime of x\n# more\n#a 1\n");

	cr_expect_str_eq(outcome.title, "Time of x");
	cr_expect_eq(outcome.counts.stacks, 0);
	outcome_fini(&outcome);
	/* a header no more once there are stacks */
	expect_folded("a 1\n#b 2\n", "#b 2\na 1\n");
}

Test(folded_read, keeps_spaces_and_digits_of_frames)
{
	expect_folded("operator new(unsigned long);std::map<int, int> 12\n",
		      "operator new(unsigned long);std::map<int, int> 12\n");
	/* the first stack has one value, so the others do */
	expect_folded("a 1\nworker 3 2\n", "a 1\nworker_3 2\n");
	expect_folded("a\t7\n", "a 7\n");
	expect_folded("a -1 7\n", "a -1 7\n"); /* no value is negative: a frame's */
}

Test(folded_read, reads_both_sides_of_a_difference)
{
	struct outcome outcome = read_text("a;b 1 20\na;c 3 0\na;b 1 0\n");
	char *before = fold(&outcome, 0), *after = fold(&outcome, 1);

	cr_expect_eq(outcome.counts.sides, 2);
	cr_expect_str_eq(before, "a;b 2\na;c 3\n");
	cr_expect_str_eq(after, "a;b 20\n");
	free(before);
	free(after);
	outcome_fini(&outcome);
	expect_fault("a 1 2\nb 1\n", 2, "one number at its end, where the first stack has two");
}

Test(folded_read, names_the_line_of_what_is_malformed)
{
	expect_fault("a 1\n\nb\nc 2\n", 3, "no number at its end");
	expect_fault("a 1\n12\n", 2, "no number at its end");
	expect_fault("a 1\n 12\n", 2, "no stack before its number");
	expect_fault("a 1\nb -3\n", 2, "its number is negative");
	expect_fault("a 1\nb 1e5\n", 2, "no number at its end");
	expect_fault("a 1\nb 0x10\n", 2, "no number at its end");
	expect_fault("a 1\nb 18446744073709551616\n", 2, "its number is larger than 2^64 - 1");
}

Test(folded_read, goes_on_after_a_malformed_line)
{
	expect_folded("nothing\na;b 1\nnor this\na;b 2\n", "a;b 3\n");
}

Test(folded_read, ends_at_the_first_malformed_line_when_strict)
{
	static const char text[] = "a 1\nb\nc\n";
	struct outcome outcome = read_pieces(text, strlen(text), 100, true, 0);

	cr_expect_eq(outcome.ret, -EBADMSG);
	cr_expect_eq(outcome.fault_count, 1);
	cr_expect_eq(outcome.counts.lines, 2);
}

Test(folded_read, has_values_of_all_64_bits)
{
	expect_folded("a 18446744073709551614\nb 1\n", "a 18446744073709551614\nb 1\n");
	struct outcome outcome = read_text("a 18446744073709551615\nb 1\n");

	cr_expect_eq(outcome.ret, -EOVERFLOW);
}

Test(folded_read, counts_fractions_that_it_drops)
{
	struct outcome outcome = read_text("a 1.0\nb 2.75\nc 3.\n");
	char *folded = fold(&outcome, 0);

	cr_expect_str_eq(folded, "a 1\nb 2\nc 3\n");
	cr_expect_eq(outcome.counts.fractions, 1);
	free(folded);
	outcome_fini(&outcome);
}

Test(folded_read, stops_at_its_bound_of_distinct_stacks)
{
	static const char many[] = "a 1\nb 1\nc 1\n", few[] = "a 1\nb 1\na 1\nb 5\n";
	struct outcome outcome = read_pieces(many, strlen(many), 100, false, 2);

	cr_expect_eq(outcome.ret, -E2BIG);
	outcome = read_pieces(few, strlen(few), 100, false, 2);
	cr_expect_eq(outcome.ret, 0);
	outcome_fini(&outcome);
}

Test(folded_read, has_empty_frames_and_a_million_levels)
{
	size_t levels = 1000000;
	char *text = malloc(levels * 2 + 8);

	for (size_t i = 0; i < levels; i++)
		memcpy(text + i * 2, "f;", 2);
	memcpy(text + levels * 2 - 1, " 7\n", 4);
	struct outcome outcome = read_text(text);
	uint32_t count;

	cr_assert_eq(outcome.ret, 0);
	const struct thag_profile_node *nodes = thag_profile_nodes(outcome.profiles[0], &count);

	cr_expect_eq(count, levels + 1);
	cr_expect_eq(nodes[0].total_ns, 7);
	free(text);
	outcome_fini(&outcome);
	expect_folded(";a;;b; 1\n", "<unnamed>;a;<unnamed>;b;<unnamed> 1\n");
}

Test(folded_read, of_nothing_is_an_empty_profile)
{
	expect_folded("", "");
	expect_folded("\n\r\n", "");
}
